//! Which campaigns of an action count on which days, worked out once for all acts. Must never ask who acts.

use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};

use super::campaign::Campaign;

/// A campaign on a day on which it counts.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) campaign: Arc<Campaign>,
    /// Place of its factor among those of the action.
    pub(super) member: usize,
}

/// The campaigns of an action, by the days on which they change.
#[derive(Debug, Clone, Default)]
pub(super) struct Seasons(Vec<Season>);

#[derive(Debug, Clone)]
struct Season {
    /// Civil day counted from the common era; it lasts until the next.
    from: i64,
    live: Vec<Live>,
}

impl Seasons {
    /// Factors of campaigns come after those of so many multipliers.
    pub(super) fn of(campaigns: &[Arc<Campaign>], multipliers: usize) -> Self {
        let mut cuts: Vec<NaiveDate> =
            campaigns.iter().flat_map(|campaign| [campaign.range.from, campaign.range.until]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let season = |from: NaiveDate| {
            let live = campaigns.iter().zip(multipliers..);
            let live = live.filter(|(campaign, _)| campaign.range.contains(from));
            let live = live.map(|(campaign, member)| Live { campaign: Arc::clone(campaign), member });
            Season { from: i64::from(from.num_days_from_ce()), live: live.collect() }
        };
        Self(cuts.into_iter().map(season).collect())
    }

    /// The campaigns of a day, those of all districts together, in the order of the file.
    #[inline]
    pub(super) fn on(&self, day: i64) -> &[Live] {
        let begun = self.0.partition_point(|season| season.from <= day);
        let season = begun.checked_sub(1).and_then(|last| self.0.get(last));
        season.map_or(&[], |season| &season.live)
    }
}
