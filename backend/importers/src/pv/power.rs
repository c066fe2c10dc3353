//! Mean power of equal intervals. A day's energy is summed exactly over the measured daylight intervals and
//! rounded once to watt-hours; gaps are not filled.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{Days, NaiveDate, NaiveDateTime, Timelike};
use tanhui_domain::text::Text;

use super::{above_capacity, capacity, draft, meter, no_energy};
use crate::civil;
use crate::decimal::Decimal;
use crate::draft::key;
use crate::format::{Format, Layout, Outcome, Row};
use crate::item::Reason;
use crate::kind::{Kind, Options};

/// Mean kW of half hours under the time of their start; the first column has no name.
pub(crate) const HALF_HOUR_KW: Layout = Layout {
    kind: Kind::Pv,
    name: "PV power, half hours in kW",
    required: &["", "GG"],
    optional: &["meter_id"],
    zone: chrono_tz::Australia::Sydney,
    build: |options, _| Ok(Box::new(Power::new(options, Grid { minutes: 30, per_kw: 1 }))),
};

/// Watts every quarter of an hour, several systems in a file.
pub(crate) const QUARTER_HOUR_W: Layout = Layout {
    kind: Kind::Pv,
    name: "PV power, quarter hours in W",
    required: &["read_on", "power", "system_id"],
    optional: &[],
    zone: chrono_tz::America::Denver,
    build: |options, _| Ok(Box::new(Power::new(options, Grid { minutes: 15, per_kw: 1000 }))),
};
const AT: usize = 0;
const POWER: usize = 1;
const METER: usize = 2;

/// Daylight by the local clock, in minutes of the day: wide enough for a summer's day in the temperate zones.
const DAYLIGHT: std::ops::Range<u32> = 5 * 60..21 * 60;
/// Energy of a night that is the meter's offset and no generation.
const NIGHT_WH: i64 = 50;
/// A meter that passes the capacity on so many days is no household's: none of its days counts.
const DAYS_ABOVE_MAX: u32 = 3;
/// How far a stamp may lie from its interval.
const STAMP_SECONDS: u32 = 120;

/// Spacing and unit of the readings.
#[derive(Debug, Clone, Copy)]
struct Grid {
    minutes: u32,
    /// How many of the file's units make a kW.
    per_kw: i64,
}

struct Power {
    grid: Grid,
    capacity: Option<Decimal>,
    subject: Option<String>,
    days: BTreeMap<(u64, NaiveDate), Day>,
    /// Rows after which a day is complete.
    closing: HashMap<u32, Vec<(u64, NaiveDate)>>,
    duplicates: HashSet<u32>,
    /// On how many days each meter passes the capacity.
    days_above: HashMap<u64, u32>,
    gaps: u64,
}

struct Day {
    /// Power by the minute of the day at which its interval begins.
    slots: BTreeMap<u32, Decimal>,
    last_ordinal: u32,
}

impl Power {
    fn new(options: &Options, grid: Grid) -> Self {
        Self {
            grid,
            capacity: capacity(options).checked_times(grid.per_kw),
            subject: options.subject.clone(),
            days: BTreeMap::new(),
            closing: HashMap::new(),
            duplicates: HashSet::new(),
            days_above: HashMap::new(),
            gaps: 0,
        }
    }

    fn read(&self, row: &Row<'_>) -> Result<(NaiveDate, u32, Decimal), Reason> {
        let stamp = civil::stamp(row.required(AT)?)?;
        let power = row.number(POWER)?;
        let (day, minute) = self.grid.slot(stamp).ok_or_else(odd_stamp)?;
        Ok((day, minute, power))
    }

    fn is_above(&self, day: &Day) -> bool {
        day.slots.values().any(|power| self.capacity.is_none_or(|most| *power > most))
    }

    fn close(&self, meter: &str, id: (u64, NaiveDate), day: &Day, outcomes: &mut Vec<Outcome>) {
        let wh = |daylight: bool| {
            let slots = day.slots.iter().filter(|(minute, _)| DAYLIGHT.contains(minute) == daylight);
            let sum = slots
                .filter(|(_, power)| !power.is_negative())
                .try_fold(Decimal::default(), |sum, (_, power)| sum.checked_add(*power))?;
            let minutes = i64::from(self.grid.minutes).checked_mul(1000)?;
            sum.rounded(minutes, self.grid.per_kw.checked_mul(60)?)
        };
        let too_big = self.days_above.get(&id.0).is_some_and(|days| *days >= DAYS_ABOVE_MAX);
        let above = too_big || self.is_above(day);
        outcomes.push(match wh(true) {
            Some(energy_wh) if !above && energy_wh > 0 => Ok(draft(meter, id.1, energy_wh)),
            Some(_) if !above => Err(no_energy()),
            _ => Err(above_capacity()),
        });
        if wh(false).is_none_or(|night_wh| night_wh > NIGHT_WH) {
            outcomes.push(Err(Reason::new(
                "night_generation",
                "21:00 至 5:00 之间的发电量不计",
                "what is generated between 21:00 and 05:00 earns nothing",
            )));
        }
    }
}

impl Grid {
    /// The interval that a stamp stands for: a few seconds off is the logger's clock.
    fn slot(self, stamp: NaiveDateTime) -> Option<(NaiveDate, u32)> {
        let interval = self.minutes.checked_mul(60)?;
        let seconds = stamp.time().num_seconds_from_midnight();
        let after = seconds.checked_rem(interval)?;
        let minute = seconds.checked_div(interval)?.checked_mul(self.minutes)?;
        if after <= STAMP_SECONDS {
            return Some((stamp.date(), minute));
        }
        if interval.checked_sub(after)? > STAMP_SECONDS {
            return None;
        }
        let next = minute.checked_add(self.minutes)?;
        if next < 24 * 60 {
            return Some((stamp.date(), next));
        }
        Some((stamp.date().checked_add_days(Days::new(1))?, 0))
    }

    /// Whether more than one reading of the daylight is missing.
    fn has_gap(self, day: &Day) -> bool {
        let expected = DAYLIGHT.end.saturating_sub(DAYLIGHT.start).checked_div(self.minutes).unwrap_or(0);
        let found = day.slots.range(DAYLIGHT).count();
        usize::try_from(expected).is_ok_and(|expected| found.saturating_add(1) < expected)
    }
}

fn odd_stamp() -> Reason {
    Reason::new(
        "odd_stamp",
        "时间与读数间隔相差超过两分钟",
        "the time lies more than two minutes off the readings' intervals",
    )
}

impl Format for Power {
    fn survey(&mut self, row: &Row<'_>) -> Result<Option<NaiveDate>, Reason> {
        let (date, minute, power) = self.read(row)?;
        let meter = key(&[meter(row.text(METER), self.subject.as_deref(), row)]);
        let day = self
            .days
            .entry((meter, date))
            .or_insert_with(|| Day { slots: BTreeMap::new(), last_ordinal: row.ordinal });
        day.last_ordinal = row.ordinal;
        match day.slots.entry(minute) {
            Entry::Vacant(slot) => {
                slot.insert(power);
            }
            Entry::Occupied(_) => {
                self.duplicates.insert(row.ordinal);
            }
        }
        Ok(Some(date))
    }

    fn settle(&mut self) {
        for (id, day) in &self.days {
            self.closing.entry(day.last_ordinal).or_default().push(*id);
            if self.is_above(day) {
                let days = self.days_above.entry(id.0).or_default();
                *days = days.saturating_add(1);
            }
            self.gaps = self.gaps.saturating_add(u64::from(self.grid.has_gap(day)));
        }
    }

    fn emit(&mut self, row: &Row<'_>, outcomes: &mut Vec<Outcome>) {
        if let Err(reason) = self.read(row) {
            outcomes.push(Err(reason));
            return;
        }
        if self.duplicates.contains(&row.ordinal) {
            outcomes.push(Err(Reason::duplicate()));
        }
        for id in self.closing.remove(&row.ordinal).unwrap_or_default() {
            if let Some(day) = self.days.get(&id) {
                let meter = meter(row.text(METER), self.subject.as_deref(), row);
                self.close(meter, id, day, outcomes);
            }
        }
    }

    fn notes(&self) -> Vec<Text> {
        if self.gaps == 0 {
            return Vec::new();
        }
        let gaps = self.gaps;
        vec![Text::new(
            format!("{gaps} 天白昼读数不全，只计已测部分"),
            format!("{gaps} days lack readings in daylight; only what was measured counts"),
        )]
    }
}
