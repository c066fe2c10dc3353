//! When points expire and which lateness of events is accepted, as the rule file says it.

use chrono::{Datelike, Days, Months, NaiveDate, TimeDelta};

use super::diagnostic::{Finding, text};
use super::section::Reading;
use super::yaml::Node;
use crate::time::Period;

/// Longest span of any kind, in its own unit.
const SPAN_MAX: u32 = 10_000;
/// Most days until points can be spent.
pub const SETTLE_DAYS_MAX: u32 = 366;

/// How far an event may lie from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acceptance {
    /// How old an event may be; none for any age.
    pub late: Option<TimeDelta>,
    /// How far ahead of the clock an event may lie.
    pub early: TimeDelta,
}

impl Default for Acceptance {
    fn default() -> Self {
        Self { late: None, early: TimeDelta::minutes(10) }
    }
}

/// How long points are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expiry {
    after: Span,
    /// Prolonged to the end of this period.
    at_end_of: Option<Period>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Days(u32),
    Months(u32),
}

impl Expiry {
    /// The last day on which points credited on a day are good.
    pub(super) fn last_day(self, credited_on: NaiveDate) -> Option<NaiveDate> {
        let after = match self.after {
            Span::Days(days) => credited_on.checked_add_days(Days::new(u64::from(days)))?,
            Span::Months(months) => credited_on.checked_add_months(Months::new(months))?,
        };
        match self.at_end_of {
            None => after.pred_opt(),
            Some(period) => period.range(after).until.pred_opt().filter(|last| last.year() < 9999),
        }
    }
}

pub(super) fn read_expiry(reading: &mut Reading<'_>, node: &Node) -> Option<Expiry> {
    let path = "points_expire";
    let mut section = reading.section(node, path)?;
    let after = section.required("after", reading).and_then(|node| read_span(reading, node, path));
    let ends = [
        ("end of day", None),
        ("end of week", Some(Period::Week)),
        ("end of month", Some(Period::Month)),
        ("end of year", Some(Period::Year)),
    ];
    let at_end_of = match section.optional("at") {
        Some(node) => reading.choice(node, path, &ends)?,
        None => None,
    };
    section.finish(&[], reading);
    Some(Expiry { after: after?, at_end_of })
}

/// Reads what is stated; what is not stated stays as `usual`.
pub(super) fn read_acceptance(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    usual: Acceptance,
) -> Option<Acceptance> {
    let mut section = reading.section(node, path)?;
    let late = match section.optional("late") {
        Some(node) => Some(read_delta(reading, node, &section.step("late"), 1)?),
        None => usual.late,
    };
    let early = match section.optional("early") {
        Some(node) => read_delta(reading, node, &section.step("early"), 1)?,
        None => usual.early,
    };
    section.finish(&[], reading);
    Some(Acceptance { late, early })
}

/// `settle: {after: N days}`: how many civil days after that of crediting points can be spent.
pub(super) fn read_settle(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<u32> {
    let mut section = reading.section(node, path)?;
    let days = section.required("after", reading).and_then(|node| read_days(reading, node, path));
    section.finish(&[], reading);
    let days = days?;
    if days > SETTLE_DAYS_MAX {
        let found = text!("至多 {SETTLE_DAYS_MAX} 天", "at most {SETTLE_DAYS_MAX} days");
        reading.error(node.place, path, Finding::new(found));
        return None;
    }
    Some(days)
}

/// `0 days` or more.
pub(super) fn read_days(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<u32> {
    let written = reading.scalar(node, path)?;
    let days = written.split_once(' ').and_then(|(count, unit)| {
        let count = count.parse::<u32>().ok().filter(|count| *count <= SPAN_MAX)?;
        matches!(unit.trim(), "d" | "day" | "days").then_some(count)
    });
    if days.is_none() {
        let shown: String = written.chars().take(40).collect();
        let found = text!("`{shown}` 不是天数", "`{shown}` is not a number of days");
        reading.error(node.place, path, Finding::new(found).help(text!("例如 7 days", "as in 7 days")));
    }
    days
}

/// What a reversal does where the points it takes back were already spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SpentPoints {
    /// The citizen owes them: later points pay the debt first.
    #[default]
    ClawBack,
    /// The balance falls below zero.
    AllowNegative,
}

/// `reversal: {spent_points: ..}`.
pub(super) fn read_reversal(reading: &mut Reading<'_>, node: &Node) -> Option<SpentPoints> {
    let path = "reversal";
    let mut section = reading.section(node, path)?;
    let ways = [("claw_back", SpentPoints::ClawBack), ("allow_negative", SpentPoints::AllowNegative)];
    let way = section.required("spent_points", reading);
    let way = way.and_then(|node| reading.choice(node, path, &ways));
    section.finish(&[], reading);
    way
}

/// A duration of at least so many of its unit.
pub(super) fn read_delta(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    least: u32,
) -> Option<TimeDelta> {
    let (count, unit) = read_count(reading, node, path, least)?;
    let count = i64::from(count);
    let delta = match unit {
        "min" | "minute" | "minutes" => TimeDelta::try_minutes(count),
        "h" | "hour" | "hours" => TimeDelta::try_hours(count),
        "d" | "day" | "days" => TimeDelta::try_days(count),
        _ => None,
    };
    if delta.is_none() {
        let found = text!("时长应以 min、h 或 days 计", "a duration is in min, h or days");
        reading.error(node.place, path, Finding::new(found));
    }
    delta
}

fn read_span(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Span> {
    let (count, unit) = read_count(reading, node, path, 1)?;
    let span = match unit {
        "d" | "day" | "days" => Some(Span::Days(count)),
        "month" | "months" => Some(Span::Months(count)),
        "year" | "years" => count.checked_mul(12).map(Span::Months),
        _ => None,
    };
    if span.is_none() {
        let found = Finding::new(text!(
            "有效期应以 days、months 或 years 计",
            "a validity is in days, months or years"
        ));
        reading.error(node.place, path, found);
    }
    span
}

fn read_count<'n>(
    reading: &mut Reading<'_>,
    node: &'n Node,
    path: &str,
    least: u32,
) -> Option<(u32, &'n str)> {
    let written = reading.scalar(node, path)?;
    let parts =
        written.split_once(' ').and_then(|(count, unit)| Some((count.parse::<u32>().ok()?, unit.trim())));
    let parts = parts.filter(|(count, _)| (least..=SPAN_MAX).contains(count));
    if parts.is_none() {
        let shown: String = written.chars().take(40).collect();
        let found = text!("`{shown}` 不是时长", "`{shown}` is not a duration");
        let help = text!("例如 24 months, 最多 {SPAN_MAX}", "as in 24 months, at most {SPAN_MAX}");
        reading.error(node.place, path, Finding::new(found).help(help));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn points_are_good_to_the_end_of_their_month() {
        let expiry = Expiry { after: Span::Months(24), at_end_of: Some(Period::Month) };
        assert_eq!(expiry.last_day(day("2026-01-31")), Some(day("2028-01-31")));
        assert_eq!(expiry.last_day(day("2026-02-01")), Some(day("2028-02-29")));
        let plain = Expiry { after: Span::Days(30), at_end_of: None };
        assert_eq!(plain.last_day(day("2026-03-01")), Some(day("2026-03-30")));
    }
}
