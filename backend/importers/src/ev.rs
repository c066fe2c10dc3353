//! Charging sessions: energy, two local times, a driver.

use std::collections::HashSet;

use chrono::{NaiveDate, NaiveDateTime};
use tanhui_domain::text::Text;

use crate::civil;
use crate::decimal::thousandths;
use crate::draft::{Draft, key};
use crate::format::{Format, Layout, Outcome, Row};
use crate::item::Reason;
use crate::kind::Kind;

pub(crate) const LAYOUT: Layout = Layout {
    kind: Kind::Ev,
    name: "charging sessions",
    required: &["sessionId", "kwhTotal", "created", "ended", "userId"],
    optional: &[],
    zone: chrono_tz::America::New_York,
    build: |_, _| Ok(Box::new(Sessions::default())),
};
const SESSION: usize = 0;
const ENERGY: usize = 1;
const CREATED: usize = 2;
const ENDED: usize = 3;
const DRIVER: usize = 4;

/// Longest session in seconds; a car that hangs on longer was left there.
const SECONDS_MAX: i64 = 24 * 3600;

#[derive(Default)]
struct Sessions {
    seen: HashSet<u64>,
    mended: u64,
}

struct Session {
    ended: NaiveDateTime,
    energy_wh: i64,
    mended: bool,
}

fn read(row: &Row<'_>) -> Result<Session, Reason> {
    row.required(SESSION)?;
    row.required(DRIVER)?;
    let (created, created_mended) = civil::stamp_mended(row.required(CREATED)?)?;
    let (ended, ended_mended) = civil::stamp_mended(row.required(ENDED)?)?;
    let energy_wh = row.amount(ENERGY)?.rounded(1000, 1).ok_or_else(|| row.bad_number(ENERGY))?;
    let seconds = ended.signed_duration_since(created).num_seconds();
    if seconds < 0 {
        return Err(Reason::new("ends_before_start", "结束时间早于开始时间", "ends before it starts"));
    }
    if seconds > SECONDS_MAX {
        return Err(Reason::new("too_long", "充电超过 24 小时", "the session takes more than 24 hours"));
    }
    if energy_wh == 0 {
        return Err(Reason::new("no_energy", "充电量为 0", "no energy was charged"));
    }
    Ok(Session { ended, energy_wh, mended: created_mended || ended_mended })
}

impl Format for Sessions {
    fn survey(&mut self, row: &Row<'_>) -> Result<Option<NaiveDate>, Reason> {
        Ok(Some(read(row)?.ended.date()))
    }

    fn emit(&mut self, row: &Row<'_>, outcomes: &mut Vec<Outcome>) {
        let (session, driver) = (row.text(SESSION), row.text(DRIVER));
        outcomes.push(read(row).and_then(|read| {
            if !self.seen.insert(key(&[session, driver])) {
                return Err(Reason::duplicate());
            }
            self.mended = self.mended.saturating_add(u64::from(read.mended));
            Ok(Draft::new("ev_charge_kwh", driver, read.ended, &[session])
                .with("energy_kwh", thousandths(read.energy_wh)))
        }));
    }

    fn notes(&self) -> Vec<Text> {
        if self.mended == 0 {
            return Vec::new();
        }
        let count = self.mended;
        vec![Text::new(
            format!("{count} 行的年份只有两位有效（如 0014），已按 20xx 年读取"),
            format!("{count} rows have a year below 100 (such as 0014), read as 20xx"),
        )]
    }
}
