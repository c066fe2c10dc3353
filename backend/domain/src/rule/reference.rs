//! The same language a second time: a plain tree walk over big fractions, to hold the compiled code against.
//!
//! Shares the parser and the unit table with the engine and nothing else. Must never be used outside tests.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike, Utc};
use num_rational::BigRational;
use proptest::prelude::*;

use super::action::Action;
use super::decision::{Decision, Facts, Receipt, Usage};
use super::evidence::Evidence;
use super::exact::{Ratio, Rounding};
use super::inputs::{InputValue, Inputs};
use super::random_rules::Writer;
use super::ruleset::{RuleSet, SourceFile};
use super::syntax::{Arithmetic, Comparison, Extreme, Junction, Tree, TreeKind};
use super::unit::Unit;
use crate::text::Language;

#[derive(Debug, Clone, PartialEq, PartialOrd)]
enum Thing {
    Number(BigRational),
    YesNo(bool),
    Word(String),
    Date(NaiveDate),
    Time(NaiveTime),
}

fn whole(number: i128) -> BigRational {
    BigRational::from_integer(number.into())
}

fn fraction(ratio: Ratio) -> BigRational {
    BigRational::new(ratio.numerator().into(), ratio.denominator().into())
}

fn quantity(number: super::exact::Decimal, unit: Unit) -> BigRational {
    whole(number.mantissa) * fraction(number.step().unwrap()) * fraction(unit.factor().unwrap())
}

fn round(value: &BigRational, mode: Rounding) -> BigRational {
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
struct Exact {
    milligrams: BigRational,
    points: BigRational,
    mode: Rounding,
    granule: BigRational,
}

impl Exact {
    /// Whole points for the part of the grams that is kept.
    fn paid(&self, kept_milligrams: &BigRational) -> BigRational {
        let kept =
            if *kept_milligrams < self.milligrams { kept_milligrams / &self.milligrams } else { whole(1) };
        round(&(&self.points * kept / &self.granule), self.mode) * &self.granule
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
            InputValue::Choice(word) => Thing::Word(word.clone()),
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
    Ok(walk)
}

/// The formulas' yield, or the refusal's code. With `metres`, the first input is trimmed to them and
/// conditions are past.
fn exact(
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
    let grams = action.reduction.as_ref().map_or(whole(0), |located| walk.number(&located.formula.tree));
    let milligrams = round(&(grams * whole(1000)), Rounding::HalfEven);
    walk.names.insert("reduction".into(), Thing::Number(&milligrams / whole(1000)));
    let TreeKind::Rounded(inner, mode, to) = &action.points.formula.tree.kind else { panic!("not rounded") };
    let points = walk.number(inner) * quantity(share, Unit::PERCENT);
    Ok(Exact { milligrams, points, mode: *mode, granule: walk.number(to) })
}

/// What a decision grants, in the order of `Granted`: milligrams, points, quantity, and whether a cap
/// trimmed it.
type Grant = (BigRational, BigRational, BigRational, bool);

/// The caps of `random_rules` as its file words them: 40 km and 3 times a day, 60 pt a week, 2 kgCO2e a
/// month.
fn decide(
    rules: &RuleSet,
    action: &Action,
    facts: &Facts<'_>,
    used: Option<[Usage; 3]>,
) -> Result<Grant, String> {
    let mut yielded = exact(rules, action, facts, None)?;
    let Some(InputValue::Number { number, unit }) = facts.inputs.get("a") else { panic!("no distance") };
    let mut metres = quantity(*number, *unit);
    let (mut milligrams, mut points) = (yielded.milligrams.clone(), yielded.paid(&yielded.milligrams));
    let mut capped = false;
    let grant = |milligrams, points, metres: BigRational, capped| {
        Ok((milligrams, points, metres * whole(1000), capped))
    };
    let Some([day, week, month]) = used else { return grant(milligrams, points, metres, capped) };
    let left = |limit: i128, used: i64| whole((limit - i128::from(used)).max(0));
    let metres_left = (left(40_000_000, day.quantity) / whole(1000)).floor();
    if &metres * whole(1000) > left(40_000_000, day.quantity) {
        capped = true;
        metres = metres_left;
        if metres > whole(0) {
            yielded = exact(rules, action, facts, Some(&metres))?;
            milligrams = milligrams.min(yielded.milligrams.clone());
            points = points.min(yielded.paid(&milligrams));
        } else {
            (milligrams, points) = (whole(0), whole(0));
        }
    }
    if day.events >= 3 {
        return grant(whole(0), whole(0), whole(0), true);
    }
    let points_left = left(60, week.points.get());
    capped |= points > points_left;
    points = points.min(points_left);
    let milligrams_left = left(2_000_000, month.reduction.get());
    if milligrams > milligrams_left {
        capped = true;
        milligrams = milligrams_left;
        points = points.min(yielded.paid(&milligrams));
    }
    grant(milligrams, points, metres, capped)
}

fn granted(decision: &Decision) -> Result<Grant, String> {
    match decision {
        Decision::Credited(credit) => Ok((
            whole(credit.reduction.get().into()),
            whole(credit.points.get().into()),
            whole(credit.quantity.into()),
            credit.capped,
        )),
        Decision::Refused(refusal) => Err(refusal.code.clone()),
    }
}

fn compile(text: &str) -> Option<RuleSet> {
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

fn random_inputs(rules: &RuleSet, seed: [u32; 5]) -> Inputs {
    let a = format!("{}.{:03}", seed[0] % 80, seed[0] / 80 % 1000);
    let b = format!("{}.{}", 5 + seed[1] % 8995, seed[1] % 10);
    let c = format!("{}.{:02}", seed[2] % 100, seed[2] / 100 % 100);
    let kind = ["\"red\"", "\"green\"", "\"blue\""][(seed[3] % 3) as usize];
    let flag = if seed[4].is_multiple_of(2) { "true" } else { "false" };
    let data = [("a_km", a.as_str()), ("b_m", &b), ("c_kWh", &c), ("kind", kind), ("flag", flag)];
    rules.read_inputs(rules.action("act").unwrap(), data).unwrap()
}

fn moment(minutes: u32) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2025-12-20T00:00:00Z".parse().unwrap();
    start + chrono::TimeDelta::minutes(i64::from(minutes))
}

/// `PROPTEST_CASES` asks for more cases or fewer.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_compiled_code_agrees_with_the_reference(
        tape in proptest::collection::vec(any::<u8>(), 0..70),
        seeds in proptest::collection::vec((any::<[u32; 5]>(), 0_u32..140_000, 0_usize..4), 8),
    ) {
        let text = Writer { tape: tape.iter() }.file();
        let Some(rules) = compile(&text) else { return Ok(()) };
        let mut uncapped = rules.action("act").unwrap().clone();
        uncapped.caps.clear();
        for (seed, minutes, grade) in seeds {
            let inputs = random_inputs(&rules, seed);
            let evidence = Evidence::ALL[grade];
            let facts = Facts { inputs: &inputs, occurred_at: moment(minutes), evidence };
            let expected = decide(&rules, &uncapped, &facts, None);
            let found = granted(&rules.evaluate(&uncapped, &facts, &[]));
            prop_assert_eq!(found, expected, "{}\n{:?}", text, inputs);
        }
    }

    #[test]
    fn caps_agree_with_the_reference_and_explanations_tell_the_decision(
        tape in proptest::collection::vec(any::<u8>(), 0..60),
        seed in any::<[u32; 5]>(),
        minutes in 20_000_u32..140_000,
        used in proptest::array::uniform3((0_i64..5, 0_i64..80, 0_i64..2_500_000, 0_i64..45_000_000)),
        grade in 0_usize..4,
    ) {
        let text = Writer { tape: tape.iter() }.file();
        let Some(rules) = compile(&text) else { return Ok(()) };
        let action = rules.action("act").unwrap();
        let inputs = random_inputs(&rules, seed);
        let facts = Facts { inputs: &inputs, occurred_at: moment(minutes), evidence: Evidence::ALL[grade] };
        let used = used.map(Usage::from);
        let decision = rules.evaluate(action, &facts, &used);
        let expected = decide(&rules, action, &facts, Some(used));
        prop_assert_eq!(granted(&decision), expected, "{}\n{:?} {:?}", text, inputs, used);
        let stored = decision.receipt().to_bytes(action);
        let receipt = Receipt::from_bytes(action, facts.occurred_at, &stored).unwrap();
        prop_assert_eq!(&receipt, decision.receipt());
        let told = rules.explain(action, &receipt);
        prop_assert!(!told.text(Language::Zh).is_empty() && !told.text(Language::En).is_empty());
        let Decision::Credited(credit) = decision else {
            prop_assert_eq!((told.points, told.reduction_mg), (0, 0));
            return Ok(());
        };
        prop_assert_eq!((told.points, told.reduction_mg), (credit.points.get(), credit.reduction.get()));
    }

    #[test]
    fn random_changes_to_a_file_never_panic(
        place in 0_usize..4000,
        length in 0_usize..30,
        noise in "\\PC{0,12}|[0-9a-z .,:()<>=+*/%\\[\\]{}-]{0,12}",
    ) {
        let main = include_str!("../../tests/rules/town.yaml");
        let letters: Vec<char> = main.chars().collect();
        let place = place % letters.len();
        let end = (place + length).min(letters.len());
        let (before, after) = (&letters[..place], &letters[end..]);
        let text: String = before.iter().copied().chain(noise.chars()).chain(after.iter().copied()).collect();
        let factors = include_str!("../../tests/rules/factors/town.yaml").to_owned();
        let factors = SourceFile { name: "factors/town.yaml".into(), text: factors };
        let _ = RuleSet::compile(&SourceFile { name: "town.yaml".into(), text }, &[factors]);
    }
}
