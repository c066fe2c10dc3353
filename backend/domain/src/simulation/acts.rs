//! Which acts of one body have been counted, so that no act counts twice. Must judge as crediting does.

use super::quick::QuickMap;
use crate::same_act::{ACTS_MAX, CountedAct, SECONDS_MAX, Seen, Stretch, week};

/// How many acts of a body are kept before those are let go that no later act can meet.
const KEPT_MIN: usize = 32;

/// The counted acts of each citizen and group.
#[derive(Default)]
pub(super) struct Acts(QuickMap<(u32, u16), Vec<CountedAct>>);

impl Acts {
    /// Looks for an act among those of its group that were counted.
    pub(super) fn look(&self, body: (u32, u16), stretch: &Stretch) -> Seen {
        let Some(acts) = self.0.get(&body) else { return Seen::New };
        let weeks = stretch.weeks_near();
        let near = || acts.iter().filter(|act| weeks.contains(&act.week()));
        if let Some(first) = near().find(|act| act.repeats(stretch)) {
            return Seen::Again(first.activity);
        }
        if near().any(|act| act.meets(stretch)) { Seen::Elsewhere } else { Seen::New }
    }

    /// Counts an act by its number; nothing that is still to come begins before `horizon`.
    pub(super) fn count(&mut self, body: (u32, u16), number: u64, stretch: &Stretch, horizon: i64) {
        let acts = self.0.entry(body).or_default();
        if acts.len() >= KEPT_MIN && acts.len().is_multiple_of(KEPT_MIN) {
            let first = week(horizon.saturating_sub(SECONDS_MAX));
            acts.retain(|act| act.week() >= first);
        }
        let act = CountedAct::of(number, stretch);
        if acts.iter().filter(|known| known.week() == act.week()).count() < ACTS_MAX {
            acts.push(act);
        }
    }
}
