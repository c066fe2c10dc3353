//! Acts of a shared quota that this process took ahead, so that most of them need no round trip.
//!
//! What is taken ahead is counted in Redis at once, so no quota is ever exceeded. A process keeps at most a
//! hundredth of a quota for itself; so many acts of others may be refused before it is used up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::memory::FadingMap;
use super::{Quota, RateDecision};

/// Most acts taken ahead at once.
const AHEAD_MAX: u32 = 64;
/// Keys whose permits are known at least, before the oldest make room.
const KEYS_KEPT: usize = 10_000;

/// How many acts of a quota are asked for at once.
pub fn ahead(quota: Quota) -> u32 {
    quota.limit.checked_div(100).unwrap_or(0).clamp(1, AHEAD_MAX)
}

/// What this process holds of one key, until its window ends.
pub struct Held {
    here: u32,
    beyond: u32,
    until: Instant,
}

impl Default for Held {
    fn default() -> Self {
        Self { here: 0, beyond: 0, until: Instant::now() }
    }
}

impl Held {
    /// Takes one of those that are held; none where there is none.
    pub fn take(&mut self, quota: Quota) -> Option<RateDecision> {
        let left = self.until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        self.here = self.here.checked_sub(1)?;
        let remaining = self.here.saturating_add(self.beyond);
        let used = u64::from(quota.limit.saturating_sub(remaining));
        Some(RateDecision::new(quota, used, left))
    }

    /// Takes the first of some that were asked for at an instant, of which Redis counted all and allowed
    /// perhaps fewer, and holds the others.
    pub fn fill(
        &mut self,
        quota: Quota,
        asked: (Instant, u32),
        (used, left): (u64, Duration),
    ) -> RateDecision {
        let (at, count) = asked;
        let over = used.saturating_sub(u64::from(quota.limit));
        let allowed = count.saturating_sub(u32::try_from(over).unwrap_or(u32::MAX));
        let beyond = u64::from(quota.limit).saturating_sub(used);
        *self = Self {
            here: allowed,
            beyond: u32::try_from(beyond).unwrap_or(u32::MAX),
            until: at.checked_add(left).unwrap_or(at),
        };
        // Where the window is over by now, the act still counted in it.
        self.take(quota).unwrap_or_else(|| RateDecision::new(quota, used, left))
    }
}

/// All keys of which this process holds something.
pub struct Permits(Mutex<FadingMap<Arc<tokio::sync::Mutex<Held>>>>);

impl Default for Permits {
    fn default() -> Self {
        Self(Mutex::new(FadingMap::keeping(KEYS_KEPT)))
    }
}

impl Permits {
    /// What is held of a key. Whoever asks Redis for more keeps it locked, so that others wait for the same
    /// answer.
    pub fn of(&self, key: &str) -> Arc<tokio::sync::Mutex<Held>> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keys.get_or_insert_with(key, Arc::default))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn quota(limit: u32) -> Quota {
        Quota { limit, window: HOUR }
    }

    #[test]
    fn a_hundredth_is_taken_ahead() {
        for (limit, expected) in
            [(0, 1), (1, 1), (199, 1), (200, 2), (6_399, 63), (6_400, 64), (6_500, 64), (u32::MAX, 64)]
        {
            assert_eq!(ahead(quota(limit)), expected, "{limit}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_ahead_is_used_up_before_more_is_asked_for() {
        let (mut held, quota) = (Held::default(), quota(200));
        assert!(held.take(quota).is_none());
        let first = held.fill(quota, (Instant::now(), 2), (2, HOUR));
        assert_eq!((first.allowed, first.remaining, first.reset_seconds), (true, 199, 3_600));
        assert_eq!(held.take(quota).map(|one| (one.allowed, one.remaining)), Some((true, 198)));
        assert!(held.take(quota).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_allowed_than_the_quota_has() {
        let (mut held, quota) = (Held::default(), quota(200));
        for (used, allowed) in [(200, 2), (201, 1), (202, 0), (900, 0)] {
            let decision = held.fill(quota, (Instant::now(), 2), (used, HOUR));
            assert_eq!(decision.allowed, allowed > 0, "{used}");
            let further = std::iter::from_fn(|| held.take(quota)).count();
            assert_eq!(usize::from(decision.allowed) + further, allowed, "{used}");
            assert_eq!(held.take(quota), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_ends_with_its_window() {
        let (mut held, quota) = (Held::default(), quota(1_000));
        held.fill(quota, (Instant::now(), 10), (10, HOUR));
        tokio::time::advance(HOUR.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(held.take(quota).map(|one| one.reset_seconds), Some(1));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(held.take(quota), None);
    }
}
