//! What an evaluation is asked and what it answers. Holds no arithmetic.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::history::Readings;
use super::input_value::Inputs;
use crate::amount::{Points, ReductionMg};
use crate::id::SharedId;
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
    /// The citizen's home district, where told; campaigns ask for it.
    pub district: Option<&'a str>,
    /// Earlier readings, aligned with `RuleSet::history_windows` of the act's civil day.
    pub history: &'a [Readings],
    /// Points issued so far under each of `RuleSet::budget_windows` of the act's civil day, and promised to
    /// those who wait in its queue.
    pub issued: &'a [Points],
    /// The card, meter or account, where a cap counts its acts; kept, not looked at.
    pub card: Option<SharedId>,
    /// A person has looked at it: nothing holds it again.
    pub reviewed: bool,
}

impl<'a> Facts<'a> {
    /// An act about whose citizen nothing further is known, under budgets that nothing was issued from.
    #[must_use]
    pub fn new(inputs: &'a Inputs, occurred_at: DateTime<Utc>, evidence: Evidence) -> Self {
        let (history, issued) = (&[], &[]);
        Self { inputs, occurred_at, evidence, district: None, history, issued, card: None, reviewed: false }
    }
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
    /// A person must look at it first.
    Held(Hold),
}

impl Decision {
    /// What the decision can be computed again from.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        match self {
            Self::Credited(credit) => &credit.receipt,
            Self::Refused(refusal) => &refusal.receipt,
            Self::Held(hold) => &hold.receipt,
        }
    }
}

/// What an act earned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// Grams for the carbon ledger.
    pub reduction: ReductionMg,
    /// Points given at once.
    pub points: Points,
    /// Points that wait for a budget; caps count them as given.
    pub queued: Points,
    /// How much of the first numeric input was granted, in thousandths of its base unit.
    pub quantity: i64,
    /// Whether a cap trimmed it.
    pub capped: bool,
    /// Whether a budget, a campaign's or the programme's, gave less than the rules promise for good.
    pub budget_exhausted: bool,
    /// Points that it adds to what was issued under each of `RuleSet::budget_windows`.
    pub drawn: Vec<Points>,
    /// What it was computed from.
    pub receipt: Receipt,
}

impl Credit {
    /// What the citizen is told of a credit that is not the full one: `queued`, `budget_exhausted` or
    /// `capped`, the first that applies.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        if self.queued > Points::ZERO {
            Some("queued")
        } else if self.budget_exhausted {
            Some("budget_exhausted")
        } else {
            self.capped.then_some("capped")
        }
    }
}

/// Why a person must look at an act before it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// `hold.N` or the rule's own code.
    pub code: String,
    /// The reason, for the citizen and the reviewer.
    pub reason: Text,
    /// What it was computed from.
    pub receipt: Receipt,
}

/// Why an act earned nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `eligible.N` or the rule's own code, `no_factor_in_force`, `history_too_short`,
    /// `evidence_not_accepted`, or an input problem's code.
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
    /// The citizen's district, where a campaign asked for it.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Earlier readings seen.
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Readings>,
    /// Points issued before under each budget.
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    pub issued: Vec<Points>,
    /// The card, meter or account, where a cap counts its acts.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub card: Option<SharedId>,
    /// Whether a person had looked at it.
    #[serde(rename = "r", default, skip_serializing_if = "is_false")]
    pub reviewed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Receipt {
    /// The facts that it was made from.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            inputs: &self.inputs,
            occurred_at: self.occurred_at,
            evidence: self.evidence,
            district: self.district.as_deref(),
            history: &self.history,
            issued: &self.issued,
            card: self.card,
            reviewed: self.reviewed,
        }
    }
}
