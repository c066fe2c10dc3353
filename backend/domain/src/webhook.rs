//! What merchants are told of, and how often it is tried.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::id::MessageId;

/// How often a delivery is tried before it is given up.
pub const TRIES_MAX: i64 = 8;
/// How long an endpoint may fail without one success before it is disabled.
pub const FAILING_MAX: TimeDelta = TimeDelta::hours(72);
/// Longest rest of an endpoint that fails; its deliveries wait longer, each for itself.
pub const REST_MAX: TimeDelta = TimeDelta::minutes(5);
/// Waits after each failed try but the last, in seconds: about 32 hours together.
const WAITS_SECONDS: [i64; 7] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600];

/// What merchants are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A voucher is in a citizen's hands.
    VoucherIssued,
    /// A voucher was used at one of the merchant's tills.
    VoucherUsed,
    /// A use was undone.
    VoucherVoided,
    /// Its holder gave a voucher back.
    VoucherCancelled,
    /// A voucher's time ran out; the points stay spent.
    VoucherExpired,
    /// The points of a voucher came back to its holder by themselves.
    VoucherRefunded,
    /// A statement's lines were fixed.
    StatementClosed,
    /// A statement was paid.
    StatementPaid,
    /// A test that the merchant asked for.
    Ping,
}

impl EventKind {
    /// All that an endpoint may ask for.
    pub const ALL: [Self; 8] = [
        Self::VoucherIssued,
        Self::VoucherUsed,
        Self::VoucherVoided,
        Self::VoucherCancelled,
        Self::VoucherExpired,
        Self::VoucherRefunded,
        Self::StatementClosed,
        Self::StatementPaid,
    ];

    /// The word used in messages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::VoucherIssued => "voucher.issued",
            Self::VoucherUsed => "voucher.used",
            Self::VoucherVoided => "voucher.voided",
            Self::VoucherCancelled => "voucher.cancelled",
            Self::VoucherExpired => "voucher.expired",
            Self::VoucherRefunded => "voucher.refunded",
            Self::StatementClosed => "statement.closed",
            Self::StatementPaid => "statement.paid",
            Self::Ping => "ping",
        }
    }

    /// The kind of a word; a ping is not asked for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl MessageId {
    /// The id that a message has for ever: however often its transaction is tried, it is the same message.
    #[must_use]
    pub fn derive(kind: EventKind, subject: Uuid, at: DateTime<Utc>) -> Self {
        let mut hash = Sha256::new();
        hash.update(kind.word());
        hash.update(subject.as_bytes());
        hash.update(at.timestamp_micros().to_be_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(digest.split_at(16).0);
        Self::new(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// When a delivery is tried again after so many failed tries; none when it is given up. The wait is up to a
/// fifth longer, by `jitter` of 255, so that what failed together does not come back together.
#[must_use]
pub fn next_try(tries: i64, now: DateTime<Utc>, jitter: u8) -> Option<DateTime<Utc>> {
    let at = usize::try_from(tries.checked_sub(1)?).ok()?;
    let seconds = *WAITS_SECONDS.get(at)?;
    now.checked_add_signed(stretched(TimeDelta::seconds(seconds), jitter))
}

/// How long an endpoint rests after so many failures one after another.
#[must_use]
pub fn rest_after(failures: i64, jitter: u8) -> TimeDelta {
    let at = usize::try_from(failures.saturating_sub(1)).unwrap_or_default();
    let seconds = WAITS_SECONDS.get(at).copied().unwrap_or(i64::MAX);
    stretched(TimeDelta::seconds(seconds.min(REST_MAX.num_seconds())), jitter)
}

fn stretched(wait: TimeDelta, jitter: u8) -> TimeDelta {
    let more = wait.num_milliseconds().saturating_mul(i64::from(jitter)).checked_div(255 * 5);
    wait.checked_add(&TimeDelta::milliseconds(more.unwrap_or_default())).unwrap_or(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_tried_eight_times_with_growing_waits() {
        let now = DateTime::UNIX_EPOCH;
        let waits: Vec<i64> = (1..TRIES_MAX)
            .map(|tries| next_try(tries, now, 0).unwrap().signed_duration_since(now).num_seconds())
            .collect();
        assert_eq!(waits, WAITS_SECONDS);
        assert!(waits.is_sorted());
        for tries in [i64::MIN, 0, TRIES_MAX, i64::MAX] {
            assert_eq!(next_try(tries, now, 0), None, "{tries}");
        }
        let late = next_try(1, now, 255).unwrap().signed_duration_since(now);
        assert_eq!(late, TimeDelta::seconds(6), "a fifth more");
    }

    #[test]
    fn an_endpoint_rests_longer_up_to_five_minutes() {
        for (failures, seconds) in [(1, 5), (2, 300), (3, 300), (i64::MAX, 300)] {
            assert_eq!(rest_after(failures, 0).num_seconds(), seconds, "{failures}");
        }
        assert_eq!(rest_after(2, 255), TimeDelta::seconds(360));
    }

    #[test]
    fn a_message_is_the_same_however_often_it_is_made() {
        let (one, at) = (Uuid::from_u128(1), DateTime::UNIX_EPOCH);
        let id = MessageId::derive(EventKind::VoucherUsed, one, at);
        assert_eq!(id, MessageId::derive(EventKind::VoucherUsed, one, at));
        assert_ne!(id, MessageId::derive(EventKind::VoucherVoided, one, at));
        assert_ne!(id, MessageId::derive(EventKind::VoucherUsed, one, at + TimeDelta::microseconds(1)));
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_word(kind.word()), Some(kind));
        }
        assert_eq!(EventKind::from_word("ping"), None);
    }
}
