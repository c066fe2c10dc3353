//! Formulas as short code on 64-bit registers, for one event or for columns of events. Must never be run
//! where ranges do not prove that every step fits.
//!
//! `lower` makes it from a checked [`Program`](super::program::Program): only what the outcome needs,
//! constants inside the steps, tests against constants as one step, divisions by them as multiplications.

mod columns;
mod divisor;
mod interval;
mod lower;
mod step;

pub(super) use columns::Columns;
pub(super) use divisor::Divisor;
use step::Step;

use super::program::Register;

/// Registers of one run. The first hold the event: civil day, second of the day, inputs.
pub(super) const REGISTERS: usize = 256;

/// Names one of the [`REGISTERS`].
pub(super) type Place = u8;

/// The registers that matter once a program is done.
#[derive(Debug, Clone, Default)]
pub(super) struct Outputs<R> {
    pub(super) conditions: Vec<R>,
    pub(super) holds: Vec<R>,
    pub(super) multipliers: Vec<R>,
    /// Milligrams.
    pub(super) reduction: Option<R>,
    /// Seconds.
    pub(super) lasts: Option<R>,
    pub(super) numerator: R,
    pub(super) denominator: Option<R>,
}

impl<R: Copy> Outputs<R> {
    fn all(&self) -> impl Iterator<Item = R> {
        let Self { conditions, holds, multipliers, reduction, lasts, numerator, denominator } = self;
        let tests = conditions.iter().chain(holds).chain(multipliers).copied();
        tests.chain(*reduction).chain(*lasts).chain([*numerator]).chain(*denominator)
    }

    pub(super) fn map<S>(&self, place: impl Fn(R) -> Option<S>) -> Option<Outputs<S>> {
        let maybe = |register: Option<R>| match register {
            Some(register) => place(register).map(Some),
            None => Some(None),
        };
        let each = |all: &[R]| all.iter().map(|register| place(*register)).collect::<Option<_>>();
        Some(Outputs {
            conditions: each(&self.conditions)?,
            holds: each(&self.holds)?,
            multipliers: each(&self.multipliers)?,
            reduction: maybe(self.reduction)?,
            lasts: maybe(self.lasts)?,
            numerator: place(self.numerator)?,
            denominator: maybe(self.denominator)?,
        })
    }
}

/// Straight-line code, and where its results are.
#[derive(Debug, Clone)]
pub(super) struct Code {
    steps: Vec<(Place, Step<Place>)>,
    /// The first so many registers hold slots for good; no step writes them.
    kept: usize,
    pub(super) outputs: Outputs<Place>,
}

/// The registers of one run after another.
#[derive(Debug, Clone)]
pub(super) struct Registers([i64; REGISTERS]);

impl Default for Registers {
    fn default() -> Self {
        Self([0; REGISTERS])
    }
}

impl Registers {
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a byte cannot name a register that is not there")]
    pub(super) fn get(&self, place: Place) -> i64 {
        self.0[usize::from(place)]
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a byte cannot name a register that is not there")]
    fn set(&mut self, place: Place, value: i64) {
        self.0[usize::from(place)] = value;
    }

    /// Takes the slots of an event.
    pub(super) fn fill(&mut self, slots: &[i64]) {
        for (register, slot) in self.0.iter_mut().zip(slots) {
            *register = *slot;
        }
    }

    /// The same where all are within bounds: from so much, at most so much more. Tells whether they are.
    #[inline]
    pub(super) fn fill_within(&mut self, bounds: &[(i64, u64)], slots: &[i64]) -> bool {
        for ((register, slot), (low, width)) in self.0.iter_mut().zip(slots).zip(bounds) {
            if slot.wrapping_sub(*low).cast_unsigned() > *width {
                return false;
            }
            *register = *slot;
        }
        slots.len() == bounds.len()
    }
}

impl Code {
    /// Runs over registers that hold an event's slots.
    pub(super) fn run(&self, registers: &mut Registers) {
        for (place, step) in &self.steps {
            let result = step.result(|register| registers.get(register));
            registers.set(*place, result);
        }
    }
}

/// Where lowering finds what it needs.
pub(super) type Wanted = Outputs<Register>;
