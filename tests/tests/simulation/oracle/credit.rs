//! What becomes of a reported act: timeliness, sense, once only, one body, eligibility, evidence, review.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::fund::Passer;
use super::grant::{grant, usual};
use super::person::{Granted, Span};
use super::travel::Seen;
use super::{Decided, Oracle, Status};
use crate::command::{Act, ActKey, Deed};
use crate::law::{Law, METRES_MIN, METRES_READ_MAX, METRES_READ_MIN, SPEED_MAX, TENTHS_READ_MAX};

const EARLY: TimeDelta = TimeDelta::minutes(10);
/// Evidence of the sources in percent; the last one is accepted of meters only.
const EVIDENCE: [Option<i64>; 3] = [Some(100), Some(50), None];

impl Oracle {
    /// Of one call the first event of an id stands, whatever became of it.
    pub(super) fn report_all(&mut self, acts: &[Act]) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut answers = Vec::new();
        for act in acts {
            answers.push(match self.unreadable(*act) {
                Some(code) => format!("rejected {code}"),
                None => self.report(*act, seen.insert(act.key())),
            });
        }
        answers
    }

    fn report(&mut self, act: Act, first: bool) -> String {
        if !first || self.decided.contains_key(&act.key()) {
            return "duplicate".to_owned();
        }
        if let Some(owner) = self.bindings.get(&(act.source, act.card)) {
            return self.decide(*owner, act);
        }
        if self.waiting.contains_key(&act.key()) {
            return "duplicate".to_owned();
        }
        self.waiting.insert(act.key(), act);
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
        let read = match act.deed {
            Deed::Flight => return Some("unknown_action"),
            Deed::Ride | Deed::Trip | Deed::Cycle | Deed::Walk | Deed::Swim => {
                METRES_READ_MIN..=METRES_READ_MAX
            }
            Deed::Meter => 0..=TENTHS_READ_MAX,
            Deed::Sorting | Deed::Gate => i64::MIN..=i64::MAX,
        };
        if !read.contains(&act.size) {
            return Some("out_of_range");
        }
        let refused = share(act).is_none() && !too_short(act);
        refused.then_some("evidence_not_accepted")
    }

    /// Decides an act that was never decided, for ever.
    pub(super) fn decide(&mut self, owner: u32, act: Act) -> String {
        let law = self.law_at(act.at);
        let person = self.citizens.get_mut(&owner).expect("bindings are of citizens");
        let seen = person.seen(act, &law);
        if let Seen::Again(first) = seen {
            self.waiting.remove(&act.key());
            return format!("duplicate same_act {first:?}");
        }
        let day = act.at.with_timezone(&self.zone).date_naive();
        let readings = usual(&law, person, day);
        if act.deed == Deed::Meter {
            person.read(day, act.size);
        }
        if act.deed == Deed::Meter && readings.is_none() {
            return self.turn_away(owner, act, Status::Rejected, "history_too_short");
        }
        if too_short(act) {
            return self.turn_away(owner, act, Status::Rejected, "too_short");
        }
        if act.deed.takes_time() && act.size > act.minutes * SPEED_MAX {
            return self.turn_away(owner, act, Status::Held, "too_fast");
        }
        if seen == Seen::Elsewhere {
            return self.turn_away(owner, act, Status::Held, "in_two_places");
        }
        self.credit(owner, act, &law)
    }

    fn turn_away(&mut self, owner: u32, act: Act, status: Status, code: &str) -> String {
        let law = self.law_at(act.at);
        self.decided.insert(act.key(), Decided::new(owner, act, &law, status));
        if status == Status::Held {
            self.citizens.get_mut(&owner).expect("bindings are of citizens").occupy(act);
            return format!("held {code}");
        }
        format!("rejected {code}")
    }

    fn credit(&mut self, owner: u32, act: Act, law: &Law) -> String {
        let (now, today) = (self.now, self.today());
        let day = act.at.with_timezone(&self.zone).date_naive();
        let share = share(act).expect("what is not accepted is not decided");
        let person = self.citizens.get_mut(&owner).expect("bindings are of citizens");
        let mut decided = Decided::new(owner, act, law, Status::Credited);
        let mut short = false;
        if act.deed == Deed::Gate {
            let points_this_year = person.used(Deed::Gate, Span::Year, day).points;
            let passer = Passer { share, in_south: person.in_south, points_this_year };
            (decided.granted, short, decided.drawn) = self.shared.pass(law, act, day, passer);
            self.shared.count(act, day, decided.granted, 1);
        } else {
            decided.granted = grant(law, act, share, person, day);
        }
        let ready = self.ready(act.deed, law, day, decided.granted.points, &mut decided.drawn);
        self.shared.issue(&decided.drawn, day, 1);
        self.promise((act.key(), owner), act.deed, law, day, ready.later);
        decided.paid = ready.now;
        let last_day = law.last_day(today).expect("a day of the calendar");
        let settles = act.deed == Deed::Trip && law.settle_days > 0;
        decided.lot = (last_day, settles.then(|| today + TimeDelta::days(law.settle_days)));
        let (points, Granted { milligrams, capped, .. }) = (ready.now, decided.granted);
        let person = self.citizens.get_mut(&owner).expect("bindings are of citizens");
        person.occupy(act);
        person.enter(act.deed, day, decided.granted, now);
        person.grant(decided.lot, points);
        person.post(now, points, milligrams);
        self.decided.insert(act.key(), decided);
        let code = if ready.later > 0 {
            " queued"
        } else if short {
            " budget_exhausted"
        } else if capped {
            " capped"
        } else {
            ""
        };
        format!("credited {points} pt {milligrams} mg{code}")
    }

    /// What a reviewer lets go on is decided by the rules of its time under the counts of today, and held no
    /// more.
    pub(super) fn review(&mut self, key: ActKey, release: bool) -> String {
        let Some(held) = self.decided.get(&key) else { return "no activity".to_owned() };
        if held.status != Status::Held {
            return format!("was {:?}", held.status);
        }
        let (owner, act, law) = (held.whose, held.act, held.law);
        let person = self.citizens.get_mut(&owner).expect("activities are of citizens");
        if !release {
            person.vacate(key);
            self.decided.get_mut(&key).expect("found before").status = Status::Rejected;
            return "Rejected 0 pt 0 mg".to_owned();
        }
        if let Seen::Again(first) = person.seen(act, &law) {
            return format!("told again {first:?}");
        }
        self.credit(owner, act, &law);
        let granted = self.decided[&key].granted;
        format!("Credited {} pt {} mg", granted.points, granted.milligrams)
    }
}

fn share(act: Act) -> Option<i64> {
    match act.deed {
        Deed::Meter => Some(100),
        Deed::Sorting => EVIDENCE[act.source].map(|_| 100),
        Deed::Ride | Deed::Trip | Deed::Cycle | Deed::Walk | Deed::Gate | Deed::Swim | Deed::Flight => {
            EVIDENCE[act.source]
        }
    }
}

fn too_short(act: Act) -> bool {
    act.deed.is_travel() && act.size < METRES_MIN
}
