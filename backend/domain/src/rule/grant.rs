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
use super::exact::Ratio;
use super::input::InputKind;
use super::payout::{Payout, Yield};
use super::verdict::{Granted, MOMENT_SLOTS, Scratch, Slots, Typed};
use crate::amount::{Points, ReductionMg};

/// The periods and scopes that an action's caps count in, the shortest first.
pub(super) fn windows(action: &Action, day: NaiveDate) -> Vec<CapWindow> {
    let mut counted: Vec<_> = action.caps.iter().filter_map(Cap::counted_in).collect();
    counted.dedup();
    counted.into_iter().map(|(period, scope)| CapWindow { period, range: period.range(day), scope }).collect()
}

/// One cap's part in a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CapUse {
    /// Place among the action's caps.
    pub(super) place: usize,
    pub(super) used_before: i64,
    pub(super) left_after: i64,
    pub(super) trimmed: bool,
}

/// A grant while caps work on it.
#[derive(Clone, Copy)]
pub(super) struct Grant<'a> {
    action: &'a Action,
    era: &'a Era,
    payout: &'a Payout,
    typed: Typed<'a>,
    full: Yield,
    /// What points are multiplied by; none for once.
    factor: Option<Ratio>,
    pub(super) granted: Granted,
}

impl<'a> Grant<'a> {
    /// What the formulas give before caps, points times the factor.
    #[inline]
    pub(super) fn new(
        action: &'a Action,
        (era, payout): (&'a Era, &'a Payout),
        typed: Typed<'a>,
        full: Yield,
        factor: Option<Ratio>,
    ) -> Self {
        let quantity = action.measure().map_or(0, |(slot, thousandths)| {
            typed.slots.get(slot).map_or(0, |value| value.saturating_mul(thousandths))
        });
        let granted = Granted {
            reduction: ReductionMg::new(full.reduction_mg),
            points: Points::new(payout.points(full, None, factor)),
            quantity,
            ..Granted::default()
        };
        Self { action, era, payout, typed, full, factor, granted }
    }

    /// Applies all caps, the shortest period first.
    #[inline]
    pub(super) fn capped(
        mut self,
        used: &[Usage],
        scratch: &mut Scratch,
        mut seen: impl FnMut(CapUse),
    ) -> Granted {
        for (place, cap) in self.action.caps.iter().enumerate() {
            let usage = cap.window.and_then(|window| used.get(window)).copied().unwrap_or_default();
            seen(self.apply(place, cap, usage, scratch));
        }
        self.granted
    }

    #[inline]
    fn apply(&mut self, place: usize, cap: &Cap, usage: Usage, scratch: &mut Scratch) -> CapUse {
        let before = self.granted;
        let (limit, used_before) = match cap.limit {
            CapLimit::Times(limit) => (limit, usage.events),
            CapLimit::Points(limit) => (limit, usage.points.get()),
            CapLimit::Reduction(limit) => (limit, usage.reduction.get()),
            CapLimit::Input(limit) => (limit, usage.quantity),
        };
        let left = limit.saturating_sub(used_before).max(0);
        match cap.limit {
            CapLimit::Times(_) if left == 0 => self.nothing(),
            CapLimit::Times(_) => {}
            CapLimit::Points(_) => self.granted.points = self.granted.points.min(Points::new(left)),
            CapLimit::Reduction(_) => self.trim_reduction(left),
            CapLimit::Input(_) => self.trim_input(left, scratch),
        }
        let taken = match cap.limit {
            CapLimit::Times(_) => i64::from(left > 0),
            CapLimit::Points(_) => self.granted.points.get(),
            CapLimit::Reduction(_) => self.granted.reduction.get(),
            CapLimit::Input(_) => self.granted.quantity,
        };
        let spent = matches!(cap.limit, CapLimit::Times(_)) && left == 0;
        let trimmed = before != self.granted || spent;
        self.granted.capped |= trimmed;
        CapUse { place, used_before, left_after: left.saturating_sub(taken).max(0), trimmed }
    }

    fn nothing(&mut self) {
        self.granted = Granted { capped: self.granted.capped, ..Granted::default() };
    }

    /// Points for the present yield and the part of its grams that is left; never more than before.
    fn points(&self) -> Points {
        let (left, full) = (self.granted.reduction.get(), self.full.reduction_mg);
        let points = self.payout.points(self.full, (left < full).then_some((left, full)), self.factor);
        self.granted.points.min(Points::new(points))
    }

    fn trim_reduction(&mut self, left: i64) {
        if self.granted.reduction.get() > left {
            self.granted.reduction = ReductionMg::new(left);
            self.granted.points = self.points();
        }
    }

    fn trim_input(&mut self, left: i64, scratch: &mut Scratch) {
        let Some((slot, thousandths)) = self.action.measure().filter(|_| self.granted.quantity > left) else {
            return;
        };
        let count = left.checked_div(thousandths).unwrap_or(0);
        if count == 0 {
            return self.nothing();
        }
        let trimmed = Slots::with(self.typed.slots, slot, count);
        self.full = self.era.run(trimmed.as_slice(), scratch);
        self.granted.quantity = count.saturating_mul(thousandths);
        self.granted.reduction = self.granted.reduction.min(ReductionMg::new(self.full.reduction_mg));
        self.granted.points = self.points();
    }
}

impl Action {
    /// Slot of the first numeric input, and how many thousandths of its base unit one of its units is.
    pub(super) fn measure(&self) -> Option<(usize, i64)> {
        self.inputs.iter().zip(MOMENT_SLOTS..).find_map(|(spec, slot)| match spec.kind() {
            InputKind::Number(number) => Some((slot, number.thousandths)),
            InputKind::YesNo | InputKind::Choice(_) | InputKind::Id => None,
        })
    }
}
