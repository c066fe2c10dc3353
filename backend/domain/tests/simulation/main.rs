//! A simulation gives to the milligram what crediting the same events one by one gives, with every part of
//! the language, however events are cut into blocks.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers that the tests themselves choose")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a town that is wrong must fail loudly"
)]

mod crediting;

use chrono::TimeDelta;
use proptest::prelude::*;
use tanhui_domain::amount::Points;
use tanhui_domain::rule::{RuleSet, SourceFile};
use tanhui_domain::simulation::{
    Block, Comparison, Count, Happening, Head, Horizon, Report, Row, RowError, Schema, Side, card_number,
};

use crediting::{Credited, Event, card, credited, district, event};

const MAIN: &str = include_str!("../rules/programme.yaml");
const DISTRICTS: [&str; 2] = ["north", "south"];

fn compile(main: &str) -> RuleSet {
    let file = SourceFile { name: "programme.yaml".to_owned(), text: main.to_owned() };
    RuleSet::compile(&file, &[]).unwrap_or_else(|all| panic!("{}", all[0]))
}

/// Small budgets, so that they end.
fn in_force() -> RuleSet {
    let text = MAIN
        .replace("limit: 5000 pt, per: year", "limit: 900 pt, per: year")
        .replace("limit: 1000 pt, per: month", "limit: 300 pt, per: month")
        .replace("limit: 20 times, per: day, of: gate", "limit: 4 times, per: day, of: gate")
        .replace(
            "limit: 500 pt, per: month, when_exhausted: prorate",
            "limit: 31 pt, per: month, when_exhausted: prorate",
        );
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
        .replace("at_least: 4, otherwise: refuse", "at_least: 3, otherwise: 12 kWh")
        .replace(
            "limit: 1000 pt, per: month, when_exhausted: queue",
            "limit: 70 pt, per: day, when_exhausted: queue",
        )
        .replace(
            "limit: 500 pt, per: month, when_exhausted: prorate",
            "limit: 17 pt, per: week, when_exhausted: prorate",
        )
        .replace(
            "bonus, rounded down to 1 pt\n",
            "bonus, rounded down to 1 pt\n    caps: [{limit: 40 pt, per: month}]\n",
        )
        .replace("accept: {late: 7 days}", "accept: {late: 2 days}");
    compile(&text)
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
        row.reported(event.late)
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

/// What crediting and a simulation both find.
fn found(report: &Report, count: &Count, of_draft: bool) -> Credited {
    let side = |reached: &tanhui_domain::simulation::Reached| {
        if of_draft { reached.draft } else { reached.in_force }.unwrap_or(0)
    };
    let badges = report.badges.iter().map(|badge| (badge.id.clone(), side(badge))).collect();
    let unseen = Count { capped: 0, budget_exhausted: 0, ..*count };
    Credited { count: unseen, badges }
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
        prop_assert_eq!(found(&report, &counts.in_force, false), credited(&in_force, &events));
        prop_assert_eq!(found(&report, &counts.draft, true), credited(&draft, &events));
        prop_assert_eq!(&report, &simulated(&in_force, &draft, &events, 1_000), "blocks make no difference");
        for parts in [&report.days, &report.actions, &report.districts] {
            let sum = parts.iter().map(|part| part.counts.draft.given()).sum::<i128>();
            prop_assert!(parts.is_empty() || sum == counts.draft.given());
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

#[test]
fn what_waits_is_paid_later_or_given_up() {
    let (in_force, draft) = (in_force(), draft());
    let events = many(1_500);
    let report = simulated(&in_force, &draft, &events, 100);
    let counts = report.totals.counts;
    for (count, rules, of_draft) in [(counts.in_force, &in_force, false), (counts.draft, &draft, true)] {
        assert!(count.paid_later_points > 0 && count.given_up_points > 0, "{count:?}");
        assert!(count.paid_later_points + count.given_up_points <= count.queued_points);
        assert_eq!(found(&report, &count, of_draft), credited(rules, &events));
    }
    let points = |all: fn(&tanhui_domain::simulation::BudgetUse) -> Points| {
        let used = report.budgets.iter().filter_map(|fund| fund.draft.as_ref());
        used.map(|used| i128::from(all(used).get())).sum::<i128>()
    };
    let Count { queued_points, paid_later_points, given_up_points, .. } = counts.draft;
    assert_eq!(points(|used| used.paid_later), paid_later_points);
    assert_eq!(points(|used| used.given_up), given_up_points);
    assert_eq!(points(|used| used.waiting), queued_points - paid_later_points - given_up_points);
    let promised: i128 = report.deciles.iter().map(|decile| decile.draft_points).sum();
    assert_eq!(promised, counts.draft.points + queued_points - given_up_points);
}

#[test]
fn badges_are_told_on_both_sides() {
    let (in_force, draft) = (in_force(), compile(&MAIN.replace("reach: 7 days", "reach: 2 days")));
    let report = simulated(&in_force, &draft, &many(1_500), 100);
    let week = report.badges.iter().find(|badge| badge.id == "week").unwrap();
    assert_eq!((week.in_force, week.draft), (Some(5), Some(5)), "everyone is out every day");
    let few = simulated(&in_force, &draft, &many(12), 100);
    let week = few.badges.iter().find(|badge| badge.id == "week").unwrap();
    assert!(week.in_force < week.draft, "{week:?}");
}

#[test]
fn what_comes_too_late_leaves_no_trace() {
    let rules = compile(MAIN);
    let limit = TimeDelta::days(60);
    for (late, timely) in [
        (limit - TimeDelta::microseconds(1), true),
        (limit, true),
        (limit + TimeDelta::microseconds(1), false),
        (TimeDelta::minutes(-10), true),
        (TimeDelta::minutes(-10) - TimeDelta::microseconds(1), false),
    ] {
        let mut walk = event([0, 2, 5_000, 0, 60, 2]);
        walk.late = late;
        let again = Event { late: TimeDelta::zero(), ..walk.clone() };
        let counts = simulated(&rules, &rules, &[walk, again], 10).totals.counts.in_force;
        let expected = if timely { (1, 0, 1) } else { (1, 1, 0) };
        assert_eq!((counts.credited, counts.refused, counts.told_again), expected, "{late}");
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
