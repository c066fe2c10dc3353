//! Refresh tokens turn over with every use, and a token used twice gives a thief away.
//!
//! All tokens that grow from one sign-in are a family. Only the newest is good. An older one that comes back
//! means that two hold the same token: the whole family ends and its owner signs in again. One exception: a
//! phone on a bad line that never got its answer asks again within seconds; it gets a new successor and the
//! unseen one ends.

use chrono::{DateTime, TimeDelta, Utc};

/// How long a token that nobody uses is good for.
pub const REFRESH_TTL: TimeDelta = TimeDelta::days(60);
/// How long after its use a token may ask again, if its successor was never used.
pub const RETRY_WINDOW: TimeDelta = TimeDelta::seconds(30);

/// What the store knows of a presented token. Read under a lock on its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredToken {
    /// Good until then, itself excluded.
    pub expires_at: DateTime<Utc>,
    /// Whether its family has ended.
    pub family_ended: bool,
    /// Its use, if it was used.
    pub used: Option<Use>,
}

/// A token's use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// First use; later ones do not move it.
    pub at: DateTime<Utc>,
    /// Whether it is the family's newest but one: its successor was never presented.
    pub successor_unseen: bool,
}

/// What to do with a presented token. The caller does all of it in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Mark it used, and issue a successor good until then.
    Rotate {
        /// The successor's end.
        expires_at: DateTime<Utc>,
    },
    /// Void the unseen successor (a void token counts as used), and issue another, good until then.
    Reissue {
        /// The other successor's end.
        expires_at: DateTime<Utc>,
    },
    /// End the family: somebody else holds this token too.
    EndFamily,
    /// Only refuse: the token is too old or its family has ended.
    Refuse,
}

/// Decides over a token that the store found. One that it did not find is refused.
#[must_use]
pub fn decide(token: &StoredToken, now: DateTime<Utc>) -> RefreshDecision {
    let expires_at = now.checked_add_signed(REFRESH_TTL).unwrap_or(DateTime::<Utc>::MAX_UTC);
    if token.family_ended {
        return RefreshDecision::Refuse;
    }
    match token.used {
        Some(used) if used.successor_unseen && now.signed_duration_since(used.at) < RETRY_WINDOW => {
            RefreshDecision::Reissue { expires_at }
        }
        Some(_) => RefreshDecision::EndFamily,
        None if token.expires_at <= now => RefreshDecision::Refuse,
        None => RefreshDecision::Rotate { expires_at },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn token(used: Option<(i64, bool)>) -> StoredToken {
        let used = used.map(|(second, successor_unseen)| Use { at: at(second), successor_unseen });
        StoredToken { expires_at: at(1_000), family_ended: false, used }
    }

    #[test]
    fn the_newest_token_turns_over_until_its_end() {
        let day = 86_400;
        assert_eq!(decide(&token(None), at(999)), RefreshDecision::Rotate { expires_at: at(999 + 60 * day) });
        assert_eq!(decide(&token(None), at(1_000)), RefreshDecision::Refuse);
    }

    #[test]
    fn a_token_used_twice_ends_its_family() {
        assert_eq!(decide(&token(Some((100, false))), at(101)), RefreshDecision::EndFamily);
        assert_eq!(decide(&token(Some((100, true))), at(130)), RefreshDecision::EndFamily);
        assert_eq!(decide(&token(Some((100, true))), at(2_000)), RefreshDecision::EndFamily, "even when old");
        let ended = StoredToken { family_ended: true, ..token(None) };
        assert_eq!(decide(&ended, at(1)), RefreshDecision::Refuse);
    }

    #[test]
    fn an_answer_that_got_lost_can_be_asked_for_again() {
        let again = decide(&token(Some((100, true))), at(129));
        assert!(matches!(again, RefreshDecision::Reissue { .. }), "{again:?}");
    }
}
