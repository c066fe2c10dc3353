//! Batches of a small town, whose counts are kept in a map as a store would keep them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::id::OwnerId;
use crate::ledger::{AT_ONCE, Debt, OwnerKind};
use crate::rule::SourceFile;
use crate::same_act::WeekOfActs;

mod waiting;

const RULES: &str = include_str!("tests.yaml");

fn rules() -> RuleSet {
    let file = SourceFile { name: "town.yaml".to_owned(), text: RULES.to_owned() };
    RuleSet::compile(&file, &[]).unwrap_or_else(|all| panic!("{all:?}"))
}

/// An act of a citizen with a card; `inputs` as JSON text.
#[derive(Debug, Clone)]
struct Told {
    number: u64,
    citizen: u128,
    card: Option<u8>,
    action: &'static str,
    inputs: Vec<(&'static str, String)>,
    at: DateTime<Utc>,
    south: bool,
    reviewed: bool,
}

fn told(number: u64, citizen: u128, action: &'static str, inputs: &[(&'static str, &str)]) -> Told {
    let inputs = inputs.iter().map(|(name, json)| (*name, (*json).to_owned())).collect();
    let at = noon();
    Told { number, citizen, card: Some(1), action, inputs, at, south: false, reviewed: false }
}

fn noon() -> DateTime<Utc> {
    "2026-03-02T04:00:00Z".parse().unwrap()
}

fn ride(number: u64, metres: u32, minutes: u32) -> Told {
    told(number, 1, "ride", &[("distance_m", &metres.to_string()), ("minutes_min", &minutes.to_string())])
}

fn later(told: Told, minutes: i64) -> Told {
    Told { at: told.at + TimeDelta::minutes(minutes), ..told }
}

type Counts = BTreeMap<(CountOf, String, NaiveDate), Usage>;

#[derive(Debug, Clone)]
struct Town {
    rules: Arc<RuleSet>,
    accounts: BTreeMap<CitizenId, Account>,
    counts: Counts,
    acts: BTreeMap<WeekOfActs, Vec<crate::same_act::CountedAct>>,
    lots: BTreeMap<(CitizenId, LotKey), i64>,
}

fn person(number: u128) -> CitizenId {
    CitizenId::new(Uuid::from_u128(number))
}

fn activity_id(number: u64) -> ActivityId {
    ActivityId::new(Uuid::from_u64_pair(number, 0))
}

impl Town {
    fn new() -> Self {
        let account = |number| {
            let owner = OwnerId::new(person(number).get());
            let (city, kind) = (CityId::new(1), OwnerKind::Citizen);
            Account { owner, city, kind, version: 0, balance: Amounts::default(), debt: Debt::default() }
        };
        let accounts = (1..4).map(|number| (person(number), account(number))).collect();
        let (counts, acts, lots) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { rules: Arc::new(rules()), accounts, counts, acts, lots }
    }

    /// Decides acts in one batch and keeps what it writes.
    fn credit(&mut self, acts: &[Told]) -> Outcome {
        let rules = Arc::clone(&self.rules);
        let inputs: Vec<Inputs> = acts.iter().map(|told| inputs_of(&rules, told)).collect();
        let claims: Vec<Claim<'_>> =
            acts.iter().zip(&inputs).map(|(told, inputs)| claim(&rules, told, inputs)).collect();
        let mut book = UsageBook::default();
        for claim in &claims {
            for (counter, range) in Needs::of(claim).all() {
                book.enter(counter, range, self.counted(counter, range));
            }
        }
        let mut seen = ActBook::new(self.acts.clone());
        let outcome = decide(&claims, &mut self.accounts, &mut book, &mut seen, noon()).unwrap();
        self.acts.extend(seen.into_changed());
        for grant in &outcome.granted {
            self.count(CountOf::Granted(grant.citizen), &grant.action, grant.day, grant.granted);
        }
        for tally in &outcome.tallies {
            self.count(tally.of, &tally.name, tally.day, tally.added);
        }
        for lot in &outcome.lots {
            *self.lots.entry((lot.citizen, lot.key)).or_default() += lot.points.get();
        }
        outcome
    }

    fn counted(&self, counter: Counter<'_>, range: crate::time::DayRange) -> Usage {
        let own = |((of, name, day), _): &(&(CountOf, String, NaiveDate), &Usage)| {
            *of == counter.of && name == counter.name && range.contains(*day)
        };
        let all = self.counts.iter().filter(own);
        all.fold(Usage::NONE, |total, (_, usage)| sum(&total, usage).unwrap())
    }

    fn count(&mut self, of: CountOf, name: &str, day: NaiveDate, added: Usage) {
        let entry = self.counts.entry((of, name.to_owned(), day)).or_default();
        *entry = sum(entry, &added).unwrap();
    }

    /// Undoes a credited act, as a reversal does, with what its receipt keeps.
    fn undo(&mut self, told: &Told, decided: &Activity) {
        let rules = Arc::clone(&self.rules);
        let inputs = inputs_of(&rules, told);
        let claim = claim(&rules, told, &inputs);
        let receipt = Receipt::from_bytes(claim.action, told.at, &decided.receipt).unwrap();
        let claim = Claim { card: receipt.card, ..claim };
        let (grant, tallies) = undo(&claim, &receipt, Points::ZERO).unwrap();
        self.count(CountOf::Granted(grant.citizen), &grant.action, grant.day, grant.granted);
        for tally in tallies {
            self.count(tally.of, &tally.name, tally.day, tally.added);
        }
    }

    /// Counts that are not nothing.
    fn left(&self) -> HashMap<&str, Usage> {
        let some = self.counts.iter().filter(|(_, usage)| **usage != Usage::NONE);
        some.map(|((_, name, _), usage)| (name.as_str(), *usage)).collect()
    }

    fn spans(&self) -> usize {
        self.acts.values().map(Vec::len).sum()
    }
}

fn inputs_of(rules: &RuleSet, told: &Told) -> Inputs {
    let action = rules.action(told.action).unwrap();
    let data = told.inputs.iter().map(|(name, json)| (*name, json.as_str()));
    rules.read_inputs(action, data).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn claim<'a>(rules: &'a RuleSet, told: &'a Told, inputs: &'a Inputs) -> Claim<'a> {
    Claim {
        id: activity_id(told.number),
        citizen: person(told.citizen),
        source: SourceId::new(1),
        external_id: "told",
        rule_set: rules,
        rule_set_id: RuleSetId::new(7),
        action: rules.action(told.action).unwrap(),
        inputs,
        occurred_at: told.at,
        evidence: Evidence::Operator,
        city: CityId::new(1),
        card: told.card.map(|card| card_id(CityId::new(1), SourceId::new(1), &[card; 32])),
        district: Some(if told.south { "south" } else { "north" }),
        reviewed: told.reviewed,
    }
}

/// Status, points and code of each decided act.
fn statuses(outcome: &Outcome) -> Vec<(ActivityStatus, i64, &str)> {
    let activities = outcome.decided.iter().map(|decided| &decided.activity);
    activities
        .map(|activity| (activity.status, activity.points.get(), activity.code.as_deref().unwrap_or("")))
        .collect()
}

const CREDITED: ActivityStatus = ActivityStatus::Credited;

#[test]
fn a_credit_moves_points_grams_lot_and_counts_together() {
    let mut town = Town::new();
    let outcome = town.credit(&[ride(1, 2_000, 10)]);
    assert_eq!(statuses(&outcome), [(CREDITED, 10, "")]);
    let decided = &outcome.decided[0];
    let amounts = Amounts::credit(Points::new(10), crate::amount::ReductionMg::new(100_000));
    let posting = decided.posting.clone().unwrap();
    assert_eq!((posting.amounts, posting.cause), (amounts, Some(activity_id(1).get())));
    assert_eq!((outcome.total, town.accounts[&person(1)].balance), (amounts, amounts));
    assert_eq!((decided.activity.recorded_at, decided.activity.rule_set), (noon(), RuleSetId::new(7)));
    let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    let key = LotKey { expires_on: day(31), spendable_from: day(4) };
    assert_eq!(outcome.lots, [LotGrant { citizen: person(1), key, points: Points::new(10) }]);
    let grant = &outcome.granted[0];
    assert_eq!((grant.day, grant.granted.events, grant.granted.points.get()), (day(2), 1, 10));
    let pass = town.credit(&[told(2, 1, "pass", &[("gate", "\"g\"")])]);
    assert_eq!(pass.lots[0].key, LotKey { expires_on: day(31), spendable_from: AT_ONCE }, "at once");
}

#[test]
fn the_day_of_an_act_is_the_citys() {
    let mut town = Town::new();
    let before = Told { at: "2026-03-02T15:59:59Z".parse().unwrap(), ..ride(1, 2_400, 10) };
    let after =
        Told { at: "2026-03-02T16:00:00Z".parse().unwrap(), ..told(2, 1, "pass", &[("gate", "\"g\"")]) };
    let outcome = town.credit(&[before, after]);
    let days: Vec<u32> = outcome.granted.iter().map(|grant| chrono::Datelike::day(&grant.day)).collect();
    assert_eq!(days, [3, 2], "in order of action: pass, ride");
}

#[test]
fn caps_count_within_the_batch_and_a_capped_act_without_points_has_no_lot() {
    let mut town = Town::new();
    let outcome =
        town.credit(&[ride(1, 2_000, 10), later(ride(2, 2_000, 10), 20), later(ride(3, 2_000, 10), 40)]);
    let capped = "capped";
    assert_eq!(statuses(&outcome), [(CREDITED, 10, ""), (CREDITED, 2, capped), (CREDITED, 0, capped)]);
    assert_eq!(outcome.lots.iter().map(|lot| lot.points.get()).collect::<Vec<_>>(), [12]);
    let nothing = town.credit(&[later(ride(4, 2_000, 10), 60)]);
    assert_eq!((statuses(&nothing), nothing.lots.len()), (vec![(CREDITED, 0, capped)], 0));
}

#[test]
fn what_is_refused_or_held_moves_nothing_and_only_the_held_takes_its_time() {
    let mut town = Town::new();
    let refused = town.credit(&[ride(1, 400, 10)]);
    assert_eq!(statuses(&refused), [(ActivityStatus::Rejected, 0, "too_short")]);
    assert_eq!((refused.decided[0].posting.as_ref(), town.spans()), (None, 0));
    let held = town.credit(&[ride(2, 25_000, 10)]);
    assert_eq!(statuses(&held), [(ActivityStatus::Held, 0, "too_fast")]);
    assert!(held.decided[0].reason.as_ref().is_some_and(|reason| reason.en == "Too fast"));
    assert_eq!((held.total, town.spans(), town.left().len()), (Amounts::default(), 1, 0));
    let again = town.credit(&[ride(3, 2_000, 10)]);
    assert_eq!((again.decided.len(), again.repeats.clone()), (0, vec![Repeat { place: 0, first: 2 }]));
    let released = town.credit(&[Told { reviewed: true, ..ride(2, 25_000, 10) }]);
    assert_eq!((statuses(&released), town.spans()), (vec![(CREDITED, 12, "capped")], 1));
}

#[test]
fn one_body_in_two_places_is_held_unless_somebody_looked() {
    let with_ticket = |number, ticket: &str| {
        let mut ride = ride(number, 1_000, 10);
        ride.inputs.push(("ticket", format!("\"{ticket}\"")));
        ride
    };
    let mut town = Town::new();
    let outcome = town.credit(&[with_ticket(1, "a"), with_ticket(2, "b"), with_ticket(3, "a")]);
    let held = (ActivityStatus::Held, 0, IN_TWO_PLACES);
    assert_eq!(statuses(&outcome), [(CREDITED, 5, ""), held]);
    assert_eq!(outcome.repeats, [Repeat { place: 2, first: 1 }]);
    let released = town.credit(&[Told { reviewed: true, ..with_ticket(2, "b") }]);
    assert_eq!(statuses(&released), [(CREDITED, 5, "")]);
    let short =
        Told { inputs: vec![("distance_m", "400".into()), ("minutes_min", "9".into())], ..ride(4, 1, 1) };
    assert_eq!(town.credit(&[later(short, 100)]).decided[0].activity.code.as_deref(), Some("too_short"));
}

#[test]
fn readings_count_once_whatever_becomes_of_the_act() {
    let mut town = Town::new();
    let meter =
        |number, day: i64, used: &str| later(told(number, 1, "meter", &[("used_kWh", used)]), day * 24 * 60);
    let short = (ActivityStatus::Rejected, 0, "history_too_short");
    assert_eq!(statuses(&town.credit(&[meter(1, 0, "10.0")])), [short]);
    assert_eq!(statuses(&town.credit(&[meter(2, 1, "20.0")])), [short]);
    let held = meter(3, 2, "95.0");
    let too_much = (ActivityStatus::Held, 0, "too_much");
    assert_eq!(statuses(&town.credit(std::slice::from_ref(&held))), [too_much]);
    assert_eq!(statuses(&town.credit(&[Told { reviewed: true, ..held }])), [(CREDITED, 0, "")]);
    // 10, 20 and 95, once each.
    assert_eq!(statuses(&town.credit(&[meter(4, 3, "5.0")])), [(CREDITED, 36, "")]);
    let read = |((of, ..), _): &(&(CountOf, String, NaiveDate), &Usage)| matches!(of, CountOf::Read(_));
    let readings = town.counts.iter().filter(read).map(|(_, usage)| usage.events).sum::<i64>();
    assert_eq!(readings, 4);
}

#[test]
fn gates_and_cards_count_whoever_comes() {
    let mut town = Town::new();
    let pass = |number, citizen, card: Option<u8>, gate: &str| {
        let gate = format!("\"{gate}\"");
        Told { card, ..told(number, citizen, "pass", &[("gate", &gate)]) }
    };
    let given =
        |outcome: &Outcome| outcome.decided.iter().map(|d| d.activity.points.get()).collect::<Vec<_>>();
    let first = town.credit(&[pass(1, 1, Some(1), "g"), pass(2, 2, Some(1), "g"), pass(3, 3, Some(1), "h")]);
    assert_eq!(given(&first), [10, 10, 5], "25 a card");
    let second = town.credit(&[pass(4, 1, Some(2), "g"), pass(5, 1, Some(2), "g"), pass(6, 1, Some(2), "k")]);
    assert_eq!(given(&second), [10, 0, 10], "3 times a gate");
    let own = town.credit(&[pass(7, 3, None, "m"), pass(8, 3, None, "n"), pass(9, 3, None, "o")]);
    assert_eq!(given(&own), [10, 10, 0], "without a card the citizen's own 5 count");
}

#[test]
fn campaigns_and_budgets_are_drawn_on_and_get_back_what_is_undone() {
    let mut town = Town::new();
    let swim = |number, south| Told { south, ..told(number, 1, "swim", &[]) };
    let swims = [swim(1, true), swim(2, false), swim(3, true), swim(4, true), swim(5, true)];
    let outcome = town.credit(&swims);
    let dry = "budget_exhausted";
    let points = [(30, ""), (10, ""), (30, ""), (5, dry), (0, dry)];
    assert_eq!(statuses(&outcome), points.map(|(points, code)| (CREDITED, points, code)));
    let issued = town.left();
    assert_eq!((issued["swims"].points.get(), issued["south_swims"].points.get()), (75, 40));
    for (told, decided) in swims.iter().zip(&outcome.decided) {
        town.undo(told, &decided.activity);
    }
    assert_eq!(town.left(), HashMap::new(), "nothing is counted any more");
}

#[test]
fn an_amount_that_does_not_fit_is_refused_and_a_stranger_stops_the_batch() {
    let mut town = Town::new();
    town.accounts.get_mut(&person(1)).unwrap().balance.points = Points::new(i64::MAX);
    let outcome = town.credit(&[ride(1, 2_000, 10)]);
    assert_eq!(statuses(&outcome), [(ActivityStatus::Rejected, 0, "amount_overflow")]);
    assert_eq!((outcome.granted.len(), outcome.lots.len()), (0, 0));
    let (rules, stranger) = (rules(), Told { citizen: 99, ..ride(2, 2_000, 10) });
    let inputs = inputs_of(&rules, &stranger);
    let mut book = UsageBook::default();
    let claims = [claim(&rules, &stranger, &inputs)];
    let decided = decide(&claims, &mut town.accounts, &mut book, &mut ActBook::default(), noon());
    assert_eq!(decided.err(), Some(CreditingError::NoAccount(person(99))));
}

#[test]
fn a_book_keeps_the_first_word_on_a_range_and_adds_within_it() {
    let counter = Counter { of: CountOf::Granted(person(1)), name: "ride" };
    let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    let range = |from, until| crate::time::DayRange { from: day(from), until: day(until) };
    let usage = |events| Usage { events, ..Usage::NONE };
    let mut book = UsageBook::default();
    book.enter(counter, range(1, 3), usage(5));
    book.enter(counter, range(1, 3), usage(99));
    book.enter(counter, range(2, 9), usage(7));
    book.add(counter, day(2), &usage(1)).unwrap();
    book.add(counter, day(3), &usage(10)).unwrap();
    book.add(Counter { name: "walk", ..counter }, day(2), &usage(100)).unwrap();
    assert_eq!(book.look(&(counter, range(1, 3))).events, 6);
    assert_eq!(book.look(&(counter, range(2, 9))).events, 18);
    assert_eq!(book.look(&(counter, range(1, 9))), Usage::NONE, "never entered");
}

fn any_act() -> impl Strategy<Value = Told> {
    let who = (1_u128..4, proptest::option::of(1_u8..3), 0_i64..400, any::<bool>());
    (who, 0_u32..8, 300_u32..30_000, 1_u32..40, 0_u32..3).prop_map(
        |((citizen, card, minute, south), kind, metres, minutes, mark)| {
            let mark = format!("\"m{mark}\"");
            let travel = [("distance_m", metres.to_string()), ("minutes_min", minutes.to_string())];
            let (action, inputs) = match kind {
                0 | 1 => ("ride", travel.to_vec()),
                2 => ("ride", [&travel[..], &[("ticket", mark)]].concat()),
                3 => ("pass", vec![("gate", mark)]),
                4 => ("meter", vec![("used_kWh", (metres % 100).to_string())]),
                5 => ("swim", vec![]),
                6 => ("dive", vec![]),
                _ => ("float", vec![]),
            };
            let at = noon() + TimeDelta::minutes(minute * 7);
            Told { number: 0, citizen, card, action, inputs, at, south, reviewed: false }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However acts are cut into batches, each gets the same and the town ends up the same.
    #[test]
    fn a_batch_equals_its_parts(acts in proptest::collection::vec(any_act(), 1..40), cut in 1_usize..8) {
        let acts: Vec<Told> =
            acts.into_iter().zip(1..).map(|(act, number)| Told { number, ..act }).collect();
        let (mut whole, mut parts) = (Town::new(), Town::new());
        let at_once = whole.credit(&acts);
        let (mut decided, mut waiting) = (Vec::new(), Vec::new());
        let (mut total, mut repeats) = (Amounts::default(), 0);
        for part in acts.chunks(cut) {
            let outcome = parts.credit(part);
            total = total.plus(outcome.total).unwrap();
            repeats += outcome.repeats.len();
            decided.extend(outcome.decided);
            waiting.extend(outcome.waiting);
        }
        prop_assert_eq!((decided, total, repeats), (at_once.decided, at_once.total, at_once.repeats.len()));
        prop_assert_eq!(waiting, at_once.waiting);
        prop_assert_eq!(whole.counts, parts.counts);
        prop_assert_eq!(whole.lots, parts.lots);
        prop_assert_eq!(whole.acts, parts.acts);
        prop_assert_eq!(whole.accounts, parts.accounts);
    }
}
