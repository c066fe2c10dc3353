//! What people of a city office do to citizens' books and to merchants, and the record of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::amount::{Points, ReductionMg};
use crate::id::{AdjustmentId, CitizenId, CityId, SourceId};
use crate::text::Text;

/// Longest reason in one language, in bytes.
pub const REASON_BYTES_MAX: usize = 500;

const OPERATOR: &str = "operator";

/// Who acts on somebody else's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person with a role.
    Person(CitizenId),
    /// The source that reported the activity.
    Source(SourceId),
    /// Whoever runs the platform, by its command line.
    Operator,
}

impl Actor {
    /// As the record keeps it: `person:UUID`, `source:NUMBER` or `operator`.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Person(id) => format!("person:{id}"),
            Self::Source(id) => format!("source:{id}"),
            Self::Operator => OPERATOR.to_owned(),
        }
    }

    /// The actor of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        if word == OPERATOR {
            return Some(Self::Operator);
        }
        match word.split_once(':')? {
            ("person", id) => id.parse().ok().map(Self::Person),
            ("source", id) => id.parse().ok().map(|id| Self::Source(SourceId::new(id))),
            _ => None,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// A credited activity was undone.
    Reversed,
    /// A correction was proposed.
    AdjustmentProposed,
    /// A proposed correction was posted.
    AdjustmentApproved,
    /// A proposed correction was thrown away.
    AdjustmentRefused,
    /// A held activity went on to be decided by the rules.
    Released,
    /// A held activity was refused.
    Rejected,
    /// A merchant was admitted.
    MerchantApproved,
    /// An application was sent back to be amended.
    MerchantReturned,
    /// An application was turned down.
    MerchantRejected,
    /// A merchant was stopped.
    MerchantSuspended,
    /// A stopped merchant goes on.
    MerchantReinstated,
    /// A merchant ended.
    MerchantClosed,
    /// A person joined a merchant's staff.
    StaffJoined,
    /// A person left a merchant's staff, or was removed.
    StaffRemoved,
    /// A merchant invited a person.
    StaffInvited,
    /// A merchant took an invitation back.
    InvitationWithdrawn,
    /// A merchant opened a branch.
    BranchOpened,
    /// A branch got another name or address.
    BranchChanged,
    /// A merchant closed a branch.
    BranchClosed,
    /// A merchant registered an address to be told at.
    WebhookAdded,
    /// It removed one.
    WebhookRemoved,
    /// It had a new secret made for one.
    WebhookSecretRenewed,
    /// It enabled one that was disabled.
    WebhookEnabled,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Reversed,
        Self::AdjustmentProposed,
        Self::AdjustmentApproved,
        Self::AdjustmentRefused,
        Self::Released,
        Self::Rejected,
        Self::MerchantApproved,
        Self::MerchantReturned,
        Self::MerchantRejected,
        Self::MerchantSuspended,
        Self::MerchantReinstated,
        Self::MerchantClosed,
        Self::StaffJoined,
        Self::StaffRemoved,
        Self::StaffInvited,
        Self::InvitationWithdrawn,
        Self::BranchOpened,
        Self::BranchChanged,
        Self::BranchClosed,
        Self::WebhookAdded,
        Self::WebhookRemoved,
        Self::WebhookSecretRenewed,
        Self::WebhookEnabled,
    ];

    /// The word used in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reversed => "activity_reversed",
            Self::AdjustmentProposed => "adjustment_proposed",
            Self::AdjustmentApproved => "adjustment_approved",
            Self::AdjustmentRefused => "adjustment_refused",
            Self::Released => "activity_released",
            Self::Rejected => "activity_rejected",
            Self::MerchantApproved => "merchant_approved",
            Self::MerchantReturned => "merchant_returned",
            Self::MerchantRejected => "merchant_rejected",
            Self::MerchantSuspended => "merchant_suspended",
            Self::MerchantReinstated => "merchant_reinstated",
            Self::MerchantClosed => "merchant_closed",
            Self::StaffJoined => "staff_joined",
            Self::StaffRemoved => "staff_removed",
            Self::StaffInvited => "staff_invited",
            Self::InvitationWithdrawn => "invitation_withdrawn",
            Self::BranchOpened => "branch_opened",
            Self::BranchChanged => "branch_changed",
            Self::BranchClosed => "branch_closed",
            Self::WebhookAdded => "webhook_added",
            Self::WebhookRemoved => "webhook_removed",
            Self::WebhookSecretRenewed => "webhook_secret_renewed",
            Self::WebhookEnabled => "webhook_enabled",
        }
    }
}

/// One thing done, for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// In which city.
    pub city: CityId,
    /// What.
    pub act: Act,
    /// To which activity, adjustment or merchant.
    pub subject: Uuid,
    /// Whose books, or which of a merchant's people; none for a merchant as a whole.
    pub citizen: Option<CitizenId>,
    /// By whom.
    pub actor: Actor,
    /// Why.
    pub reason: Text,
    /// When.
    pub done_at: DateTime<Utc>,
}

/// Where an adjustment is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdjustmentStatus {
    /// Waits for a second person.
    Proposed,
    /// Posted.
    Approved,
    /// Thrown away.
    Refused,
}

impl AdjustmentStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Proposed, Self::Approved, Self::Refused];

    /// The word used in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }
}

/// A correction of one citizen's balances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// Its id.
    pub id: AdjustmentId,
    /// In which city.
    pub city: CityId,
    /// Whose balances.
    pub citizen: CitizenId,
    /// Where it is in its life.
    pub status: AdjustmentStatus,
    /// Points up or down.
    pub points: Points,
    /// Grams up or down.
    pub reduction: ReductionMg,
    /// Why, for the citizen.
    pub reason: Text,
    /// Who proposed it.
    pub proposed_by: CitizenId,
    /// When.
    pub proposed_at: DateTime<Utc>,
    /// Who decided it; never the proposer.
    pub decided_by: Option<CitizenId>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Whether a reason can stand: both languages, 1 to [`REASON_BYTES_MAX`] bytes each, no control characters.
#[must_use]
pub fn reason_fits(reason: &Text) -> bool {
    let fits =
        |text: &str| (1..=REASON_BYTES_MAX).contains(&text.trim().len()) && !text.contains(char::is_control);
    fits(&reason.zh) && fits(&reason.en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_as_it_was_written() {
        for actor in [
            Actor::Person(CitizenId::new(Uuid::from_u128(7))),
            Actor::Source(SourceId::new(3)),
            Actor::Operator,
        ] {
            assert_eq!(Actor::from_word(&actor.word()), Some(actor));
        }
        for bad in ["", "person", "person:", "source:x", "operator:", "city:1"] {
            assert_eq!(Actor::from_word(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_reason_is_told_in_both_languages() {
        for (bytes, fits) in [(0, false), (1, true), (500, true), (501, false)] {
            assert_eq!(reason_fits(&Text::new("x".repeat(bytes), "why")), fits, "{bytes}");
            assert_eq!(reason_fits(&Text::new("因", "y".repeat(bytes))), fits, "{bytes}");
        }
        assert!(!reason_fits(&Text::new(" ", "why")) && !reason_fits(&Text::new("因", "a\nb")));
    }
}
