//! One type per kind of id, so that a citizen's id cannot stand where an offer's is wanted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID.
            #[must_use]
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID inside.
            #[must_use]
            pub const fn get(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a row number.
            #[must_use]
            pub const fn new(id: i64) -> Self {
                Self(id)
            }

            /// The row number inside.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

uuid_id!(
    /// A citizen; says nothing about the person.
    CitizenId,
    /// One reported act; derived from its source and external id.
    ActivityId,
    /// A card, meter or account bound to a citizen.
    BindingId,
    /// A merchant.
    MerchantId,
    /// A branch of a merchant.
    BranchId,
    /// An invitation to join a merchant's staff.
    InvitationId,
    /// A place where a merchant is told of events.
    WebhookId,
    /// An event as merchants are told of it.
    MessageId,
    /// An offer of a merchant.
    OfferId,
    /// A public project that points are given to.
    ProjectId,
    /// One purchase of an offer with points.
    RedemptionId,
    /// One voucher of a redemption.
    VoucherId,
    /// A correction of a citizen's balances by two people.
    AdjustmentId,
    /// A card or device whose acts count together, whoever has it; derived from what names it.
    SharedId,
    /// A merchant's statement.
    StatementId,
    /// A prize that a citizen won.
    AwardId,
    /// The owner of an account: a citizen, a merchant, a project, a city programme.
    OwnerId,
);

number_id!(
    /// A city in this deployment.
    CityId,
    /// A source of events.
    SourceId,
    /// A published rule set.
    RuleSetId,
    /// A journal.
    JournalId,
);

impl ActivityId {
    /// The id that (source, external id) has for ever: the first 128 bits of their SHA-256, marked as UUID
    /// version 8.
    ///
    /// One key then serves look-up and idempotency, and any process finds it without asking the database.
    #[must_use]
    pub fn derive(source: SourceId, external_id: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(source.get().to_be_bytes());
        hash.update(external_id.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(digest.split_at(16).0);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl From<CitizenId> for OwnerId {
    fn from(id: CitizenId) -> Self {
        Self(id.0)
    }
}

impl From<ProjectId> for OwnerId {
    fn from(id: ProjectId) -> Self {
        Self(id.0)
    }
}

impl From<MerchantId> for OwnerId {
    fn from(id: MerchantId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activity_id_depends_on_source_and_external_id_only() {
        let one = ActivityId::derive(SourceId::new(1), "ride-1");
        assert_eq!(one, ActivityId::derive(SourceId::new(1), "ride-1"));
        assert_ne!(one, ActivityId::derive(SourceId::new(2), "ride-1"));
        assert_ne!(one, ActivityId::derive(SourceId::new(1), "ride-2"));
        assert_eq!(one.get().get_version_num(), 8);
    }
}
