//! What an act would give, and what caps leave of it.
//!
//! A cap in points trims points alone. A cap in gCO2e trims grams, and points in the same proportion before
//! their rounding. A cap in input units trims the input and evaluates the formulas anew; multipliers stay as
//! the whole act has them. A cap in times gives nothing once it is used up. No cap ever raises anything.

use chrono::NaiveDate;

use super::action::Action;
use super::cap::{Cap, CapLimit, CapWindow};
use super::decision::Usage;
use super::era::Era;
use super::evaluate::Witness;
use super::exact::Ratio;
use super::payout::{Payout, Yield};
use super::verdict::{Granted, Scratch, Slots, Typed};
use crate::amount::{Points, ReductionMg};

/// The periods and scopes that an action's caps count in, the shortest first.
pub(super) fn windows(action: &Action, day: NaiveDate) -> Vec<CapWindow> {
    let mut counted: Vec<_> = action.caps.iter().filter_map(Cap::counted_in).collect();
    counted.dedup();
    counted.into_iter().map(|(period, scope)| CapWindow { period, range: period.range(day), scope }).collect()
}

/// Of what was used in each window, that which some cap of the window counts.
pub(super) fn counted(action: &Action, used: &[Usage]) -> Vec<Usage> {
    let of_window = |(window, usage): (usize, &Usage)| {
        let caps = action.caps.iter().filter(|cap| cap.window == Some(window));
        caps.fold(Usage::NONE, |counted, cap| match cap.limit {
            CapLimit::Times(_) => Usage { events: usage.events, ..counted },
            CapLimit::Points(_) => Usage { points: usage.points, ..counted },
            CapLimit::Reduction(_) => Usage { reduction: usage.reduction, ..counted },
            CapLimit::Input(_) => Usage { quantity: usage.quantity, ..counted },
        })
    };
    used.iter().enumerate().map(of_window).collect()
}

/// One cap's part in a decision, counted in what it limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapUse {
    /// Place among the action's caps.
    pub place: usize,
    /// Used before the act.
    pub used_before: i64,
    /// Left after it.
    pub left_after: i64,
    /// Whether it trimmed the act.
    pub trimmed: bool,
}

impl Cap {
    /// The limit, and what of it is used.
    #[inline]
    pub(super) fn against(&self, usage: &Usage) -> (i64, i64) {
        match self.limit {
            CapLimit::Times(limit) => (limit, usage.events),
            CapLimit::Points(limit) => (limit, usage.points.get()),
            CapLimit::Reduction(limit) => (limit, usage.reduction.get()),
            CapLimit::Input(limit) => (limit, usage.quantity),
        }
    }
}

/// A grant while caps work on it.
#[derive(Clone, Copy)]
pub(super) struct Grant<'a> {
    action: &'a Action,
    era: &'a Era,
    payout: &'a Payout,
    typed: Typed<'a>,
    /// None until it is needed, where only its outcome is known.
    full: Option<Yield>,
    /// What points are multiplied by; none for once.
    factor: Option<Ratio>,
    granted: Granted,
}

impl<'a> Grant<'a> {
    #[inline]
    pub(super) fn new(
        action: &'a Action,
        (era, payout): (&'a Era, &'a Payout),
        typed: Typed<'a>,
        (reduction, points): (ReductionMg, Points),
        (full, factor): (Option<Yield>, Option<Ratio>),
    ) -> Self {
        let quantity = era.measure.map_or(0, |(slot, thousandths)| {
            typed.slots.get(slot).map_or(0, |value| value.saturating_mul(thousandths))
        });
        let granted = Granted { reduction, points, quantity, ..Granted::default() };
        Self { action, era, payout, typed, full, factor, granted }
    }

    /// What all caps leave, the shortest period first.
    #[inline]
    pub(super) fn capped<W: Witness>(
        mut self,
        used: &[Usage],
        scratch: &mut Scratch,
        witness: &mut W,
    ) -> Granted {
        witness.before_caps(self.granted);
        for (place, cap) in self.action.caps.iter().enumerate() {
            let usage = cap.window.and_then(|window| used.get(window));
            let (limit, used_before) = cap.against(usage.unwrap_or(&Usage::NONE));
            let left = limit.saturating_sub(used_before).max(0);
            let trimmed = self.trim(cap.limit, left, scratch);
            self.granted.capped |= trimmed;
            witness.cap(|| {
                let left_after = left.saturating_sub(self.taken(cap.limit, left)).max(0);
                CapUse { place, used_before, left_after, trimmed }
            });
        }
        self.granted
    }

    /// Trims to what is left of a limit; tells whether there was anything to trim.
    #[inline]
    fn trim(&mut self, limit: CapLimit, left: i64, scratch: &mut Scratch) -> bool {
        match limit {
            CapLimit::Times(_) => {
                let over = left == 0;
                if over {
                    self.nothing();
                }
                over
            }
            CapLimit::Points(_) => {
                let over = self.granted.points.get() > left;
                self.granted.points = self.granted.points.min(Points::new(left));
                over
            }
            CapLimit::Reduction(_) => {
                let over = self.granted.reduction.get() > left;
                if over {
                    self.trim_reduction(left, scratch);
                }
                over
            }
            CapLimit::Input(_) => {
                let over = self.granted.quantity > left;
                if over {
                    self.trim_input(left, scratch);
                }
                over
            }
        }
    }

    fn taken(&self, limit: CapLimit, left: i64) -> i64 {
        match limit {
            CapLimit::Times(_) => i64::from(left > 0),
            CapLimit::Points(_) => self.granted.points.get(),
            CapLimit::Reduction(_) => self.granted.reduction.get(),
            CapLimit::Input(_) => self.granted.quantity,
        }
    }

    fn nothing(&mut self) {
        self.granted = Granted { capped: self.granted.capped, ..Granted::default() };
    }

    /// Points for the yield of the granted input and the part of its grams that is left; never more than
    /// before.
    fn pay_for(&mut self, full: Yield) {
        let left = self.granted.reduction.get();
        let kept = (left < full.reduction_mg).then_some((left, full.reduction_mg));
        let points = Points::new(self.payout.points(full, kept, self.factor));
        self.granted.points = self.granted.points.min(points);
        self.full = Some(full);
    }

    #[cold]
    fn trim_reduction(&mut self, left: i64, scratch: &mut Scratch) {
        self.granted.reduction = ReductionMg::new(left);
        let full = self.full.unwrap_or_else(|| self.era.run_again(self.typed.slots, scratch));
        self.pay_for(full);
    }

    #[cold]
    fn trim_input(&mut self, left: i64, scratch: &mut Scratch) {
        let Some((slot, thousandths)) = self.era.measure else { return };
        let count = left.checked_div(thousandths).unwrap_or(0);
        if count == 0 {
            return self.nothing();
        }
        let trimmed = Slots::with(self.typed.slots, slot, count);
        let full = self.era.run_again(trimmed.as_slice(), scratch);
        self.granted.quantity = count.saturating_mul(thousandths);
        self.granted.reduction = self.granted.reduction.min(ReductionMg::new(full.reduction_mg));
        self.pay_for(full);
    }
}
