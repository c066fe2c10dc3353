//! One citizen's lines, lots, and what was granted on which civil day.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};

use crate::command::Deed;

/// Granted so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    pub events: i64,
    pub points: i64,
    pub milligrams: i64,
    pub metres: i64,
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
    fn around(self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
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

/// Points with one last day.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lot {
    pub left: i64,
    /// What ran out of time.
    pub ended: i64,
}

#[derive(Debug, Clone, Default)]
pub struct Person {
    lines: Vec<Line>,
    /// By last day.
    pub lots: BTreeMap<NaiveDate, Lot>,
    /// Reversed points that were spent and that later ones have to make up for.
    pub overdrawn: i64,
    days: BTreeMap<(Deed, NaiveDate), Day>,
}

impl Person {
    pub fn used(&self, deed: Deed, span: Span, day: NaiveDate) -> Used {
        let (from, until) = span.around(day);
        let inside = self.days.range((deed, from)..(deed, until));
        inside.fold(Used::default(), |sum, (_, day)| Used {
            events: sum.events + day.used.events,
            points: sum.points + day.used.points,
            milligrams: sum.milligrams + day.used.milligrams,
            metres: sum.metres + day.used.metres,
        })
    }

    /// Takes back what [`Person::enter`] entered.
    pub fn remove(&mut self, deed: Deed, day: NaiveDate, granted: Granted, now: DateTime<Utc>) {
        let entry = self.days.get_mut(&(deed, day)).expect("it was entered");
        entry.changed_at = now;
        entry.used.events -= 1;
        entry.used.points -= granted.points;
        entry.used.milligrams -= granted.milligrams;
        entry.used.metres -= granted.metres;
    }

    pub fn enter(&mut self, deed: Deed, day: NaiveDate, granted: Granted, now: DateTime<Utc>) {
        let new = Day { used: Used::default(), changed_at: now };
        let entry = self.days.entry((deed, day)).or_insert(new);
        entry.changed_at = now;
        entry.used.events += 1;
        entry.used.points += granted.points;
        entry.used.milligrams += granted.milligrams;
        entry.used.metres += granted.metres;
    }

    /// Points, milligrams and when they were reached, over all deeds.
    pub fn score(&self, span: Span, day: NaiveDate) -> (i64, i64, Option<DateTime<Utc>>) {
        let (from, until) = span.around(day);
        let inside = || self.days.iter().filter(|((_, day), _)| (from..until).contains(day));
        let points = inside().map(|(_, day)| day.used.points).sum();
        let milligrams = inside().map(|(_, day)| day.used.milligrams).sum();
        (points, milligrams, inside().map(|(_, day)| day.changed_at).max())
    }

    pub fn post(&mut self, at: DateTime<Utc>, points: i64, milligrams: i64) {
        self.lines.push(Line { at, points, milligrams });
    }

    /// Whatever happened, this holds after it.
    pub fn check(&self) {
        let (points, milligrams) = self.balance();
        let left: i64 = self.lots.values().map(|lot| lot.left).sum();
        assert_eq!(points, left - self.overdrawn, "the model's lots do not add up");
        assert!(milligrams >= 0 && self.overdrawn >= 0, "the model itself fell below zero");
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

    pub fn grant(&mut self, last_day: NaiveDate, points: i64) {
        self.lots.entry(last_day).or_default().left += points;
    }

    /// Takes from the lots that are still good, the one that ends first before others.
    pub fn take(&mut self, points: i64, today: NaiveDate) -> Result<BTreeMap<NaiveDate, i64>, i64> {
        let good: i64 = self.lots.range(today..).map(|(_, lot)| lot.left).sum();
        if good < points {
            return Err(good);
        }
        Ok(self.take_one_by_one(points, today))
    }

    /// As many as there are.
    pub fn take_one_by_one(&mut self, points: i64, from: NaiveDate) -> BTreeMap<NaiveDate, i64> {
        let mut taken = BTreeMap::new();
        for _ in 0..points {
            let Some((last, lot)) = self.lots.range_mut(from..).find(|(_, lot)| lot.left > 0) else { break };
            lot.left -= 1;
            *taken.entry(*last).or_insert(0) += 1;
        }
        taken
    }
}

fn sum(lines: &[Line]) -> (i64, i64) {
    let points = lines.iter().map(|line| line.points).sum();
    (points, lines.iter().map(|line| line.milligrams).sum())
}
