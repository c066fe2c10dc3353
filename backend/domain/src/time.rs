//! Instants cut to microseconds, and the city's civil days and periods.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Tells the time. Passed in, so that tests and simulations choose it.
pub trait Clock: Send + Sync + 'static {
    /// The present instant, cut to microseconds.
    fn now(&self) -> DateTime<Utc>;
}

/// Cuts an instant to whole microseconds, the finest that the stores keep.
#[must_use]
pub fn to_micros(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.trunc_subsecs(6)
}

/// The civil day of an instant in a city's time zone.
#[must_use]
pub fn civil_day(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// The first instant of a civil day in a city's time zone, or the end of the calendar.
#[must_use]
pub fn day_start(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    // A clock that jumps over midnight begins the day within the next hours.
    let first = (0..=6).find_map(|half_hours| {
        let local = midnight.checked_add_signed(TimeDelta::minutes(30_i64.saturating_mul(half_hours)))?;
        zone.from_local_datetime(&local).earliest()
    });
    first.map_or(DateTime::<Utc>::MAX_UTC, |first| first.with_timezone(&Utc))
}

/// A span of civil days that caps and boards count in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// One civil day.
    Day,
    /// Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
    /// Since ever.
    All,
}

/// Half-open range of civil days: `from` is in, `until` is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DayRange {
    /// First day inside.
    pub from: NaiveDate,
    /// First day after.
    pub until: NaiveDate,
}

impl DayRange {
    /// Whether the day lies inside.
    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.from <= day && day < self.until
    }
}

impl Period {
    /// The range of this period that holds the day. Saturates at the ends of the calendar.
    #[must_use]
    pub fn range(self, day: NaiveDate) -> DayRange {
        let from = match self {
            Self::Day => day,
            Self::Week => back(day, u64::from(day.weekday().num_days_from_monday())),
            Self::Month => back(day, u64::from(day.day0())),
            Self::Year => back(day, u64::from(day.ordinal0())),
            Self::All => NaiveDate::MIN,
        };
        let until = match self {
            Self::Day => from.checked_add_days(Days::new(1)),
            Self::Week => from.checked_add_days(Days::new(7)),
            Self::Month => from.checked_add_months(Months::new(1)),
            Self::Year => from.checked_add_months(Months::new(12)),
            Self::All => None,
        };
        DayRange { from, until: until.unwrap_or(NaiveDate::MAX) }
    }
}

fn back(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    #[test]
    fn periods_are_half_open_civil_ranges() {
        let friday = day(2026, 2, 27);
        assert_eq!(Period::Day.range(friday), DayRange { from: friday, until: day(2026, 2, 28) });
        assert_eq!(Period::Week.range(friday), DayRange { from: day(2026, 2, 23), until: day(2026, 3, 2) });
        assert_eq!(Period::Month.range(friday), DayRange { from: day(2026, 2, 1), until: day(2026, 3, 1) });
        assert_eq!(Period::Year.range(friday), DayRange { from: day(2026, 1, 1), until: day(2027, 1, 1) });
        assert!(Period::All.range(friday).contains(day(1970, 1, 1)));
    }

    #[test]
    fn the_day_changes_at_the_citys_midnight() {
        let zone = chrono_tz::Asia::Shanghai;
        let late: DateTime<Utc> = "2026-03-01T15:59:59Z".parse().unwrap();
        let midnight: DateTime<Utc> = "2026-03-01T16:00:00Z".parse().unwrap();
        assert_eq!(civil_day(late, zone), day(2026, 3, 1));
        assert_eq!(civil_day(midnight, zone), day(2026, 3, 2));
        assert_eq!(day_start(day(2026, 3, 2), zone), midnight);
        let skipped = day_start(day(2018, 11, 4), chrono_tz::America::Sao_Paulo);
        assert_eq!(skipped.to_rfc3339(), "2018-11-04T03:00:00+00:00", "its clocks went from 0:00 to 1:00");
    }
}
