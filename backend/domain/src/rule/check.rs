//! The checker: a tree with its names, to typed code. Refuses every formula whose units, types or ranges
//! are not proven.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

use super::diagnostic::{Finding, did_you_mean, text};
use super::exact::{Decimal, Ratio};
use super::program::{Op, Program, Range, Register, TooLarge};
use super::syntax::{Arithmetic, Comparison, Junction, Tree, TreeKind};
use super::unit::{Unit, is_unit_name};

/// What kind of value a formula gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// A number in a unit; the unit is for show, the value counts in base units.
    Number(Unit),
    YesNo,
    /// One of these, numbered from 0.
    Choice(Arc<[String]>),
    Date,
    Time,
}

/// A checked value: where it is, what it is, what one unit of its register is worth.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) register: Register,
    pub(super) kind: Type,
    pub(super) step: Ratio,
    /// Divides the register; only inside a rounding.
    pub(super) divisor: Option<Register>,
}

impl Value {
    pub(super) fn new(register: Register, kind: Type, step: Ratio) -> Self {
        Self { register, kind, step, divisor: None }
    }
}

/// Names in sight of a formula.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub(super) names: BTreeMap<String, Value>,
    pub(super) lists: BTreeMap<String, Arc<[String]>>,
    /// Names that exist elsewhere in the file, to recognise mistyped ones.
    pub(super) elsewhere: Vec<String>,
}

/// Checks trees against one scope and appends their code to one program.
pub(super) struct Checker<'a> {
    pub(super) program: &'a mut Program,
    pub(super) scope: &'a Scope,
    pub(super) dividing: bool,
    /// Pairs known to be in order where the code in hand matters: the first is not below the second.
    pub(super) ordered: Vec<(Register, Register)>,
}

type Checked<T> = Result<T, Finding>;

impl Checker<'_> {
    pub(super) fn emit(&mut self, op: Op, at: usize) -> Checked<Register> {
        self.program.emit(op).map_err(|found| too_large(found, at))
    }

    pub(super) fn constant(&mut self, value: i128, at: usize) -> Checked<Register> {
        self.program.constant(value).map_err(|found| too_large(found, at))
    }

    fn bit(&mut self, op: Op, at: usize) -> Checked<Value> {
        Ok(Value::new(self.emit(op, at)?, Type::YesNo, Ratio::ONE))
    }

    pub(super) fn check(&mut self, tree: &Tree) -> Checked<Value> {
        let at = tree.at;
        match &tree.kind {
            TreeKind::Number(number, unit) => self.number(*number, *unit, at),
            TreeKind::Date(date) => self.literal(date_number(*date), Type::Date, at),
            TreeKind::Time(time) => self.literal(time_number(*time), Type::Time, at),
            TreeKind::YesNo(holds) => self.literal(i128::from(*holds), Type::YesNo, at),
            TreeKind::Quoted(_) => Err(Finding::new(text!(
                "文字只能与选项比较",
                "quoted text can only be compared with a choice"
            ))
            .at(at)),
            TreeKind::Name(name) => self.name(name, at),
            TreeKind::Not(inner) => {
                let inner = self.yes_no(inner)?;
                self.bit(Op::Not(inner), at)
            }
            TreeKind::Negated(inner) => self.negated(inner, at),
            TreeKind::Arithmetic(operation, left, right) => match operation {
                Arithmetic::Add => self.sum(true, left, right, at),
                Arithmetic::Subtract => self.sum(false, left, right, at),
                Arithmetic::Multiply => self.product(left, right, at),
                Arithmetic::Divide => self.quotient(left, right, at),
            },
            TreeKind::Compared(comparison, left, right) => self.comparison(*comparison, left, right, at),
            TreeKind::Joined(junction, left, right) => {
                let (one, other) = (self.yes_no(left)?, self.yes_no(right)?);
                match junction {
                    Junction::And => self.bit(Op::And(one, other), at),
                    Junction::Or => self.bit(Op::Or(one, other), at),
                }
            }
            TreeKind::OneOf(value, members) => self.one_of(value, members, at),
            TreeKind::Within(value, interval) => self.within(value, interval, at),
            TreeKind::If(parts) => self.condition(parts, at),
            TreeKind::Extreme(extreme, members) => self.extreme(*extreme, members, at),
            TreeKind::Rounded(inner, mode, to) => self.rounded(inner, *mode, to, at),
        }
    }

    fn literal(&mut self, value: i128, kind: Type, at: usize) -> Checked<Value> {
        Ok(Value::new(self.constant(value, at)?, kind, Ratio::ONE))
    }

    fn number(&mut self, number: Decimal, unit: Unit, at: usize) -> Checked<Value> {
        let number = number.trimmed();
        let step = number.step().zip(unit.factor()).and_then(|(step, factor)| step.times(factor));
        let step = step.ok_or_else(|| too_large(TooLarge, at))?;
        Ok(Value::new(self.constant(number.mantissa, at)?, Type::Number(unit), step))
    }

    fn name(&mut self, name: &str, at: usize) -> Checked<Value> {
        if let Some(value) = self.scope.names.get(name) {
            return Ok(value.clone());
        }
        if is_unit_name(name) {
            let found =
                Finding::new(text!("`{name}` 是单位,不是名称", "`{name}` is a unit, not a name")).at(at);
            return Err(found.help(text!(
                "单位紧跟数字, 组合单位中间不留空格, 如 `10 gCO2e/pt`",
                "a unit follows its number, a compound without spaces, as in `10 gCO2e/pt`"
            )));
        }
        let known = self.scope.names.keys().map(String::as_str);
        let elsewhere = self.scope.elsewhere.iter().map(String::as_str);
        let help = did_you_mean(name, known.clone().chain(elsewhere)).or_else(|| {
            let all = known.collect::<Vec<_>>().join(", ");
            (!all.is_empty()).then(|| text!("此处可用: {all}", "names known here: {all}"))
        });
        Err(Finding::new(text!("没有名称 `{name}`", "there is no name `{name}`")).at(at).help_maybe(help))
    }

    pub(super) fn yes_no(&mut self, tree: &Tree) -> Checked<Register> {
        let value = self.check(tree)?;
        match value.kind {
            Type::YesNo => Ok(value.register),
            Type::Number(_) | Type::Choice(_) | Type::Date | Type::Time => {
                let help = text!("请写成比较, 如 distance > 1 km", "compare it, as in distance > 1 km");
                Err(expected_type(("是否", "yes or no"), &value.kind, tree.at).help(help))
            }
        }
    }

    fn unit_of(value: &Value, at: usize) -> Checked<Unit> {
        match value.kind {
            Type::Number(unit) => Ok(unit),
            Type::YesNo | Type::Choice(_) | Type::Date | Type::Time => {
                Err(expected_type(("数", "a number"), &value.kind, at))
            }
        }
    }

    fn negated(&mut self, inner: &Tree, at: usize) -> Checked<Value> {
        let value = self.check(inner)?;
        Self::unit_of(&value, at)?;
        let register = self.emit(Op::Scale(value.register, -1), at)?;
        Ok(Value { register, ..value })
    }

    fn sum(&mut self, add: bool, left: &Tree, right: &Tree, at: usize) -> Checked<Value> {
        let (one, other) = (self.check(left)?, self.check(right)?);
        let unit = Self::unit_of(&one, left.at)?;
        let (verb_zh, verb_en) = if add { ("相加", "added") } else { ("相减", "subtracted") };
        require_same(unit, Self::unit_of(&other, right.at)?, (verb_zh, verb_en), right.at)?;
        let (one, other, step, divisor) = self.aligned(&one, &other, at)?;
        let op = if add { Op::Add(one, other) } else { Op::Subtract(one, other) };
        let mut register = self.emit(op, at)?;
        if !add && self.ordered.contains(&(one, other)) {
            register = self.not_below_zero(register, at)?;
        }
        Ok(Value { register, kind: Type::Number(unit), step, divisor })
    }

    /// Both registers over one step and one divisor.
    pub(super) fn aligned(
        &mut self,
        one: &Value,
        other: &Value,
        at: usize,
    ) -> Checked<(Register, Register, Ratio, Option<Register>)> {
        let step = one.step.common_step(other.step).ok_or_else(|| too_large(TooLarge, at))?;
        let mut lifted = [one.register, other.register];
        for (register, value) in lifted.iter_mut().zip([one, other]) {
            let factor = value.step.whole_multiple_of(step).ok_or_else(|| too_large(TooLarge, at))?;
            if factor != 1 {
                *register = self.emit(Op::Scale(*register, factor), at)?;
            }
        }
        let [mut left, mut right] = lifted;
        if let Some(divisor) = other.divisor.filter(|_| one.divisor != other.divisor) {
            left = self.emit(Op::Multiply(left, divisor), at)?;
        }
        if let Some(divisor) = one.divisor.filter(|_| one.divisor != other.divisor) {
            right = self.emit(Op::Multiply(right, divisor), at)?;
        }
        let divisor = match (one.divisor, other.divisor) {
            (Some(one), Some(other)) if one != other => Some(self.emit(Op::Multiply(one, other), at)?),
            (one, other) => one.or(other),
        };
        Ok((left, right, step, divisor))
    }

    fn product(&mut self, left: &Tree, right: &Tree, at: usize) -> Checked<Value> {
        let (one, other) = (self.check(left)?, self.check(right)?);
        let units = Self::unit_of(&one, left.at)?.times(Self::unit_of(&other, right.at)?);
        let step = one.step.times(other.step);
        let (unit, step) = units.zip(step).ok_or_else(|| too_large(TooLarge, at))?;
        let divisor = match (one.divisor, other.divisor) {
            (Some(one), Some(other)) => Some(self.emit(Op::Multiply(one, other), at)?),
            (one, other) => one.or(other),
        };
        let register = self.emit(Op::Multiply(one.register, other.register), at)?;
        Ok(Value { register, kind: Type::Number(unit), step, divisor })
    }

    fn quotient(&mut self, left: &Tree, right: &Tree, at: usize) -> Checked<Value> {
        let (one, other) = (self.check(left)?, self.check(right)?);
        let units = Self::unit_of(&one, left.at)?.over(Self::unit_of(&other, right.at)?);
        if !self.dividing {
            let found = text!("除法必须写明如何取整", "a division must say how it is rounded");
            let help = text!("请写 `... , rounded down to 1 pt`", "write `... , rounded down to 1 pt`");
            return Err(Finding::new(found).help(help).at(right.at));
        }
        let (one, other) = self.positive_divisor(one, other, at)?;
        let range = self.program.range(other.register);
        if range.low <= 0 {
            let found = text!("除数可能不大于零", "the divisor may be zero or below");
            let help = text!(
                "请写 `max(…, 下限)`, 或提高输入的 min",
                "write `max(…, least)`, or raise the input's min"
            );
            return Err(Finding::new(found).help(help).at(right.at));
        }
        let mut step = one.step.over(other.step);
        let mut register = one.register;
        if let Some(divisor) = other.divisor {
            register = self.emit(Op::Multiply(register, divisor), at)?;
        }
        let mut divisor = one.divisor;
        if range.is_constant() {
            let share = Ratio::new(1, range.low);
            step = step.zip(share).and_then(|(step, share)| step.times(share));
        } else {
            divisor = Some(match divisor {
                Some(known) => self.emit(Op::Multiply(known, other.register), at)?,
                None => other.register,
            });
        }
        let (unit, step) = units.zip(step).ok_or_else(|| too_large(TooLarge, at))?;
        Ok(Value { register, kind: Type::Number(unit), step, divisor })
    }

    /// Moves the sign of a divisor that is always below zero to the number above it.
    fn positive_divisor(&mut self, one: Value, other: Value, at: usize) -> Checked<(Value, Value)> {
        if self.program.range(other.register).high >= 0 {
            return Ok((one, other));
        }
        let (up, down) =
            (self.emit(Op::Scale(one.register, -1), at)?, self.emit(Op::Scale(other.register, -1), at)?);
        Ok((Value { register: up, ..one }, Value { register: down, ..other }))
    }

    fn comparison(&mut self, comparison: Comparison, left: &Tree, right: &Tree, at: usize) -> Checked<Value> {
        let one = self.check(left)?;
        let other = self.check_against(right, &one.kind)?;
        let (one, other) = self.comparable(&one, &other, right.at)?;
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if !equality && matches!(one.kind, Type::YesNo | Type::Choice(_)) {
            let found =
                text!("是否值和选项只能用 = 和 != 比较", "yes/no and choices compare only with = and !=");
            return Err(Finding::new(found).at(at));
        }
        let (one, other) = (one.register, other.register);
        let op = match comparison {
            Comparison::Less => Op::Less(one, other),
            Comparison::LessOrEqual => Op::LessOrEqual(one, other),
            Comparison::Greater => Op::Less(other, one),
            Comparison::GreaterOrEqual => Op::LessOrEqual(other, one),
            Comparison::Equal => Op::Equal(one, other),
            Comparison::NotEqual => Op::Not(self.emit(Op::Equal(one, other), at)?),
        };
        self.bit(op, at)
    }
}

/// A message for code that outgrows its limits.
pub(super) fn too_large(_: TooLarge, at: usize) -> Finding {
    let help = text!("请缩小输入的范围或小数位", "narrow the inputs' ranges or decimals");
    Finding::new(text!("数值可能大到算不准", "the numbers can grow past what is computed exactly"))
        .help(help)
        .at(at)
}

pub(super) fn expected_type(wanted: (&str, &str), found: &Type, at: usize) -> Finding {
    let (found_zh, found_en) = type_name(found);
    Finding::new(text!(
        "此处应为{zh},却是{found_zh}",
        "expected {en}, found {found_en}",
        zh = wanted.0,
        en = wanted.1
    ))
    .at(at)
}

pub(super) fn type_name(kind: &Type) -> (String, String) {
    match kind {
        Type::Number(unit) if unit.is_plain() => ("不带单位的数".into(), "a plain number".into()),
        Type::Number(unit) => (format!("以 {unit} 计的数"), format!("a number in {unit}")),
        Type::YesNo => ("是否值".into(), "yes or no".into()),
        Type::Choice(_) => ("选项".into(), "a choice".into()),
        Type::Date => ("日期".into(), "a date".into()),
        Type::Time => ("时刻".into(), "a time".into()),
    }
}

pub(super) fn require_same(one: Unit, other: Unit, verb: (&str, &str), at: usize) -> Checked<()> {
    if one.same_dimension(other) {
        return Ok(());
    }
    let name = |unit: Unit, plain: &str| if unit.is_plain() { plain.to_owned() } else { format!("{unit}") };
    let padded =
        |unit: Unit| if unit.is_plain() { "不带单位的数".to_owned() } else { format!(" {unit} ") };
    let left_zh = padded(one);
    let found = text!(
        "{one_zh}与{other_zh}不能{verb_zh}",
        "{one_en} and {other_en} cannot be {verb_en}",
        one_zh = left_zh.trim_start(),
        other_zh = padded(other),
        one_en = name(one, "a plain number"),
        other_en = name(other, "a plain number"),
        verb_zh = verb.0,
        verb_en = verb.1
    );
    let help = match (one.is_plain(), other.is_plain()) {
        (true, false) => text!("请给不带单位的数写上 {other}", "give the plain number its unit, {other}"),
        (false, true) => text!("请给不带单位的数写上 {one}", "give the plain number its unit, {one}"),
        (true, true) | (false, false) => text!(
            "两边要用同类单位; 换算请乘以带单位的因子",
            "both need units of one kind; to convert, multiply by a factor with its unit"
        ),
    };
    Err(Finding::new(found).help(help).at(at))
}

/// Days since the common era began.
pub(super) fn date_number(date: NaiveDate) -> i128 {
    i128::from(date.num_days_from_ce())
}

/// Seconds since midnight.
pub(super) fn time_number(time: NaiveTime) -> i128 {
    i128::from(time.num_seconds_from_midnight())
}

/// All days that formulas can meet.
pub(super) fn date_range() -> Range {
    Range { low: date_number(NaiveDate::MIN), high: date_number(NaiveDate::MAX) }
}
