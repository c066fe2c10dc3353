//! The same language a second time: a plain tree walk over big fractions, to hold the compiled code against.
//!
//! Shares the parser and the unit table with the engine and nothing else. Must never be used outside tests.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike, Utc};
use num_rational::BigRational;

use super::action::Action;
use super::decision::Facts;
use super::exact::{Ratio, Rounding};
use super::history::{Aggregate, LookBack, Readings};
use super::input::NumberSpec;
use super::input_value::{InputValue, Inputs};
use super::ruleset::{RuleSet, SourceFile};
use super::syntax::{Arithmetic, Comparison, Extreme, Junction, Tree, TreeKind};
use super::unit::Unit;

#[derive(Debug, Clone, PartialEq, PartialOrd)]
enum Thing {
    Number(BigRational),
    YesNo(bool),
    Word(String),
    Date(NaiveDate),
    Time(NaiveTime),
}

pub(super) fn whole(number: i128) -> BigRational {
    BigRational::from_integer(number.into())
}

pub(super) fn fraction(ratio: Ratio) -> BigRational {
    BigRational::new(ratio.numerator().into(), ratio.denominator().into())
}

pub(super) fn quantity(number: super::exact::Decimal, unit: Unit) -> BigRational {
    whole(number.mantissa) * fraction(number.step().unwrap()) * fraction(unit.factor().unwrap())
}

pub(super) fn round(value: &BigRational, mode: Rounding) -> BigRational {
    let half = BigRational::new(1.into(), 2.into());
    let (floor, ceiling) = (value.floor(), value.ceil());
    match mode {
        Rounding::Down => floor,
        Rounding::Up => ceiling,
        Rounding::HalfUp if *value < whole(0) => (value - half).ceil(),
        Rounding::HalfUp => (value + half).floor(),
        Rounding::HalfEven => {
            let tie = value - &floor == half;
            if tie && (&floor / whole(2)).is_integer() { floor } else { (value + half).floor() }
        }
    }
}

struct Walk {
    names: BTreeMap<String, Thing>,
}

impl Walk {
    fn number(&self, tree: &Tree) -> BigRational {
        match self.thing(tree) {
            Thing::Number(number) => number,
            other => panic!("not a number: {other:?}"),
        }
    }

    fn holds(&self, tree: &Tree) -> bool {
        self.thing(tree) == Thing::YesNo(true)
    }

    fn thing(&self, tree: &Tree) -> Thing {
        match &tree.kind {
            TreeKind::Number(number, unit) => Thing::Number(quantity(*number, *unit)),
            TreeKind::Date(date) => Thing::Date(*date),
            TreeKind::Time(time) => Thing::Time(*time),
            TreeKind::YesNo(holds) => Thing::YesNo(*holds),
            TreeKind::Quoted(word) => Thing::Word(word.clone()),
            TreeKind::Name(name) => self.names.get(name).cloned().unwrap_or(Thing::Word(name.clone())),
            TreeKind::Not(inner) => Thing::YesNo(!self.holds(inner)),
            TreeKind::Negated(inner) => Thing::Number(-self.number(inner)),
            TreeKind::Arithmetic(operation, left, right) => {
                let (one, other) = (self.number(left), self.number(right));
                Thing::Number(match operation {
                    Arithmetic::Add => one + other,
                    Arithmetic::Subtract => one - other,
                    Arithmetic::Multiply => one * other,
                    Arithmetic::Divide => one / other,
                })
            }
            TreeKind::Compared(comparison, left, right) => {
                let (one, other) = (self.thing(left), self.thing(right));
                Thing::YesNo(match comparison {
                    Comparison::Less => one < other,
                    Comparison::LessOrEqual => one <= other,
                    Comparison::Greater => one > other,
                    Comparison::GreaterOrEqual => one >= other,
                    Comparison::Equal => one == other,
                    Comparison::NotEqual => one != other,
                })
            }
            TreeKind::Joined(Junction::And, left, right) => {
                Thing::YesNo(self.holds(left) && self.holds(right))
            }
            TreeKind::Joined(Junction::Or, left, right) => {
                Thing::YesNo(self.holds(left) || self.holds(right))
            }
            TreeKind::OneOf(value, members) => {
                let value = self.thing(value);
                Thing::YesNo(members.iter().any(|member| self.thing(member) == value))
            }
            TreeKind::Within(value, interval) => {
                let (value, low, high) =
                    (self.thing(value), self.thing(&interval.low), self.thing(&interval.high));
                let above = low < value || (interval.low_inside && low == value);
                Thing::YesNo(above && (value < high || (interval.high_inside && value == high)))
            }
            TreeKind::If(parts) => self.thing(&parts[if self.holds(&parts[0]) { 1 } else { 2 }]),
            TreeKind::Extreme(extreme, members) => {
                let all = members.iter().map(|member| self.number(member));
                Thing::Number(match extreme {
                    Extreme::Min => all.min().unwrap(),
                    Extreme::Max => all.max().unwrap(),
                })
            }
            TreeKind::Rounded(inner, mode, to) => {
                let granule = self.number(to);
                Thing::Number(round(&(self.number(inner) / &granule), *mode) * granule)
            }
        }
    }
}

/// What the formulas give before caps; points still unrounded, the share of evidence taken.
pub(super) struct Exact {
    pub(super) milligrams: BigRational,
    points: BigRational,
    mode: Rounding,
    granule: BigRational,
    /// Factors of the multipliers that hold.
    pub(super) multipliers: Vec<BigRational>,
}

impl Exact {
    /// Whole points, so many times, for the part of the grams that is kept.
    pub(super) fn paid(&self, kept_milligrams: &BigRational, factor: &BigRational) -> BigRational {
        let kept =
            if *kept_milligrams < self.milligrams { kept_milligrams / &self.milligrams } else { whole(1) };
        round(&(&self.points * kept * factor / &self.granule), self.mode) * &self.granule
    }
}

fn event_names(rules: &RuleSet, action: &Action, facts: &Facts<'_>) -> Result<Walk, String> {
    let local = facts.occurred_at.with_timezone(&rules.timezone());
    let mut walk = Walk { names: BTreeMap::new() };
    walk.names.insert("date".into(), Thing::Date(local.date_naive()));
    walk.names.insert("time".into(), Thing::Time(local.time().with_nanosecond(0).unwrap()));
    for (name, value) in facts.inputs.iter() {
        let thing = match value {
            InputValue::Number { number, unit } => Thing::Number(quantity(*number, *unit)),
            InputValue::YesNo(holds) => Thing::YesNo(*holds),
            InputValue::Choice(word) | InputValue::Id(word) => Thing::Word(word.clone()),
        };
        walk.names.insert(name.to_owned(), thing);
    }
    for parameter in rules.parameters() {
        let used = action.parameters().any(|id| id == parameter.id);
        match parameter.on(local.date_naive()) {
            Some(value) => {
                let written = quantity(value.quantity.number, value.quantity.unit);
                walk.names.insert(parameter.id.clone(), Thing::Number(written));
            }
            None if used => return Err("no_factor_in_force".into()),
            None => {}
        }
    }
    let windows = rules.history_windows(action, local.date_naive());
    for look in action.history() {
        let window = windows.iter().position(|range| *range == look.range(local.date_naive())).unwrap();
        let readings = facts.history.get(window).copied().unwrap_or_default();
        let value = looked_back(look, readings).ok_or("history_too_short")?;
        walk.names.insert(look.name().to_owned(), Thing::Number(value));
    }
    Ok(walk)
}

/// The value of a look back; none where there are too few readings.
fn looked_back(look: &LookBack, readings: Readings) -> Option<BigRational> {
    let NumberSpec { min, max, step, .. } = look.number;
    let (unit, count) = (fraction(step), whole(readings.count.into()));
    if readings.count < look.at_least {
        return look.otherwise.map(|value| match look.aggregate() {
            Aggregate::Average | Aggregate::Sum => whole(value.into()) * unit,
            Aggregate::Count => whole(value.into()),
        });
    }
    let sum = BigRational::new(readings.sum.into(), 1000.into());
    let (low, high) = (whole(min.into()) * &unit, whole(max.into()) * &unit);
    let rounded = |value: BigRational| round(&(value / &unit), Rounding::HalfEven) * &unit;
    Some(match look.aggregate() {
        Aggregate::Count => count.min(whole(10_000)),
        Aggregate::Sum => rounded(sum).max(whole(0)).min(high * whole(10_000)),
        Aggregate::Average => rounded(sum / count).max(low).min(high),
    })
}

/// The formulas' yield, or the refusal's code. With `metres`, the first input is trimmed to them and
/// conditions are past.
pub(super) fn exact(
    rules: &RuleSet,
    action: &Action,
    facts: &Facts<'_>,
    metres: Option<&BigRational>,
) -> Result<Exact, String> {
    let mut walk = event_names(rules, action, facts)?;
    if let Some(metres) = metres {
        walk.names.insert("a".into(), Thing::Number(metres.clone()));
    }
    for (name, located) in &action.steps {
        let thing = walk.thing(&located.formula.tree);
        walk.names.insert(name.clone(), thing);
    }
    for condition in action.eligible.iter().filter(|_| metres.is_none()) {
        if !walk.holds(&condition.when.formula.tree) {
            return Err(condition.code.clone());
        }
    }
    let share = action.evidence_percent(facts.evidence).ok_or("evidence_not_accepted")?;
    for hold in action.holds().iter().filter(|_| metres.is_none() && !facts.reviewed) {
        if walk.holds(&hold.when.formula.tree) {
            return Err(hold.code.clone());
        }
    }
    let grams = action.reduction.as_ref().map_or(whole(0), |located| walk.number(&located.formula.tree));
    let milligrams = round(&(grams * whole(1000)), Rounding::HalfEven);
    walk.names.insert("reduction".into(), Thing::Number(&milligrams / whole(1000)));
    let TreeKind::Rounded(inner, mode, to) = &action.points.formula.tree.kind else { panic!("not rounded") };
    let points = walk.number(inner) * quantity(share, Unit::PERCENT);
    let granule = walk.number(to);
    let held = action.multipliers().iter().filter(|multiplier| walk.holds(&multiplier.when.formula.tree));
    let multipliers = held.map(|multiplier| quantity(multiplier.times(), Unit::NONE)).collect();
    Ok(Exact { milligrams, points, mode: *mode, granule, multipliers })
}

pub(super) fn compile(text: &str) -> Option<RuleSet> {
    match RuleSet::compile(&SourceFile { name: "random.yaml".into(), text: text.to_owned() }, &[]) {
        Ok(rules) => Some(rules),
        Err(all) => {
            let excused = ["can grow past", "can never hold", "nested deeper", "the formula has more than"];
            let ok = |message: &str| excused.iter().any(|excuse| message.contains(excuse));
            assert!(all.iter().all(|found| ok(&found.message.en)), "{}\n{text}", all[0]);
            None
        }
    }
}

pub(super) fn random_inputs(rules: &RuleSet, seed: [u32; 5]) -> Inputs {
    let a = format!("{}.{:03}", seed[0] % 80, seed[0] / 80 % 1000);
    let b = format!("{}.{}", 5 + seed[1] % 8995, seed[1] % 10);
    let c = format!("{}.{:02}", seed[2] % 100, seed[2] / 100 % 100);
    let kind = ["\"red\"", "\"green\"", "\"blue\""][(seed[3] % 3) as usize];
    let flag = if seed[4].is_multiple_of(2) { "true" } else { "false" };
    let data = [
        ("a_km", a.as_str()),
        ("b_m", &b),
        ("c_kWh", &c),
        ("kind", kind),
        ("flag", flag),
        ("gate", "\"G1\""),
    ];
    rules.read_inputs(rules.action("act").unwrap(), data).unwrap()
}

pub(super) fn moment(minutes: u32) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2025-12-20T00:00:00Z".parse().unwrap();
    start + chrono::TimeDelta::minutes(i64::from(minutes))
}
