//! A checked program to short code: aliases resolved, constants folded in, tests joined, dead steps left out,
//! registers reused.

use std::sync::Arc;

use super::interval::Set;
use super::{Code, Divisor, Outputs, Place, REGISTERS, Step, Wanted};
use crate::rule::program::{Op, Program, Range, Register};

/// Most numbers of one [`Step::Look`].
const LOOKED_UP_MAX: i128 = 64;

/// What a register of the program is in terms of earlier ones.
enum Shape {
    Slot(u16),
    Same(Register),
    Test(Register, Set),
    Step(Step<Register>),
    /// Does not fit 64 bits.
    Wide,
}

impl Code {
    /// None where a step needs more than 64 bits or there are not enough registers.
    pub(in crate::rule) fn lower(program: &Program, wanted: &Wanted) -> Option<Self> {
        let mut shapes = Shapes { program, all: Vec::with_capacity(program.ops().len()) };
        for (place, op) in program.ops().iter().enumerate() {
            let shape = shapes.of(*op, u16::try_from(place).ok()?);
            shapes.all.push(shape);
        }
        shapes.emit(wanted)
    }
}

struct Shapes<'p> {
    program: &'p Program,
    all: Vec<Shape>,
}

impl Shapes<'_> {
    fn shape(&self, register: Register) -> Option<&Shape> {
        self.all.get(usize::from(register))
    }

    fn root(&self, register: Register) -> Register {
        match self.shape(register) {
            Some(Shape::Same(root)) => *root,
            Some(Shape::Slot(_) | Shape::Test(..) | Shape::Step(_) | Shape::Wide) | None => register,
        }
    }

    fn constant(&self, register: Register) -> Option<i64> {
        let range = self.program.range(register);
        if range.is_constant() { i64::try_from(range.low).ok() } else { None }
    }

    /// A yes or no with a constant is either constant itself, and so no step, or the other operand.
    fn of(&self, op: Op, own: Register) -> Shape {
        let range = self.program.range(own);
        let fits = i64::try_from(range.low).is_ok() && i64::try_from(range.high).is_ok();
        if !fits {
            return Shape::Wide;
        }
        let op = self.rooted(op);
        match op {
            Op::Constant(_) => Shape::Step(Step::Constant(self.constant(own).unwrap_or(0))),
            Op::Load(slot) => Shape::Slot(slot),
            Op::Add(one, other) => match (self.constant(one), self.constant(other)) {
                (Some(by), _) => self.shifted(other, by),
                (_, Some(by)) => self.shifted(one, by),
                (None, None) => Shape::Step(Step::Add(one, other)),
            },
            Op::Subtract(one, other) => match self.constant(other).and_then(i64::checked_neg) {
                Some(by) => self.shifted(one, by),
                None => Shape::Step(Step::Subtract(one, other)),
            },
            Op::Multiply(one, other) => match (self.constant(one), self.constant(other)) {
                (Some(by), _) => self.scaled(other, by),
                (_, Some(by)) => self.scaled(one, by),
                (None, None) => Shape::Step(Step::Multiply(one, other)),
            },
            Op::Scale(one, by) => i64::try_from(by).map_or(Shape::Wide, |by| self.scaled(one, by)),
            Op::Less(one, other) => self.order(one, other, true),
            Op::LessOrEqual(one, other) => self.order(one, other, false),
            Op::Equal(one, other) => self.equality(one, other),
            Op::And(one, other) => match (self.constant(one), self.constant(other)) {
                (Some(_), _) => Shape::Same(other),
                (_, Some(_)) => Shape::Same(one),
                (None, None) => {
                    self.joined(one, other, Set::and).unwrap_or(Shape::Step(Step::And(one, other)))
                }
            },
            Op::Or(one, other) => match (self.constant(one), self.constant(other)) {
                (Some(_), _) => Shape::Same(other),
                (_, Some(_)) => Shape::Same(one),
                (None, None) => self
                    .joined(one, other, |set, other, _| set.or(other))
                    .unwrap_or(Shape::Step(Step::Or(one, other))),
            },
            Op::Not(one) => self.opposite(one).unwrap_or(Shape::Step(Step::Not(one))),
            Op::Select(test, yes, no) => self.choice(test, yes, no),
            Op::Divide(mode, one, other) => {
                let by = self.program.range(other);
                let by = if by.is_constant() { by.low } else { 0 };
                match Divisor::new(mode, by, self.program.range(one)) {
                    Some(divisor) => Shape::Step(Step::Divide(one, divisor)),
                    None => Shape::Step(Step::Quotient(mode, one, other)),
                }
            }
        }
    }

    /// The same operation on what its operands stand for.
    fn rooted(&self, op: Op) -> Op {
        let root = |register| self.root(register);
        match op {
            Op::Constant(_) | Op::Load(_) => op,
            Op::Add(one, other) => Op::Add(root(one), root(other)),
            Op::Subtract(one, other) => Op::Subtract(root(one), root(other)),
            Op::Multiply(one, other) => Op::Multiply(root(one), root(other)),
            Op::Scale(one, by) => Op::Scale(root(one), by),
            Op::Less(one, other) => Op::Less(root(one), root(other)),
            Op::LessOrEqual(one, other) => Op::LessOrEqual(root(one), root(other)),
            Op::Equal(one, other) => Op::Equal(root(one), root(other)),
            Op::And(one, other) => Op::And(root(one), root(other)),
            Op::Or(one, other) => Op::Or(root(one), root(other)),
            Op::Not(one) => Op::Not(root(one)),
            Op::Select(test, yes, no) => Op::Select(root(test), root(yes), root(no)),
            Op::Divide(mode, one, other) => Op::Divide(mode, root(one), root(other)),
        }
    }

    fn shifted(&self, one: Register, by: i64) -> Shape {
        match self.shape(one) {
            _ if by == 0 => Shape::Same(one),
            Some(Shape::Step(Step::Shift(inner, first))) => match first.checked_add(by) {
                Some(0) => Shape::Same(*inner),
                Some(both) => Shape::Step(Step::Shift(*inner, both)),
                None => Shape::Step(Step::Shift(one, by)),
            },
            Some(_) | None => Shape::Step(Step::Shift(one, by)),
        }
    }

    fn scaled(&self, one: Register, by: i64) -> Shape {
        match self.shape(one) {
            _ if by == 1 => Shape::Same(one),
            Some(Shape::Step(Step::Scale(inner, first))) => match first.checked_mul(by) {
                Some(both) => Shape::Step(Step::Scale(*inner, both)),
                None => Shape::Step(Step::Scale(one, by)),
            },
            Some(_) | None => Shape::Step(Step::Scale(one, by)),
        }
    }

    fn order(&self, one: Register, other: Register, strict: bool) -> Shape {
        let apart = i128::from(strict);
        let (left, right) = (self.program.range(one), self.program.range(other));
        match (self.constant(one), self.constant(other)) {
            (_, Some(limit)) => {
                let high = i128::from(limit).saturating_sub(apart);
                self.test(one, Range { low: left.low, high: high.min(left.high) })
            }
            (Some(limit), None) => {
                let low = i128::from(limit).saturating_add(apart);
                self.test(other, Range { low: low.max(right.low), high: right.high })
            }
            (None, None) if strict => Shape::Step(Step::Less(one, other)),
            (None, None) => Shape::Step(Step::LessOrEqual(one, other)),
        }
    }

    fn equality(&self, one: Register, other: Register) -> Shape {
        match (self.constant(one), self.constant(other)) {
            (Some(value), _) => self.test(other, Range::constant(i128::from(value))),
            (_, Some(value)) => self.test(one, Range::constant(i128::from(value))),
            (None, None) => Shape::Step(Step::Equal(one, other)),
        }
    }

    /// Whether a register lies in a range; asks what it is a multiple of, if of anything.
    fn test(&self, register: Register, range: Range) -> Shape {
        let Some(Shape::Step(Step::Scale(inner, by))) = self.shape(register) else {
            return Shape::Test(register, Set::of(range));
        };
        let by = i128::from(*by);
        let low = range.low.checked_add(by.saturating_sub(1)).and_then(|low| low.checked_div_euclid(by));
        match low.zip(range.high.checked_div_euclid(by)).filter(|_| by > 0) {
            Some((low, high)) => Shape::Test(*inner, Set::of(Range { low, high })),
            None => Shape::Test(register, Set::of(range)),
        }
    }

    /// Two tests of one register as one.
    fn joined(
        &self,
        one: Register,
        other: Register,
        join: impl Fn(&Set, &Set, Range) -> Option<Set>,
    ) -> Option<Shape> {
        let (Shape::Test(of, set), Shape::Test(also, second)) = (self.shape(one)?, self.shape(other)?) else {
            return None;
        };
        let joined = join(set, second, self.program.range(*of)).filter(|_| of == also)?;
        Some(Shape::Test(*of, joined))
    }

    fn opposite(&self, one: Register) -> Option<Shape> {
        let Shape::Test(of, set) = self.shape(one)? else { return None };
        Some(Shape::Test(*of, set.not(self.program.range(*of))?))
    }

    fn choice(&self, test: Register, yes: Register, no: Register) -> Shape {
        if let Some(Op::LessOrEqual(one, other)) = self.program.ops().get(usize::from(test)).copied() {
            let (one, other) = (self.root(one), self.root(other));
            if (one, other) == (yes, no) {
                return Shape::Step(match (self.constant(yes), self.constant(no)) {
                    (Some(limit), _) => Step::AtMost(no, limit),
                    (_, Some(limit)) => Step::AtMost(yes, limit),
                    (None, None) => Step::Least(yes, no),
                });
            }
            if (other, one) == (yes, no) {
                return Shape::Step(match (self.constant(yes), self.constant(no)) {
                    (Some(limit), _) => Step::AtLeast(no, limit),
                    (_, Some(limit)) => Step::AtLeast(yes, limit),
                    (None, None) => Step::Most(yes, no),
                });
            }
        }
        let looked_up = self.looked_up(test, yes, no);
        Shape::Step(looked_up.unwrap_or(match (self.constant(yes), self.constant(no)) {
            (Some(yes), Some(no)) => Step::Pick(test, yes, no),
            (None, Some(0)) => Step::Multiply(test, yes),
            (Some(_) | None, _) => Step::Select(test, yes, no),
        }))
    }

    /// A choice by few values of one register between numbers, which may be such choices themselves.
    fn looked_up(&self, test: Register, yes: Register, no: Register) -> Option<Step<Register>> {
        let Shape::Test(of, set) = self.shape(test)? else { return None };
        let Range { low, high } = self.program.range(*of);
        let count = high.checked_sub(low)?.checked_add(1)?;
        let number = |value| self.number_at(if set.has(value) { yes } else { no }, *of, value);
        let numbers = (count <= LOOKED_UP_MAX).then(|| (low..=high).map(number).collect::<Option<_>>())??;
        Some(Step::Look(*of, i64::try_from(low).ok()?, numbers))
    }

    /// A constant, or what is looked up for a value of a register.
    fn number_at(&self, register: Register, of: Register, value: i128) -> Option<i64> {
        let Some(Shape::Step(Step::Look(by, low, numbers))) = self.shape(register) else {
            return self.constant(register);
        };
        let place = value.checked_sub(i128::from(*low)).filter(|_| *by == of)?;
        numbers.get(usize::try_from(place).ok()?).copied()
    }

    fn emit(&self, wanted: &Wanted) -> Option<Code> {
        let mut last_use: Vec<usize> = vec![0; self.all.len()];
        for register in wanted.all() {
            *last_use.get_mut(usize::from(self.root(register)))? = usize::MAX;
        }
        for place in (0..self.all.len()).rev() {
            if *last_use.get(place)? > 0 {
                for operand in self.all.get(place)?.operands()? {
                    let last = last_use.get_mut(usize::from(operand))?;
                    *last = place.max(*last);
                }
            }
        }
        let mut allotment = Allotment::new(self);
        let mut steps = Vec::new();
        for (place, shape) in self.all.iter().enumerate() {
            if *last_use.get(place)? == 0 || matches!(shape, Shape::Slot(_)) {
                continue;
            }
            let own = u16::try_from(place).ok()?;
            let step = shape.step(self.program)?.map(|register| allotment.place(register))?;
            steps.push((allotment.take(own)?, step));
            for operand in shape.operands()? {
                if *last_use.get(usize::from(operand))? == place {
                    allotment.give_back(operand);
                }
            }
        }
        let outputs: Outputs<Place> = wanted.map(|register| allotment.place(self.root(register)))?;
        Some(Code { steps, kept: allotment.slots, outputs })
    }
}

impl Shape {
    fn operands(&self) -> Option<Vec<Register>> {
        match self {
            Self::Slot(_) => Some(Vec::new()),
            Self::Same(root) => Some(vec![*root]),
            Self::Test(of, _) => Some(vec![*of]),
            Self::Step(step) => Some(step.operands()),
            Self::Wide => None,
        }
    }

    fn step(&self, program: &Program) -> Option<Step<Register>> {
        match self {
            Self::Test(of, set) => test_step(*of, set, program.range(*of)),
            Self::Step(step) => Some(step.clone()),
            Self::Slot(_) | Self::Same(_) | Self::Wide => None,
        }
    }
}

fn test_step(of: Register, set: &Set, whole: Range) -> Option<Step<Register>> {
    let narrow = |range: &Range| {
        let width = range.high.checked_sub(range.low)?;
        Some((i64::try_from(range.low).ok()?, u64::try_from(width).ok()?))
    };
    Some(match set.stretches() {
        [] => Step::Constant(0),
        [only] if only.low <= whole.low && whole.high <= only.high => Step::Constant(1),
        [only] => {
            let (low, width) = narrow(only)?;
            Step::Within(of, low, width)
        }
        [first, .., last] if last.high.checked_sub(first.low)? < 64 => {
            let mut bits = 0_u64;
            for stretch in set.stretches() {
                for value in stretch.low..=stretch.high {
                    bits |= 1_u64.checked_shl(u32::try_from(value.checked_sub(first.low)?).ok()?)?;
                }
            }
            Step::Member(of, i64::try_from(first.low).ok()?, bits)
        }
        stretches => Step::Among(of, stretches.iter().map(narrow).collect::<Option<Arc<[_]>>>()?),
    })
}

/// Which register of the run holds which of the program.
struct Allotment {
    places: Vec<Option<Place>>,
    free: Vec<Place>,
    slots: usize,
}

impl Allotment {
    fn new(shapes: &Shapes<'_>) -> Self {
        let place = |shape: &Shape| match shape {
            Shape::Slot(slot) => Place::try_from(*slot).ok(),
            Shape::Same(_) | Shape::Test(..) | Shape::Step(_) | Shape::Wide => None,
        };
        let places: Vec<Option<Place>> = shapes.all.iter().map(place).collect();
        let slots = places.iter().flatten().map(|place| usize::from(*place).saturating_add(1)).max();
        let slots = slots.unwrap_or(0);
        let free = (slots..REGISTERS).rev().filter_map(|place| Place::try_from(place).ok()).collect();
        Self { places, free, slots }
    }

    fn place(&self, register: Register) -> Option<Place> {
        self.places.get(usize::from(register)).copied().flatten()
    }

    fn take(&mut self, register: Register) -> Option<Place> {
        let place = self.free.pop()?;
        *self.places.get_mut(usize::from(register))? = Some(place);
        Some(place)
    }

    fn give_back(&mut self, register: Register) {
        let own = self.place(register).filter(|place| usize::from(*place) >= self.slots);
        if let Some(place) = own.filter(|place| !self.free.contains(place)) {
            self.free.push(place);
        }
    }
}
