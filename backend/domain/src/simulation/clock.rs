//! The time of a simulation: that of the latest report. Must never go back.

use chrono::{DateTime, NaiveDate};

use super::block::Bare;
use crate::rule::RuleSet;
use crate::time::{civil_day, day_start};

/// What time it is.
#[derive(Debug)]
pub(super) struct Clock {
    /// Seconds since 1970.
    pub(super) now: i64,
    /// When the next civil day begins.
    tomorrow: i64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { now: i64::MIN, tomorrow: i64::MIN }
    }
}

impl Clock {
    /// Moves on to when an act was reported; gives the civil day where it is a new one.
    #[inline]
    pub(super) fn turn(&mut self, bare: &Bare, rules: &RuleSet) -> Option<NaiveDate> {
        self.now = self.now.max(bare.at.saturating_add(i64::from(bare.late_by)));
        if self.now < self.tomorrow { None } else { self.new_day(rules) }
    }

    #[cold]
    fn new_day(&mut self, rules: &RuleSet) -> Option<NaiveDate> {
        let today = civil_day(DateTime::from_timestamp(self.now, 0)?, rules.timezone());
        self.tomorrow = day_start(today.succ_opt()?, rules.timezone()).timestamp();
        Some(today)
    }
}
