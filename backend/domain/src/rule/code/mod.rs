//! Formulas as short code on 64-bit registers, for one event or for columns of events. Must never be run
//! where ranges do not prove that every step fits.
//!
//! `lower` makes it from a checked [`Program`](super::program::Program): only what the outcome needs, constants
//! inside the steps, tests against constants as one step, divisions by constants as multiplications.

mod divisor;
mod interval;
mod lower;

use std::sync::Arc;

pub(super) use divisor::Divisor;

use super::exact::Rounding;
use super::program::Register;

/// Registers of one run. The first hold the event: civil day, second of the day, inputs.
pub(super) const REGISTERS: usize = 256;

/// Names one of the [`REGISTERS`].
pub(super) type Place = u8;

/// One step; `R` names its operands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step<R> {
    Constant(i64),
    Add(R, R),
    Shift(R, i64),
    Subtract(R, R),
    Multiply(R, R),
    Scale(R, i64),
    Less(R, R),
    LessOrEqual(R, R),
    Equal(R, R),
    And(R, R),
    Or(R, R),
    Not(R),
    /// Whether the value lies at most so far above the bound.
    Within(R, i64, u64),
    /// Whether the bit is set that lies as far up as the value lies above the bound.
    Member(R, i64, u64),
    /// Whether one of several [`Step::Within`] holds.
    Among(R, Arc<[(i64, u64)]>),
    /// The second where the first holds, else the third.
    Select(R, R, R),
    Pick(R, i64, i64),
    Least(R, R),
    Most(R, R),
    AtMost(R, i64),
    AtLeast(R, i64),
    Divide(R, Divisor),
    Quotient(Rounding, R, R),
}

/// The registers that matter once a program is done.
#[derive(Debug, Clone, Default)]
pub(super) struct Outputs<R> {
    pub(super) conditions: Vec<R>,
    pub(super) holds: Vec<R>,
    pub(super) multipliers: Vec<R>,
    /// Milligrams.
    pub(super) reduction: Option<R>,
    pub(super) numerator: R,
    pub(super) denominator: Option<R>,
}

impl<R: Copy> Outputs<R> {
    fn all(&self) -> impl Iterator<Item = R> {
        let Self { conditions, holds, multipliers, reduction, numerator, denominator } = self;
        let tests = conditions.iter().chain(holds).chain(multipliers).copied();
        tests.chain(*reduction).chain([*numerator]).chain(*denominator)
    }

    fn map<S>(&self, place: impl Fn(R) -> Option<S>) -> Option<Outputs<S>> {
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
            numerator: place(self.numerator)?,
            denominator: maybe(self.denominator)?,
        })
    }
}

/// Straight-line code, and where its results are.
#[derive(Debug, Clone)]
pub(super) struct Code {
    steps: Vec<(Place, Step<Place>)>,
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
}

impl Code {
    /// Runs over an event's slots.
    pub(super) fn run(&self, slots: &[i64], registers: &mut Registers) {
        for (register, slot) in registers.0.iter_mut().zip(slots) {
            *register = *slot;
        }
        for (place, step) in &self.steps {
            let result = step.result(|register| registers.get(register));
            registers.set(*place, result);
        }
    }
}

impl<R: Copy> Step<R> {
    /// Ranges prove that nothing wraps; wrapping is only the form without a panic.
    #[inline]
    fn result(&self, at: impl Fn(R) -> i64) -> i64 {
        match self {
            Self::Constant(value) => *value,
            Self::Add(one, other) => at(*one).wrapping_add(at(*other)),
            Self::Shift(one, by) => at(*one).wrapping_add(*by),
            Self::Subtract(one, other) => at(*one).wrapping_sub(at(*other)),
            Self::Multiply(one, other) => at(*one).wrapping_mul(at(*other)),
            Self::Scale(one, by) => at(*one).wrapping_mul(*by),
            Self::Less(one, other) => i64::from(at(*one) < at(*other)),
            Self::LessOrEqual(one, other) => i64::from(at(*one) <= at(*other)),
            Self::Equal(one, other) => i64::from(at(*one) == at(*other)),
            Self::And(one, other) => at(*one) & at(*other),
            Self::Or(one, other) => at(*one) | at(*other),
            Self::Not(one) => at(*one) ^ 1,
            Self::Within(one, low, width) => within(at(*one), *low, *width),
            Self::Member(one, low, bits) => member(at(*one), *low, *bits),
            Self::Among(one, stretches) => among(at(*one), stretches),
            Self::Select(test, yes, no) => select(at(*test), at(*yes), at(*no)),
            Self::Pick(test, yes, no) => select(at(*test), *yes, *no),
            Self::Least(one, other) => at(*one).min(at(*other)),
            Self::Most(one, other) => at(*one).max(at(*other)),
            Self::AtMost(one, limit) => at(*one).min(*limit),
            Self::AtLeast(one, limit) => at(*one).max(*limit),
            Self::Divide(one, divisor) => divisor.divide(at(*one)),
            Self::Quotient(mode, up, down) => mode.divide_narrow(at(*up), at(*down)).unwrap_or(0),
        }
    }
}

#[inline]
fn within(value: i64, low: i64, width: u64) -> i64 {
    i64::from(value.wrapping_sub(low).cast_unsigned() <= width)
}

#[inline]
fn member(value: i64, low: i64, bits: u64) -> i64 {
    let place = value.wrapping_sub(low).cast_unsigned();
    let bit = bits.wrapping_shr(u32::try_from(place & 63).unwrap_or(0)) & 1;
    i64::from(place < 64) & bit.cast_signed()
}

fn among(value: i64, stretches: &[(i64, u64)]) -> i64 {
    stretches.iter().fold(0, |found, (low, width)| found | within(value, *low, *width))
}

#[inline]
fn select(test: i64, yes: i64, no: i64) -> i64 {
    if test == 0 { no } else { yes }
}

/// Where lowering finds what it needs.
pub(super) type Wanted = Outputs<Register>;
