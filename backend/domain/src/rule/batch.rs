//! Many events of one action at once: formulas over columns, for simulations. Caps are not its business.

use super::action::Action;
use super::code::Columns;
use super::era::Era;
use super::evidence::Evidence;
use super::payout::Yield;
use super::verdict::{Reason, Scratch, Typed};
use crate::amount::{Points, ReductionMg};

/// A good number of rows for one batch: its columns stay close to the processor.
pub const BATCH_ROWS: usize = 512;

/// What the formulas give for one event, before caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formed {
    /// It may count, for so much.
    Yielding {
        /// Grams for the carbon ledger.
        reduction: ReductionMg,
        /// Points, with the multipliers that count.
        points: Points,
        /// Place of the first reason to hold the act.
        held: Option<usize>,
        /// The multipliers that count, the first in the lowest bit.
        multipliers: u16,
    },
    /// It does not count.
    Refused(Reason),
}

/// Events of one action as columns, and the memory to run formulas on them.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    slots: Vec<Vec<i64>>,
    evidence: Vec<Evidence>,
    fits: Vec<bool>,
    columns: Columns,
    scratch: Scratch,
}

impl Batch {
    /// Forgets its rows, keeps its memory.
    pub fn clear(&mut self) {
        self.slots.iter_mut().for_each(Vec::clear);
        self.evidence.clear();
    }

    /// Adds an event. All events of a batch must have as many slots as the first; what is missing is zero.
    pub fn push(&mut self, event: Typed<'_>) {
        if self.evidence.is_empty() {
            self.slots.resize_with(event.slots.len(), Vec::new);
            self.clear();
        }
        for (place, column) in self.slots.iter_mut().enumerate() {
            column.push(event.slots.get(place).copied().unwrap_or(0));
        }
        self.evidence.push(event.evidence);
    }

    /// How many events it holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.evidence.len()
    }

    /// Runs an action's formulas; `into` gets one answer for each row.
    pub(super) fn form(&mut self, action: &Action, into: &mut Vec<Formed>) {
        into.clear();
        into.resize(self.rows(), Formed::Refused(Reason::NoFactor));
        for era in &action.eras {
            let days = self.slots.first().map(Vec::as_slice).unwrap_or_default();
            if days.iter().any(|day| era.days.contains(day)) {
                self.form_in(action, era, into);
            }
        }
    }

    fn form_in(&mut self, action: &Action, era: &Era, into: &mut [Formed]) {
        self.check(era);
        let Self { slots, evidence, fits, columns, scratch } = self;
        let days = slots.first().map(Vec::as_slice).unwrap_or_default();
        let rows = days.iter().zip(fits.iter()).zip(evidence.iter()).zip(into).enumerate();
        let rows = rows.filter(|(_, (((day, _), _), _))| era.days.contains(day));
        let Some(code) = &era.code else {
            for (row, (((_, fits), evidence), formed)) in rows {
                let event: Vec<i64> = slots.iter().filter_map(|column| column.get(row)).copied().collect();
                *formed = if *fits {
                    era.formed(action, era.run(&event, scratch), *evidence)
                } else {
                    Formed::Refused(Reason::Unfit)
                };
            }
            return;
        };
        code.run_columns(slots, columns);
        let outputs = code.outputs.map(|place| Some(columns.get(place))).unwrap_or_default();
        for (row, (((_, fits), evidence), formed)) in rows {
            let at = |column: &[i64]| i128::from(column.get(row).copied().unwrap_or(0));
            *formed = if *fits {
                era.formed(action, Yield::read(&outputs, at), *evidence)
            } else {
                Formed::Refused(Reason::Unfit)
            };
        }
    }

    /// Notes which rows the formulas are proven for.
    fn check(&mut self, era: &Era) {
        self.fits.clear();
        self.fits.resize(self.evidence.len(), era.bounds.len() == self.slots.len());
        for ((low, width), column) in era.bounds.iter().zip(&self.slots) {
            for (fits, value) in self.fits.iter_mut().zip(column) {
                *fits &= value.wrapping_sub(*low).cast_unsigned() <= *width;
            }
        }
    }
}

impl Era {
    #[inline]
    fn formed(&self, action: &Action, full: Yield, evidence: Evidence) -> Formed {
        if let Some(place) = full.failed {
            return Formed::Refused(Reason::Condition(place));
        }
        let Some(payout) = self.payout(evidence) else { return Formed::Refused(Reason::Evidence) };
        let Yield { held, multipliers, .. } = full;
        let reduction = ReductionMg::new(full.reduction_mg);
        let points = Points::new(payout.points(full, None, action.multiplied(multipliers)));
        Formed::Yielding { reduction, points, held, multipliers }
    }
}
