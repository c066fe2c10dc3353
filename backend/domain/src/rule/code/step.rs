//! The steps of short code and what each computes. Must never panic or branch on anything but its operands.

use std::sync::Arc;

use super::Divisor;
use crate::rule::exact::Rounding;

/// One step; `R` names its operands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step<R> {
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
    /// The number for each value, from so much upwards.
    Look(R, i64, Arc<[i64]>),
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

impl<R: Copy> Step<R> {
    /// Ranges prove that nothing wraps; wrapping is only the form without a panic.
    #[inline]
    pub(super) fn result(&self, at: impl Fn(R) -> i64) -> i64 {
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
            Self::Look(one, low, numbers) => look(at(*one), *low, numbers),
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

    pub(super) fn operands(&self) -> Vec<R> {
        match self {
            Self::Constant(_) => Vec::new(),
            Self::Shift(one, _)
            | Self::Scale(one, _)
            | Self::Not(one)
            | Self::Within(one, ..)
            | Self::Member(one, ..)
            | Self::Among(one, _)
            | Self::Look(one, ..)
            | Self::Pick(one, ..)
            | Self::AtMost(one, _)
            | Self::AtLeast(one, _)
            | Self::Divide(one, _) => vec![*one],
            Self::Add(one, other)
            | Self::Subtract(one, other)
            | Self::Multiply(one, other)
            | Self::Less(one, other)
            | Self::LessOrEqual(one, other)
            | Self::Equal(one, other)
            | Self::And(one, other)
            | Self::Or(one, other)
            | Self::Least(one, other)
            | Self::Most(one, other)
            | Self::Quotient(_, one, other) => vec![*one, *other],
            Self::Select(test, yes, no) => vec![*test, *yes, *no],
        }
    }

    pub(super) fn map<S>(&self, place: impl Fn(R) -> Option<S>) -> Option<Step<S>> {
        let at = |register: &R| place(*register);
        Some(match self {
            Self::Constant(value) => Step::Constant(*value),
            Self::Add(one, other) => Step::Add(at(one)?, at(other)?),
            Self::Shift(one, by) => Step::Shift(at(one)?, *by),
            Self::Subtract(one, other) => Step::Subtract(at(one)?, at(other)?),
            Self::Multiply(one, other) => Step::Multiply(at(one)?, at(other)?),
            Self::Scale(one, by) => Step::Scale(at(one)?, *by),
            Self::Less(one, other) => Step::Less(at(one)?, at(other)?),
            Self::LessOrEqual(one, other) => Step::LessOrEqual(at(one)?, at(other)?),
            Self::Equal(one, other) => Step::Equal(at(one)?, at(other)?),
            Self::And(one, other) => Step::And(at(one)?, at(other)?),
            Self::Or(one, other) => Step::Or(at(one)?, at(other)?),
            Self::Not(one) => Step::Not(at(one)?),
            Self::Within(one, low, width) => Step::Within(at(one)?, *low, *width),
            Self::Member(one, low, bits) => Step::Member(at(one)?, *low, *bits),
            Self::Among(one, stretches) => Step::Among(at(one)?, Arc::clone(stretches)),
            Self::Look(one, low, numbers) => Step::Look(at(one)?, *low, Arc::clone(numbers)),
            Self::Select(test, yes, no) => Step::Select(at(test)?, at(yes)?, at(no)?),
            Self::Pick(test, yes, no) => Step::Pick(at(test)?, *yes, *no),
            Self::Least(one, other) => Step::Least(at(one)?, at(other)?),
            Self::Most(one, other) => Step::Most(at(one)?, at(other)?),
            Self::AtMost(one, limit) => Step::AtMost(at(one)?, *limit),
            Self::AtLeast(one, limit) => Step::AtLeast(at(one)?, *limit),
            Self::Divide(one, divisor) => Step::Divide(at(one)?, *divisor),
            Self::Quotient(mode, up, down) => Step::Quotient(*mode, at(up)?, at(down)?),
        })
    }
}

#[inline]
pub(super) fn within(value: i64, low: i64, width: u64) -> i64 {
    i64::from(value.wrapping_sub(low).cast_unsigned() <= width)
}

#[inline]
pub(super) fn member(value: i64, low: i64, bits: u64) -> i64 {
    let place = value.wrapping_sub(low).cast_unsigned();
    let bit = bits.wrapping_shr(u32::try_from(place & 63).unwrap_or(0)) & 1;
    i64::from(place < 64) & bit.cast_signed()
}

pub(super) fn among(value: i64, stretches: &[(i64, u64)]) -> i64 {
    stretches.iter().fold(0, |found, (low, width)| found | within(value, *low, *width))
}

#[inline]
pub(super) fn look(value: i64, low: i64, numbers: &[i64]) -> i64 {
    let place = usize::try_from(value.wrapping_sub(low)).unwrap_or(usize::MAX);
    numbers.get(place).copied().unwrap_or(0)
}

#[inline]
pub(super) fn select(test: i64, yes: i64, no: i64) -> i64 {
    if test == 0 { no } else { yes }
}
