//! What an evaluation is asked and what it answers. Holds no arithmetic.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::inputs::Inputs;
use crate::amount::{Points, ReductionMg};
use crate::text::Text;

/// Version of the rules of evaluation; stored in every receipt.
pub const ENGINE_VERSION: u16 = 1;

/// What is known of one act.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The action's inputs.
    pub inputs: &'a Inputs,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// How it was evidenced.
    pub evidence: Evidence,
}

/// What was granted so far in a cap's window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, i64, i64, i64)", into = "(i64, i64, i64, i64)")]
pub struct Usage {
    /// Credited events.
    pub events: i64,
    /// Points.
    pub points: Points,
    /// Reduction.
    pub reduction: ReductionMg,
    /// First numeric input, in thousandths of its base unit.
    pub quantity: i64,
}

impl Usage {
    /// Nothing granted yet.
    pub const NONE: Self =
        Self { events: 0, points: Points::ZERO, reduction: ReductionMg::ZERO, quantity: 0 };
}

impl From<(i64, i64, i64, i64)> for Usage {
    fn from((events, points, reduction, quantity): (i64, i64, i64, i64)) -> Self {
        Self { events, points: Points::new(points), reduction: ReductionMg::new(reduction), quantity }
    }
}

impl From<Usage> for (i64, i64, i64, i64) {
    fn from(usage: Usage) -> Self {
        (usage.events, usage.points.get(), usage.reduction.get(), usage.quantity)
    }
}

/// The answer to one act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It counts.
    Credited(Credit),
    /// It does not, and why.
    Refused(Refusal),
}

impl Decision {
    /// What the decision can be computed again from.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        match self {
            Self::Credited(credit) => &credit.receipt,
            Self::Refused(refusal) => &refusal.receipt,
        }
    }
}

/// What an act earned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// Grams for the carbon ledger.
    pub reduction: ReductionMg,
    /// Points.
    pub points: Points,
    /// How much of the first numeric input was granted, in thousandths of its base unit.
    pub quantity: i64,
    /// Whether a cap trimmed it.
    pub capped: bool,
    /// What it was computed from.
    pub receipt: Receipt,
}

/// Why an act earned nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `eligible.N` or the rule's own code, `no_factor_in_force`, `evidence_not_accepted`, or an input
    /// problem's code.
    pub code: String,
    /// The reason for the citizen.
    pub reason: Text,
    /// What it was computed from.
    pub receipt: Receipt,
}

/// All that a decision depended on besides the rule set: enough to compute it again, digit for digit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of the engine.
    #[serde(rename = "v")]
    pub engine: u16,
    /// Canonical inputs.
    #[serde(rename = "i")]
    pub inputs: Inputs,
    /// When the act happened.
    #[serde(rename = "t")]
    pub occurred_at: DateTime<Utc>,
    /// How it was evidenced.
    #[serde(rename = "e")]
    pub evidence: Evidence,
    /// Usage seen in each cap window.
    #[serde(rename = "u")]
    pub used: Vec<Usage>,
}
