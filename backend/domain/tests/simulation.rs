//! A simulation gives to the milligram what crediting the same events one by one gives, with every part of
//! the language, however events are cut into blocks.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers that the tests themselves choose")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a town that is wrong must fail loudly"
)]

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use tanhui_domain::activity::ActivityStatus;
use tanhui_domain::amount::Points;
use tanhui_domain::crediting::{Claim, CountOf, Needs, Outcome, UsageBook, decide};
use tanhui_domain::id::{ActivityId, CitizenId, CityId, OwnerId, RuleSetId, SharedId, SourceId};
use tanhui_domain::ledger::{Account, Amounts, Debt, OwnerKind};
use tanhui_domain::rule::{Action, Decision, Evidence, Facts, Inputs, RuleSet, SourceFile, Usage};
use tanhui_domain::same_act::ActBook;
use tanhui_domain::simulation::{
    Block, Comparison, Count, Happening, Head, Horizon, Report, Row, RowError, Schema, Side, card_number,
};

const MAIN: &str = include_str!("rules/programme.yaml");
const DISTRICTS: [&str; 2] = ["north", "south"];
const SOURCE: SourceId = SourceId::new(1);
const CITY: CityId = CityId::new(1);

fn compile(main: &str) -> RuleSet {
    let file = SourceFile { name: "programme.yaml".to_owned(), text: main.to_owned() };
    RuleSet::compile(&file, &[]).unwrap_or_else(|all| panic!("{}", all[0]))
}

/// Small budgets, so that they end.
fn in_force() -> RuleSet {
    let text = MAIN
        .replace("limit: 5000 pt, per: year", "limit: 900 pt, per: year")
        .replace("limit: 1000 pt, per: month", "limit: 300 pt, per: month")
        .replace("limit: 20 times, per: day, of: gate", "limit: 4 times, per: day, of: gate");
    compile(&text)
}

/// Other caps, another price, finer distances, another campaign, an action gone.
fn draft() -> RuleSet {
    let text = MAIN
        .replace("limit: 8 times, per: day, of: binding", "limit: 2 times, per: day, of: binding")
        .replace("limit: 200 pt, per: day", "limit: 3 kgCO2e, per: week")
        .replace("limit: 100000 pt, per: ever", "limit: 90 km, per: month")
        .replace("reduction / 10 gCO2e/pt", "reduction / 8 gCO2e/pt")
        .replace("unit: km, decimals: 1, min: 0.5", "unit: km, decimals: 3, min: 1")
        .replace("limit: 5000 pt, per: year", "limit: 1500 pt, per: year")
        .replace("stacking: multiply", "stacking: highest")
        .replace("budget: 100 pt", "budget: 170 pt")
        .replace("at_least: 4, otherwise: refuse", "at_least: 3, otherwise: 12 kWh");
    compile(&text)
}

#[derive(Debug, Clone)]
struct Event {
    citizen: u32,
    action: &'static str,
    data: Vec<(&'static str, String)>,
    occurred_at: DateTime<Utc>,
    evidence: Evidence,
    reviewed: bool,
}

fn event(seed: [u32; 6]) -> Event {
    let [citizen, kind, number, more, minutes, grade] = seed;
    let start: DateTime<Utc> = "2026-09-14T00:00:00Z".parse().unwrap();
    let named = |of: &str, number: u32| format!("\"{of}{number}\"");
    let (action, data) = match kind % 4 {
        0 | 1 => {
            let ticket =
                if more % 3 == 0 { ("ticket", named("t", more % 40)) } else { ("gate", String::new()) };
            let gate = ("gate", named("g", number % 3));
            let minutes = ("minutes_min", (1 + more % 50).to_string());
            let distance = ("distance_km", format!("{}.{}", 1 + number % 40, more % 10));
            let all = vec![distance, minutes, gate, ticket];
            ("metro_ride", all.into_iter().filter(|(_, value)| !value.is_empty()).collect())
        }
        2 => ("walk", vec![("steps_walked_step", (number % 30_000).to_string())]),
        _ => ("home_saving", vec![("used_kWh", format!("{}.{}", number % 20, more % 10))]),
    };
    let occurred_at = start + TimeDelta::seconds(i64::from(minutes % (60 * 60 * 24 * 20)));
    let evidence = Evidence::ALL[[0, 0, 2, 2, 2, 1][(grade % 6) as usize]];
    Event { citizen: citizen % 5, action, data, occurred_at, evidence, reviewed: grade % 11 == 0 }
}

fn citizen_id(citizen: u32) -> CitizenId {
    CitizenId::new(uuid::Uuid::from_u128(u128::from(citizen) + 1))
}

fn account(citizen: CitizenId) -> Account {
    let owner = OwnerId::new(citizen.get());
    let kind = OwnerKind::Citizen;
    Account { owner, city: CITY, kind, version: 0, balance: Amounts::default(), debt: Debt::default() }
}

/// Everyone has a card of their own; the fifth has none.
fn card(citizen: u32) -> Option<String> {
    (citizen < 4).then(|| format!("card-{citizen}"))
}

/// Where they live; the third tells nobody.
fn district(citizen: u32) -> Option<usize> {
    [Some(0), Some(1), Some(1), None, Some(0)][citizen as usize]
}

/// What is written of counts, by whose, name and day.
type Store = BTreeMap<(CountOf, String, NaiveDate), Usage>;

fn add(store: &mut Store, key: (CountOf, String, NaiveDate), added: Usage) {
    let own = store.entry(key).or_default();
    own.events += added.events;
    own.points = own.points.plus(added.points).unwrap();
    own.reduction = own.reduction.plus(added.reduction).unwrap();
    own.quantity += added.quantity;
}

/// Crediting, event by event.
struct Crediting<'r> {
    rules: &'r RuleSet,
    store: Store,
    acts: ActBook,
    accounts: BTreeMap<CitizenId, Account>,
    count: Count,
}

impl<'r> Crediting<'r> {
    fn new(rules: &'r RuleSet) -> Self {
        let accounts = (0..5).map(|citizen| (citizen_id(citizen), account(citizen_id(citizen)))).collect();
        Self { rules, store: Store::new(), acts: ActBook::default(), accounts, count: Count::default() }
    }

    fn read(&self, event: &Event) -> Option<(&'r Action, Inputs)> {
        let action = self.rules.action(event.action)?;
        let data = event.data.iter().map(|(name, value)| (*name, value.as_str()));
        Some((action, self.rules.read_inputs(action, data).ok()?))
    }

    /// What is refused before it is kept, as crediting does.
    fn turns_away(&self, action: &Action, inputs: &Inputs, event: &Event) -> bool {
        let facts = Facts::new(inputs, event.occurred_at, event.evidence);
        match self.rules.evaluate(action, &facts, &[]) {
            Decision::Refused(refusal) => {
                ["no_factor_in_force", "evidence_not_accepted"].contains(&refusal.code.as_str())
            }
            Decision::Credited(_) | Decision::Held(_) => false,
        }
    }

    fn credit(&mut self, place: usize, event: &Event) {
        let read = self.read(event).filter(|(action, inputs)| !self.turns_away(action, inputs, event));
        let Some((action, inputs)) = read else {
            self.count.refused += 1;
            return;
        };
        let external_id = place.to_string();
        let claim = Claim {
            id: ActivityId::derive(SOURCE, &external_id),
            citizen: citizen_id(event.citizen),
            source: SOURCE,
            external_id: &external_id,
            rule_set: self.rules,
            rule_set_id: RuleSetId::new(1),
            action,
            inputs: &inputs,
            occurred_at: event.occurred_at,
            evidence: event.evidence,
            city: CITY,
            card: card(event.citizen)
                .map(|_| SharedId::new(uuid::Uuid::from_u128(u128::from(event.citizen) + 1_000))),
            district: district(event.citizen).map(|place| DISTRICTS[place]),
            reviewed: event.reviewed,
        };
        let mut book = UsageBook::default();
        for (counter, range) in Needs::of(&claim).all() {
            let mut sum = Store::new();
            for ((of, name, day), usage) in &self.store {
                if *of == counter.of && name == counter.name && range.contains(*day) {
                    add(&mut sum, (*of, String::new(), NaiveDate::default()), *usage);
                }
            }
            book.enter(counter, range, sum.into_values().next().unwrap_or_default());
        }
        let now = event.occurred_at;
        let outcome = decide(&[claim], &mut self.accounts, &mut book, &mut self.acts, now).unwrap();
        self.note(&outcome, event, &claim);
    }

    fn note(&mut self, outcome: &Outcome, event: &Event, claim: &Claim<'_>) {
        for grant in &outcome.granted {
            add(
                &mut self.store,
                (CountOf::Granted(grant.citizen), grant.action.clone(), grant.day),
                grant.granted,
            );
        }
        for tally in &outcome.tallies {
            add(&mut self.store, (tally.of, tally.name.clone(), tally.day), tally.added);
        }
        // A review does not read an act again; these came as they are.
        if let (true, Some(quantity)) = (event.reviewed, claim.action.reading(claim.inputs)) {
            let key = (CountOf::Read(claim.citizen), claim.action.id().to_owned(), claim.day());
            add(&mut self.store, key, Usage { events: 1, quantity, ..Usage::NONE });
        }
        self.count.told_again += outcome.repeats.len() as u64;
        let Some(decided) = outcome.decided.first() else { return };
        let activity = &decided.activity;
        match activity.status {
            ActivityStatus::Credited => self.count.credited += 1,
            ActivityStatus::Held => self.count.held += 1,
            ActivityStatus::Rejected | ActivityStatus::Reversed => self.count.refused += 1,
        }
        self.count.points += i128::from(activity.points.get());
        self.count.reduction_mg += i128::from(activity.reduction.get());
    }
}

fn credited(rules: &RuleSet, events: &[Event]) -> Count {
    let mut crediting = Crediting::new(rules);
    for (place, event) in events.iter().enumerate() {
        crediting.credit(place, event);
    }
    crediting.count
}

/// The events as rows; read under the rules in force.
fn rows(rules: &RuleSet, schema: &Schema, events: &[Event]) -> Vec<Row> {
    let row = |event: &Event| {
        let action = rules.action(event.action).unwrap();
        let data = event.data.iter().map(|(name, value)| (*name, value.as_str()));
        let inputs = rules.read_inputs(action, data).unwrap();
        let when = Happening { at: event.occurred_at, zone: rules.timezone() };
        let shape = schema.shape_of(action).unwrap();
        let mut row = Row::of(shape, action, &inputs, when, event.evidence).unwrap();
        row.citizen = event.citizen;
        row.card = card(event.citizen).map_or(0, |card| card_number("urn:s", &card));
        row.district = district(event.citizen).map_or(0, |place| u16::try_from(place + 1).unwrap());
        row.reviewed = event.reviewed;
        row
    };
    events.iter().map(row).collect()
}

fn schema(rules: &[&RuleSet]) -> Schema {
    Schema::of(rules, DISTRICTS.map(str::to_owned).to_vec()).unwrap()
}

/// Plays blocks of so many rows, written and read back.
fn simulated(in_force: &RuleSet, draft: &RuleSet, events: &[Event], block_rows: usize) -> Report {
    let schema = schema(&[in_force, draft]);
    let rows = rows(in_force, &schema, events);
    let mut blocks = Vec::new();
    for chunk in rows.chunks(block_rows) {
        let (mut block, mut bytes) = (Block::default(), Vec::new());
        for row in chunk {
            block.push(row);
        }
        let head = block.write(&mut bytes);
        let (written, body) = bytes.split_at(Head::BYTES);
        assert_eq!(Head::read(written.try_into().unwrap()), head);
        blocks.push((head, Block::read(head, body, &schema).unwrap()));
    }
    let (mut old, mut new) = (Side::new(in_force, &schema), Side::new(draft, &schema));
    let (mut comparison, mut first) = (Comparison::default(), 0);
    for (place, (_, block)) in blocks.iter().enumerate() {
        let horizon = blocks[place..].iter().map(|(head, _)| head.horizon).reduce(Horizon::earlier).unwrap();
        let played = [&mut old, &mut new].map(|side| side.play(block, first, horizon).unwrap());
        comparison.look(block, first, &played[0], &played[1]);
        first += block.rows() as u64;
    }
    comparison.report(old, new)
}

/// What crediting and a simulation both count.
fn told(count: &Count) -> (u64, u64, u64, u64, i128, i128) {
    let Count { credited, refused, held, told_again, points, reduction_mg, .. } = *count;
    (credited, refused, held, told_again, points, reduction_mg)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..Default::default() })]

    #[test]
    fn a_simulation_equals_crediting_one_by_one(
        seeds in proptest::collection::vec(any::<[u32; 6]>(), 0..300),
        block_rows in 1_usize..120,
    ) {
        let (in_force, draft) = (in_force(), draft());
        let events: Vec<Event> = seeds.into_iter().map(event).collect();
        let report = simulated(&in_force, &draft, &events, block_rows);
        let counts = report.totals.counts;
        prop_assert_eq!(told(&counts.in_force), told(&credited(&in_force, &events)));
        prop_assert_eq!(told(&counts.draft), told(&credited(&draft, &events)));
        prop_assert_eq!(&report, &simulated(&in_force, &draft, &events, 1_000), "blocks make no difference");
        for parts in [&report.days, &report.actions, &report.districts] {
            let sum = parts.iter().map(|part| part.counts.draft.points).sum::<i128>();
            prop_assert!(parts.is_empty() || sum == counts.draft.points);
        }
        prop_assert!(report.differences.len() <= 20);
        for difference in &report.differences {
            prop_assert_ne!(difference.in_force.points, difference.draft.points);
            for side in [&difference.in_force, &difference.draft] {
                let credited = side.standing == tanhui_domain::simulation::Standing::Credited;
                if let (true, Some(told)) = (credited, &side.explanation) {
                    prop_assert_eq!(told.points + told.queued, side.points);
                }
            }
        }
    }
}

fn many(count: u32) -> Vec<Event> {
    (0..count)
        .map(|place| event([place, place * 3 + place / 5, place * 7, place * 13, place * 9_973, place]))
        .collect()
}

#[test]
fn the_same_rules_differ_in_nothing() {
    let rules = in_force();
    let report = simulated(&rules, &rules, &many(600), 64);
    assert_eq!(report.totals.counts.in_force, report.totals.counts.draft);
    assert_eq!((report.totals.gain, report.totals.lose, report.newly_capped), (0, 0, 0));
    assert!(report.differences.is_empty());
    assert_eq!(report.totals.citizens, 5);
}

#[test]
fn budgets_end_where_they_should() {
    let (in_force, draft) = (in_force(), draft());
    let report = simulated(&in_force, &draft, &many(1_500), 100);
    let counts = report.totals.counts;
    assert!(counts.in_force.budget_exhausted > 0 && counts.in_force.queued_points > 0, "{counts:?}");
    let year = report.budgets.iter().find(|fund| fund.id == "travel_year").unwrap();
    let used = year.in_force.as_ref().unwrap();
    assert_eq!((used.issued, used.limit), (Points::new(900), Points::new(900)));
    assert!(used.ended_at.as_ref().is_some_and(|at| at.starts_with("2026-09-")), "{used:?}");
    for used in report.budgets.iter().flat_map(|fund| [&fund.in_force, &fund.draft]).flatten() {
        assert!(used.issued <= used.limit && (used.issued == used.limit) == used.ended_at.is_some());
    }
    let seeds = report.levels.iter().filter_map(|level| level.in_force).sum::<u64>();
    assert_eq!((report.levels.len(), seeds), (3, 5), "everyone has one level");
    assert_eq!(report.districts.len(), 3, "north, south and nowhere");
}

#[test]
fn bytes_that_are_no_events_are_refused() {
    let rules = in_force();
    let schema = schema(&[&rules]);
    let (mut block, mut bytes) = (Block::default(), Vec::new());
    for row in &rows(&rules, &schema, &many(20)) {
        block.push(row);
    }
    let head = block.write(&mut bytes);
    let body = &bytes[Head::BYTES..];
    assert_eq!(Block::read(head, body, &schema).as_ref(), Ok(&block));
    for cut in [0, 1, body.len() / 2, body.len() - 1] {
        assert_eq!(Block::read(head, &body[..cut], &schema), Err(RowError::CutShort), "{cut}");
    }
    let mut long = body.to_vec();
    long.push(0);
    assert_eq!(Block::read(head, &long, &schema), Err(RowError::Malformed));
    let fewer = Schema { shapes: schema.shapes[..1].to_vec(), ..schema.clone() };
    assert_eq!(Block::read(head, body, &fewer), Err(RowError::Malformed));
    let nowhere = Schema { districts: Vec::new(), ..schema };
    assert_eq!(Block::read(head, body, &nowhere), Err(RowError::Malformed));
}
