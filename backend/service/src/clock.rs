//! The real clock, and the only place that reads it.

use chrono::{DateTime, Utc};
use tanhui_domain::time::{Clock, to_micros};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        to_micros(Utc::now())
    }
}
