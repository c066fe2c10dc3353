//! Events of a batch against their caps, without unpacking them where no cap binds. Must give what
//! [`settle`](super::evaluate::settle) gives.

use super::{Batch, EventColumns, Refusal};
use crate::amount::{Points, ReductionMg};
use crate::rule::action::Action;
use crate::rule::cap::CapLimit;
use crate::rule::decision::Usage;
use crate::rule::evaluate;
use crate::rule::verdict::{Granted, Scratch, Typed, Verdict};

impl Batch {
    /// Decides one event of the batch.
    #[inline]
    pub(in crate::rule) fn settle(
        &self,
        action: &Action,
        events: &EventColumns<'_>,
        row: usize,
        used: &[Usage],
        scratch: &mut Scratch,
    ) -> Verdict {
        match self.unbound(action, row, used) {
            Some(verdict) => verdict,
            None => self.unpacked(action, events, row, used, scratch),
        }
    }

    #[cold]
    fn unpacked(
        &self,
        action: &Action,
        events: &EventColumns<'_>,
        row: usize,
        used: &[Usage],
        scratch: &mut Scratch,
    ) -> Verdict {
        let slots = events.row(row);
        let Some(evidence) = events.evidence.get(row) else { return Verdict::Refused(super::Reason::Unfit) };
        let typed = Typed::new(slots.as_slice(), *evidence);
        evaluate::settle(action, typed, self.formed(row), used, scratch, &mut ())
    }

    /// What an event gives where nobody has to look closer: it is refused, or it counts in full.
    #[inline]
    pub(crate) fn unbound(&self, action: &Action, row: usize, used: &[Usage]) -> Option<Verdict> {
        let answers = &self.answers;
        if let Some(reason) = Refusal::reason(*answers.refused.get(row)?) {
            return Some(Verdict::Refused(reason));
        }
        if *answers.held.get(row)? != 0 || action.is_funded() {
            return None;
        }
        let (points, reduction) = (*answers.points.get(row)?, *answers.reduction.get(row)?);
        let quantity = *answers.quantity.get(row)?;
        for cap in &action.caps {
            let usage = cap.window.and_then(|window| used.get(window)).unwrap_or(&Usage::NONE);
            let (limit, used_before) = cap.against(usage);
            let asked = match cap.limit {
                CapLimit::Times(_) => 1,
                CapLimit::Points(_) => points,
                CapLimit::Reduction(_) => reduction,
                CapLimit::Input(_) => quantity,
            };
            if asked > limit.saturating_sub(used_before).max(0) {
                return None;
            }
        }
        let (points, reduction) = (Points::new(points), ReductionMg::new(reduction));
        Some(Verdict::Credited(Granted { reduction, points, quantity, ..Granted::default() }))
    }
}
