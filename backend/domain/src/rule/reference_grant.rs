//! The reference's second half: factors, caps, campaigns and budgets over big fractions, and the tests that
//! hold the compiled code against it. Must never be used outside tests.

use chrono::{DateTime, Utc};
use num_rational::BigRational;
use proptest::prelude::*;

use super::action::Action;
use super::budget::WhenExhausted;
use super::cap::CapLimit;
use super::decision::{Decision, Facts, Receipt, Usage};
use super::evidence::Evidence;
use super::history::Readings;
use super::input_value::{InputValue, Inputs};
use super::multiplier::Stacking;
use super::random_rules::Writer;
use super::reference::{Exact, compile, exact, moment, quantity, random_inputs, whole};
use super::ruleset::{RuleSet, SourceFile};
use super::unit::Unit;
use crate::amount::Points;
use crate::text::Language;
use crate::time::civil_day;

/// What is granted: milligrams, points, points that wait, quantity, drawn, capped, exhausted.
#[derive(Debug, Clone, PartialEq)]
struct Grant {
    milligrams: BigRational,
    points: BigRational,
    queued: BigRational,
    quantity: BigRational,
    drawn: Vec<BigRational>,
    capped: bool,
    exhausted: bool,
}

fn number(count: i64) -> BigRational {
    whole(count.into())
}

fn stacked(stacking: Option<Stacking>, factors: &[BigRational]) -> BigRational {
    let first = factors.first().cloned().unwrap_or(whole(1));
    match stacking.unwrap_or(Stacking::Highest) {
        Stacking::Highest => factors.iter().cloned().max().unwrap_or(whole(1)),
        Stacking::Multiply => factors.iter().fold(whole(1), |product, factor| product * factor),
        Stacking::First => first,
    }
}

/// One act with its facts.
struct Case<'a> {
    rules: &'a RuleSet,
    action: &'a Action,
    facts: Facts<'a>,
    used: &'a [Usage],
}

impl Case<'_> {
    fn usage(&self, cap: &super::cap::Cap) -> Usage {
        let day = civil_day(self.facts.occurred_at, self.rules.timezone());
        let windows = self.rules.cap_windows(self.action, day);
        let own =
            |window: &super::CapWindow| Some(window.period) == cap.period() && window.scope == cap.scope();
        let place = windows.iter().position(own);
        place.and_then(|place| self.used.get(place)).copied().unwrap_or_default()
    }

    /// What the caps leave, with points so many times.
    fn capped(&self, full: &Exact, factor: &BigRational) -> Grant {
        let Some(InputValue::Number { number: written, unit }) = self.facts.inputs.get("a") else {
            panic!("no distance")
        };
        let mut grant = Grant {
            milligrams: full.milligrams.clone(),
            points: full.paid(&full.milligrams, factor),
            queued: whole(0),
            quantity: quantity(*written, *unit) * whole(1000),
            drawn: Vec::new(),
            capped: false,
            exhausted: false,
        };
        let mut trimmed: Option<Exact> = None;
        for cap in self.action.caps() {
            let used = self.usage(cap);
            let left = |limit: i64, used: i64| number(limit - used).max(whole(0));
            match cap.limit() {
                CapLimit::Times(limit) if left(limit, used.events) == whole(0) => {
                    (grant.milligrams, grant.points, grant.quantity) = (whole(0), whole(0), whole(0));
                    grant.capped = true;
                }
                CapLimit::Times(_) => {}
                CapLimit::Points(limit) => {
                    grant.capped |= grant.points > left(limit, used.points.get());
                    grant.points = grant.points.min(left(limit, used.points.get()));
                }
                CapLimit::Reduction(limit) => {
                    let left = left(limit, used.reduction.get());
                    if grant.milligrams > left {
                        grant.capped = true;
                        grant.points = grant.points.min(trimmed.as_ref().unwrap_or(full).paid(&left, factor));
                        grant.milligrams = left;
                    }
                }
                CapLimit::Input(limit) => {
                    let left = left(limit, used.quantity);
                    if grant.quantity > left {
                        grant.capped = true;
                        let metres = (left / whole(1000)).floor();
                        grant.quantity = &metres * whole(1000);
                        if metres == whole(0) {
                            (grant.milligrams, grant.points) = (whole(0), whole(0));
                        } else {
                            let again = exact(self.rules, self.action, &self.facts, Some(&metres)).unwrap();
                            grant.milligrams = grant.milligrams.min(again.milligrams.clone());
                            grant.points = grant.points.min(again.paid(&grant.milligrams, factor));
                            trimmed = Some(again);
                        }
                    }
                }
            }
        }
        grant
    }

    fn left(&self, place: usize, limit: Points) -> BigRational {
        let issued = self.facts.issued.get(place).map_or(0, |issued| issued.get());
        (number(limit.get()) - number(issued)).max(whole(0))
    }

    fn decide(&self) -> Result<Grant, String> {
        let full = exact(self.rules, self.action, &self.facts, None)?;
        let stacking = self.action.stacking;
        let mut factors = full.multipliers.clone();
        let mut grant = self.capped(&full, &stacked(stacking, &factors));
        let day = civil_day(self.facts.occurred_at, self.rules.timezone());
        let (mut points, mut before) = (grant.points.clone(), grant.points.clone());
        let (mut drawn, mut exhausted) = (Vec::new(), false);
        for campaign in self.action.campaigns().filter(|campaign| campaign.range().contains(day)) {
            let place = drawn.len();
            let home = self.facts.district.map(str::to_owned);
            let reached = campaign.districts().is_none_or(|all| home.is_some_and(|home| all.contains(&home)));
            if !reached {
                drawn.push(whole(0));
                continue;
            }
            factors.push(quantity(campaign.times(), Unit::NONE));
            grant = self.capped(&full, &stacked(stacking, &factors));
            let extra = &grant.points - &before;
            assert!(extra >= whole(0), "a campaign never takes");
            let added = extra.clone().min(self.left(place, campaign.budget()));
            exhausted |= added < extra;
            points += &added;
            before = grant.points.clone();
            drawn.push(added);
        }
        grant.points = points;
        grant.exhausted = exhausted;
        self.pay(&mut grant, drawn);
        Ok(grant)
    }

    fn pay(&self, grant: &mut Grant, mut drawn: Vec<BigRational>) {
        let campaigns = drawn.len();
        let budgets: Vec<_> = self.action.budgets().collect();
        let mut promised = grant.points.clone();
        for (place, budget) in budgets.iter().enumerate() {
            if budget.when_exhausted() == WhenExhausted::Stop {
                promised = promised.min(self.left(campaigns + place, budget.limit()));
            }
        }
        let mut lost = &grant.points - &promised;
        grant.exhausted |= lost > whole(0);
        for campaign in drawn.iter_mut().rev() {
            let back = lost.clone().min(campaign.clone());
            *campaign -= &back;
            lost -= back;
        }
        let mut now = promised.clone();
        for (place, budget) in budgets.iter().enumerate() {
            drawn.push(match budget.when_exhausted() {
                WhenExhausted::Stop => promised.clone(),
                WhenExhausted::Queue => {
                    now = promised.clone().min(self.left(campaigns + place, budget.limit()));
                    now.clone()
                }
                WhenExhausted::Prorate => {
                    now = whole(0);
                    whole(0)
                }
            });
        }
        grant.queued = promised - &now;
        grant.points = now;
        grant.drawn = drawn;
    }

    /// The compiled answer equals the reference's, is stored and read again, and told as it is.
    fn check(&self, text: &str, telling: bool) -> Result<Grant, String> {
        let decision = self.rules.evaluate(self.action, &self.facts, self.used);
        let about = || format!("{text}\n{:?}\n{:?}", self.facts, self.used);
        let expected = self.decide();
        assert_eq!(granted(&decision), expected, "{}", about());
        if !telling {
            return expected;
        }
        let stored = decision.receipt().to_bytes(self.action);
        let receipt = Receipt::from_bytes(self.action, self.facts.occurred_at, &stored).unwrap();
        assert_eq!(&receipt, decision.receipt(), "{}", about());
        let told = self.rules.explain(self.action, &receipt);
        assert!(!told.text(Language::Zh).is_empty() && !told.text(Language::En).is_empty());
        let (points, queued, reduction) = match &decision {
            Decision::Credited(credit) => (credit.points, credit.queued, credit.reduction.get()),
            Decision::Refused(_) | Decision::Held(_) => (Points::ZERO, Points::ZERO, 0),
        };
        assert_eq!((told.points, told.queued), (points.get(), queued.get()), "{}", about());
        assert_eq!(told.reduction_mg, reduction, "{}", about());
        expected
    }
}

fn granted(decision: &Decision) -> Result<Grant, String> {
    match decision {
        Decision::Credited(credit) => Ok(Grant {
            milligrams: number(credit.reduction.get()),
            points: number(credit.points.get()),
            queued: number(credit.queued.get()),
            quantity: number(credit.quantity),
            drawn: credit.drawn.iter().map(|points| number(points.get())).collect(),
            capped: credit.capped,
            exhausted: credit.budget_exhausted,
        }),
        Decision::Refused(refusal) => Err(refusal.code.clone()),
        Decision::Held(hold) => Err(hold.code.clone()),
    }
}

/// A small generator of random numbers, for loops that proptest is too slow for.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: u64) -> i64 {
        (self.next() % most).cast_signed()
    }
}

/// Everything random about one act.
struct Chance {
    inputs: Inputs,
    occurred_at: DateTime<Utc>,
    evidence: Evidence,
    district: Option<&'static str>,
    history: Vec<Readings>,
    issued: Vec<Points>,
    used: Vec<Usage>,
    reviewed: bool,
}

impl Chance {
    fn of(dice: &mut Dice, rules: &RuleSet, action: &Action) -> Self {
        let seed = [(); 5].map(|()| (dice.next() >> 32) as u32);
        let occurred_at = moment(dice.below(140_000) as u32);
        let day = civil_day(occurred_at, rules.timezone());
        let readings = |dice: &mut Dice| {
            let count = dice.below(9);
            Readings { count, sum: count * dice.below(90_000_000) }
        };
        let usage = |dice: &mut Dice| {
            Usage::from((dice.below(5), dice.below(80), dice.below(2_500_000), dice.below(45_000_000)))
        };
        let budgets = rules.budget_windows(action, day);
        Self {
            inputs: random_inputs(rules, seed),
            occurred_at,
            evidence: Evidence::ALL[dice.below(4) as usize],
            district: [None, Some("north"), Some("south")][dice.below(3) as usize],
            history: rules.history_windows(action, day).iter().map(|_| readings(dice)).collect(),
            issued: budgets
                .iter()
                .map(|budget| Points::new(dice.below(budget.limit.get().cast_unsigned() * 5 / 4 + 1)))
                .collect(),
            used: rules.cap_windows(action, day).iter().map(|_| usage(dice)).collect(),
            reviewed: dice.below(2) == 1,
        }
    }

    fn case<'a>(&'a self, rules: &'a RuleSet, action: &'a Action) -> Case<'a> {
        let facts = Facts {
            district: self.district,
            history: &self.history,
            issued: &self.issued,
            reviewed: self.reviewed && !action.holds().is_empty(),
            ..Facts::new(&self.inputs, self.occurred_at, self.evidence)
        };
        Case { rules, action, facts, used: &self.used }
    }
}

fn kinds(outcome: &Result<Grant, String>) -> Vec<String> {
    let zero = whole(0);
    match outcome {
        Err(code) => vec![code.clone()],
        Ok(grant) => [
            ("credited", true),
            ("capped", grant.capped),
            ("exhausted", grant.exhausted),
            ("queued", grant.queued > zero),
            ("campaign", grant.drawn.first().is_some_and(|drawn| *drawn > zero)),
        ]
        .into_iter()
        .filter(|(_, seen)| *seen)
        .map(|(kind, _)| kind.to_owned())
        .collect(),
    }
}

/// Random acts under random rules: the compiled code must give what the reference gives, to the milligram.
/// Twelve acts for each case that `PROPTEST_CASES` asks for; other counts begin with other rules.
#[test]
fn the_whole_language_agrees_with_the_reference() {
    let wanted = u64::from(ProptestConfig::default().cases) * 12;
    let mut dice = Dice(wanted);
    let mut done = 0;
    let mut met = std::collections::BTreeMap::<String, u64>::new();
    while done < wanted {
        let tape: Vec<u8> = (0..dice.below(140)).map(|_| dice.next() as u8).collect();
        let text = Writer::new(&tape).programme();
        let Some(rules) = compile(&text) else { continue };
        let action = rules.action("act").unwrap();
        for _ in 0..(wanted / 50).clamp(10, 500) {
            let chance = Chance::of(&mut dice, &rules, action);
            let case = chance.case(&rules, action);
            for kind in kinds(&case.check(&text, done % 16 == 0)) {
                *met.entry(kind).or_default() += 1;
            }
            done += 1;
        }
    }
    for kind in ["credited", "capped", "exhausted", "queued", "campaign", "hold.1", "history_too_short"] {
        assert!(met.get(kind).is_some_and(|count| *count > done / 300), "too few are {kind}: {met:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn formulas_and_caps_agree_with_the_reference(
        tape in proptest::collection::vec(any::<u8>(), 0..70),
        seed in any::<u64>(),
    ) {
        let text = Writer::new(&tape).file();
        let Some(rules) = compile(&text) else { return Ok(()) };
        let action = rules.action("act").unwrap();
        let mut dice = Dice(seed);
        for _ in 0..8 {
            let chance = Chance::of(&mut dice, &rules, action);
            let _same = chance.case(&rules, action).check(&text, true);
        }
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
