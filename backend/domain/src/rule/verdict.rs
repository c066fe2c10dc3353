//! The short answer to one act, without a word: for whoever decides millions. Holds no arithmetic.

use super::code::Registers;
use super::decision::Facts;
use super::evidence::Evidence;
use super::history::HISTORY_MAX;
use super::input::INPUTS_MAX;
use crate::amount::{Points, ReductionMg};

/// Slots before the first input: civil day, second of the day.
pub(super) const MOMENT_SLOTS: usize = 2;
/// Most slots of one event.
pub const SLOTS_MAX: usize = MOMENT_SLOTS + INPUTS_MAX + HISTORY_MAX;

/// An event as the integers that formulas load: civil day counted from the common era, second of the day,
/// then the inputs in the order declared, a number in its last declared decimal, a choice by its place, then
/// what the action looks back at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    values: [i64; SLOTS_MAX],
    count: usize,
}

impl Slots {
    /// A moment and inputs; what is beyond [`SLOTS_MAX`] is dropped, and the event fits no action.
    #[must_use]
    pub fn of(day: i32, second: u32, inputs: &[i64]) -> Self {
        let mut slots = Self::at(i64::from(day), i64::from(second));
        for input in inputs {
            slots.push(*input);
        }
        slots
    }

    /// The values of all slots, the moment's among them.
    pub(super) fn from_values(values: impl Iterator<Item = i64>) -> Self {
        let mut slots = Self { values: [0; SLOTS_MAX], count: 0 };
        values.for_each(|value| slots.push(value));
        slots
    }

    /// The values of the inputs.
    #[must_use]
    pub fn inputs(&self) -> &[i64] {
        self.as_slice().get(MOMENT_SLOTS..).unwrap_or_default()
    }

    /// Starts with the moment.
    pub(super) fn at(day: i64, second: i64) -> Self {
        let mut slots = Self { values: [0; SLOTS_MAX], count: 0 };
        slots.push(day);
        slots.push(second);
        slots
    }

    /// Adds a value; beyond [`SLOTS_MAX`] nothing is kept, and the event fits no action.
    pub(super) fn push(&mut self, value: i64) {
        if let Some(slot) = self.values.get_mut(self.count) {
            *slot = value;
        }
        self.count = self.count.saturating_add(1);
    }

    /// The same with another value in one slot.
    pub(super) fn with(slots: &[i64], place: usize, value: i64) -> Self {
        let mut changed = Self { values: [0; SLOTS_MAX], count: 0 };
        for (at, slot) in slots.iter().enumerate() {
            changed.push(if at == place { value } else { *slot });
        }
        changed
    }

    /// All values.
    #[must_use]
    pub fn as_slice(&self) -> &[i64] {
        self.values.get(..self.count).unwrap_or_default()
    }
}

/// An act of which everything is a number.
#[derive(Debug, Clone, Copy)]
pub struct Typed<'a> {
    pub(crate) slots: SlotsOf<'a>,
    /// How it was evidenced.
    pub evidence: Evidence,
    /// See [`Facts`](super::Facts).
    pub district: Option<&'a str>,
    /// See [`Facts`](super::Facts).
    pub issued: &'a [Points],
    /// See [`Facts`](super::Facts).
    pub reviewed: bool,
}

impl<'a> Typed<'a> {
    /// An act about whose citizen nothing further is known, under budgets that nothing was issued from.
    #[must_use]
    pub fn new(slots: &'a [i64], evidence: Evidence) -> Self {
        Self::at(SlotsOf::Alone(slots), evidence)
    }

    pub(super) fn at(slots: SlotsOf<'a>, evidence: Evidence) -> Self {
        Self { slots, evidence, district: None, issued: &[], reviewed: false }
    }

    pub(super) fn of(slots: &'a [i64], facts: &Facts<'a>) -> Self {
        let Facts { evidence, district, issued, reviewed, .. } = *facts;
        Self { slots: SlotsOf::Alone(slots), evidence, district, issued, reviewed }
    }
}

/// Where an act's slots are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SlotsOf<'a> {
    /// Side by side.
    Alone(&'a [i64]),
    /// In a row of columns.
    Row(&'a [&'a [i64]], usize),
}

impl SlotsOf<'_> {
    #[inline]
    pub(super) fn get(&self, slot: usize) -> Option<i64> {
        match self {
            Self::Alone(slots) => slots.get(slot).copied(),
            Self::Row(columns, row) => columns.get(slot)?.get(*row).copied(),
        }
    }

    /// Brought side by side, with another value in one slot if asked.
    pub(super) fn together(&self, other: Option<(usize, i64)>) -> Slots {
        let mut slots = match self {
            Self::Alone(slots) => Slots::from_values(slots.iter().copied()),
            Self::Row(columns, row) => {
                Slots::from_values(columns.iter().map(|column| column.get(*row).copied().unwrap_or(i64::MIN)))
            }
        };
        if let Some((place, value)) = other
            && let Some(slot) = slots.values.get_mut(place)
        {
            *slot = value;
        }
        slots
    }
}

/// The answer to one act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Credited(Granted),
    /// It does not.
    Refused(Reason),
    /// A person must look at it first: the reason at this place among the action's holds.
    Held(usize),
}

/// What an act earned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Granted {
    /// Grams for the carbon ledger.
    pub reduction: ReductionMg,
    /// Points given at once.
    pub points: Points,
    /// Points that wait for a budget.
    pub queued: Points,
    /// How much of the first numeric input was granted, in thousandths of its base unit.
    pub quantity: i64,
    /// Whether a cap trimmed it.
    pub capped: bool,
    /// Whether a budget gave less for good.
    pub budget_exhausted: bool,
}

/// Why an act earned nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The slots are not those of the action: too few, too many or out of range.
    Unfit,
    /// No parameters are in force on the day.
    NoFactor,
    /// The condition at this place does not hold.
    Condition(usize),
    /// The action does not accept such evidence.
    Evidence,
}

/// Memory that decisions use one after another; what it holds means nothing between two.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    pub(super) registers: Registers,
}
