//! What each decision of a block looked at, kept until the block has been compared: enough to explain any of
//! them.

use crate::amount::Points;
use crate::rule::{Readings, Usage};

/// What one decision looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sight {
    pub(super) used: Vec<Usage>,
    pub(super) history: Vec<Readings>,
    pub(super) issued: Vec<Points>,
}

/// The same for all events of a block, one after another.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail {
    pub(super) used: Vec<Usage>,
    pub(super) history: Vec<Readings>,
    pub(super) issued: Vec<Points>,
    /// How long each of them is after each event.
    ends: Vec<[usize; 3]>,
}

impl Trail {
    /// With room for so much.
    pub(super) fn with_room([used, history, issued, ends]: [usize; 4]) -> Self {
        Self {
            used: Vec::with_capacity(used),
            history: Vec::with_capacity(history),
            issued: Vec::with_capacity(issued),
            ends: Vec::with_capacity(ends),
        }
    }

    /// How much of each it holds.
    pub(super) fn lengths(&self) -> [usize; 4] {
        [self.used.len(), self.history.len(), self.issued.len(), self.ends.len()]
    }

    fn end(&self) -> [usize; 3] {
        [self.used.len(), self.history.len(), self.issued.len()]
    }

    /// What was appended since the last event is this one's.
    pub(super) fn close(&mut self) {
        self.ends.push(self.end());
    }

    /// Where the next event's begins.
    pub(super) fn starts(&self) -> [usize; 3] {
        self.ends.last().copied().unwrap_or_default()
    }

    /// What an event's decision looked at.
    pub(super) fn of(&self, row: usize) -> Sight {
        let before = row.checked_sub(1).and_then(|before| self.ends.get(before));
        let [used, history, issued] = before.copied().unwrap_or_default();
        let [used_end, history_end, issued_end] = self.ends.get(row).copied().unwrap_or_default();
        Sight {
            used: self.used.get(used..used_end).unwrap_or_default().to_vec(),
            history: self.history.get(history..history_end).unwrap_or_default().to_vec(),
            issued: self.issued.get(issued..issued_end).unwrap_or_default().to_vec(),
        }
    }
}
