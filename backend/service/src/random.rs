//! Randomness, passed in so that tests and simulations choose it.

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

/// A source of random bytes.
pub trait Random: Send + Sync + 'static {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A UUID of version 7: grows with time, so that new rows lie together.
    fn uuid_at(&self, at: DateTime<Utc>) -> Uuid {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        Builder::from_unix_timestamp_millis(u64::try_from(at.timestamp_millis()).unwrap_or(0), &bytes).into_uuid()
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    /// Never returns on a system without randomness: nothing that tanhui does would be safe there.
    fn fill(&self, bytes: &mut [u8]) {
        while let Err(error) = getrandom::fill(bytes) {
            tracing::error!(%error, "the operating system gives no random bytes");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
}
