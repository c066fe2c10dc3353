//! Step totals of a day.

use std::collections::HashSet;

use chrono::NaiveDate;

use crate::civil::{self, Order};
use crate::decimal::Decimal;
use crate::draft::{Draft, key};
use crate::format::{Format, Layout, Outcome, Row};
use crate::item::Reason;
use crate::kind::Kind;

pub(crate) const LAYOUT: Layout = Layout {
    kind: Kind::Steps,
    name: "daily step totals",
    required: &["Id", "ActivityDate", "TotalSteps"],
    optional: &["SedentaryMinutes"],
    zone: chrono_tz::Asia::Shanghai,
    build: |_, _| Ok(Box::new(Steps::default())),
};
const WEARER: usize = 0;
const DAY: usize = 1;
const STEPS: usize = 2;
const SEDENTARY: usize = 3;

/// A day's minutes: who sits for all of them does not wear the tracker.
const DAY_MINUTES: i32 = 1_440;

#[derive(Default)]
struct Steps {
    seen: HashSet<u64>,
}

fn read(row: &Row<'_>) -> Result<(NaiveDate, i64), Reason> {
    row.required(WEARER)?;
    let day = civil::day(row.required(DAY)?.split(' ').next().unwrap_or(""), Order::Mdy)?;
    let steps = row.amount(STEPS)?.rounded(1, 1).ok_or_else(|| row.bad_number(STEPS))?;
    let unworn = !row.text(SEDENTARY).is_empty() && row.amount(SEDENTARY)? >= Decimal::whole(DAY_MINUTES);
    if steps == 0 || unworn {
        return Err(Reason::new(
            "not_worn",
            "步数为 0 或全天静止，设备未佩戴",
            "no steps, or no movement all day: the tracker was not worn",
        ));
    }
    Ok((day, steps))
}

impl Format for Steps {
    fn survey(&mut self, row: &Row<'_>) -> Result<Option<NaiveDate>, Reason> {
        Ok(Some(read(row)?.0))
    }

    fn emit(&mut self, row: &Row<'_>, outcomes: &mut Vec<Outcome>) {
        outcomes.push(read(row).and_then(|(day, steps)| {
            let (wearer, date) = (row.text(WEARER), day.to_string());
            if !self.seen.insert(key(&[wearer, &date])) {
                return Err(Reason::duplicate());
            }
            Ok(Draft::new("walk_steps", wearer, civil::days_end(day), &[&date])
                .with("steps_step", steps.to_string()))
        }));
    }
}
