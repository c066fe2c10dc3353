//! All ways of running a rule must agree: the checked program, short code, columns, and what is settled from
//! columns. `PROPTEST_CASES` asks for a longer loop.

use proptest::prelude::*;

use super::action::Action;
use super::batch::{BATCH_ROWS, Batch, EventColumns};
use super::decision::{Facts, Usage};
use super::era::Era;
use super::evaluate;
use super::evidence::Evidence;
use super::payout::Yield;
use super::random_rules::Writer;
use super::reference::{compile, moment, random_inputs};
use super::ruleset::RuleSet;
use super::verdict::{Reason, Scratch, Slots, Typed, Verdict};

/// Short code gives what the checked program gives.
fn same_yield(era: &Era, slots: &[i64], scratch: &mut Scratch) {
    let results = era.program.run(slots);
    let plain = Yield::read(&era.outputs, |register| results.get(register));
    let Some(code) = &era.code else { return };
    scratch.registers.fill(slots);
    code.run(&mut scratch.registers);
    let short = Yield::read(&code.outputs, |place| i128::from(scratch.registers.get(place)));
    assert_eq!(short, plain, "{slots:?}");
}

/// Runs all events of one number of slots through columns.
fn all_agree(rules: &RuleSet, action: &Action, events: &[(Slots, Evidence)], used: &[Usage; 3]) {
    let slots = events.first().map_or(0, |(slots, _)| slots.as_slice().len());
    let column = |place: usize| events.iter().map(|(slots, _)| slots.as_slice()[place]).collect();
    let columns: Vec<Vec<i64>> = (0..slots).map(column).collect();
    let columns: Vec<&[i64]> = columns.iter().map(Vec::as_slice).collect();
    let evidence: Vec<Evidence> = events.iter().map(|(_, evidence)| *evidence).collect();
    let columns = EventColumns { slots: &columns, evidence: &evidence };
    let (mut batch, mut scratch) = (Batch::default(), Scratch::default());
    rules.form(action, &columns, &mut batch);
    for (row, (slots, evidence)) in events.iter().enumerate() {
        let (typed, formed) = (Typed::new(slots.as_slice(), *evidence), batch.formed(row));
        if let Some(era) = action.era_on(slots.as_slice()[0]).filter(|era| era.takes(slots.as_slice())) {
            same_yield(era, slots.as_slice(), &mut scratch);
        }
        let mut alone = evaluate::form(action, slots.as_slice(), *evidence, &mut scratch);
        alone.whole = alone.whole.filter(|_| formed.whole.is_some());
        assert_eq!(formed, alone, "{slots:?}");
        let settled = rules.settle(action, (&batch, &columns, row), used);
        assert_eq!(settled, rules.decide(action, &typed, used, &mut scratch), "{slots:?} {used:?}");
    }
}

fn random_event(rules: &RuleSet, action: &Action, seed: [u32; 5], minutes: u32) -> (Slots, Evidence) {
    let inputs = random_inputs(rules, seed);
    let evidence = Evidence::ALL[(seed[4] / 7 % 4) as usize];
    let facts = Facts::new(&inputs, moment(minutes), evidence);
    (rules.slots(action, &facts).unwrap(), evidence)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn program_code_and_columns_agree(
        tape in proptest::collection::vec(any::<u8>(), 0..70),
        seeds in proptest::collection::vec((any::<[u32; 5]>(), 0_u32..140_000), 1..40),
        used in proptest::array::uniform3((0_i64..5, 0_i64..80, 0_i64..2_500_000, 0_i64..45_000_000)),
    ) {
        let text = Writer::new(&tape).file();
        let Some(rules) = compile(&text) else { return Ok(()) };
        let action = rules.action("act").unwrap();
        let events: Vec<_> =
            seeds.iter().map(|(seed, minutes)| random_event(&rules, action, *seed, *minutes)).collect();
        all_agree(&rules, action, &events, &used.map(Usage::from));
    }
}

#[test]
fn slots_of_another_action_are_refused_in_every_road() {
    let text = Writer::new(&[]).file();
    let rules = compile(&text).unwrap();
    let action = rules.action("act").unwrap();
    let (good, evidence) = random_event(&rules, action, [1; 5], 50_000);
    let mut long = good;
    long.push(0);
    let high = Slots::with(good.as_slice(), 2, i64::MAX);
    let low = Slots::with(good.as_slice(), 2, -1);
    for slots in [long, high, low] {
        all_agree(&rules, action, &[(slots, evidence)], &[Usage::NONE; 3]);
        let typed = Typed::new(slots.as_slice(), evidence);
        let verdict = rules.decide(action, &typed, &[], &mut Scratch::default());
        assert_eq!(verdict, Verdict::Refused(Reason::Unfit));
    }
}

#[test]
fn a_batch_may_hold_any_number_of_rows() {
    let text = Writer::new(&[]).file();
    let rules = compile(&text).unwrap();
    let action = rules.action("act").unwrap();
    for rows in [0, 1, BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS + 1] {
        let seeds =
            (0..u32::try_from(rows).unwrap()).map(|row| ([row, row * 7, row * 31, row, row * 3], row * 97));
        let events: Vec<_> =
            seeds.map(|(seed, minutes)| random_event(&rules, action, seed, minutes)).collect();
        all_agree(&rules, action, &events, &[Usage::NONE; 3]);
    }
}

/// Choices by two inputs within one another, and a test that asks what a turned number is a multiple of.
const CHOICES: &str = "format: 1
city: testtown
title: {zh: 选择, en: Choices}
timezone: Asia/Shanghai
actions:
  act:
    name: {zh: 行为, en: Act}
    category: waste
    inputs:
      kind: {type: choice, of: [paper, metal, glass]}
      size: {type: choice, of: [small, middle, large]}
      weight: {unit: kg, decimals: 0, min: 0, max: 20}
    evidence: {operator: 100%}
    eligible:
      - {when: -weight * 2 <= -6 kg, else: {zh: 太轻, en: Too light}}
    points_only: true
    points: >-
      weight * 1 pt/kg * (if kind = metal then (if size = small then 2 else 3)
      else if size = large then (if kind = glass then 11 else 5) else 7)
    caps: [{limit: 9999 pt, per: day}]
";

#[test]
fn choices_within_choices_and_turned_tests_give_what_they_say() {
    let rules = compile(CHOICES).unwrap();
    let action = rules.action("act").unwrap();
    let (mut events, mut scratch) = (Vec::new(), Scratch::default());
    for (kind, size, weight) in
        (0..3).flat_map(|kind| (0..3).flat_map(move |size| (0..=20).map(move |weight| (kind, size, weight))))
    {
        let slots = Slots::of(739_700, 0, &[kind, size, weight]);
        let times = match (kind, size) {
            (1, 0) => 2,
            (1, _) => 3,
            (2, 2) => 11,
            (_, 2) => 5,
            _ => 7,
        };
        let typed = Typed::new(slots.as_slice(), Evidence::Operator);
        let points = match rules.decide(action, &typed, &[], &mut scratch) {
            Verdict::Credited(granted) => Some(granted.points.get()),
            Verdict::Refused(_) | Verdict::Held(_) => None,
        };
        assert_eq!(points, (weight >= 3).then_some(weight * times), "{kind} {size} {weight}");
        events.push((slots, Evidence::Operator));
    }
    all_agree(&rules, action, &events, &[Usage::NONE; 3]);
}
