//! The short answer to one act, without a word: for whoever decides millions. Holds no arithmetic.

use super::code::Registers;
use super::evidence::Evidence;
use super::input::INPUTS_MAX;
use crate::amount::{Points, ReductionMg};

/// Slots before the first input: civil day, second of the day.
pub(super) const MOMENT_SLOTS: usize = 2;
/// Most slots of one event.
pub const SLOTS_MAX: usize = MOMENT_SLOTS + INPUTS_MAX;

/// An event as the integers that formulas load: civil day counted from the common era, second of the day,
/// then the inputs in the order declared, a number in its last declared decimal, a choice by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    values: [i64; SLOTS_MAX],
    count: usize,
}

impl Slots {
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
    /// See [`Slots`].
    pub slots: &'a [i64],
    /// How it was evidenced.
    pub evidence: Evidence,
}

/// The answer to one act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Credited(Granted),
    /// It does not.
    Refused(Reason),
}

/// What an act earned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Granted {
    /// Grams for the carbon ledger.
    pub reduction: ReductionMg,
    /// Points.
    pub points: Points,
    /// How much of the first numeric input was granted, in thousandths of its base unit.
    pub quantity: i64,
    /// Whether a cap trimmed it.
    pub capped: bool,
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
