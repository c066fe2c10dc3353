//! The whole language in one rule file: factors, campaigns, budgets, history, holds, spans, honours.
//! Must never depend on files outside this crate.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a file that is wrong must fail loudly")]

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::rule::{
    Action, CapScope, DayTotal, Decision, Evidence, Facts, Feature, Inputs, Readings, Receipt, RuleSet,
    SourceFile, SpentPoints, Usage,
};
use tanhui_domain::text::Language;

const MAIN: &str = include_str!("rules/programme.yaml");
const CASES: &str = include_str!("rules/programme.cases.yaml");

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), text: text.to_owned() }
}

fn rules() -> RuleSet {
    let told = |all: Vec<_>| all.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n");
    RuleSet::compile(&file("programme.yaml", MAIN), &[])
        .unwrap_or_else(|all: Vec<tanhui_domain::rule::Diagnostic>| panic!("{}", told(all)))
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn ride(rules: &RuleSet, ticket: &str) -> Inputs {
    let metro = rules.action("metro_ride").unwrap();
    let ticket = format!("\"{ticket}\"");
    let data =
        [("distance_km", "10"), ("minutes_min", "20"), ("ticket", ticket.as_str()), ("gate", "\"A1\"")];
    rules.read_inputs(metro, data).unwrap()
}

fn metro(rules: &RuleSet) -> &Action {
    rules.action("metro_ride").unwrap()
}

#[test]
fn the_file_compiles_and_its_cases_hold() {
    let rules = rules();
    let warnings: Vec<String> = rules.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("no formula uses `steps_walked`"), "{warnings:?}");
    let summary = rules.check_cases(&[file("programme.cases.yaml", CASES)]).unwrap_or_else(|all| {
        panic!("{}", all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    });
    assert_eq!(summary.cases, 32);
    assert_eq!(summary.actions["metro_ride"].held, 1);
}

#[test]
fn what_must_be_kept_is_named() {
    let features: Vec<Feature> = rules().features().into_iter().collect();
    let all = [
        Feature::History,
        Feature::Campaigns,
        Feature::Budgets,
        Feature::ScopedCaps,
        Feature::Settle,
        Feature::SameAct,
        Feature::Holds,
        Feature::NegativeBalances,
    ];
    assert_eq!(features, all);
}

#[test]
fn policies_are_told() {
    let rules = rules();
    assert_eq!(rules.reversal(), SpentPoints::AllowNegative);
    let (metro, walk) = (metro(&rules), rules.action("walk").unwrap());
    assert_eq!(metro.spendable_on(day("2026-02-27")), Some(day("2026-03-01")));
    assert_eq!(walk.spendable_on(day("2026-02-27")), None);
    assert_eq!(rules.accept_of(metro).late, Some(TimeDelta::days(7)));
    assert_eq!(rules.accept_of(metro).early, TimeDelta::minutes(10), "as everywhere");
    assert_eq!(rules.accept_of(walk).late, Some(TimeDelta::days(60)));
}

#[test]
fn caps_of_cards_and_devices_have_windows_of_their_own() {
    let rules = rules();
    let windows = rules.cap_windows(metro(&rules), day("2026-03-02"));
    let scopes: Vec<CapScope> = windows.iter().map(|window| window.scope).collect();
    assert_eq!(scopes, [CapScope::Citizen, CapScope::Binding, CapScope::Input(3), CapScope::Citizen]);
    let inputs = ride(&rules, "T-1");
    assert_eq!(metro(&rules).scope_key(CapScope::Input(3), &inputs), Some("A1"));
    assert_eq!(metro(&rules).scope_key(CapScope::Binding, &inputs), None);
}

#[test]
fn an_act_takes_its_stretch_of_time() {
    let rules = rules();
    let at = instant("2026-03-02T15:50:00Z");
    let inputs = ride(&rules, "T-1");
    let facts = Facts::new(&inputs, at, Evidence::Operator);
    let span = rules.span(metro(&rules), &facts).unwrap();
    assert_eq!((span.group.as_str(), span.trip.as_deref()), ("travel", Some("T-1")));
    assert_eq!((span.from, span.until), (at, at + TimeDelta::minutes(20)), "past midnight");
    assert_eq!(span.overlap, TimeDelta::minutes(2));
    let walk = rules.action("walk").unwrap();
    let inputs = rules.read_inputs(walk, [("steps_walked_step", "5000")]).unwrap();
    let span = rules.span(walk, &Facts::new(&inputs, at, Evidence::Device)).unwrap();
    assert_eq!((span.until, span.trip), (at + TimeDelta::minutes(20), None));
    let home = rules.action("home_saving").unwrap();
    assert!(rules.span(home, &Facts::new(&inputs, at, Evidence::Device)).is_none());
}

#[test]
fn history_asks_for_whole_days_before_the_act() {
    let rules = rules();
    let home = rules.action("home_saving").unwrap();
    let windows = rules.history_windows(home, day("2026-03-09"));
    let days: Vec<_> = windows.iter().map(|range| (range.from, range.until)).collect();
    assert_eq!(days, [(day("2026-03-02"), day("2026-03-09")), (day("2026-02-07"), day("2026-03-09"))]);
    let inputs = rules.read_inputs(home, [("used_kwh", "4.2")]).unwrap();
    assert_eq!(home.reading(&inputs), Some(4_200_000), "thousandths of a watt-hour");
    assert_eq!(metro(&rules).reading(&ride(&rules, "x")), None);
}

#[test]
fn an_act_without_its_factor_is_refused_for_that_first() {
    let rules = rules();
    let home = rules.action("home_saving").unwrap();
    let inputs = rules.read_inputs(home, [("used_kwh", "4.2")]).unwrap();
    let code =
        |at: &str| match rules.evaluate(home, &Facts::new(&inputs, instant(at), Evidence::Operator), &[]) {
            Decision::Refused(refusal) => refusal.code,
            other => panic!("{other:?}"),
        };
    assert_eq!(code("2023-12-31T12:00:00Z"), "no_factor_in_force");
    assert_eq!(code("2024-01-01T12:00:00Z"), "history_too_short");
}

#[test]
fn budgets_are_drawn_as_points_are_given() {
    let rules = rules();
    let windows = rules.budget_windows(metro(&rules), day("2026-09-16"));
    let ids: Vec<&str> = windows.iter().map(|window| window.id.as_str()).collect();
    assert_eq!(ids, ["car_free_week", "travel_year", "programme_month"]);
    assert_eq!((windows[0].range.from, windows[0].limit), (day("2026-09-16"), Points::new(100)));
    assert_eq!(windows[2].range.until, day("2026-10-01"));
    let inputs = ride(&rules, "T-1");
    let drawn = |issued: [i64; 3]| {
        let issued = issued.map(Points::new);
        let facts = Facts {
            issued: &issued,
            ..Facts::new(&inputs, instant("2026-09-16T04:00:00Z"), Evidence::Operator)
        };
        match rules.evaluate(metro(&rules), &facts, &[]) {
            Decision::Credited(credit) => {
                let drawn: Vec<i64> = credit.drawn.iter().map(|points| points.get()).collect();
                (credit.points.get(), credit.queued.get(), credit.code(), drawn)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(drawn([0, 0, 0]), (100, 0, None, vec![50, 100, 100]));
    assert_eq!(drawn([80, 0, 0]), (70, 0, Some("budget_exhausted"), vec![20, 70, 70]));
    assert_eq!(
        drawn([0, 0, 930]),
        (70, 30, Some("queued"), vec![50, 100, 70]),
        "the year promises what waits"
    );
    assert_eq!(
        drawn([0, 4920, 0]),
        (80, 0, Some("budget_exhausted"), vec![30, 80, 80]),
        "the campaign's first"
    );
    assert_eq!(drawn([0, 4980, 0]), (20, 0, Some("budget_exhausted"), vec![0, 20, 20]));
}

#[test]
fn receipts_keep_what_the_decision_saw_and_explain_it() {
    let rules = rules();
    let inputs = ride(&rules, "T-1");
    let issued = [90, 0, 950].map(Points::new);
    let at = instant("2026-09-16T00:00:00Z");
    let facts = Facts { issued: &issued, ..Facts::new(&inputs, at, Evidence::Operator) };
    let used = [Usage::default(); 4];
    let Decision::Credited(credit) = rules.evaluate(metro(&rules), &facts, &used) else { panic!("refused") };
    let stored = credit.receipt.to_bytes(metro(&rules));
    let receipt = Receipt::from_bytes(metro(&rules), at, &stored).unwrap();
    assert_eq!(receipt, credit.receipt);
    assert!(stored.as_ref().len() < 50, "{} bytes", stored.as_ref().len());
    let told = rules.explain(metro(&rules), &receipt);
    assert_eq!((told.points, told.queued), (credit.points.get(), credit.queued.get()));
    let text = told.text(Language::En);
    for line in [
        "Multiplier Rush hour: × 1.5",
        "Campaign Car-free week: × 2",
        "Budget car_free_week of 100 pt: 90 pt issued before, 10 pt by this act",
        "Budget programme_month of 1000 pt: 950 pt issued before, 50 pt by this act",
        "Credited: 500 gCO2e, 50 pt, 35 pt more wait for the budget",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(told.text(Language::Zh).contains("活动 无车周: × 2"));
    let home = rules.action("home_saving").unwrap();
    let inputs = rules.read_inputs(home, [("used_kwh", "4")]).unwrap();
    let history = [Readings { count: 5, sum: 25_000_000 }, Readings::default()];
    let facts = Facts { history: &history, ..Facts::new(&inputs, at, Evidence::Operator) };
    let decision = rules.evaluate(home, &facts, &[]);
    let stored = decision.receipt().to_bytes(home);
    assert_eq!(Receipt::from_bytes(home, at, &stored).as_ref(), Ok(decision.receipt()));
    let text = rules.explain(home, decision.receipt()).text(Language::En);
    assert!(text.contains("usual = 5 kWh (5 readings before)"), "{text}");
    assert!(text.contains("max(0 kWh, 5 kWh - 4 kWh) × 0.5 kgCO2e/kWh = 500 gCO2e"), "{text}");
}

#[test]
fn a_district_is_kept_only_where_a_campaign_asks() {
    let rules = rules();
    let walk = rules.action("walk").unwrap();
    let inputs = rules.read_inputs(walk, [("steps_walked_step", "5000")]).unwrap();
    let kept = |at: &str| {
        let facts = Facts { district: Some("south"), ..Facts::new(&inputs, instant(at), Evidence::Device) };
        let decision = rules.evaluate(walk, &facts, &[]);
        let stored = decision.receipt().to_bytes(walk);
        assert_eq!(Receipt::from_bytes(walk, instant(at), &stored).as_ref(), Ok(decision.receipt()));
        decision.receipt().district.clone()
    };
    assert_eq!(kept("2026-09-16T04:00:00Z"), None);
    assert_eq!(kept("2026-09-20T04:00:00Z").as_deref(), Some("south"));
}

#[test]
fn honours_follow_totals() {
    let rules = rules();
    let level = |grams: i64| {
        rules.level(Points::ZERO, ReductionMg::new(grams * 1000)).map(|level| level.id().to_owned()).unwrap()
    };
    assert_eq!([level(0), level(9_999), level(10_000), level(500_000)], ["seed", "seed", "sapling", "tree"]);
    let granted = Usage::from((1, 10, 5_000_000, 0));
    let days: Vec<DayTotal<'_>> = (1..=7)
        .map(|date| DayTotal {
            day: NaiveDate::from_ymd_opt(2026, 3, date).unwrap(),
            action: "home_saving",
            granted,
        })
        .collect();
    let earned: Vec<(&str, NaiveDate)> =
        rules.badges_earned(&days).iter().map(|earned| (earned.badge.id(), earned.on)).collect();
    assert_eq!(earned, [("week", day("2026-03-07")), ("saver", day("2026-03-02"))]);
    assert!(rules.badges_earned(&days[1..]).len() == 1, "six days are no week");
}
