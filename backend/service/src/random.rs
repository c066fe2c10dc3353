//! Randomness that cannot be refused: ids and codes wait for the machine's entropy rather than go on without.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

use crate::identity::entropy::Entropy;

/// What use cases draw from [`Entropy`].
pub trait Random: Entropy {
    /// Fills the bytes, however long the machine takes.
    fn fill_surely(&self, bytes: &mut [u8]) {
        while let Err(error) = self.fill(bytes) {
            tracing::error!(%error, "waiting for random bytes");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A UUID of version 7: grows with time, so that new rows lie together.
    fn uuid_at(&self, at: DateTime<Utc>) -> Uuid {
        let mut bytes = [0; 10];
        self.fill_surely(&mut bytes);
        Builder::from_unix_timestamp_millis(u64::try_from(at.timestamp_millis()).unwrap_or(0), &bytes)
            .into_uuid()
    }
}

impl<E: Entropy + ?Sized> Random for E {}
