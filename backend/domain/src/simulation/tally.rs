//! Sums of a simulation. Must never forget what it was told.

use serde::Serialize;

use crate::amount::Points;
use crate::rule::{Granted, Verdict};

/// What became of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It counts.
    Credited,
    /// It does not, or the rules have no such action.
    #[default]
    Refused,
    /// It waits for a reviewer.
    Held,
    /// It is an act that was counted before.
    ToldAgain,
    /// It came too late or too early; counted among what is refused.
    Untimely,
}

/// One side's answer to one event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// What became of it.
    pub standing: Standing,
    /// Whether a cap trimmed it.
    pub capped: bool,
    /// Whether a budget gave less for good.
    pub exhausted: bool,
    /// Points given at once.
    pub points: i64,
    /// Points that wait for a budget.
    pub queued: i64,
    /// Milligrams.
    pub reduction_mg: i64,
}

impl Judged {
    /// An event that gave nothing.
    pub(super) fn nothing(standing: Standing) -> Self {
        Self { standing, ..Self::default() }
    }

    pub(super) fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Refused(_) => Self::nothing(Standing::Refused),
            Verdict::Held(_) => Self::nothing(Standing::Held),
            Verdict::Credited(Granted { reduction, points, queued, capped, budget_exhausted, .. }) => Self {
                standing: Standing::Credited,
                capped: *capped,
                exhausted: *budget_exhausted,
                points: points.get(),
                queued: queued.get(),
                reduction_mg: reduction.get(),
            },
        }
    }

    /// All points that it was promised.
    #[must_use]
    pub fn promised(&self) -> i64 {
        self.points.saturating_add(self.queued)
    }
}

/// What one side made of some events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Events that count.
    pub credited: u64,
    /// Events that do not, those that came too late or too early among them.
    pub refused: u64,
    /// Events that wait for a reviewer.
    pub held: u64,
    /// Acts that were counted before.
    pub told_again: u64,
    /// Credited events that a cap trimmed.
    pub capped: u64,
    /// Credited events that an empty budget gave less for good.
    pub budget_exhausted: u64,
    /// Points given at once.
    pub points: i128,
    /// Points that had to wait for a budget.
    pub queued_points: i128,
    /// Those of them that were paid later.
    pub paid_later_points: i128,
    /// Those of them that will not be given.
    pub given_up_points: i128,
    /// Milligrams of CO2e.
    pub reduction_mg: i128,
}

impl Count {
    /// Adds one event.
    pub fn add(&mut self, judged: &Judged) {
        let place = match judged.standing {
            Standing::Credited => &mut self.credited,
            Standing::Refused | Standing::Untimely => &mut self.refused,
            Standing::Held => &mut self.held,
            Standing::ToldAgain => &mut self.told_again,
        };
        *place = place.saturating_add(1);
        self.capped = self.capped.saturating_add(u64::from(judged.capped));
        self.budget_exhausted = self.budget_exhausted.saturating_add(u64::from(judged.exhausted));
        self.points = self.points.saturating_add(i128::from(judged.points));
        self.queued_points = self.queued_points.saturating_add(i128::from(judged.queued));
        self.reduction_mg = self.reduction_mg.saturating_add(i128::from(judged.reduction_mg));
    }

    /// Points of so many events that waited have been settled.
    pub(super) fn settle(&mut self, paid: Points, given_up: Points) {
        self.paid_later_points = self.paid_later_points.saturating_add(i128::from(paid.get()));
        self.given_up_points = self.given_up_points.saturating_add(i128::from(given_up.get()));
    }

    /// All points that were given, at once or later.
    #[must_use]
    pub fn given(&self) -> i128 {
        self.points.saturating_add(self.paid_later_points)
    }

    pub(super) fn join(&mut self, other: &Self) {
        let counts = [
            (&mut self.credited, other.credited),
            (&mut self.refused, other.refused),
            (&mut self.held, other.held),
            (&mut self.told_again, other.told_again),
            (&mut self.capped, other.capped),
            (&mut self.budget_exhausted, other.budget_exhausted),
        ];
        for (own, other) in counts {
            *own = own.saturating_add(other);
        }
        self.points = self.points.saturating_add(other.points);
        self.queued_points = self.queued_points.saturating_add(other.queued_points);
        self.paid_later_points = self.paid_later_points.saturating_add(other.paid_later_points);
        self.given_up_points = self.given_up_points.saturating_add(other.given_up_points);
        self.reduction_mg = self.reduction_mg.saturating_add(other.reduction_mg);
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
