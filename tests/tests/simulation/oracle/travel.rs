//! When the body of a citizen was under way: an act told twice counts once.

use super::Person;
use crate::command::{Act, ActKey, Deed};
use crate::law::Law;

/// How far apart two acts with one ticket may begin, in seconds.
const ONE_TICKET_SECONDS: i64 = 2 * 86_400;
const WEEK_SECONDS: i64 = 7 * 86_400;

/// A stretch of whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub key: ActKey,
    from: i64,
    until: i64,
    /// 0 for none.
    ticket: u32,
}

/// What earlier acts say of one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    New,
    /// It is this one.
    Again(ActKey),
    /// The body was elsewhere.
    Elsewhere,
}

impl Stretch {
    /// Of acts that take the body's time.
    pub fn of(act: Act) -> Option<Self> {
        let ticket = if act.deed == Deed::Trip { act.mark } else { 0 };
        let (from, until) =
            (act.at.timestamp(), (act.at + chrono::TimeDelta::minutes(act.minutes)).timestamp());
        act.deed.takes_time().then_some(Self { key: act.key(), from, until, ticket })
    }

    /// Whether one lies inside the other, or both share more seconds than they may.
    fn shares(&self, other: &Self, allowed: i64) -> bool {
        let inside = |inner: &Self, outer: &Self| outer.from <= inner.from && inner.until <= outer.until;
        let shared = self.until.min(other.until) - self.from.max(other.from);
        inside(self, other) || inside(other, self) || shared > allowed
    }

    fn is(&self, other: &Self, allowed: i64) -> bool {
        if self.ticket == 0 || other.ticket == 0 {
            return self.shares(other, allowed);
        }
        self.ticket == other.ticket && (self.from - other.from).abs() <= ONE_TICKET_SECONDS
    }
}

/// Seconds that an act may share with others.
fn allowed(deed: Deed, law: &Law) -> i64 {
    if deed == Deed::Trip { law.trip_overlap * 60 } else { 0 }
}

impl Person {
    /// Holds an act against those that were counted. Of several that it may be the first of the first week
    /// is named.
    pub fn seen(&self, act: Act, law: &Law) -> Seen {
        let Some(own) = Stretch::of(act) else { return Seen::New };
        let allowed = allowed(act.deed, law);
        let others = || self.stretches.iter().filter(|other| other.key != own.key);
        let same = others().filter(|other| own.is(other, allowed));
        if let Some(first) = same.min_by_key(|other| other.from.div_euclid(WEEK_SECONDS)) {
            return Seen::Again(first.key);
        }
        if others().any(|other| own.shares(other, allowed)) { Seen::Elsewhere } else { Seen::New }
    }

    /// Counts an act's time, once.
    pub fn occupy(&mut self, act: Act) {
        if let Some(own) =
            Stretch::of(act).filter(|own| !self.stretches.iter().any(|known| known.key == own.key))
        {
            self.stretches.push(own);
        }
    }

    /// The act's time is free again.
    pub fn vacate(&mut self, key: ActKey) {
        self.stretches.retain(|known| known.key != key);
    }
}
