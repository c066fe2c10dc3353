//! Straight-line integer code with proven ranges. Must never branch, loop, allocate per step, or know what
//! a number means.

use std::collections::HashMap;

use super::exact::Rounding;

/// Most registers of one program.
pub const REGISTERS_MAX: usize = 8_192;
/// No register may reach further from zero than this.
const MAGNITUDE_MAX: i128 = 1 << 120;

/// A place that a result is kept in.
pub(super) type Register = u16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Op {
    Constant(i128),
    /// A value of the event.
    Load(u16),
    Add(Register, Register),
    Subtract(Register, Register),
    Multiply(Register, Register),
    Scale(Register, i128),
    Less(Register, Register),
    LessOrEqual(Register, Register),
    Equal(Register, Register),
    And(Register, Register),
    Or(Register, Register),
    Not(Register),
    /// The second where the first holds, else the third.
    Select(Register, Register, Register),
    Divide(Rounding, Register, Register),
}

/// Whole numbers that a register can hold: from `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) low: i128,
    pub(super) high: i128,
}

impl Range {
    pub(super) const BIT: Self = Self { low: 0, high: 1 };

    pub(super) fn constant(value: i128) -> Self {
        Self { low: value, high: value }
    }

    pub(super) fn is_constant(self) -> bool {
        self.low == self.high
    }

    pub(super) fn magnitude(self) -> Option<i128> {
        Some(self.low.checked_abs()?.max(self.high.checked_abs()?))
    }

    fn hull(values: [Option<i128>; 4]) -> Option<Self> {
        let mut all = values.into_iter();
        let first = all.next()??;
        all.try_fold(Self::constant(first), |range, value| {
            let value = value?;
            Some(Self { low: range.low.min(value), high: range.high.max(value) })
        })
    }

    fn either(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

/// Integers that programs run on.
pub(super) trait Integer: Copy + Ord + Default {
    fn narrow(value: i128) -> Self;
    fn widen(self) -> i128;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn by(self, other: Self) -> Self;
}

macro_rules! integer {
    ($name:ty) => {
        impl Integer for $name {
            fn narrow(value: i128) -> Self {
                Self::try_from(value).unwrap_or_default()
            }
            fn widen(self) -> i128 {
                i128::from(self)
            }
            // Ranges prove that nothing saturates; saturating is only the form without a panic.
            fn plus(self, other: Self) -> Self {
                self.saturating_add(other)
            }
            fn minus(self, other: Self) -> Self {
                self.saturating_sub(other)
            }
            fn by(self, other: Self) -> Self {
                self.saturating_mul(other)
            }
        }
    };
}
integer!(i64);
integer!(i128);

/// The numbers of a formula can grow past what the machine holds, or there are too many steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Code under construction, or done.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    ops: Vec<Op>,
    ranges: Vec<Range>,
    wide: bool,
    /// Steps by content while the program grows, so that none is written twice.
    known: HashMap<Op, Register>,
}

impl Program {
    pub(super) fn range(&self, register: Register) -> Range {
        self.ranges.get(usize::from(register)).copied().unwrap_or(Range::constant(0))
    }

    pub(super) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Ends the growing.
    pub(super) fn sealed(mut self) -> Self {
        self.known = HashMap::new();
        self.ops.shrink_to_fit();
        self
    }

    /// Adds a step whose range follows from its operands; what can only have one value becomes a constant.
    pub(super) fn emit(&mut self, op: Op) -> Result<Register, TooLarge> {
        let range = self.range_after(op).ok_or(TooLarge)?;
        self.emit_within(op, range)
    }

    pub(super) fn emit_within(&mut self, op: Op, range: Range) -> Result<Register, TooLarge> {
        if range.low < -MAGNITUDE_MAX || range.high > MAGNITUDE_MAX || self.ops.len() >= REGISTERS_MAX {
            return Err(TooLarge);
        }
        let op = if range.is_constant() { Op::Constant(range.low) } else { op };
        if let Some(register) = self.known.get(&op) {
            return Ok(*register);
        }
        let fits = |value: i128| i64::try_from(value).is_ok();
        self.wide |= !(fits(range.low) && fits(range.high));
        self.ops.push(op);
        self.ranges.push(range);
        let register = u16::try_from(self.ops.len().saturating_sub(1)).map_err(|_| TooLarge)?;
        self.known.insert(op, register);
        Ok(register)
    }

    pub(super) fn constant(&mut self, value: i128) -> Result<Register, TooLarge> {
        self.emit_within(Op::Constant(value), Range::constant(value))
    }

    fn range_after(&self, op: Op) -> Option<Range> {
        let corners = |one: Register, other: Register, apply: &dyn Fn(i128, i128) -> Option<i128>| {
            let (one, other) = (self.range(one), self.range(other));
            Range::hull([
                apply(one.low, other.low),
                apply(one.low, other.high),
                apply(one.high, other.low),
                apply(one.high, other.high),
            ])
        };
        match op {
            Op::Constant(value) => Some(Range::constant(value)),
            Op::Load(_) => None,
            Op::Add(one, other) => corners(one, other, &i128::checked_add),
            Op::Subtract(one, other) => corners(one, other, &i128::checked_sub),
            Op::Multiply(one, other) => corners(one, other, &i128::checked_mul),
            Op::Divide(mode, one, other) => corners(one, other, &|up, down| mode.divide(up, down)),
            Op::Scale(one, factor) => {
                let range = self.range(one);
                let (low, high) = (range.low.checked_mul(factor)?, range.high.checked_mul(factor)?);
                Some(Range { low: low.min(high), high: low.max(high) })
            }
            Op::Less(one, other) => Some(self.order(one, other, true)),
            Op::LessOrEqual(one, other) => Some(self.order(one, other, false)),
            Op::Equal(one, other) => {
                let (one, other) = (self.range(one), self.range(other));
                let apart = one.high < other.low || other.high < one.low;
                let same = one.is_constant() && one == other;
                Some(if apart {
                    Range::constant(0)
                } else if same {
                    Range::constant(1)
                } else {
                    Range::BIT
                })
            }
            Op::And(one, other) => {
                let (one, other) = (self.range(one), self.range(other));
                Some(Range { low: one.low.min(other.low), high: one.high.min(other.high) })
            }
            Op::Or(one, other) => {
                let (one, other) = (self.range(one), self.range(other));
                Some(Range { low: one.low.max(other.low), high: one.high.max(other.high) })
            }
            Op::Not(one) => {
                let range = self.range(one);
                Some(Range { low: 1_i128.checked_sub(range.high)?, high: 1_i128.checked_sub(range.low)? })
            }
            Op::Select(test, yes, no) => Some(match self.range(test) {
                Range { low: 1, .. } => self.range(yes),
                Range { high: 0, .. } => self.range(no),
                Range { .. } => self.range(yes).either(self.range(no)),
            }),
        }
    }

    fn order(&self, one: Register, other: Register, strict: bool) -> Range {
        let (one, other) = (self.range(one), self.range(other));
        let always = if strict { one.high < other.low } else { one.high <= other.low };
        let never = if strict { one.low >= other.high } else { one.low > other.high };
        if always {
            Range::constant(1)
        } else if never {
            Range::constant(0)
        } else {
            Range::BIT
        }
    }

    /// All registers after a run over the event's values.
    pub(super) fn run(&self, values: &[i64]) -> Results {
        if self.wide { Results::Wide(self.run_on(values)) } else { Results::Narrow(self.run_on(values)) }
    }

    fn run_on<T: Integer>(&self, values: &[i64]) -> Vec<T> {
        let mut registers: Vec<T> = Vec::with_capacity(self.ops.len());
        for op in &self.ops {
            let result = step(*op, &registers, values);
            registers.push(result);
        }
        registers
    }
}

fn step<T: Integer>(op: Op, registers: &[T], values: &[i64]) -> T {
    let at = |register: Register| registers.get(usize::from(register)).copied().unwrap_or_default();
    let bit = |holds: bool| T::narrow(i128::from(holds));
    let holds = |register: Register| at(register) != T::default();
    match op {
        Op::Constant(value) => T::narrow(value),
        Op::Load(slot) => T::narrow(values.get(usize::from(slot)).map_or(0, |value| i128::from(*value))),
        Op::Add(one, other) => at(one).plus(at(other)),
        Op::Subtract(one, other) => at(one).minus(at(other)),
        Op::Multiply(one, other) => at(one).by(at(other)),
        Op::Scale(one, factor) => at(one).by(T::narrow(factor)),
        Op::Less(one, other) => bit(at(one) < at(other)),
        Op::LessOrEqual(one, other) => bit(at(one) <= at(other)),
        Op::Equal(one, other) => bit(at(one) == at(other)),
        Op::And(one, other) => bit(holds(one) && holds(other)),
        Op::Or(one, other) => bit(holds(one) || holds(other)),
        Op::Not(one) => bit(!holds(one)),
        Op::Select(test, yes, no) => at(if holds(test) { yes } else { no }),
        Op::Divide(mode, one, other) => {
            T::narrow(mode.divide(at(one).widen(), at(other).widen()).unwrap_or(0))
        }
    }
}

/// What every register held at the end.
#[derive(Debug, Clone)]
pub(super) enum Results {
    Narrow(Vec<i64>),
    Wide(Vec<i128>),
}

impl Results {
    pub(super) fn get(&self, register: Register) -> i128 {
        let place = usize::from(register);
        match self {
            Self::Narrow(all) => all.get(place).map_or(0, |value| i128::from(*value)),
            Self::Wide(all) => all.get(place).copied().unwrap_or(0),
        }
    }

    pub(super) fn holds(&self, register: Register) -> bool {
        self.get(register) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_bits_are_left_only_when_needed() {
        for (high, wide) in
            [(i128::from(i64::MAX) - 1, false), (i128::from(i64::MAX), false), (1 << 63, true)]
        {
            let mut program = Program::default();
            program.emit_within(Op::Load(0), Range { low: 0, high }).unwrap();
            assert_eq!(program.wide, wide, "{high}");
        }
    }

    #[test]
    fn ranges_are_bounded() {
        let mut program = Program::default();
        let most = program.emit_within(Op::Load(0), Range { low: 0, high: MAGNITUDE_MAX }).unwrap();
        assert!(program.emit(Op::Scale(most, 1)).is_ok());
        assert_eq!(program.emit(Op::Scale(most, 2)), Err(TooLarge));
    }

    #[test]
    fn a_step_with_one_possible_value_is_a_constant() {
        let mut program = Program::default();
        let value = program.emit_within(Op::Load(0), Range { low: 3, high: 9 }).unwrap();
        let limit = program.constant(2).unwrap();
        let below = program.emit(Op::Less(value, limit)).unwrap();
        assert_eq!(program.range(below), Range::constant(0));
        let chosen = program.emit(Op::Select(below, value, limit)).unwrap();
        assert_eq!(program.run(&[5]).get(chosen), 2);
    }
}
