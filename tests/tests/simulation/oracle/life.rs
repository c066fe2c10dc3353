//! Points that end, credits that are undone, balances that two officers correct.

use chrono::{DateTime, NaiveDate, Utc};

use super::person::{Granted, LotDays};
use super::{Oracle, Person, Status};
use crate::command::{ActKey, Deed};

/// A correction on its way.
#[derive(Debug, Clone, Copy)]
pub struct Adjustment {
    citizen: u32,
    points: i64,
    milligrams: i64,
    decided: Option<&'static str>,
}

impl Person {
    /// Points that are there make up for those that were spent and undone, whatever their days: first for
    /// what is off the balance already.
    pub fn settle(&mut self, now: DateTime<Utc>) {
        let taken = self.take_one_by_one(self.overdrawn + self.owed, |_| true);
        let taken: i64 = taken.values().sum();
        let for_overdrawn = taken.min(self.overdrawn);
        self.overdrawn -= for_overdrawn;
        self.owed -= taken - for_overdrawn;
        self.post_some(now, for_overdrawn - taken, 0);
    }

    /// Points of one lot run out of time.
    pub fn end(&mut self, days: LotDays, points: i64, now: DateTime<Utc>) {
        let lot = self.lots.get_mut(&days).expect("a lot");
        lot.left -= points;
        lot.ended += points;
        self.post(now, -points, 0);
    }

    /// Debts first, then everything past its last day.
    fn tidy(&mut self, today: NaiveDate, now: DateTime<Utc>) {
        self.settle(now);
        let past = self.lots.iter().filter(|((last, _), lot)| *last < today && lot.left > 0);
        let past: Vec<(LotDays, i64)> = past.map(|(days, lot)| (*days, lot.left)).collect();
        for (days, left) in past {
            self.end(days, left, now);
        }
    }

    /// Points that went into a lot are taken back: what is left there, what ended there, then any others.
    fn undo(&mut self, lot: LotDays, points: i64, claws_back: bool, now: DateTime<Utc>) {
        let lot = self.lots.entry(lot).or_default();
        let from_own = lot.left.min(points);
        lot.left -= from_own;
        let revived = lot.ended.min(points - from_own);
        lot.ended -= revived;
        self.post_some(now, revived, 0);
        let missing = points - from_own - revived;
        let others: i64 = self.take_one_by_one(missing, |_| true).values().sum();
        let spent = missing - others;
        if claws_back {
            self.owed += spent;
            self.post_some(now, spent - points, 0);
        } else {
            self.overdrawn += spent;
            self.post_some(now, -points, 0);
        }
    }

    fn has_points(&self) -> bool {
        self.lots.values().any(|lot| lot.left > 0)
    }
}

impl Oracle {
    /// Debts are made up for at any time; what ended is posted once a day.
    pub(super) fn expire(&mut self) {
        let (today, now) = (self.today(), self.now);
        for person in self.citizens.values_mut() {
            if person.overdrawn + person.owed > 0 && person.has_points() {
                person.tidy(today, now);
            }
        }
        if self.expired_until.is_some_and(|done| done >= today) {
            return;
        }
        self.expired_until = Some(today);
        self.citizens.values_mut().for_each(|person| person.tidy(today, now));
    }

    /// What is missing was spent: by today's law the balance falls below zero, or it is owed.
    pub(super) fn reverse(&mut self, key: ActKey) -> String {
        let (today, now) = (self.today(), self.now);
        let claws_back = self.law_at(now).claws_back;
        let Some(decided) = self.decided.get_mut(&key) else { return "no activity".to_owned() };
        let person = &self.citizens[&decided.whose];
        match decided.status {
            Status::Reversed => return "reversed before".to_owned(),
            Status::Rejected => return "was rejected".to_owned(),
            Status::Held => return "was held".to_owned(),
            Status::Credited if person.balance().1 < decided.granted.milligrams => {
                return "too few grams".to_owned();
            }
            Status::Credited => decided.status = Status::Reversed,
        }
        let decided = decided.clone();
        let (mut parts, lost_before) = self.withdraw(key);
        parts.insert(0, (decided.lot, decided.paid));
        let person = self.citizens.get_mut(&decided.whose).expect("activities are of citizens");
        person.tidy(today, now);
        person.post_some(now, 0, -decided.granted.milligrams);
        for (lot, points) in parts {
            person.undo(lot, points, claws_back, now);
        }
        let act = decided.act;
        let day = act.at.with_timezone(&self.zone).date_naive();
        let points = decided.granted.points - lost_before;
        person.remove(act.deed, day, Granted { points, ..decided.granted }, now);
        person.vacate(key);
        self.shared.issue(&decided.drawn, day, -1);
        if act.deed == Deed::Gate {
            self.shared.count(act, day, decided.granted, -1);
        }
        "reversed".to_owned()
    }

    pub(super) fn propose(&mut self, number: u32, citizen: u32, (points, milligrams): (i64, i64)) -> String {
        if !self.citizens.contains_key(&citizen) {
            return "nobody".to_owned();
        }
        if points == 0 && milligrams == 0 {
            return "amount".to_owned();
        }
        self.adjustments.insert(number, Adjustment { citizen, points, milligrams, decided: None });
        "proposed".to_owned()
    }

    pub(super) fn decide_adjustment(&mut self, number: u32, approve: bool, other: bool) -> String {
        let (today, now) = (self.today(), self.now);
        let last_day = self.law_at(now).last_day(today).expect("a day of the calendar");
        let Some(adjustment) = self.adjustments.get_mut(&number) else { return "no adjustment".to_owned() };
        if !other {
            return "same person".to_owned();
        }
        if let Some(word) = adjustment.decided {
            return format!("{word} before");
        }
        if approve {
            let known = self.citizens.get_mut(&adjustment.citizen).expect("asked before");
            let mut person = known.clone();
            person.tidy(today, now);
            if adjustment.points > 0 {
                person.grant((last_day, None), adjustment.points);
            } else if let Err(good) = person.take(-adjustment.points, today) {
                return format!("points {good} of {}", -adjustment.points);
            }
            if person.balance().1 + adjustment.milligrams < 0 {
                return "too few grams".to_owned();
            }
            person.post(now, adjustment.points, adjustment.milligrams);
            *known = person;
        }
        let word = if approve { "approved" } else { "refused" };
        adjustment.decided = Some(word);
        word.to_owned()
    }
}
