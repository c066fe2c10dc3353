//! What a reported act comes to: timeliness, sense, once only, eligibility, evidence, caps.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};

use super::person::{Granted, Span};
use super::{Decided, Oracle, Person, Status};
use crate::command::{Act, Deed};
use crate::law::{Law, METRES_MIN, METRES_READ_MAX, METRES_READ_MIN};

const EARLY: TimeDelta = TimeDelta::minutes(10);
/// Tenths of milligrams in a point at full evidence, in hundredths of a share.
const MILLIGRAMS_A_POINT: i64 = 10_000;
/// Evidence of the sources in percent; the last one is not accepted.
const EVIDENCE: [Option<i64>; 3] = [Some(100), Some(50), None];

impl Oracle {
    /// Of one call the first event of an id stands, whatever became of it.
    pub(super) fn report_all(&mut self, acts: &[Act]) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut answers = Vec::new();
        for act in acts {
            answers.push(match self.unreadable(*act) {
                Some(code) => format!("rejected {code}"),
                None => self.report(*act, seen.insert((act.source, act.id))),
            });
        }
        answers
    }

    fn report(&mut self, act: Act, first: bool) -> String {
        let key = (act.source, act.id);
        if !first || self.decided.contains_key(&key) {
            return "duplicate".to_owned();
        }
        if let Some(owner) = self.bindings.get(&(act.source, act.card)) {
            return self.decide(*owner, act);
        }
        if self.waiting.contains_key(&key) {
            return "duplicate".to_owned();
        }
        self.waiting.insert(key, act);
        "pending".to_owned()
    }

    /// Why an act is answered without being kept.
    fn unreadable(&self, act: Act) -> Option<&'static str> {
        let law = self.law_at(act.at);
        if act.at - self.now > EARLY {
            return Some("time_in_future");
        }
        if self.now - act.at > law.late() {
            return Some("time_too_old");
        }
        match act.deed {
            Deed::Flight => return Some("unknown_action"),
            Deed::Ride | Deed::Walk if !(METRES_READ_MIN..=METRES_READ_MAX).contains(&act.metres) => {
                return Some("out_of_range");
            }
            Deed::Ride | Deed::Walk | Deed::Sorting => {}
        }
        let refused = EVIDENCE[act.source].is_none() && !too_short(act);
        refused.then_some("evidence_not_accepted")
    }

    /// Credits an act that was never decided, or refuses it for ever.
    pub(super) fn decide(&mut self, owner: u32, act: Act) -> String {
        let (law, now, today) = (self.law_at(act.at), self.now, self.today());
        let day = act.at.with_timezone(&self.zone).date_naive();
        let person = self.citizens.get_mut(&owner).expect("bindings are of citizens");
        let last_day = law.last_day(today).expect("a day of the calendar");
        let mut decided = Decided {
            granted: Granted::default(),
            status: Status::Rejected,
            whose: owner,
            deed: act.deed,
            day,
            last_day,
        };
        if !too_short(act) {
            let share = EVIDENCE[act.source].expect("what is not accepted is not decided");
            decided.granted = grant(&law, act, share, person, day);
            decided.status = Status::Credited;
            person.enter(act.deed, day, decided.granted, now);
            person.grant(last_day, decided.granted.points);
            person.post(now, decided.granted.points, decided.granted.milligrams);
        }
        self.decided.insert((act.source, act.id), decided);
        if decided.status == Status::Rejected {
            return "rejected too_short".to_owned();
        }
        let Granted { points, milligrams, .. } = decided.granted;
        let granted = decided.granted;
        format!("credited {points} pt {milligrams} mg{}", if granted.capped { " capped" } else { "" })
    }
}

fn too_short(act: Act) -> bool {
    matches!(act.deed, Deed::Ride | Deed::Walk) && act.metres < METRES_MIN
}

fn grant(law: &Law, act: Act, share: i64, person: &Person, day: NaiveDate) -> Granted {
    let used = |span| person.used(act.deed, span, day);
    let saved = |metres| half_even(metres * law.saved_per_metre);
    let points = |milligrams| milligrams * share / (100 * MILLIGRAMS_A_POINT);
    let mut granted = Granted::default();
    match act.deed {
        Deed::Ride => {
            if used(Span::Day).events >= law.rides_a_day {
                return Granted { capped: true, ..granted };
            }
            let milligrams = saved(act.metres);
            granted = Granted { points: points(milligrams), milligrams, metres: act.metres, capped: false };
            trim(&mut granted, law.ride_points_a_day - used(Span::Day).points);
            trim(&mut granted, law.ride_points_a_week - used(Span::Week).points);
            trim(&mut granted, law.ride_points_a_month - used(Span::Month).points);
            let left = (law.ride_grams_a_year * 1_000 - used(Span::Year).milligrams).max(0);
            if granted.milligrams > left {
                granted.milligrams = left;
                granted.points = granted.points.min(points(left));
                granted.capped = true;
            }
        }
        Deed::Walk => {
            let milligrams = saved(act.metres);
            granted = Granted { points: points(milligrams), milligrams, metres: act.metres, capped: false };
            trim(&mut granted, law.walk_points_each);
            let left = (law.walk_metres_a_day - used(Span::Day).metres).max(0);
            if granted.metres > left {
                let milligrams = saved(left);
                let points = granted.points.min(points(milligrams));
                granted = Granted { points, milligrams, metres: left, capped: true };
            }
        }
        Deed::Sorting => {
            if used(Span::Day).events >= law.sortings_a_day {
                return Granted { capped: true, ..granted };
            }
            granted.points = law.sorting_points;
        }
        Deed::Flight => panic!("no law grants a flight"),
    }
    granted
}

fn trim(granted: &mut Granted, left: i64) {
    if granted.points > left.max(0) {
        granted.points = left.max(0);
        granted.capped = true;
    }
}

/// Tenths rounded to whole ones, halves to the even neighbour.
fn half_even(tenths: i64) -> i64 {
    let (whole, rest) = (tenths / 10, tenths % 10);
    match rest {
        0..5 => whole,
        5 => whole + whole % 2,
        _ => whole + 1,
    }
}
