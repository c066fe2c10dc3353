//! A simulation gives to the milligram what crediting the same events one by one gives, however they are
//! shared out.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers that the tests themselves choose")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a town that is wrong must fail loudly"
)]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tanhui_domain::activity::ActivityStatus;

use tanhui_domain::crediting::{Claim, Needs, UsageBook, decide};
use tanhui_domain::id::{ActivityId, CitizenId, CityId, OwnerId, RuleSetId, SourceId};
use tanhui_domain::ledger::{Account, Amounts, Debt, OwnerKind};
use tanhui_domain::rule::{Evidence, Explanation, Facts, RuleSet, SourceFile, Usage};
use tanhui_domain::same_act::ActBook;
use tanhui_domain::simulation::{Comparison, Count, Report, Row, Schema};

const MAIN: &str = include_str!("rules/town.yaml");
const FACTORS: &str = include_str!("rules/factors/town.yaml");

fn compile(main: &str) -> RuleSet {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    let main = main.split("examples:").next().unwrap();
    RuleSet::compile(&file("town.yaml", main), &[file("factors/town.yaml", FACTORS)])
        .unwrap_or_else(|all| panic!("{}", all[0]))
}

/// Other caps, another price, coarser distances, an action gone.
fn draft() -> RuleSet {
    let text = MAIN
        .replace("limit: 6 times", "limit: 2 times")
        .replace("limit: 30 kg,", "limit: 12 kg,")
        .replace("limit: 200 kgCO2e, per: month", "limit: 60 kgCO2e, per: week")
        .replace("reduction / 10 gCO2e/pt", "reduction / 8 gCO2e/pt")
        .replace("unit: km, decimals: 3", "unit: km, decimals: 2");
    let (before, after) = text.split_once("  kitchen_waste_sorted:").unwrap();
    let (_, after) = after.split_once("  home_power_saving:").unwrap();
    compile(&format!("{before}  home_power_saving:{after}"))
}

#[derive(Debug, Clone)]
struct Event {
    citizen: u32,
    action: &'static str,
    data: Vec<(&'static str, String)>,
    occurred_at: DateTime<Utc>,
    evidence: Evidence,
}

fn event(seed: [u32; 6]) -> Event {
    let [citizen, kind, number, more, minutes, grade] = seed;
    let start: DateTime<Utc> = "2026-05-20T00:00:00Z".parse().unwrap();
    let (action, data) = match kind % 4 {
        0 => ("metro_ride", vec![("distance_km", format!("{}.{:03}", 1 + number % 60, more % 1000))]),
        1 => ("kitchen_waste_sorted", vec![]),
        2 => {
            let used = ("used_kWh", format!("{}.{:02}", number % 20, more % 100));
            ("home_power_saving", vec![used, ("persons_person", (1 + more % 5).to_string())])
        }
        _ => {
            let material = if more % 2 == 0 { "\"paper\"" } else { "\"glass\"" };
            let weight = ("weight_kg", format!("{}.{:02}", 1 + number % 20, more % 100));
            ("recycle", vec![("material", material.to_owned()), weight])
        }
    };
    let occurred_at = start + TimeDelta::minutes(i64::from(minutes % (60 * 24 * 20)));
    let evidence = Evidence::ALL[(grade % 4) as usize];
    Event { citizen: citizen % 5, action, data, occurred_at, evidence }
}

fn account(citizen: CitizenId) -> Account {
    let owner = OwnerId::new(citizen.get());
    let (city, kind) = (CityId::new(1), OwnerKind::Citizen);
    Account { owner, city, kind, version: 0, balance: Amounts::default(), debt: Debt::default() }
}

/// Crediting, event by event.
fn credited(rules: &RuleSet, events: &[Event]) -> Count {
    let mut count = Count::default();
    let nobody = |citizen: u32| CitizenId::new(uuid::Uuid::from_u128(u128::from(citizen)));
    let mut accounts: BTreeMap<_, _> =
        (0..5).map(|citizen| (nobody(citizen), account(nobody(citizen)))).collect();
    let read = |event: &Event| {
        let action = rules.action(event.action)?;
        let data = event.data.iter().map(|(name, value)| (*name, value.as_str()));
        Some((action, rules.read_inputs(action, data).ok()?))
    };
    let all: Vec<_> =
        events.iter().enumerate().map(|(place, event)| (place.to_string(), event, read(event))).collect();
    let mut book = UsageBook::default();
    for (external_id, event, read) in &all {
        let Some((action, inputs)) = read else {
            count.refused += 1;
            continue;
        };
        let source = SourceId::new(1);
        let claim = Claim {
            id: ActivityId::derive(source, external_id),
            citizen: nobody(event.citizen),
            source,
            external_id,
            rule_set: rules,
            rule_set_id: RuleSetId::new(1),
            action,
            inputs,
            occurred_at: event.occurred_at,
            evidence: event.evidence,
            city: CityId::new(1),
            card: None,
            district: None,
            reviewed: false,
        };
        for (counter, range) in Needs::of(&claim).all() {
            book.enter(counter, range, Usage::default());
        }
        let mut acts = ActBook::default();
        let outcome = decide(&[claim], &mut accounts, &mut book, &mut acts, event.occurred_at).unwrap();
        let activity = &outcome.decided[0].activity;
        if activity.status == ActivityStatus::Credited {
            count.credited += 1;
            count.capped += u64::from(activity.code.is_some());
            count.points += i128::from(activity.points.get());
            count.reduction_mg += i128::from(activity.reduction.get());
        } else {
            count.refused += 1;
        }
    }
    count
}

/// The events as rows; read under the rules in force.
fn rows(rules: &RuleSet, schema: &Schema, events: &[Event]) -> Vec<Row> {
    let row = |event: &Event| {
        let action = rules.action(event.action).unwrap();
        let data = event.data.iter().map(|(name, value)| (*name, value.as_str()));
        let inputs = rules.read_inputs(action, data).unwrap();
        let facts = Facts::new(&inputs, event.occurred_at, event.evidence);
        let slots = rules.slots(action, &facts).unwrap();
        let shape = schema.shapes.iter().position(|shape| shape.action() == event.action).unwrap();
        let [day, second] = [slots.as_slice()[0], slots.as_slice()[1]];
        let moment = (i32::try_from(day).unwrap(), u32::try_from(second).unwrap());
        let mut row = Row::new(event.citizen, moment, u16::try_from(shape).unwrap(), slots.inputs()).unwrap();
        row.evidence = event.evidence;
        row
    };
    events.iter().map(row).collect()
}

fn simulated(in_force: &RuleSet, draft: &RuleSet, events: &[Event], workers: u32) -> Report {
    let schema = Schema::of(in_force, draft).unwrap();
    let rows = rows(in_force, &schema, events);
    let mut all = Comparison::new(in_force, draft, &schema);
    for worker in 0..workers {
        let mut own = Comparison::new(in_force, draft, &schema);
        for (order, row) in (0..).zip(&rows).filter(|(_, row)| row.citizen % workers == worker) {
            own.play(row, order).unwrap();
        }
        all.join(own);
    }
    all.report()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..Default::default() })]

    #[test]
    fn a_simulation_equals_crediting_one_by_one(
        seeds in proptest::collection::vec(any::<[u32; 6]>(), 0..150),
        workers in 1_u32..4,
    ) {
        let (in_force, draft) = (compile(MAIN), draft());
        let events: Vec<Event> = seeds.into_iter().map(event).collect();
        let report = simulated(&in_force, &draft, &events, workers);
        prop_assert_eq!(report.totals.counts.in_force, credited(&in_force, &events));
        prop_assert_eq!(report.totals.counts.draft, credited(&draft, &events));
        let alone = simulated(&in_force, &draft, &events, 1);
        prop_assert_eq!(&report, &alone, "workers make no difference");
        let sum = alone.days.iter().fold(Count::default(), |mut sum, day| {
            sum.points += day.counts.draft.points;
            sum
        });
        prop_assert_eq!(sum.points, report.totals.counts.draft.points);
        prop_assert!(report.differences.len() <= 20);
        for difference in &report.differences {
            let points = |side: &Option<Explanation>| side.as_ref().map_or(0, |told| told.points);
            prop_assert_ne!(points(&difference.in_force), points(&difference.draft));
        }
    }
}

#[test]
fn the_same_rules_differ_in_nothing() {
    let rules = compile(MAIN);
    let events: Vec<Event> =
        (0..200_u32).map(|place| event([place, place, place * 7, place * 13, place * 97, 0])).collect();
    let report = simulated(&rules, &rules, &events, 2);
    assert_eq!(report.totals.counts.in_force, report.totals.counts.draft);
    assert_eq!((report.totals.gain, report.totals.lose, report.newly_capped), (0, 0, 0));
    assert!(report.differences.is_empty());
    assert_eq!(report.totals.citizens, 5);
}
