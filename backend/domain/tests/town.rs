//! A small town's rule file from text to decisions. Must never depend on files outside this crate.

use chrono::{DateTime, NaiveDate, Utc};
use tanhui_domain::rule::{Decision, Evidence, Facts, RuleSet, SourceFile, Usage};
use tanhui_domain::text::Language;

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
fn the_file_compiles_and_its_cases_hold() {
    let rules = compile(MAIN).unwrap_or_else(|all| panic!("{all}"));
    let warnings: Vec<String> = rules.warnings().iter().map(ToString::to_string).collect();
    let unused = "town.yaml:42:7: warning: actions.recycle.inputs.district: no formula uses `district`";
    assert_eq!(warnings, [unused]);
    let summary = rules.check_cases(&[file("town.cases.yaml", CASES)]).unwrap_or_else(|all| {
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
    let facts = Facts::new(&inputs, instant("2026-03-02T04:00:00Z"), Evidence::Operator);
    let decision = rules.evaluate(metro, &facts, &[Usage::default(), Usage::default()]);
    let Decision::Credited(credit) = decision else { panic!("refused") };
    assert_eq!((credit.reduction.get(), credit.points.get(), credit.quantity), (336_240, 33, 7_200_000));
    let json = serde_json::to_string(&credit.receipt).unwrap();
    assert_eq!(
        json,
        concat!(
            r#"{"v":1,"i":{"distance":"7.2 km","estimated":"no"},"t":"2026-03-02T04:00:00Z","#,
            r#""e":"operator","u":[[0,0,0,0],[0,0,0,0]]}"#
        )
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
        let facts = Facts::new(&inputs, instant(time), Evidence::Operator);
        match rules.evaluate(metro, &facts, &[]) {
            Decision::Credited(credit) => credit.reduction.to_string(),
            Decision::Refused(refusal) => refusal.code,
            Decision::Held(hold) => hold.code,
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

#[test]
fn an_explanation_tells_factor_formula_caps_and_result() {
    let rules = compile(MAIN).unwrap();
    let metro = rules.action("metro_ride").unwrap();
    let inputs = rules.read_inputs(metro, [("distance_km", "7.2")]).unwrap();
    let at = instant("2026-03-02T04:00:00Z");
    let facts = Facts::new(&inputs, at, Evidence::Device);
    let used = [Usage::from((2, 190, 0, 0)), Usage::from((20, 500, 0, 0))];
    let decision = rules.evaluate(metro, &facts, &used);
    let told = rules.explain(metro, decision.receipt());
    assert_eq!(
        told.text(Language::En),
        "Metro ride · 2026-03-02 12:00:00\n\
         Distance: 7.2 km\n\
         estimated: no\n\
         CO2e saved per metro passenger-km: 46.7 gCO2e/km (since 2021-12-01; Environment bureau, \
         Public transport methodology, 2021; confidence high)\n\
         Reduction = 7.2 km × 46.7 gCO2e/km = 336.24 gCO2e\n\
         Points = (336.24 gCO2e ÷ 10 gCO2e/pt) × 50%, rounded down to 1 pt = 16 pt\n\
         Evidence: device record, 50% of the points\n\
         Cap 6 times per day: 2 times used before, 3 times left\n\
         Cap 200 pt per day: 190 pt used before, 0 pt left, trimmed this one\n\
         Cap 3000 pt per month: 500 pt used before, 2490 pt left\n\
         Credited: 336.24 gCO2e, 10 pt (capped)"
    );
    assert!(told.text(Language::Zh).ends_with("记入: 336.24 gCO2e, 10 pt (已封顶)"));
    let reduction = told.steps.iter().find(|step| step.name == "reduction").unwrap();
    assert_eq!(reduction.parameters[0].source.as_ref().unwrap().year, Some(2021));
}

#[test]
fn an_explanation_of_a_refusal_shows_the_sentence() {
    let rules = compile(MAIN).unwrap();
    let home = rules.action("home_power_saving").unwrap();
    let inputs = rules.read_inputs(home, [("used_kWh", "5"), ("persons_person", "2")]).unwrap();
    let at = instant("2024-06-01T04:00:00Z");
    let facts = Facts::new(&inputs, at, Evidence::Operator);
    let told = rules.explain(home, rules.evaluate(home, &facts, &[]).receipt());
    assert_eq!(told.conditions[0].with_numbers, "2024-06-01 >= 2025-01-01");
    assert!(!told.conditions[0].holds);
    assert_eq!(
        told.text(Language::En).lines().last().unwrap_or_default(),
        "Refused: Not yet begun (eligible.1)"
    );
    assert_eq!(told.steps[1].with_numbers, "if 5 kWh < 6.4 kWh then 6.4 kWh - 5 kWh else 0 kWh");
    assert_eq!((told.steps[1].value.as_str(), told.steps[1].unit.as_str()), ("1.4", "kWh"));
}
