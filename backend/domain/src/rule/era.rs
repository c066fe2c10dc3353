//! An action's formulas compiled for a stretch of days in which no parameter changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::action::Action;
use super::cap::CapLimit;
use super::check::{Checker, Scope, Type, Value, date_range, expected_type, require_same, too_large};
use super::diagnostic::{Finding, Findings, Severity, text};
use super::exact::{Decimal, Ratio, Rounding, power_of_ten};
use super::input::InputKind;
use super::parameter::{Parameter, ParameterValue};
use super::program::{Op, Program, Range, Register, TooLarge};
use super::section::Located;
use super::syntax::{Tree, TreeKind};
use super::unit::Unit;

/// Most eras of one action: changes of all parameters that it uses, plus one.
pub const ERAS_MAX: usize = 120;

/// Compiled formulas and the days they are for.
#[derive(Debug, Clone)]
pub(super) struct Era {
    pub(super) from: Option<NaiveDate>,
    pub(super) until: Option<NaiveDate>,
    pub(super) program: Program,
    pub(super) steps: Vec<Value>,
    pub(super) conditions: Vec<Register>,
    /// Milligrams.
    pub(super) reduction: Option<Register>,
    pub(super) points: PointsPlan,
}

/// Points before the share of evidence: `numerator * multiplier / (denominator * divisor)`, then rounded to
/// `granule`s.
#[derive(Debug, Clone, Copy)]
pub(super) struct PointsPlan {
    pub(super) numerator: Register,
    pub(super) denominator: Option<Register>,
    pub(super) multiplier: i128,
    pub(super) divisor: i128,
    pub(super) mode: Rounding,
    pub(super) granule: i64,
}

impl PointsPlan {
    /// Points for a share of evidence and for the part of the reduction that was kept, both as fractions.
    pub(super) fn finish(
        &self,
        numerator: i128,
        denominator: i128,
        shares: [(i128, i128); 2],
    ) -> Option<i64> {
        let (mut up, mut down) =
            (numerator.checked_mul(self.multiplier)?, denominator.checked_mul(self.divisor)?);
        for (above, below) in shares {
            (up, down) = (up.checked_mul(above)?, down.checked_mul(below)?);
        }
        let granules = self.mode.divide(up, down)?;
        i64::try_from(granules.checked_mul(i128::from(self.granule))?).ok()
    }
}

/// A percentage as a fraction.
pub(super) fn percent_fraction(percent: Decimal) -> (i128, i128) {
    (percent.mantissa, power_of_ten(percent.decimals.saturating_add(2)).unwrap_or(i128::MAX))
}

/// Compiles all eras of an action into it.
pub(super) fn compile(
    action: &mut Action,
    parameters: &BTreeMap<String, Parameter>,
    lists: &[(String, Arc<[String]>)],
    findings: &mut Findings,
) {
    let used = used_parameters(action, parameters);
    action.parameters = used.iter().map(|parameter| parameter.id.clone()).collect();
    let lists: BTreeMap<String, Arc<[String]>> = lists.iter().cloned().collect();
    let elsewhere: Vec<String> = parameters.keys().cloned().collect();
    let stretches = stretches(&used);
    if stretches.is_empty() || stretches.len() > ERAS_MAX {
        let found = text!(
            "所用参数没有共同有效的日期, 或变化太多次",
            "there is no day on which all its parameters have a value, or they change too often"
        );
        action.points.report(findings, Severity::Error, Finding::new(found));
        return;
    }
    let mut eras = Vec::new();
    for (from, until) in stretches {
        let compiler = Compiler { action, findings, program: Program::default(), scope: Scope::default() };
        let values = used.iter().filter_map(|parameter| {
            let value = from.map_or(parameter.values.first(), |day| parameter.on(day))?;
            Some((parameter.id.as_str(), value))
        });
        eras.extend(compiler.era(from, until, values, &lists, &elsewhere));
    }
    action.eras = eras;
}

fn used_parameters<'p>(action: &Action, parameters: &'p BTreeMap<String, Parameter>) -> Vec<&'p Parameter> {
    let mut used: BTreeMap<&str, &Parameter> = BTreeMap::new();
    for located in action.formulas() {
        for word in located.formula.words() {
            used.extend(
                parameters.get_key_value(word.as_str()).map(|(id, parameter)| (id.as_str(), parameter)),
            );
        }
    }
    used.into_values().collect()
}

type Stretch = (Option<NaiveDate>, Option<NaiveDate>);

/// The stretches of days between two changes of any parameter, where all have a value.
fn stretches(used: &[&Parameter]) -> Vec<Stretch> {
    let firsts = used.iter().filter_map(|parameter| parameter.values.first().map(|value| value.from));
    let Some(start) = firsts.max() else { return vec![(None, None)] };
    let ends = used.iter().filter_map(|parameter| parameter.values.last().and_then(|value| value.until));
    let end = ends.min();
    let mut cuts: Vec<NaiveDate> = used
        .iter()
        .flat_map(|parameter| parameter.values.iter().map(|value| value.from))
        .filter(|from| *from > start && end.is_none_or(|end| *from < end))
        .collect();
    cuts.push(start);
    cuts.sort_unstable();
    cuts.dedup();
    if end.is_some_and(|end| end <= start) {
        return Vec::new();
    }
    let nexts = cuts.iter().skip(1).copied().map(Some).chain([end]);
    cuts.iter().copied().map(Some).zip(nexts).collect()
}

struct Compiler<'a> {
    action: &'a Action,
    findings: &'a mut Findings,
    program: Program,
    scope: Scope,
}

impl Compiler<'_> {
    fn era<'p>(
        mut self,
        from: Option<NaiveDate>,
        until: Option<NaiveDate>,
        parameters: impl Iterator<Item = (&'p str, &'p ParameterValue)>,
        lists: &BTreeMap<String, Arc<[String]>>,
        elsewhere: &[String],
    ) -> Option<Era> {
        self.scope.lists.clone_from(lists);
        self.scope.elsewhere = elsewhere.to_vec();
        self.bind_event().and_then(|()| self.bind_parameters(parameters)).map_or_else(
            |found| {
                self.action.points.report(self.findings, Severity::Error, found);
                None
            },
            Some,
        )?;
        let action = self.action;
        let mut steps = Vec::new();
        for (name, located) in &action.steps {
            let value = self.formula(located, any_value)?;
            self.scope.names.insert(name.clone(), value.clone());
            steps.push(value);
        }
        let conditions: Vec<Option<Register>> =
            action.eligible.iter().map(|condition| self.condition(&condition.when)).collect();
        let reduction = match &action.reduction {
            Some(located) => {
                let value = self.formula(located, reduction)?;
                self.scope.names.insert("reduction".to_owned(), value.clone());
                Some(value.register)
            }
            None => None,
        };
        let points =
            self.formula(&action.points, |checker, tree| points(checker, tree, action, reduction))?;
        let conditions = conditions.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Era { from, until, program: self.program.sealed(), steps, conditions, reduction, points })
    }

    /// Loads the inputs, then the civil date and time of the event.
    fn bind_event(&mut self) -> Result<(), Finding> {
        let trims = self.action.caps.iter().any(|cap| matches!(cap.limit, CapLimit::Input(_)));
        let mut slot = 0_u16;
        let mut first = true;
        for spec in &self.action.inputs {
            let (kind, step) = match spec.kind() {
                InputKind::Number(number) => (Type::Number(number.unit), number.step),
                InputKind::YesNo => (Type::YesNo, Ratio::ONE),
                InputKind::Choice(options) => (Type::Choice(Arc::clone(options)), Ratio::ONE),
            };
            let number = matches!(kind, Type::Number(_));
            let range = spec.range(trims && first && number);
            first &= !number;
            self.bind(spec.name(), slot, range, kind, step)?;
            slot = slot.saturating_add(1);
        }
        self.bind("date", slot, date_range(), Type::Date, Ratio::ONE)?;
        let day = Range { low: 0, high: 86_399 };
        self.bind("time", slot.saturating_add(1), day, Type::Time, Ratio::ONE)
    }

    fn bind(&mut self, name: &str, slot: u16, range: Range, kind: Type, step: Ratio) -> Result<(), Finding> {
        let register =
            self.program.emit_within(Op::Load(slot), range).map_err(|found| too_large(found, 0))?;
        self.scope.names.insert(name.to_owned(), Value::new(register, kind, step));
        Ok(())
    }

    fn bind_parameters<'p>(
        &mut self,
        parameters: impl Iterator<Item = (&'p str, &'p ParameterValue)>,
    ) -> Result<(), Finding> {
        for (id, value) in parameters {
            let number = value.quantity.number.trimmed();
            let step = number.step().zip(value.quantity.unit.factor());
            let step = step.and_then(|(step, factor)| step.times(factor));
            let step = step.ok_or_else(|| too_large(TooLarge, 0))?;
            let register = self.program.constant(number.mantissa).map_err(|found| too_large(found, 0))?;
            let kind = Type::Number(value.quantity.unit);
            self.scope.names.insert(id.to_owned(), Value::new(register, kind, step));
        }
        Ok(())
    }

    fn formula<T>(
        &mut self,
        located: &Located,
        check: impl FnOnce(&mut Checker<'_>, &Tree) -> Result<T, Finding>,
    ) -> Option<T> {
        let mut checker =
            Checker { program: &mut self.program, scope: &self.scope, dividing: false, ordered: Vec::new() };
        match check(&mut checker, &located.formula.tree) {
            Ok(value) => Some(value),
            Err(found) => {
                located.report(self.findings, Severity::Error, found);
                None
            }
        }
    }

    fn condition(&mut self, located: &Located) -> Option<Register> {
        let register = self.formula(located, yes_no)?;
        let range = self.program.range(register);
        if range == Range::constant(0) {
            let found = text!(
                "此条件永远不成立,所有事件都会被拒绝",
                "this condition can never hold: every event would be refused"
            );
            located.report(self.findings, Severity::Error, Finding::new(found));
        } else if range == Range::constant(1) {
            let found = text!("此条件永远成立", "this condition always holds");
            located.report(self.findings, Severity::Warning, Finding::new(found));
        }
        Some(register)
    }
}

fn any_value(checker: &mut Checker<'_>, tree: &Tree) -> Result<Value, Finding> {
    checker.check(tree)
}

fn yes_no(checker: &mut Checker<'_>, tree: &Tree) -> Result<Register, Finding> {
    checker.yes_no(tree)
}

fn not_negative(checker: &Checker<'_>, value: &Value, zero: &str, at: usize) -> Result<(), Finding> {
    if checker.program.range(value.register).low >= 0 {
        return Ok(());
    }
    let found = text!("结果可能小于零", "the result may be below zero");
    Err(Finding::new(found).help(text!("请写 `max({zero}, ...)`", "write `max({zero}, ...)`")).at(at))
}

/// The reduction in whole milligrams, half to even.
fn reduction(checker: &mut Checker<'_>, tree: &Tree) -> Result<Value, Finding> {
    let value = checker.check(tree)?;
    let Type::Number(unit) = value.kind else {
        return Err(expected_type(("以 gCO2e 计的数", "a number in gCO2e"), &value.kind, tree.at));
    };
    if !unit.same_dimension(Unit::carbon()) {
        return Err(expected_type(("以 gCO2e 计的数", "a number in gCO2e"), &value.kind, tree.at));
    }
    not_negative(checker, &value, "0 gCO2e", tree.at)?;
    let milligram = Ratio::new(1, 1000).ok_or_else(|| too_large(TooLarge, tree.at))?;
    let value = checker.round_to(&value, Rounding::HalfEven, milligram, Unit::carbon(), tree.at)?;
    if checker.program.range(value.register).high > i128::from(i64::MAX) {
        return Err(too_large(TooLarge, tree.at));
    }
    Ok(value)
}

fn points(
    checker: &mut Checker<'_>,
    tree: &Tree,
    action: &Action,
    reduction: Option<Register>,
) -> Result<PointsPlan, Finding> {
    let at = tree.at;
    let (value, mode, granule) = if let TreeKind::Rounded(inner, mode, to) = &tree.kind {
        let (value, granule, _) = checker.unrounded(inner, to)?;
        (value, Some(*mode), granule)
    } else {
        (checker.check(tree)?, None, Ratio::ONE)
    };
    let Type::Number(unit) = value.kind else {
        return Err(expected_type(("以 pt 计的数", "a number in pt"), &value.kind, at));
    };
    require_same(unit, Unit::points(), ("作为积分", "taken as points"), at)?;
    not_negative(checker, &value, "0 pt", at)?;
    let whole = granule.whole_multiple_of(Ratio::ONE).and_then(|count| i64::try_from(count).ok());
    let granule_points = whole.ok_or_else(|| {
        Finding::new(text!("积分应取整到整数 pt", "points must be rounded to whole pt")).at(at)
    })?;
    let share = value.step.over(granule).ok_or_else(|| too_large(TooLarge, at))?;
    let plan = PointsPlan {
        numerator: value.register,
        denominator: value.divisor,
        multiplier: share.numerator(),
        divisor: share.denominator(),
        mode: mode.unwrap_or(Rounding::Down),
        granule: granule_points,
    };
    prove(checker, &plan, action, reduction, at)?;
    if mode.is_none() {
        whole_without_rounding(checker, &plan, action, at)?;
    }
    Ok(plan)
}

/// Proves that the last steps of points stay within the machine for every grade of evidence and every
/// trimming.
fn prove(
    checker: &Checker<'_>,
    plan: &PointsPlan,
    action: &Action,
    reduction: Option<Register>,
    at: usize,
) -> Result<(), Finding> {
    let most = |register: Register| checker.program.range(register).magnitude();
    let trims = action.caps.iter().any(|cap| matches!(cap.limit, CapLimit::Reduction(_)));
    let kept = if trims { reduction.and_then(most).unwrap_or(1).max(1) } else { 1 };
    let divisor = plan.denominator.map_or(Some(1), most);
    let fits = action.evidence.iter().all(|(_, percent)| {
        let (above, below) = percent_fraction(*percent);
        let ends = most(plan.numerator).zip(divisor);
        ends.is_some_and(|(up, down)| plan.finish(up, down, [(above, below), (kept, kept)]).is_some())
            && ends.is_some_and(|(up, _)| plan.finish(up, 1, [(above, below), (1, 1)]).is_some())
    });
    if fits { Ok(()) } else { Err(too_large(TooLarge, at)) }
}

/// Without a rounding, points must come out whole for every grade of evidence.
fn whole_without_rounding(
    checker: &Checker<'_>,
    plan: &PointsPlan,
    action: &Action,
    at: usize,
) -> Result<(), Finding> {
    let range = checker.program.range(plan.numerator);
    let whole = action.evidence.iter().all(|(_, percent)| {
        let (above, below) = percent_fraction(*percent);
        let value = if range.is_constant() { range.low } else { 1 };
        let up = value.checked_mul(plan.multiplier).and_then(|up| up.checked_mul(above));
        let down = plan.divisor.checked_mul(below);
        up.zip(down).is_some_and(|(up, down)| up.checked_rem(down) == Some(0))
    });
    let scaled = action.caps.iter().any(|cap| matches!(cap.limit, CapLimit::Reduction(_)));
    if whole && !scaled {
        return Ok(());
    }
    let found = text!("积分可能不是整数", "the points may not come out whole");
    let help = text!("请在公式后写 `, rounded down to 1 pt`", "add `, rounded down to 1 pt` to the formula");
    Err(Finding::new(found).help(help).at(at))
}
