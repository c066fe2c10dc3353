//! An action's formulas compiled for a stretch of days in which no parameter changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};

use super::action::Action;
use super::batch::Formed;
use super::cap::CapLimit;
use super::check::{Checker, Scope, Type, Value, date_range, too_large};
use super::code::{Code, Outputs, Registers};
use super::diagnostic::{Finding, Findings, Severity, text};
use super::evidence::Evidence;
use super::exact::Ratio;
use super::factor::Factors;
use super::final_value::{reduction, seconds};
use super::input::InputKind;
use super::multiplier::Stacking;
use super::parameter::{Parameter, ParameterValue};
use super::payout::{Payout, Payouts, Worth, Yield, payouts, points};
use super::program::{Op, Program, Range, Register, TooLarge};
use super::season::Seasons;
use super::section::Located;
use super::syntax::Tree;
use super::verdict::{Reason, Scratch};

/// Most eras of one action: changes of all parameters that it uses, plus one.
pub const ERAS_MAX: usize = 120;

/// Compiled formulas and the days they are for.
#[derive(Debug, Clone)]
pub(super) struct Era {
    /// Civil days counted from the common era.
    pub(super) days: std::ops::Range<i64>,
    /// What each slot of an event may hold: from so much, at most so much more.
    pub(super) bounds: Vec<(i64, u64)>,
    /// Slot of the first numeric input, and how many thousandths of its base unit one of its units is.
    pub(super) measure: Option<(usize, i64)>,
    /// None where 64 bits do not do.
    pub(super) code: Option<Code>,
    pub(super) program: Program,
    pub(super) outputs: Outputs<Register>,
    pub(super) payouts: Payouts,
    pub(super) steps: Vec<Value>,
}

impl Era {
    /// Runs the formulas for an event's slots. The era is at a place among those of its action.
    #[inline]
    pub(super) fn form(
        &self,
        (action, place): (&Action, u16),
        slots: &[i64],
        evidence: Evidence,
        scratch: &mut Scratch,
    ) -> Formed {
        let registers = &mut scratch.registers;
        match &self.code {
            Some(code) if registers.fill_within(&self.bounds, slots) => {
                code.run(registers);
                let full = Yield::read(&code.outputs, |place| registers.get(place));
                self.formed((action, place), &full, evidence)
            }
            None if self.takes(slots) => self.formed((action, place), &self.run_wide(slots), evidence),
            Some(_) | None => Formed::refused(Reason::Unfit),
        }
    }

    #[cold]
    fn run_wide(&self, slots: &[i64]) -> Yield<i128> {
        let results = self.program.run(slots);
        Yield::read(&self.outputs, |register| results.get(register))
    }

    /// How a grade of evidence pays; none where it is refused.
    #[inline]
    pub(super) fn payout(&self, evidence: Evidence) -> Option<&Payout> {
        self.payouts.get(evidence as usize)?.as_ref()
    }

    /// What an act is worth, where that is seldom asked.
    #[cold]
    pub(super) fn worth(&self, slots: &[i64]) -> Worth {
        let Some(code) = &self.code else { return self.run_wide(slots).worth() };
        let mut registers = Registers::default();
        registers.fill(slots);
        code.run(&mut registers);
        Yield::read(&code.outputs, |place| registers.get(place)).worth()
    }

    /// Whether slots are those of an event that the formulas are proven for.
    #[inline]
    pub(super) fn takes(&self, slots: &[i64]) -> bool {
        let within =
            |((low, width), slot): (&(i64, u64), &i64)| slot.wrapping_sub(*low).cast_unsigned() <= *width;
        self.bounds.len() == slots.len() && self.bounds.iter().zip(slots).all(within)
    }
}

/// Compiles all eras of an action into it.
pub(super) fn compile(
    action: &mut Action,
    parameters: &BTreeMap<String, Parameter>,
    lists: &[(String, Arc<[String]>)],
    findings: &mut Findings,
) {
    let used = used_parameters(action, parameters);
    let multipliers = action.multipliers.iter().map(|multiplier| multiplier.times.ratio).collect();
    let campaigns = action.campaigns().map(|campaign| campaign.times.ratio).collect();
    action.factors = Factors::of(action.stacking.unwrap_or(Stacking::Highest), multipliers, campaigns);
    action.seasons = Seasons::of(&action.campaigns, action.multipliers.len());
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
        let (program, scope) = (Program::default(), Scope::default());
        let compiler = Compiler { action, findings, program, scope, bounds: Vec::new(), measure: None };
        let values = used.iter().filter_map(|parameter| {
            let value = from.map_or(parameter.values.first(), |day| parameter.on(day))?;
            Some((parameter.id.as_str(), value))
        });
        // What one era is told, the next would only repeat.
        let Some(era) = compiler.era(from, until, values, &lists, &elsewhere) else { break };
        eras.push(era);
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
    bounds: Vec<(i64, u64)>,
    measure: Option<(usize, i64)>,
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
        let conditions = self.conditions(action.eligible.iter().map(|condition| &condition.when), ELIGIBLE);
        let holds = self.conditions(action.holds.iter().map(|condition| &condition.when), HOLD);
        let duration = match action.same_act.as_ref().and_then(|same| same.lasts.as_ref()) {
            Some(located) => Some(self.formula(located, seconds)?),
            None => None,
        };
        let grams = match &action.reduction {
            Some(located) => {
                let value = self.formula(located, reduction)?;
                self.scope.names.insert("reduction".to_owned(), value.clone());
                Some(value.register)
            }
            None => None,
        };
        let points = self.formula(&action.points, |checker, tree| points(checker, tree, action, grams))?;
        let multipliers =
            self.conditions(action.multipliers.iter().map(|multiplier| &multiplier.when), MULTIPLIER);
        let (conditions, holds, multipliers) = (conditions?, holds?, multipliers?);
        let (numerator, denominator) = (points.numerator, points.denominator);
        let reduction = grams;
        let outputs =
            Outputs { conditions, holds, multipliers, reduction, lasts: duration, numerator, denominator };
        let number = |day: NaiveDate| i64::from(day.num_days_from_ce());
        Some(Era {
            days: from.map_or(i64::MIN, number)..until.map_or(i64::MAX, number),
            bounds: self.bounds,
            measure: self.measure,
            code: Code::lower(&self.program, &outputs),
            payouts: payouts(&self.program, points, action),
            program: self.program.sealed(),
            outputs,
            steps,
        })
    }

    /// Loads the civil date and time of the event, then its inputs, then what it looks back at.
    fn bind_event(&mut self) -> Result<(), Finding> {
        let action = self.action;
        let day = date_range();
        self.bind("date", day, day, Type::Date, Ratio::ONE)?;
        let seconds = Range { low: 0, high: 86_399 };
        self.bind("time", seconds, seconds, Type::Time, Ratio::ONE)?;
        let trims = action.caps.iter().any(|cap| matches!(cap.limit, CapLimit::Input(_)));
        for spec in &action.inputs {
            let first = self.measure.is_none();
            let (kind, step) = match spec.kind() {
                InputKind::Number(number) => {
                    self.measure = self.measure.or(Some((self.bounds.len(), number.thousandths)));
                    (Type::Number(number.unit), number.step)
                }
                InputKind::YesNo => (Type::YesNo, Ratio::ONE),
                InputKind::Choice(options) => (Type::Choice(Arc::clone(options)), Ratio::ONE),
                InputKind::Id => {
                    self.bounds.push((0, 0));
                    continue;
                }
            };
            let range = spec.range(trims && first && self.measure.is_some());
            self.bind(spec.name(), range, spec.range(false), kind, step)?;
        }
        for look in &action.history {
            self.bind(look.name(), look.span(), look.span(), Type::Number(look.unit()), look.step())?;
        }
        Ok(())
    }

    /// Binds a name to the next slot, which holds `sent` in an event and `range` once a cap has trimmed it.
    fn bind(
        &mut self,
        name: &str,
        range: Range,
        sent: Range,
        kind: Type,
        step: Ratio,
    ) -> Result<(), Finding> {
        let slot = u16::try_from(self.bounds.len()).map_err(|_| too_large(TooLarge, 0))?;
        let register =
            self.program.emit_within(Op::Load(slot), range).map_err(|found| too_large(found, 0))?;
        let width = sent.high.checked_sub(sent.low).and_then(|width| u64::try_from(width).ok());
        let bounds = i64::try_from(sent.low).ok().zip(width);
        self.bounds.push(bounds.ok_or_else(|| too_large(TooLarge, 0))?);
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

    fn conditions<'l>(
        &mut self,
        all: impl Iterator<Item = &'l Located>,
        told: Constancy,
    ) -> Option<Vec<Register>> {
        let registers: Vec<Option<Register>> = all.map(|located| self.condition(located, told)).collect();
        registers.into_iter().collect()
    }

    fn condition(&mut self, located: &Located, told: Constancy) -> Option<Register> {
        let register = self.formula(located, yes_no)?;
        let range = self.program.range(register);
        if range == Range::constant(0) {
            let found = Finding::new(text!(
                "此条件永远不成立,{zh}",
                "this condition can never hold: {en}",
                zh = told.never.0,
                en = told.never.1
            ));
            located.report(self.findings, told.weight, found.help_maybe(self.action.ranges_of(located)));
        } else if range == Range::constant(1) {
            let found = Finding::new(text!("此条件永远成立", "this condition always holds"));
            let found = found.help_maybe(self.action.ranges_of(located));
            located.report(self.findings, Severity::Warning, found);
        }
        Some(register)
    }
}

/// What is told of a condition that never holds.
#[derive(Debug, Clone, Copy)]
struct Constancy {
    never: (&'static str, &'static str),
    weight: Severity,
}

const ELIGIBLE: Constancy = Constancy {
    never: ("所有事件都会被拒绝", "every event would be refused"),
    weight: Severity::Error,
};
const HOLD: Constancy =
    Constancy { never: ("不会留待审核", "nothing would ever be held"), weight: Severity::Warning };
const MULTIPLIER: Constancy = Constancy {
    never: ("倍数不起作用", "the multiplier would never count"),
    weight: Severity::Warning,
};

fn any_value(checker: &mut Checker<'_>, tree: &Tree) -> Result<Value, Finding> {
    checker.check(tree)
}

fn yes_no(checker: &mut Checker<'_>, tree: &Tree) -> Result<Register, Finding> {
    checker.yes_no(tree)
}
