//! One citizen's lines, lots, and what was granted on which civil day.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};

use super::travel::Stretch;
use crate::command::Deed;

/// Granted so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    pub events: i64,
    pub points: i64,
    pub milligrams: i64,
    pub metres: i64,
}

impl Used {
    /// One act more, or one less.
    pub fn count(&mut self, granted: Granted, once: i64) {
        self.events += once;
        self.points += once * granted.points;
        self.milligrams += once * granted.milligrams;
        self.metres += once * granted.metres;
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            points: self.points + other.points,
            milligrams: self.milligrams + other.milligrams,
            metres: self.metres + other.metres,
        }
    }
}

/// What one act was granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Granted {
    pub points: i64,
    pub milligrams: i64,
    pub metres: i64,
    pub capped: bool,
}

/// One day of one deed.
#[derive(Debug, Clone, Copy)]
struct Day {
    used: Used,
    changed_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    Day,
    Week,
    Month,
    Year,
    All,
}

impl Span {
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Year, Self::All];

    /// First day inside, first day after.
    pub fn around(self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
        let first = |month| NaiveDate::from_ymd_opt(day.year(), month, 1).expect("a first of the month");
        match self {
            Self::Day => (day, day + Days::new(1)),
            Self::Week => {
                let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
                (monday, monday + Days::new(7))
            }
            Self::Month => (first(day.month()), first(day.month()) + Months::new(1)),
            Self::Year => (first(1), first(1) + Months::new(12)),
            Self::All => (NaiveDate::MIN, NaiveDate::MAX),
        }
    }
}

/// A change of the account.
#[derive(Debug, Clone, Copy)]
struct Line {
    at: DateTime<Utc>,
    points: i64,
    milligrams: i64,
}

/// Last day, and the first one where the points were pending.
pub type LotDays = (NaiveDate, Option<NaiveDate>);

/// Points with the same days.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lot {
    pub left: i64,
    /// What ran out of time.
    pub ended: i64,
}

/// A reading of a meter.
#[derive(Debug, Clone, Copy)]
struct Reading {
    day: NaiveDate,
    tenths: i64,
}

#[derive(Debug, Clone, Default)]
pub struct Person {
    lines: Vec<Line>,
    pub lots: BTreeMap<LotDays, Lot>,
    /// Reversed points that were spent, taken off the balance already.
    pub overdrawn: i64,
    /// Reversed points that were spent, not taken off the balance yet.
    pub owed: i64,
    pub in_south: Option<bool>,
    /// What the body did when, in the order in which it was counted.
    pub stretches: Vec<Stretch>,
    readings: Vec<Reading>,
    days: BTreeMap<(Deed, NaiveDate), Day>,
}

impl Person {
    pub fn used(&self, deed: Deed, span: Span, day: NaiveDate) -> Used {
        let (from, until) = span.around(day);
        let inside = self.days.range((deed, from)..(deed, until));
        inside.fold(Used::default(), |sum, (_, day)| sum.plus(day.used))
    }

    /// Over all deeds.
    pub fn used_of_all(&self, span: Span, day: NaiveDate) -> Used {
        let (from, until) = span.around(day);
        let inside = self.days.iter().filter(|((_, day), _)| (from..until).contains(day));
        inside.fold(Used::default(), |sum, (_, day)| sum.plus(day.used))
    }

    /// Points that were entered are not given after all.
    pub fn lose(&mut self, deed: Deed, day: NaiveDate, points: i64, now: DateTime<Utc>) {
        if points > 0 {
            let entry = self.days.get_mut(&(deed, day)).expect("it was entered");
            entry.changed_at = now;
            entry.used.points -= points;
        }
    }

    /// Takes back what [`Person::enter`] entered.
    pub fn remove(&mut self, deed: Deed, day: NaiveDate, granted: Granted, now: DateTime<Utc>) {
        let entry = self.days.get_mut(&(deed, day)).expect("it was entered");
        entry.changed_at = now;
        entry.used.count(granted, -1);
    }

    pub fn enter(&mut self, deed: Deed, day: NaiveDate, granted: Granted, now: DateTime<Utc>) {
        let new = Day { used: Used::default(), changed_at: now };
        let entry = self.days.entry((deed, day)).or_insert(new);
        entry.changed_at = now;
        entry.used.count(granted, 1);
    }

    pub fn read(&mut self, day: NaiveDate, tenths: i64) {
        self.readings.push(Reading { day, tenths });
    }

    /// How many readings there are of so many days before a day, and their sum.
    pub fn readings(&self, day: NaiveDate, days: i64) -> (usize, i64) {
        let first = day - TimeDelta::days(days);
        let inside = || self.readings.iter().filter(|reading| (first..day).contains(&reading.day));
        (inside().count(), inside().map(|reading| reading.tenths).sum())
    }

    /// Points, milligrams and when they were reached, over all deeds.
    pub fn score(&self, span: Span, day: NaiveDate) -> (i64, i64, Option<DateTime<Utc>>) {
        let (from, until) = span.around(day);
        let inside = self.days.iter().filter(|((_, day), _)| (from..until).contains(day));
        let Used { points, milligrams, .. } = self.used_of_all(span, day);
        (points, milligrams, inside.map(|(_, day)| day.changed_at).max())
    }

    pub fn post(&mut self, at: DateTime<Utc>, points: i64, milligrams: i64) {
        self.lines.push(Line { at, points, milligrams });
    }

    /// What moves nothing is no line.
    pub fn post_some(&mut self, at: DateTime<Utc>, points: i64, milligrams: i64) {
        if (points, milligrams) != (0, 0) {
            self.post(at, points, milligrams);
        }
    }

    /// Whatever happened, this holds after it.
    pub fn check(&self) {
        let (points, milligrams) = self.balance();
        let left: i64 = self.lots.values().map(|lot| lot.left).sum();
        assert_eq!(points, left - self.overdrawn, "the model's lots do not add up");
        let debts = self.overdrawn >= 0 && self.owed >= 0;
        assert!(milligrams >= 0 && debts, "the model itself fell below zero");
        assert!(self.lots.values().all(|lot| lot.left >= 0 && lot.ended >= 0), "a lot below zero");
    }

    pub fn balance(&self) -> (i64, i64) {
        sum(&self.lines)
    }

    /// After the last line that was written before an instant.
    pub fn balance_before(&self, instant: DateTime<Utc>) -> (i64, i64) {
        let last = self.lines.iter().rposition(|line| line.at < instant);
        sum(&self.lines[..last.map_or(0, |last| last + 1)])
    }

    pub fn grant(&mut self, days: LotDays, points: i64) {
        self.lots.entry(days).or_default().left += points;
    }

    /// Takes from the lots that are good today, the one that ends first before others.
    pub fn take(&mut self, points: i64, today: NaiveDate) -> Result<BTreeMap<LotDays, i64>, i64> {
        let good = self.good(today);
        if good < points {
            return Err(good);
        }
        Ok(self.take_one_by_one(points, |days| is_good(days, today)))
    }

    /// Points that can be spent.
    pub fn good(&self, today: NaiveDate) -> i64 {
        let good = self.lots.iter().filter(|(days, _)| is_good(**days, today));
        good.map(|(_, lot)| lot.left).sum()
    }

    /// Points that can be spent later.
    pub fn pending(&self, today: NaiveDate) -> i64 {
        let later = |(last, first): LotDays| last >= today && first.is_some_and(|first| first > today);
        self.lots.iter().filter(|(days, _)| later(**days)).map(|(_, lot)| lot.left).sum()
    }

    /// As many as there are.
    pub fn take_one_by_one(&mut self, points: i64, from: impl Fn(LotDays) -> bool) -> BTreeMap<LotDays, i64> {
        let mut taken = BTreeMap::new();
        for _ in 0..points {
            let Some((days, lot)) = self.lots.iter_mut().find(|(days, lot)| lot.left > 0 && from(**days))
            else {
                break;
            };
            lot.left -= 1;
            *taken.entry(*days).or_insert(0) += 1;
        }
        taken
    }
}

fn is_good((last, first): LotDays, today: NaiveDate) -> bool {
    last >= today && first.is_none_or(|first| first <= today)
}

fn sum(lines: &[Line]) -> (i64, i64) {
    let points = lines.iter().map(|line| line.points).sum();
    (points, lines.iter().map(|line| line.milligrams).sum())
}
