//! Badges: what a citizen's days reach. Must never move a point.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::campaign::read_actions;
use super::decision::Usage;
use super::diagnostic::{Finding, text};
use super::level::{BADGES_MAX, Reach, read_reach, too_many};
use super::schedule::read_days;
use super::section::Reading;
use super::yaml::Node;
use crate::text::Text;
use crate::time::{DayRange, Period};

/// What is given for reaching something once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    pub(super) id: String,
    pub(super) name: Text,
    pub(super) description: Option<Text>,
    pub(super) reach: Reach,
    pub(super) period: Period,
    pub(super) actions: Vec<String>,
}

/// What one action gave a citizen on one civil day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayTotal<'a> {
    /// The day of the acts.
    pub day: NaiveDate,
    /// The action's id.
    pub action: &'a str,
    /// What was granted.
    pub granted: Usage,
}

/// A badge and the day on which it was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earned<'a> {
    /// The badge.
    pub badge: &'a Badge,
    /// The first day on which it was reached.
    pub on: NaiveDate,
}

impl Badge {
    /// Its id in the file.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name for citizens.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// What it is for, in words.
    #[must_use]
    pub fn description(&self) -> Option<&Text> {
        self.description.as_ref()
    }

    /// What must be reached.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Within which period; a streak may run over any.
    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// Ids of the actions that count.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(String::as_str)
    }

    /// The first day on which it is reached by these totals, in whatever order they are given.
    #[must_use]
    pub fn reached_on(&self, totals: &[DayTotal<'_>]) -> Option<NaiveDate> {
        let mut days: BTreeMap<NaiveDate, i64> = BTreeMap::new();
        for total in totals.iter().filter(|total| self.actions.iter().any(|id| id == total.action)) {
            let sum = days.entry(total.day).or_default();
            *sum = sum.saturating_add(match self.reach {
                Reach::Points(_) => total.granted.points.get(),
                Reach::Reduction(_) => total.granted.reduction.get(),
                Reach::Times(_) | Reach::Streak(_) => total.granted.events,
            });
        }
        match self.reach {
            Reach::Points(least) => self.threshold(&days, least.get()),
            Reach::Reduction(least) => self.threshold(&days, least.get()),
            Reach::Times(least) => self.threshold(&days, least),
            Reach::Streak(length) => streak(&days, length),
        }
    }

    fn threshold(&self, days: &BTreeMap<NaiveDate, i64>, least: i64) -> Option<NaiveDate> {
        let mut window: Option<DayRange> = None;
        let mut sum = 0_i64;
        for (day, count) in days {
            if !window.is_some_and(|window| window.contains(*day)) {
                (window, sum) = (Some(self.period.range(*day)), 0);
            }
            sum = sum.saturating_add(*count);
            if sum >= least {
                return Some(*day);
            }
        }
        None
    }
}

/// Days in a row with an act credited on each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streaks {
    /// The run that reaches today, or yesterday while today may still come.
    pub current: u32,
    /// The longest run ever.
    pub longest: u32,
}

impl Streaks {
    /// The runs of these totals, in whatever order they are given.
    #[must_use]
    pub fn of(totals: &[DayTotal<'_>], today: NaiveDate) -> Self {
        let counted = totals.iter().filter(|total| total.granted.events > 0);
        let days: BTreeSet<NaiveDate> = counted.map(|total| total.day).collect();
        let (mut streaks, mut last) = (Self::default(), None::<NaiveDate>);
        let mut run = 0_u32;
        for day in days {
            run = if last.and_then(|last| last.succ_opt()) == Some(day) { run.saturating_add(1) } else { 1 };
            streaks.longest = streaks.longest.max(run);
            last = Some(day);
        }
        let lasting = last.is_some_and(|last| last >= today || last.succ_opt() == Some(today));
        streaks.current = if lasting { run } else { 0 };
        streaks
    }
}

fn streak(days: &BTreeMap<NaiveDate, i64>, length: u32) -> Option<NaiveDate> {
    let mut run = 0_u32;
    let mut last: Option<NaiveDate> = None;
    for (day, _) in days.iter().filter(|(_, count)| **count > 0) {
        run = if last.and_then(|last| last.succ_opt()) == Some(*day) { run.saturating_add(1) } else { 1 };
        last = Some(*day);
        if run >= length {
            return last;
        }
    }
    None
}

/// Reads `badges`.
pub(super) fn read_badges(reading: &mut Reading<'_>, node: &Node, ids: &[String]) -> Vec<Badge> {
    let path = "badges";
    let Some(section) = reading.section(node, path) else { return Vec::new() };
    too_many(reading, node, path, section.entries().len());
    let mut badges = Vec::new();
    for (key, node) in section.entries().iter().take(BADGES_MAX) {
        let path = section.step(&key.text);
        let named = reading.name(&key.text, key.place, &path);
        badges.extend(read_badge(reading, &key.text, node, &path, ids).filter(|_| named));
    }
    badges
}

fn read_badge(reading: &mut Reading<'_>, id: &str, node: &Node, path: &str, ids: &[String]) -> Option<Badge> {
    let periods = [
        ("day", Period::Day),
        ("week", Period::Week),
        ("month", Period::Month),
        ("year", Period::Year),
        ("ever", Period::All),
    ];
    let mut section = reading.section(node, path)?;
    let name = section.required("name", reading).and_then(|node| reading.text(node, path));
    let description = section.optional("description").map(|node| reading.text(node, path));
    let reach = section.required("reach", reading);
    let per = section.optional("per");
    let chosen = match section.optional("actions") {
        Some(node) => read_actions(reading, node, path, ids),
        None => Some(ids.to_vec()),
    };
    section.finish(&[], reading);
    let reach = read_badge_reach(reading, reach?, path)?;
    let period = match per {
        Some(node) if matches!(reach, Reach::Streak(_)) => {
            let found = text!("连续天数不写 per", "days in a row take no `per`");
            reading.error(node.place, path, Finding::new(found));
            return None;
        }
        Some(node) => reading.choice(node, path, &periods)?,
        None => Period::All,
    };
    let description = match description {
        Some(description) => Some(description?),
        None => None,
    };
    Some(Badge { id: id.to_owned(), name: name?, description, reach, period, actions: chosen? })
}

fn read_badge_reach(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Reach> {
    let written = reading.scalar(node, path)?;
    if written.ends_with(" days") || written.ends_with(" day") {
        let days = read_days(reading, node, path)?;
        if days > 0 {
            return Some(Reach::Streak(days));
        }
        reading.error(node.place, path, Finding::new(text!("天数应大于零", "expected at least one day")));
        return None;
    }
    match read_reach(written, 1) {
        Ok(reach) => Some(reach),
        Err(found) => {
            reading.error(node.place, path, found);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::{Points, ReductionMg};

    fn badge(reach: Reach, period: Period) -> Badge {
        let actions = vec!["metro".to_owned(), "bus".to_owned()];
        Badge {
            id: "b".into(), name: Text::new("徽章", "Badge"), description: None, reach, period, actions
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn total(on: &str, action: &'static str, points: i64) -> DayTotal<'static> {
        let granted = Usage::from((1, points, points.saturating_mul(1000), 0));
        DayTotal { day: day(on), action, granted }
    }

    #[test]
    fn a_threshold_is_reached_within_its_period() {
        let totals = [
            total("2026-03-30", "metro", 40),
            total("2026-03-31", "bus", 50),
            total("2026-03-31", "walk", 500),
            total("2026-04-01", "metro", 60),
            total("2026-04-02", "metro", 40),
        ];
        let points = |least| Reach::Points(Points::new(least));
        for (least, ever, month) in [
            (90, Some("2026-03-31"), Some("2026-03-31")),
            (91, Some("2026-04-01"), Some("2026-04-02")),
            (101, Some("2026-04-01"), None),
            (191, None, None),
        ] {
            assert_eq!(badge(points(least), Period::All).reached_on(&totals), ever.map(day), "{least}");
            assert_eq!(badge(points(least), Period::Month).reached_on(&totals), month.map(day), "{least}");
        }
        assert_eq!(badge(Reach::Times(3), Period::All).reached_on(&totals), Some(day("2026-04-01")));
        let grams = Reach::Reduction(ReductionMg::new(150_000));
        assert_eq!(badge(grams, Period::All).reached_on(&totals), Some(day("2026-04-01")));
    }

    #[test]
    fn a_run_lasts_until_a_whole_day_went_by() {
        let totals = [
            total("2026-03-04", "metro", 1),
            total("2026-02-27", "metro", 0),
            total("2026-02-28", "bus", 1),
            total("2026-03-01", "walk", 1),
            total("2026-03-05", "bus", 1),
        ];
        for (today, current) in [("2026-03-05", 2), ("2026-03-06", 2), ("2026-03-07", 0)] {
            assert_eq!(Streaks::of(&totals, day(today)), Streaks { current, longest: 3 }, "{today}");
        }
        assert_eq!(Streaks::of(&[], day("2026-03-05")), Streaks::default());
    }

    #[test]
    fn a_streak_has_no_gap() {
        let totals = [
            total("2026-02-27", "metro", 0),
            total("2026-02-28", "bus", 1),
            total("2026-02-28", "metro", 1),
            total("2026-03-02", "metro", 1),
            total("2026-03-03", "bus", 1),
            total("2026-03-04", "metro", 1),
        ];
        for (length, expected) in
            [(1, Some("2026-02-27")), (2, Some("2026-02-28")), (3, Some("2026-03-04")), (4, None)]
        {
            let found = badge(Reach::Streak(length), Period::All).reached_on(&totals);
            assert_eq!(found, expected.map(day), "{length}");
        }
    }
}
