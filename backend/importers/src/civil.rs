//! Local dates and times as files write them, turned into instants. Reads no clock.

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;

use crate::item::Reason;

/// In which order a date's parts stand when it does not begin with a four-digit year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ymd,
    Dmy,
    Mdy,
}

const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;

/// Reads `2018-09-01 07:57:12`, `2016/8/1 0:23`; a `T` may stand for the blank.
pub(crate) fn stamp(text: &str) -> Result<NaiveDateTime, Reason> {
    read_stamp(text).filter(|stamp| YEARS.contains(&stamp.year())).ok_or_else(|| bad_date(text))
}

/// Like [`stamp`], but takes years below 100 for 20xx; true when that was needed.
pub(crate) fn stamp_mended(text: &str) -> Result<(NaiveDateTime, bool), Reason> {
    let read = read_stamp(text).ok_or_else(|| bad_date(text))?;
    if (0..100).contains(&read.year()) {
        let mended = read.with_year(read.year().saturating_add(2000)).ok_or_else(|| bad_date(text))?;
        return Ok((mended, true));
    }
    if YEARS.contains(&read.year()) { Ok((read, false)) } else { Err(bad_date(text)) }
}

/// Reads a date alone.
pub(crate) fn day(text: &str, order: Order) -> Result<NaiveDate, Reason> {
    read_day(text, order).filter(|day| YEARS.contains(&day.year())).ok_or_else(|| bad_date(text))
}

fn bad_date(text: &str) -> Reason {
    let shown: String = text.chars().take(40).collect();
    Reason::new(
        "bad_date",
        format!("日期或时间无法识别：{shown}"),
        format!("cannot read the date or time {shown:?}"),
    )
}

fn read_stamp(text: &str) -> Option<NaiveDateTime> {
    let (date, time) = text.split_once([' ', 'T'])?;
    Some(read_day(date, Order::Ymd)?.and_time(read_time(time.trim_start())?))
}

fn read_day(text: &str, order: Order) -> Option<NaiveDate> {
    let separator = if text.contains('/') { '/' } else { '-' };
    let mut parts = text.split(separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (year, month, day) = match order {
        _ if first.len() == 4 => (first, second, third),
        Order::Ymd => return None,
        Order::Dmy => (third, second, first),
        Order::Mdy => (third, first, second),
    };
    if year.len() != 4 {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(digits(year, 4)?).ok()?, digits(month, 2)?, digits(day, 2)?)
}

fn read_time(text: &str) -> Option<NaiveTime> {
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if digits(fraction, 9).is_some() => whole,
        Some(_) => return None,
        None => text,
    };
    let mut parts = whole.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = parts.next().map_or(Some(0), |part| digits(part, 2))?;
    if parts.next().is_some() {
        return None;
    }
    NaiveTime::from_hms_opt(hour, minute, second)
}

fn digits(text: &str, most: usize) -> Option<u32> {
    let fits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// The instant of a local time. Of an hour that happens twice the first is meant; a time that the clocks
/// skipped is read as if they had not been put forward.
pub(crate) fn instant(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.to_utc()),
        LocalResult::None => {
            let hour = TimeDelta::hours(1);
            let before = zone.from_local_datetime(&local.checked_sub_signed(hour)?).earliest()?;
            before.to_utc().checked_add_signed(hour)
        }
    }
}

/// The Monday of a day's week.
pub(crate) fn monday(day: NaiveDate) -> NaiveDate {
    let back = Days::new(day.weekday().num_days_from_monday().into());
    day.checked_sub_days(back).unwrap_or(day)
}

/// A day's last minute: the time of an act that is only known as a day's total.
pub(crate) fn days_end(day: NaiveDate) -> NaiveDateTime {
    day.and_time(NaiveTime::from_hms_opt(23, 59, 0).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_files_write_them() {
        for (text, expected) in [
            ("2018-09-01 07:57:12", Some("2018-09-01 07:57:12")),
            ("2016/8/1 0:23", Some("2016-08-01 00:23:00")),
            ("2019-01-01T00:15:05.250", Some("2019-01-01 00:15:05")),
            ("2018-02-29 00:00:00", None),
            ("2018-09-01", None),
            ("2018-09-01 24:00:00", None),
            ("2018-09-01 07:57:60", None),
            ("1/9/2018 07:57", None),
            ("1969-12-31 23:59:59", None),
            ("1970-01-01 00:00:00", Some("1970-01-01 00:00:00")),
            ("2199-12-31 23:59:59", Some("2199-12-31 23:59:59")),
            ("2200-01-01 00:00:00", None),
            ("", None),
        ] {
            assert_eq!(stamp(text).ok().map(|stamp| stamp.to_string()).as_deref(), expected, "{text}");
        }
        assert_eq!(day("26/1/2011", Order::Dmy).unwrap().to_string(), "2011-01-26");
        assert_eq!(day("4/13/2016", Order::Mdy).unwrap().to_string(), "2016-04-13");
        assert_eq!(day("04/05/2016", Order::Mdy).unwrap().to_string(), "2016-04-05");
        assert_eq!(day("2016-04-05", Order::Dmy).unwrap().to_string(), "2016-04-05");
        assert_eq!(day("13/13/2016", Order::Mdy).unwrap_err().code, "bad_date");
        assert_eq!(day("1/1/16", Order::Dmy).unwrap_err().code, "bad_date");
    }

    #[test]
    fn lost_centuries_are_mended_and_told() {
        let (mended, told) = stamp_mended("0014-11-18 15:40:26").unwrap();
        assert_eq!((mended.to_string().as_str(), told), ("2014-11-18 15:40:26", true));
        assert!(!stamp_mended("2015-11-18 15:40:26").unwrap().1);
        assert_eq!(stamp_mended("0099-01-01 00:00:00").unwrap().0.year(), 2099);
        assert!(stamp_mended("0100-01-01 00:00:00").is_err());
    }

    #[test]
    fn clock_changes_have_one_answer() {
        let zone = chrono_tz::Europe::London;
        let at = |text: &str| instant(stamp(text).unwrap(), zone).unwrap().to_rfc3339();
        assert_eq!(at("2018-10-28 01:30:00"), "2018-10-28T00:30:00+00:00");
        assert_eq!(at("2018-03-25 01:30:00"), "2018-03-25T01:30:00+00:00");
    }
}
