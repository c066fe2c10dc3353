//! Sums of a simulation. Must never forget what it was told.

use serde::Serialize;

use crate::rule::{Granted, Verdict};

/// What one side made of some events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Events that count.
    pub credited: u64,
    /// Events that do not.
    pub refused: u64,
    /// Events that wait for a reviewer.
    pub held: u64,
    /// Credited events that a cap trimmed.
    pub capped: u64,
    /// Points.
    pub points: i128,
    /// Milligrams of CO2e.
    pub reduction_mg: i128,
}

impl Count {
    pub(super) fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Refused(_) => self.refused = self.refused.saturating_add(1),
            Verdict::Held(_) => self.held = self.held.saturating_add(1),
            Verdict::Credited(Granted { reduction, points, capped, .. }) => {
                self.credited = self.credited.saturating_add(1);
                self.capped = self.capped.saturating_add(u64::from(*capped));
                self.points = self.points.saturating_add(i128::from(points.get()));
                self.reduction_mg = self.reduction_mg.saturating_add(i128::from(reduction.get()));
            }
        }
    }

    fn join(&mut self, other: &Self) {
        let Self { credited, refused, held, capped, points, reduction_mg } = other;
        self.credited = self.credited.saturating_add(*credited);
        self.refused = self.refused.saturating_add(*refused);
        self.held = self.held.saturating_add(*held);
        self.capped = self.capped.saturating_add(*capped);
        self.points = self.points.saturating_add(*points);
        self.reduction_mg = self.reduction_mg.saturating_add(*reduction_mg);
    }
}

/// The same events on both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// Under the rules in force.
    pub in_force: Count,
    /// Under the draft.
    pub draft: Count,
}

impl Pair {
    pub(super) fn add(&mut self, in_force: &Verdict, draft: &Verdict) {
        self.in_force.add(in_force);
        self.draft.add(draft);
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.in_force.join(&other.in_force);
        self.draft.join(&other.draft);
    }
}
