//! The checker's second half: choices, intervals, conditions, extremes and roundings.

use std::sync::Arc;

use super::check::{Checker, Type, Value, expected_type, require_same, too_large, type_name};
use super::diagnostic::{Finding, did_you_mean, text};
use super::exact::{Ratio, Rounding};
use super::program::{Op, Register, TooLarge};
use super::syntax::{Comparison, Extreme, Interval, Junction, Tree, TreeKind};
use super::unit::Unit;

type Checked<T> = Result<T, Finding>;

impl Checker<'_> {
    /// Checks a tree where a value of `kind` is awaited: beside a choice, a word is one of its options.
    pub(super) fn check_against(&mut self, tree: &Tree, kind: &Type) -> Checked<Value> {
        let (Type::Choice(options), TreeKind::Name(word) | TreeKind::Quoted(word)) = (kind, &tree.kind)
        else {
            return self.check(tree);
        };
        let quoted = matches!(tree.kind, TreeKind::Quoted(_));
        if let Some(place) = options.iter().position(|option| option == word) {
            let register = self.constant(i128::try_from(place).unwrap_or(0), tree.at)?;
            return Ok(Value::new(register, kind.clone(), Ratio::ONE));
        }
        if !quoted && self.scope.names.contains_key(word) {
            return self.check(tree);
        }
        let all = options.join(", ");
        let help = did_you_mean(word, options.iter().map(String::as_str))
            .unwrap_or_else(|| text!("可选: {all}", "the options are: {all}"));
        Err(Finding::new(text!("没有选项 `{word}`", "there is no option `{word}`")).help(help).at(tree.at))
    }

    /// Both values as registers that can be compared as integers.
    pub(super) fn comparable(&mut self, one: &Value, other: &Value, at: usize) -> Checked<(Value, Value)> {
        match (&one.kind, &other.kind) {
            (Type::Number(unit), Type::Number(second)) => {
                require_same(*unit, *second, ("比较", "compared"), at)?;
                let (left, right, step, _) = self.aligned(one, other, at)?;
                Ok((Value::new(left, one.kind.clone(), step), Value::new(right, one.kind.clone(), step)))
            }
            (kind, second) if kind == second => Ok((one.clone(), other.clone())),
            (kind, second) => {
                let ((kind_zh, kind_en), (second_zh, second_en)) = (type_name(kind), type_name(second));
                Err(Finding::new(text!(
                    "{kind_zh}与{second_zh}不能比较",
                    "{kind_en} and {second_en} cannot be compared"
                ))
                .help(text!("两边要是同一类值", "both sides must be values of one kind"))
                .at(at))
            }
        }
    }

    pub(super) fn one_of(&mut self, value: &Tree, members: &[Tree], at: usize) -> Checked<Value> {
        let value = self.check(value)?;
        let mut found = self.constant(0, at)?;
        for member in members {
            for register in self.equal_to_member(&value, member)? {
                found = self.emit(Op::Or(found, register), member.at)?;
            }
        }
        Ok(Value::new(found, Type::YesNo, Ratio::ONE))
    }

    /// Whether the value equals a member; a list's name stands for all of its members.
    fn equal_to_member(&mut self, value: &Value, member: &Tree) -> Checked<Vec<Register>> {
        let list =
            if let TreeKind::Name(name) = &member.kind { self.scope.lists.get(name).cloned() } else { None };
        let Some(list) = list else {
            let other = self.check_against(member, &value.kind)?;
            let (one, other) = self.comparable(value, &other, member.at)?;
            return Ok(vec![self.emit(Op::Equal(one.register, other.register), member.at)?]);
        };
        let Type::Choice(options) = &value.kind else {
            return Err(expected_type(("选项", "a choice"), &value.kind, member.at));
        };
        list.iter().map(|word| self.equal_to_option(value.register, options, word, member.at)).collect()
    }

    fn equal_to_option(
        &mut self,
        register: Register,
        options: &Arc<[String]>,
        word: &str,
        at: usize,
    ) -> Checked<Register> {
        match options.iter().position(|option| option == word) {
            Some(place) => {
                let wanted = self.constant(i128::try_from(place).unwrap_or(0), at)?;
                self.emit(Op::Equal(register, wanted), at)
            }
            None => self.constant(0, at),
        }
    }

    pub(super) fn within(&mut self, value: &Tree, interval: &Interval, at: usize) -> Checked<Value> {
        let value = self.check(value)?;
        if matches!(value.kind, Type::YesNo | Type::Choice(_)) {
            return Err(expected_type(("数、日期或时刻", "a number, a date or a time"), &value.kind, at));
        }
        let (low, high) = (self.check(&interval.low)?, self.check(&interval.high)?);
        let (first, last) = self.comparable(&low, &high, interval.high.at)?;
        if self.program.range(first.register).low > self.program.range(last.register).high {
            let found = text!("区间是空的: 起点在终点之后", "the range is empty: it starts after its end");
            let help =
                text!("跨午夜请写两个区间, 用 or 连接", "past midnight, write two ranges joined by `or`");
            return Err(Finding::new(found).help(help).at(interval.low.at));
        }
        let (left, bottom) = self.comparable(&value, &low, interval.low.at)?;
        let (left, bottom) = (left.register, bottom.register);
        let above = if interval.low_inside { Op::LessOrEqual(bottom, left) } else { Op::Less(bottom, left) };
        let above = self.emit(above, at)?;
        let (right, most) = self.comparable(&value, &high, interval.high.at)?;
        let (right, most) = (right.register, most.register);
        let below = if interval.high_inside { Op::LessOrEqual(right, most) } else { Op::Less(right, most) };
        let below = self.emit(below, at)?;
        Ok(Value::new(self.emit(Op::And(above, below), at)?, Type::YesNo, Ratio::ONE))
    }

    pub(super) fn condition(&mut self, parts: &[Tree; 3], at: usize) -> Checked<Value> {
        let [test_tree, yes, no] = parts;
        let test = self.yes_no(test_tree)?;
        let one = self.check_knowing(test_tree, true, yes)?;
        let other = self.check_knowing(test_tree, false, no)?;
        match (&one.kind, &other.kind) {
            (Type::Number(unit), Type::Number(second)) => {
                require_same(
                    *unit,
                    *second,
                    ("作为同一条件的两个结果", "the two results of one condition"),
                    no.at,
                )?;
                self.select(test, &one, &other, at)
            }
            (kind, second) if kind == second => {
                let register = self.emit(Op::Select(test, one.register, other.register), at)?;
                Ok(Value { register, ..one })
            }
            (kind, _) => {
                let (zh, en) = type_name(kind);
                Err(expected_type((&zh, &en), &other.kind, no.at))
            }
        }
    }

    /// Checks one result of a condition, knowing how its test came out: after `a < b`, `b - a` is not below
    /// zero.
    fn check_knowing(&mut self, test: &Tree, holds: bool, result: &Tree) -> Checked<Value> {
        let known = self.ordered.len();
        self.learn(test, holds)?;
        let value = self.check(result);
        self.ordered.truncate(known);
        value
    }

    fn learn(&mut self, test: &Tree, holds: bool) -> Checked<()> {
        match &test.kind {
            TreeKind::Not(inner) => self.learn(inner, !holds),
            TreeKind::Joined(junction, left, right) if holds == (*junction == Junction::And) => {
                self.learn(left, holds)?;
                self.learn(right, holds)
            }
            // Conditions within conditions would be checked again and again, at every level.
            TreeKind::Compared(_, left, right) if left.has_condition() || right.has_condition() => Ok(()),
            TreeKind::Compared(comparison, left, right) => {
                let (one, other) = (self.check(left)?, self.check_as(left, right)?);
                let (one, other) = self.comparable(&one, &other, right.at)?;
                let pair = (one.register, other.register);
                let swapped = (other.register, one.register);
                match (comparison, holds) {
                    (Comparison::Less | Comparison::LessOrEqual, true)
                    | (Comparison::Greater | Comparison::GreaterOrEqual, false) => self.ordered.push(swapped),
                    (Comparison::Less | Comparison::LessOrEqual, false)
                    | (Comparison::Greater | Comparison::GreaterOrEqual, true) => self.ordered.push(pair),
                    (Comparison::Equal | Comparison::NotEqual, _) => {}
                }
                Ok(())
            }
            TreeKind::Number(..)
            | TreeKind::Date(_)
            | TreeKind::Time(_)
            | TreeKind::YesNo(_)
            | TreeKind::Quoted(_)
            | TreeKind::Name(_)
            | TreeKind::Negated(_)
            | TreeKind::Arithmetic(..)
            | TreeKind::Joined(..)
            | TreeKind::OneOf(..)
            | TreeKind::Within(..)
            | TreeKind::If(_)
            | TreeKind::Extreme(..)
            | TreeKind::Rounded(..) => Ok(()),
        }
    }

    fn check_as(&mut self, left: &Tree, right: &Tree) -> Checked<Value> {
        let kind = self.check(left)?.kind;
        self.check_against(right, &kind)
    }

    /// The register where it is above zero, else zero; changes nothing where the order is known.
    pub(super) fn not_below_zero(&mut self, register: Register, at: usize) -> Checked<Register> {
        let zero = self.constant(0, at)?;
        let test = self.emit(Op::LessOrEqual(zero, register), at)?;
        let range = self.extreme_range(Extreme::Max, register, zero);
        let kept = self.program.emit_within(Op::Select(test, register, zero), range);
        kept.map_err(|found| too_large(found, at))
    }

    fn select(&mut self, test: Register, one: &Value, other: &Value, at: usize) -> Checked<Value> {
        let (left, right, step, divisor) = self.aligned(one, other, at)?;
        let register = self.emit(Op::Select(test, left, right), at)?;
        Ok(Value { register, kind: one.kind.clone(), step, divisor })
    }

    pub(super) fn extreme(&mut self, extreme: Extreme, members: &[Tree], at: usize) -> Checked<Value> {
        let mut members = members.iter();
        let Some(first) = members.next() else {
            return Err(Finding::new(text!("括号里没有值", "nothing stands in the brackets")).at(at));
        };
        let mut best = self.check(first)?;
        for member in members {
            let next = self.check(member)?;
            let (Type::Number(unit), Type::Number(second)) = (&best.kind, &next.kind) else {
                let wrong = if matches!(best.kind, Type::Number(_)) { &next.kind } else { &best.kind };
                return Err(expected_type(("数", "a number"), wrong, member.at));
            };
            require_same(*unit, *second, ("比较", "compared"), member.at)?;
            let (left, right, step, divisor) = self.aligned(&best, &next, at)?;
            let test = match extreme {
                Extreme::Min => Op::LessOrEqual(left, right),
                Extreme::Max => Op::LessOrEqual(right, left),
            };
            let test = self.emit(test, at)?;
            let range = self.extreme_range(extreme, left, right);
            let register = self
                .program
                .emit_within(Op::Select(test, left, right), range)
                .map_err(|found| too_large(found, at))?;
            best = Value { register, kind: best.kind, step, divisor };
        }
        Ok(best)
    }

    fn extreme_range(&self, extreme: Extreme, one: Register, other: Register) -> super::program::Range {
        let (one, other) = (self.program.range(one), self.program.range(other));
        let pick = |left: i128, right: i128| match extreme {
            Extreme::Min => left.min(right),
            Extreme::Max => left.max(right),
        };
        super::program::Range { low: pick(one.low, other.low), high: pick(one.high, other.high) }
    }

    pub(super) fn rounded(&mut self, inner: &Tree, mode: Rounding, to: &Tree, at: usize) -> Checked<Value> {
        let (value, granule, unit) = self.unrounded(inner, to)?;
        self.round_to(&value, mode, granule, unit, at)
    }

    /// The value before rounding, what it is rounded to, and the unit of that.
    pub(super) fn unrounded(&mut self, inner: &Tree, to: &Tree) -> Checked<(Value, Ratio, Unit)> {
        let before = std::mem::replace(&mut self.dividing, true);
        let value = self.check(inner);
        self.dividing = before;
        let value = value?;
        let TreeKind::Number(number, unit) = &to.kind else {
            let found = text!("取整单位应为数和单位, 如 1 pt", "round to a number with a unit, as in 1 pt");
            return Err(Finding::new(found).at(to.at));
        };
        let Type::Number(own) = value.kind else {
            return Err(expected_type(("数", "a number"), &value.kind, inner.at));
        };
        require_same(own, *unit, ("按此单位取整", "rounded to one another"), to.at)?;
        let count = Ratio::new(number.mantissa, 1).zip(number.step()).zip(unit.factor());
        let granule = count.and_then(|((count, step), factor)| count.times(step)?.times(factor));
        let granule = granule.ok_or_else(|| {
            Finding::new(text!("取整单位必须大于零", "the amount to round to must be above zero")).at(to.at)
        })?;
        Ok((value, granule, *unit))
    }

    /// The value as a whole number of granules.
    pub(super) fn round_to(
        &mut self,
        value: &Value,
        mode: Rounding,
        granule: Ratio,
        unit: Unit,
        at: usize,
    ) -> Checked<Value> {
        let share = value.step.over(granule).ok_or_else(|| too_large(TooLarge, at))?;
        let mut numerator = value.register;
        if share.numerator() != 1 {
            numerator = self.emit(Op::Scale(numerator, share.numerator()), at)?;
        }
        let denominator = match value.divisor {
            Some(divisor) if share.denominator() == 1 => Some(divisor),
            Some(divisor) => Some(self.emit(Op::Scale(divisor, share.denominator()), at)?),
            None if share.denominator() == 1 => None,
            None => Some(self.constant(share.denominator(), at)?),
        };
        let register = match denominator {
            Some(denominator) => self.emit(Op::Divide(mode, numerator, denominator), at)?,
            None => numerator,
        };
        Ok(Value::new(register, Type::Number(unit), granule))
    }
}
