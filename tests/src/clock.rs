//! A clock that shows what it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::time::Clock;

/// Stands still until it is moved. Clones show the same time.
#[derive(Debug, Clone)]
pub struct FixedClock {
    micros: Arc<AtomicI64>,
}

impl FixedClock {
    /// Shows this instant.
    #[must_use]
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self { micros: Arc::new(AtomicI64::new(instant.timestamp_micros())) }
    }

    /// Shows another instant from now on.
    pub fn set(&self, instant: DateTime<Utc>) {
        self.micros.store(instant.timestamp_micros(), Ordering::SeqCst);
    }

    /// Goes on, or back when less than zero.
    pub fn advance(&self, by: TimeDelta) {
        self.micros.fetch_add(by.num_microseconds().unwrap_or_default(), Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_still_until_moved() {
        let clock = FixedClock::at("2026-03-02T00:00:00.000001Z".parse().unwrap());
        assert_eq!(clock.now(), clock.clone().now());
        clock.advance(TimeDelta::days(-1));
        assert_eq!(clock.now().to_rfc3339(), "2026-03-01T00:00:00.000001+00:00");
    }
}
