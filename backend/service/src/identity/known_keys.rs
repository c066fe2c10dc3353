//! Partner keys that were live a moment ago, so that most calls of a partner look nothing up.
//!
//! The process that revokes keys forgets them at once; another that knows one accepts it for at most
//! [`KNOWN_FOR`] more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::city::Source;
use tanhui_domain::id::SourceId;

/// How long a key is known without being looked up again.
pub const KNOWN_FOR: TimeDelta = TimeDelta::seconds(5);
/// Most keys that are known at once; those beyond are looked up at each call.
const KEYS_MAX: usize = 10_000;

/// Sources by the hash of their key, and when they were looked up.
#[derive(Default)]
pub struct KnownKeys(Mutex<Known>);

#[derive(Default)]
struct Known {
    keys: HashMap<[u8; 32], (DateTime<Utc>, Arc<Source>)>,
    /// When keys of a source were revoked here last: a look-up begun before may have seen them live.
    revoked: HashMap<SourceId, DateTime<Utc>>,
}

impl KnownKeys {
    /// The source of a key that was live a moment ago.
    #[must_use]
    pub fn find(&self, key_hash: &[u8; 32], now: DateTime<Utc>) -> Option<Arc<Source>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, source) = known.keys.get(key_hash)?;
        is_fresh(*since, now).then(|| Arc::clone(source))
    }

    /// Keeps what a look-up begun at an instant has found.
    pub fn keep(&self, key_hash: [u8; 32], since: DateTime<Utc>, source: &Arc<Source>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { keys, revoked } = &mut *known;
        if revoked.get(&source.id).is_some_and(|at| since <= *at) {
            return;
        }
        if keys.len() >= KEYS_MAX {
            keys.retain(|_, (known, _)| is_fresh(*known, since));
        }
        if keys.len() < KEYS_MAX {
            keys.insert(key_hash, (since, Arc::clone(source)));
        }
    }

    /// Forgets a source's keys after some were revoked at an instant: each is looked up again.
    pub fn forget(&self, source: SourceId, at: DateTime<Utc>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.keys.retain(|_, (_, of)| of.id != source);
        known.revoked.insert(source, at);
    }
}

/// A clock that was put back makes nothing fresh.
fn is_fresh(since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let age = now.signed_duration_since(since);
    (TimeDelta::zero()..KNOWN_FOR).contains(&age)
}

#[cfg(test)]
mod tests {
    use tanhui_domain::id::CityId;
    use tanhui_domain::rule::Evidence;

    use super::*;

    fn source() -> Arc<Source> {
        Arc::new(Source {
            id: SourceId::new(1),
            city: CityId::new(1),
            uri: "urn:s".to_owned(),
            name: "S".to_owned(),
            evidence: Evidence::Operator,
        })
    }

    fn after(micros: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(micros).unwrap()
    }

    #[test]
    fn a_key_is_known_for_five_seconds() {
        let keys = KnownKeys::default();
        keys.keep([1; 32], after(0), &source());
        for (micros, known) in [(-1, false), (0, true), (4_999_999, true), (5_000_000, false)] {
            assert_eq!(keys.find(&[1; 32], after(micros)).is_some(), known, "{micros}");
        }
        assert_eq!(keys.find(&[2; 32], after(0)), None);
    }

    #[test]
    fn a_look_up_begun_before_a_revocation_is_not_kept() {
        let keys = KnownKeys::default();
        keys.keep([1; 32], after(0), &source());
        keys.forget(SourceId::new(2), after(10));
        assert!(keys.find(&[1; 32], after(10)).is_some(), "another source's");
        keys.forget(SourceId::new(1), after(10));
        assert_eq!(keys.find(&[1; 32], after(10)), None);
        for (since, kept) in [(9, false), (10, false), (11, true)] {
            keys.keep([1; 32], after(since), &source());
            assert_eq!(keys.find(&[1; 32], after(11)).is_some(), kept, "{since}");
        }
    }

    #[test]
    fn no_more_keys_are_known_than_may_be() {
        let (keys, source) = (KnownKeys::default(), source());
        let hash = |number: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            hash
        };
        for number in 0..=KEYS_MAX {
            keys.keep(hash(number), after(0), &source);
        }
        assert!(keys.find(&hash(KEYS_MAX - 1), after(0)).is_some());
        assert_eq!(keys.find(&hash(KEYS_MAX), after(0)), None);
        keys.keep(hash(KEYS_MAX), after(5_000_000), &source);
        assert!(keys.find(&hash(KEYS_MAX), after(5_000_000)).is_some(), "those of long ago make room");
    }
}
