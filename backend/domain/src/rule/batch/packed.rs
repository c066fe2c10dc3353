//! Events of a batch of which nothing but points is limited, decided without unpacking them. Must give what
//! [`settle`](super::evaluate::settle) gives.

use super::{Batch, Refusal};
use crate::amount::{Points, ReductionMg};
use crate::rule::action::Action;
use crate::rule::decision::Usage;
use crate::rule::grant::ceiling;
use crate::rule::verdict::{Granted, SlotsOf, Verdict};

impl Batch {
    /// What an event gives where nobody has to look closer: it is refused, or caps leave all but points.
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
        let (points, reduction) = (Points::new(points), ReductionMg::new(reduction));
        let ceiling = ceiling(&action.caps, (reduction, quantity), used)?;
        let capped = points > ceiling;
        let points = points.min(ceiling);
        Some(Verdict::Credited(Granted { reduction, points, quantity, capped, ..Granted::default() }))
    }
}
