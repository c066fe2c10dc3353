//! Ids and hashes that are the same in every run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// The UUID of a number; larger numbers sort later.
#[must_use]
pub fn id(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number))
}

/// The subject hash of a number.
#[must_use]
pub fn subject(number: u64) -> [u8; 32] {
    let mut hash = [0xA5; 32];
    hash.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    hash
}

/// Gives one id after another. Clones count on together.
#[derive(Debug, Clone, Default)]
pub struct Ids {
    last: Arc<AtomicU64>,
}

impl Ids {
    /// An id that was not given before.
    #[must_use]
    pub fn next(&self) -> Uuid {
        id(self.last.fetch_add(1, Ordering::SeqCst).saturating_add(1))
    }
}
