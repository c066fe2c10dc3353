//! A small town's rule file from text to decisions. Must never depend on files outside this crate.

use chrono::{DateTime, NaiveDate, Utc};
use tanhui_domain::rule::{Decision, Evidence, Facts, RuleSet, SourceFile, Usage};

const MAIN: &str = include_str!("rules/town.yaml");
const FACTORS: &str = include_str!("rules/factors/town.yaml");
const CASES: &str = include_str!("rules/town.cases.yaml");

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), text: text.to_owned() }
}

fn compile(main: &str) -> Result<RuleSet, String> {
    RuleSet::compile(&file("town.yaml", main), &[file("factors/town.yaml", FACTORS)])
        .map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_default()
}

#[test]
fn the_file_compiles_without_warnings_and_its_cases_hold() {
    let rules = compile(MAIN).unwrap_or_else(|all| panic!("{all}"));
    assert_eq!(rules.warnings(), []);
    let summary = rules.check_cases(&file("town.cases.yaml", CASES)).unwrap_or_else(|all| {
        panic!("{}", all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    });
    assert_eq!(summary.cases, 13);
    assert_eq!(summary.actions["metro_ride"].capped, 3);
}

#[test]
fn the_bundle_is_the_rule_set() {
    let rules = compile(MAIN).unwrap();
    let again = RuleSet::from_bundle(rules.bundle()).unwrap();
    assert_eq!(rules.hash(), again.hash());
    assert_eq!(rules.bundle(), again.bundle());
    assert_eq!(again.city(), "testtown");
    assert!(RuleSet::from_bundle("{}").is_err());
    let other = compile(&MAIN.replace("200 pt", "201 pt")).unwrap();
    assert_ne!(rules.hash(), other.hash());
}

#[test]
fn inputs_need_their_unit_in_sight() {
    let rules = compile(MAIN).unwrap();
    let metro = rules.action("metro_ride").unwrap();
    let code = |name: &str, json: &str| match rules.read_inputs(metro, [(name, json)]) {
        Ok(inputs) => inputs.get_text("distance").unwrap_or_default(),
        Err(problems) => problems[0].code.to_owned(),
    };
    assert_eq!(code("distance_km", "7.2"), "7.2 km");
    assert_eq!(code("distance_km", "\"7.20\""), "7.2 km");
    assert_eq!(code("distance_m", "7200"), "7.2 km");
    assert_eq!(code("distance_m", "7.2e3"), "7.2 km");
    assert_eq!(code("distance", "\"7.2 km\""), "7.2 km");
    assert_eq!(code("distance", "7.2"), "unit_missing");
    assert_eq!(code("distance", "\"7.2\""), "unit_missing");
    assert_eq!(code("distance_kg", "7.2"), "wrong_unit");
    assert_eq!(code("distance_mile", "7.2"), "wrong_unit");
    assert_eq!(code("distance", "\"7.2 kg\""), "wrong_unit");
    assert_eq!(code("distance_km", "7.2001"), "too_many_decimals");
    assert_eq!(code("distance_km", "0.299"), "out_of_range");
    assert_eq!(code("distance_km", "0.300"), "0.3 km");
    assert_eq!(code("distance_km", "80"), "80 km");
    assert_eq!(code("distance_km", "80.001"), "out_of_range");
    assert_eq!(code("distance_km", "true"), "invalid_value");
    assert_eq!(code("distance_km", "[1]"), "invalid_value");
    assert_eq!(code("speed", "1"), "unknown_input");
    assert_eq!(code("estimated", "false"), "missing_input");
    assert_eq!(code("estimated", "3"), "invalid_value");
    let twice = rules.read_inputs(metro, [("distance_km", "1"), ("distance_m", "1000")]);
    assert_eq!(twice.unwrap_err()[0].code, "invalid_value");
    let nameless = rules.read_inputs(metro, [("distance", "7.2")]).unwrap_err();
    assert_eq!(
        nameless[0].detail.en,
        "`distance` has no unit; send \"distance_km\": 7.2 or \"distance\": \"7.2 km\""
    );
}

#[test]
fn inputs_and_receipts_survive_storage() {
    let rules = compile(MAIN).unwrap();
    let metro = rules.action("metro_ride").unwrap();
    let inputs = rules.read_inputs(metro, [("distance_km", "7.20")]).unwrap();
    let facts =
        Facts { inputs: &inputs, occurred_at: instant("2026-03-02T04:00:00Z"), evidence: Evidence::Operator };
    let decision = rules.evaluate(metro, &facts, &[Usage::default(), Usage::default()]);
    let Decision::Credited(credit) = decision else { panic!("refused") };
    assert_eq!((credit.reduction.get(), credit.points.get(), credit.quantity), (336_240, 33, 7_200_000));
    let json = serde_json::to_string(&credit.receipt).unwrap();
    assert_eq!(
        json,
        r#"{"v":1,"i":{"distance":"7.2 km","estimated":"no"},"t":"2026-03-02T04:00:00Z","e":"operator","u":[[0,0,0,0],[0,0,0,0]]}"#
    );
    let read: tanhui_domain::rule::Receipt = serde_json::from_str(&json).unwrap();
    assert_eq!(read, credit.receipt);
}

#[test]
fn days_follow_the_city_and_factors_their_dates() {
    let rules = compile(MAIN).unwrap();
    let metro = rules.action("metro_ride").unwrap();
    let inputs = rules.read_inputs(metro, [("distance_km", "10")]).unwrap();
    let grams = |time: &str| {
        let facts = Facts { inputs: &inputs, occurred_at: instant(time), evidence: Evidence::Operator };
        match rules.evaluate(metro, &facts, &[]) {
            Decision::Credited(credit) => credit.reduction.to_string(),
            Decision::Refused(refusal) => refusal.code,
        }
    };
    assert_eq!(grams("2021-11-30T10:00:00Z"), "no_factor_in_force");
    assert_eq!(grams("2021-12-01T10:00:00Z"), "467000");
    assert_eq!(grams("2026-06-30T15:58:59Z"), "467000");
    assert_eq!(grams("2026-07-01T04:00:00Z"), "400000");
    assert_eq!(grams("2026-06-30T20:59:59Z"), "eligible.3");
    assert_eq!(grams("2026-06-30T21:00:00Z"), "400000");
    let windows = rules.cap_windows(metro, NaiveDate::from_ymd_opt(2026, 3, 2).unwrap());
    assert_eq!(windows.len(), 2);
    assert_eq!(rules.expires_on(windows[0].range.from).unwrap().to_string(), "2028-03-31");
    assert_eq!(rules.accept().late, Some(chrono::TimeDelta::days(400)));
    assert_eq!(rules.nearest_action("metro_rid"), Some("metro_ride"));
}
