//! The same language a second time: a plain tree walk over big fractions, to hold the compiled code against.
//!
//! Shares the parser and the unit table with the engine and nothing else. Must never be used outside tests.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike, Utc};
use num_rational::BigRational;
use proptest::prelude::*;

use super::action::Action;
use super::decision::{Decision, Facts, Usage};
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

/// Milligrams and points without caps, or the refusal's code.
fn decide(rules: &RuleSet, action: &Action, facts: &Facts<'_>) -> Result<(BigRational, BigRational), String> {
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
    for (name, located) in &action.steps {
        let thing = walk.thing(&located.formula.tree);
        walk.names.insert(name.clone(), thing);
    }
    for condition in &action.eligible {
        if !walk.holds(&condition.when.formula.tree) {
            return Err(condition.code.clone());
        }
    }
    let share = action.evidence_percent(facts.evidence).ok_or("evidence_not_accepted")?;
    let grams = action.reduction.as_ref().map_or(whole(0), |located| walk.number(&located.formula.tree));
    let milligrams = round(&(grams * whole(1000)), Rounding::HalfEven);
    walk.names.insert("reduction".into(), Thing::Number(&milligrams / whole(1000)));
    let share = quantity(share, Unit::PERCENT);
    let points = match &action.points.formula.tree.kind {
        TreeKind::Rounded(inner, mode, to) => {
            let granule = walk.number(to);
            round(&(walk.number(inner) * share / &granule), *mode) * granule
        }
        _ => walk.number(&action.points.formula.tree) * share,
    };
    Ok((milligrams, points))
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

/// Few enough for every build; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(96), failure_persistence: None, ..ProptestConfig::default() }
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
            let expected = decide(&rules, &uncapped, &facts);
            let found = match rules.evaluate(&uncapped, &facts, &[]) {
                Decision::Credited(credit) => {
                    Ok((whole(credit.reduction.get().into()), whole(credit.points.get().into())))
                }
                Decision::Refused(refusal) => Err(refusal.code),
            };
            prop_assert_eq!(found, expected, "{}\n{:?}", text, inputs);
        }
    }

    #[test]
    fn caps_only_trim_and_explanations_tell_the_decision(
        tape in proptest::collection::vec(any::<u8>(), 0..60),
        seed in any::<[u32; 5]>(),
        minutes in 20_000_u32..140_000,
        used in proptest::collection::vec((0_i64..5, 0_i64..80, 0_i64..2_500_000, 0_i64..45_000_000), 3),
        grade in 0_usize..4,
    ) {
        let Some(rules) = compile(&Writer { tape: tape.iter() }.file()) else { return Ok(()) };
        let action = rules.action("act").unwrap();
        let inputs = random_inputs(&rules, seed);
        let evidence = Evidence::ALL[grade];
            let facts = Facts { inputs: &inputs, occurred_at: moment(minutes), evidence };
        let used: Vec<Usage> = used.into_iter().map(Usage::from).collect();
        let decision = rules.evaluate(action, &facts, &used);
        let json = serde_json::to_string(decision.receipt()).unwrap();
        let receipt = serde_json::from_str(&json).unwrap();
        let told = rules.explain(action, &receipt);
        prop_assert!(!told.text(Language::Zh).is_empty() && !told.text(Language::En).is_empty());
        let Decision::Credited(credit) = decision else {
            prop_assert_eq!((told.points, told.reduction_mg), (0, 0));
            return Ok(());
        };
        let (points, milligrams) = (credit.points.get(), credit.reduction.get());
        prop_assert_eq!((told.points, told.reduction_mg), (points, milligrams));
        let [day, week, month] = [used[0], used[1], used[2]];
        prop_assert!(points == 0 || points + week.points.get() <= 60);
        prop_assert!(milligrams == 0 || milligrams + month.reduction.get() <= 2_000_000);
        prop_assert!(credit.quantity == 0 || credit.quantity + day.quantity <= 40_000_000);
        prop_assert!(day.events < 3 || (points, milligrams, credit.quantity) == (0, 0, 0));
        let mut uncapped = action.clone();
        uncapped.caps.clear();
        let Decision::Credited(full) = rules.evaluate(&uncapped, &facts, &[]) else { panic!("refused") };
        prop_assert!(points <= full.points.get() && milligrams <= full.reduction.get());
        let same = (points, milligrams, credit.quantity)
            == (full.points.get(), full.reduction.get(), full.quantity);
        prop_assert!(credit.capped || same);
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
