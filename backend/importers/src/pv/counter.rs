//! A meter's cumulative counter, read once a day. A day's energy is the step from the reading before; after
//! days without a step the next one holds them all and counts for its own day.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::{above_capacity, capacity, draft, meter, no_energy};
use crate::civil::{self, Order};
use crate::decimal::Decimal;
use crate::format::{Format, Layout, Outcome, Row};
use crate::item::Reason;
use crate::kind::{Kind, Options};

pub(crate) const LAYOUT: Layout = Layout {
    kind: Kind::Pv,
    name: "PV counter readings",
    required: &["date", "Cumulative_solar_power"],
    optional: &["meter_id"],
    zone: chrono_tz::Europe::Brussels,
    build: |options, _| Ok(Box::new(Counters::new(options))),
};
const DAY: usize = 0;
const COUNTER: usize = 1;
const METER: usize = 2;

/// Most hours of full power in one day.
const FULL_LOAD_HOURS: i64 = 8;

struct Counters {
    capacity_kw: Decimal,
    subject: Option<String>,
    meters: BTreeMap<String, BTreeMap<NaiveDate, (Decimal, u32)>>,
    steps: HashMap<u32, Step>,
}

/// What the reading of a row says about its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    First,
    None,
    Reset,
    AboveCapacity,
    Energy(i64),
}

impl Counters {
    fn new(options: &Options) -> Self {
        Self {
            capacity_kw: capacity(options),
            subject: options.subject.clone(),
            meters: BTreeMap::new(),
            steps: HashMap::new(),
        }
    }

    fn step(&self, before: (NaiveDate, Decimal), now: (NaiveDate, Decimal)) -> Step {
        let Some(energy) = now.1.checked_sub(before.1) else { return Step::Reset };
        if energy.is_negative() {
            return Step::Reset;
        }
        let days = now.0.signed_duration_since(before.0).num_days();
        let most = self.capacity_kw.checked_times(days.saturating_mul(FULL_LOAD_HOURS));
        match energy.rounded(1000, 1) {
            Some(0) => Step::None,
            Some(energy_wh) if most.is_some_and(|most| energy <= most) => Step::Energy(energy_wh),
            _ => Step::AboveCapacity,
        }
    }
}

fn read(row: &Row<'_>) -> Result<(NaiveDate, Decimal), Reason> {
    Ok((civil::day(row.required(DAY)?, Order::Dmy)?, row.amount(COUNTER)?))
}

impl Format for Counters {
    fn survey(&mut self, row: &Row<'_>) -> Result<Option<NaiveDate>, Reason> {
        let (day, counter) = read(row)?;
        let meter = meter(row.text(METER), self.subject.as_deref(), row).to_owned();
        if let Entry::Vacant(place) = self.meters.entry(meter).or_default().entry(day) {
            place.insert((counter, row.ordinal));
        }
        Ok(Some(day))
    }

    fn settle(&mut self) {
        for readings in std::mem::take(&mut self.meters).values() {
            let mut before = None;
            for (&day, &(counter, ordinal)) in readings {
                let step = before.map_or(Step::First, |before| self.step(before, (day, counter)));
                self.steps.insert(ordinal, step);
                before = Some((day, counter));
            }
        }
    }

    fn emit(&mut self, row: &Row<'_>, outcomes: &mut Vec<Outcome>) {
        outcomes.push(read(row).and_then(|(day, _)| match self.steps.get(&row.ordinal) {
            None => Err(Reason::duplicate()),
            Some(Step::None) => Err(no_energy()),
            Some(Step::AboveCapacity) => Err(above_capacity()),
            Some(Step::Energy(energy_wh)) => {
                Ok(draft(meter(row.text(METER), self.subject.as_deref(), row), day, *energy_wh))
            }
            Some(Step::First) => Err(Reason::new(
                "first_reading",
                "第一次读数，没有可比的前一读数",
                "the first reading: there is none before it to compare with",
            )),
            Some(Step::Reset) => Err(Reason::new(
                "counter_reset",
                "读数低于前一次，电表可能已更换或归零",
                "the counter is lower than before: replaced or reset",
            )),
        }));
    }
}
