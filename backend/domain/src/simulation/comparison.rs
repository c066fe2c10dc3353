//! Both sides over the same events, and where they differ most.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::block::{Bare, Block};
use super::report::Report;
use super::side::{Played, Side};
use super::tally::Judged;
use super::trail::Sight;

/// Differences that are kept with all that explains them.
const DIFFERENCES_MAX: usize = 20;

/// What two rule sets make of the same events.
#[derive(Default)]
pub struct Comparison {
    largest: BinaryHeap<Reverse<Candidate>>,
}

/// An event that both sides judge differently. The greatest difference is the greatest; among equals the
/// earliest event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    by: u64,
    order: Reverse<u64>,
    pub(super) bare: Bare,
    pub(super) slots: Vec<i64>,
    /// Under the rules in force and under the draft.
    pub(super) sides: [(Judged, Sight); 2],
}

impl Candidate {
    /// Place of the event among all, from 0.
    pub(super) fn event(&self) -> u64 {
        self.order.0
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.by, self.order).cmp(&(other.by, other.order))
    }
}

impl Comparison {
    /// Looks at what both sides made of a block; `first` is the place of its first event among all.
    pub fn look(&mut self, block: &Block, first: u64, in_force: &Played, draft: &Played) {
        for (row, (old, new)) in in_force.judged.iter().zip(&draft.judged).enumerate() {
            let by = old.promised().abs_diff(new.promised());
            let order = first.saturating_add(u64::try_from(row).unwrap_or(u64::MAX));
            if by == 0 || !self.takes(by, order) {
                continue;
            }
            let (Some(bare), Some(slots)) = (block.bare(row), block.slots(row)) else { continue };
            let sides = [(*old, in_force.trail.of(row)), (*new, draft.trail.of(row))];
            self.largest.push(Reverse(Candidate { by, order: Reverse(order), bare, slots, sides }));
            if self.largest.len() > DIFFERENCES_MAX {
                self.largest.pop();
            }
        }
    }

    fn takes(&self, by: u64, order: u64) -> bool {
        let beats = |Reverse(least): &Reverse<Candidate>| (least.by, least.order) < (by, Reverse(order));
        self.largest.len() < DIFFERENCES_MAX || self.largest.peek().is_some_and(beats)
    }

    /// What was found, told.
    #[must_use]
    pub fn report(self, in_force: Side<'_>, draft: Side<'_>) -> Report {
        let mut largest = self.largest.into_vec();
        largest.sort_unstable();
        let largest: Vec<Candidate> = largest.into_iter().map(|Reverse(candidate)| candidate).collect();
        Report::new(in_force, draft, &largest)
    }
}
