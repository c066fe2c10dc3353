//! A reported low-carbon act after it was decided.

use chrono::{DateTime, Utc};

use crate::amount::{Points, ReductionMg};
use crate::id::{ActivityId, CitizenId, RuleSetId, SourceId};
use crate::rule::ReceiptBytes;

/// What became of an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActivityStatus {
    /// Posted to the ledger.
    Credited,
    /// Kept for a person to decide.
    Held,
    /// Refused by the rules; gave nothing.
    Rejected,
    /// Credited once, and undone by a later journal.
    Reversed,
}

impl ActivityStatus {
    /// The word used in answers and files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Credited => "credited",
            Self::Held => "held",
            Self::Rejected => "rejected",
            Self::Reversed => "reversed",
        }
    }
}

/// One act of one citizen with what it gave. The receipt holds all that is needed to recompute it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Derived from source and external id.
    pub id: ActivityId,
    /// Who did it.
    pub citizen: CitizenId,
    /// Who reported it.
    pub source: SourceId,
    /// The source's own id of the act.
    pub external_id: String,
    /// Action of the rule file.
    pub action: String,
    /// What became of it.
    pub status: ActivityStatus,
    /// The rule set that decided it.
    pub rule_set: RuleSetId,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was written.
    pub recorded_at: DateTime<Utc>,
    /// Points granted.
    pub points: Points,
    /// CO2e avoided, as credited.
    pub reduction: ReductionMg,
    /// `capped`, or why it was rejected.
    pub code: Option<String>,
    /// What it was computed from, as stored.
    pub receipt: ReceiptBytes,
}
