//! Many events of one action at once: formulas over columns, for simulations. Caps are not its business.

mod answers;
mod packed;

use std::ops::Range;

use answers::{Answers, Refusal, copy, mark};

use super::action::Action;
use super::code::{Code, Columns};
use super::era::Era;
use super::evaluate;
use super::evidence::Evidence;
use super::payout::Yield;
use super::verdict::{Reason, Scratch, Slots};
use crate::amount::{Points, ReductionMg};

/// A good number of rows for one run: its columns stay close to the processor.
pub const BATCH_ROWS: usize = 512;

/// What the formulas give for one event, before caps and budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formed {
    pub(super) refused: Option<Reason>,
    /// Place of the first reason to hold the act.
    pub(super) held: Option<u16>,
    /// The multipliers that count, the first in the lowest bit.
    pub(super) multipliers: u16,
    /// Place of the era among those of the action.
    pub(super) era: u16,
    pub(super) lasts: i64,
    pub(super) reduction: ReductionMg,
    /// With the multipliers that count.
    pub(super) points: Points,
    /// What points are made of; none where that is more than one number of 64 bits.
    pub(super) whole: Option<i64>,
}

impl Formed {
    pub(crate) const fn refused(reason: Reason) -> Self {
        Self {
            refused: Some(reason),
            held: None,
            multipliers: 0,
            era: 0,
            lasts: 0,
            reduction: ReductionMg::ZERO,
            points: Points::ZERO,
            whole: None,
        }
    }

    /// Why the act does not count; none where it may.
    #[must_use]
    pub fn refusal(&self) -> Option<Reason> {
        self.refused
    }

    /// How many seconds the act lasts, whether it counts or not.
    #[must_use]
    pub fn lasts(&self) -> i64 {
        self.lasts
    }
}

/// Events of one action as columns, all of one length.
#[derive(Debug, Clone, Copy)]
pub struct EventColumns<'a> {
    /// One column for each slot, see [`Slots`].
    pub slots: &'a [&'a [i64]],
    /// How each was evidenced.
    pub evidence: &'a [Evidence],
}

impl EventColumns<'_> {
    fn days(&self) -> &[i64] {
        self.slots.first().copied().unwrap_or_default()
    }

    fn row(&self, row: usize) -> Slots {
        Slots::from_values(self.slots.iter().map(|column| column.get(row).copied().unwrap_or(0)))
    }
}

/// The answers for a batch of events, and the memory that was needed for them.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    answers: Answers,
    columns: Columns,
    fits: Vec<bool>,
    scratch: Scratch,
}

impl Batch {
    /// The answer for one event; one beyond the last fits no action.
    #[inline]
    #[must_use]
    pub fn formed(&self, row: usize) -> Formed {
        self.answers.get(row).unwrap_or(Formed::refused(Reason::Unfit))
    }

    /// Runs an action's formulas over events.
    pub(super) fn form(&mut self, action: &Action, events: &EventColumns<'_>) {
        let rows = events.evidence.len();
        self.answers.resize(rows);
        let mut parts: Vec<&[i64]> = Vec::with_capacity(events.slots.len());
        for from in (0..rows).step_by(BATCH_ROWS) {
            let at = from..from.saturating_add(BATCH_ROWS).min(rows);
            parts.clear();
            parts.extend(events.slots.iter().map(|column| column.get(at.clone()).unwrap_or_default()));
            let evidence = events.evidence.get(at.clone()).unwrap_or_default();
            self.form_part(action, &EventColumns { slots: &parts, evidence }, at);
        }
    }

    /// Columns where one era's short code does for all rows, else one row after another.
    fn form_part(&mut self, action: &Action, events: &EventColumns<'_>, at: Range<usize>) {
        let days = events.days();
        let era = action.eras.iter().zip(0_u16..).find(|(era, _)| days.iter().all(|day| era.holds(*day)));
        let even = events.slots.iter().all(|column| column.len() == events.evidence.len());
        if let Some((era, place)) = era.filter(|(era, _)| even && era.bounds.len() == events.slots.len())
            && let Some(code) = &era.code
        {
            code.run_columns(events.slots, &mut self.columns);
            self.check(era, events);
            return self.answer((action, era, place), code, events, at);
        }
        for (row, (place, evidence)) in at.zip(events.evidence).enumerate() {
            let slots = events.row(row);
            let formed = evaluate::form(action, slots.as_slice(), *evidence, &mut self.scratch);
            self.answers.put(place, &formed);
        }
    }

    /// Notes which rows the formulas are proven for.
    fn check(&mut self, era: &Era, events: &EventColumns<'_>) {
        self.fits.clear();
        self.fits.resize(events.evidence.len(), true);
        for ((low, width), column) in era.bounds.iter().zip(events.slots) {
            for (fits, value) in self.fits.iter_mut().zip(*column) {
                *fits &= value.wrapping_sub(*low).cast_unsigned() <= *width;
            }
        }
    }

    /// Turns what short code left in its registers into answers.
    fn answer(
        &mut self,
        (action, era, place): (&Action, &Era, u16),
        code: &Code,
        events: &EventColumns<'_>,
        at: Range<usize>,
    ) {
        let outputs = code.outputs.map(|place| Some(code.column(events.slots, &self.columns, place)));
        let outputs = outputs.unwrap_or_default();
        let mut into = self.answers.part(&at);
        into.era.fill(place);
        copy(into.lasts, outputs.lasts);
        copy(into.reduction, outputs.reduction);
        copy(into.numerator, Some(outputs.numerator));
        into.whole.fill(outputs.denominator.is_none());
        into.refused.fill(0);
        mark(into.refused, self.fits.iter().map(|fits| !*fits), Refusal::UNFIT);
        for (condition, place) in outputs.conditions.iter().zip(Refusal::CONDITION..) {
            mark(into.refused, condition.iter().map(|holds| *holds == 0), place);
        }
        let accepts = |grade: &Evidence| era.payout(*grade).is_some();
        if !events.evidence.iter().all(accepts) {
            mark(into.refused, events.evidence.iter().map(|grade| !accepts(grade)), Refusal::EVIDENCE);
        }
        into.held.fill(0);
        for (hold, place) in outputs.holds.iter().zip(1_u16..) {
            mark(into.held, hold.iter().map(|holds| *holds != 0), place);
        }
        into.multipliers.fill(0);
        for (multiplier, place) in outputs.multipliers.iter().zip(0_u32..16) {
            for (bits, holds) in into.multipliers.iter_mut().zip(*multiplier) {
                *bits |= u16::from(*holds != 0).wrapping_shl(place);
            }
        }
        into.pay((action, era), events.evidence, outputs.denominator);
    }
}

impl Era {
    #[inline]
    fn holds(&self, day: i64) -> bool {
        self.days.start <= day && day < self.days.end
    }

    /// What a run means for one event.
    #[expect(clippy::inline_always, reason = "handing over what was formed costs as much as forming it")]
    #[inline(always)]
    pub(super) fn formed<N: Copy + Default + PartialEq + Into<i128>>(
        &self,
        (action, place): (&Action, u16),
        full: &Yield<N>,
        evidence: Evidence,
    ) -> Formed {
        let Yield { lasts, multipliers, .. } = *full;
        let refused = |reason| Formed { lasts, ..Formed::refused(reason) };
        if let Some(place) = full.failed {
            return refused(Reason::Condition(place));
        }
        let Some(payout) = self.payout(evidence) else { return refused(Reason::Evidence) };
        let (whole, factor) = (full.whole(), action.factors.multiplied(multipliers));
        Formed {
            refused: None,
            held: full.held.and_then(|place| u16::try_from(place).ok()),
            multipliers,
            era: place,
            lasts,
            reduction: ReductionMg::new(full.reduction_mg),
            points: payout
                .points(whole, factor, || (full.worth(), action.factors.ratio(factor, std::iter::empty()))),
            whole,
        }
    }
}
