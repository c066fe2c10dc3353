//! Events of a batch that nothing binds, decided without unpacking them. Must give what
//! [`settle`](super::evaluate::settle) gives.

use super::{Batch, Refusal};
use crate::amount::{Points, ReductionMg};
use crate::rule::action::Action;
use crate::rule::cap::CapLimit;
use crate::rule::decision::Usage;
use crate::rule::verdict::{Granted, SlotsOf, Verdict};

impl Batch {
    /// What an event gives where nobody has to look closer: it is refused, or it counts in full.
    #[inline]
    pub(crate) fn unbound(
        &self,
        action: &Action,
        (slots, row): (SlotsOf<'_>, usize),
        used: &[Usage],
    ) -> Option<Verdict> {
        let answers = &self.answers;
        if let Some(reason) = Refusal::reason(*answers.refused.get(row)?) {
            return Some(Verdict::Refused(reason));
        }
        if *answers.held.get(row)? != 0 || action.is_funded() {
            return None;
        }
        let (points, reduction) = (*answers.points.get(row)?, *answers.reduction.get(row)?);
        let measure = action.eras.get(usize::from(*answers.era.get(row)?))?.measure;
        let quantity = measure.map_or(0, |(slot, thousandths)| {
            slots.get(slot).map_or(0, |count| count.saturating_mul(thousandths))
        });
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
