//! What is shown of a rule set by trying events, by comparing caps and by changing its numbers. Must never
//! pass a file that pays less for more without saying so.

use std::fmt::Write;

use tanhui_domain::rule::{RuleSet, SourceFile, unchecked_numbers};

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

/// What is proven of the town's file after one replacement, without its examples.
#[track_caller]
fn proven(right: &str, wrong: &str) -> String {
    let rules = MAIN.split("examples:").next().unwrap_or_default();
    assert!(rules.contains(right), "the rule file does not hold {right:?}");
    let all = match compile(&rules.replacen(right, wrong, 1)) {
        Ok(rules) => rules.prove(),
        Err(told) => return told,
    };
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn more_that_pays_less_is_told_with_an_event() {
    let told = "town.yaml:69:13: error: actions.home_power_saving.points: more `used` pays less: \
                used = 0 kWh, persons = 1 person gives 1600 gCO2e, 32 pt; \
                used = 0.01 kWh, persons = 1 person gives 1595 gCO2e, 31 pt\n  \
                help: if this is meant, declare the input `used` with `more_pays: less`, or `either`";
    let used = "used: {unit: kWh, decimals: 2, min: 0, max: 100";
    assert_eq!(proven(used, used), told);
    for declared in ["less", "either"] {
        assert_eq!(proven(used, &format!("{used}, more_pays: {declared}")), "");
    }
}

#[test]
fn more_that_pays_more_against_its_declaration_is_told() {
    let (used, less) = ("min: 0, max: 100}", "min: 0, max: 100, more_pays: less}");
    let main = MAIN.split("examples:").next().unwrap_or_default().replacen(used, less, 1);
    let main = main.replacen("min: 0.3, max: 80}", "min: 0.3, max: 80, more_pays: less}", 1);
    let all = compile(&main).unwrap().prove();
    assert_eq!(all.len(), 1);
    assert!(all[0].message.en.starts_with("more `distance` pays more: distance = 0.501 km"), "{}", all[0]);
}

/// The town's file without its one input that pays less for more.
#[track_caller]
fn caps(right: &str, wrong: &str) -> String {
    let all = proven(right, wrong);
    all.lines().filter(|line| !line.contains("`used`")).collect::<Vec<_>>().join("\n")
}

#[test]
fn caps_that_never_bind_are_told() {
    assert_eq!(
        caps("{limit: 2 times, per: day}", "{limit: 2 times, per: day}, {limit: 10 pt, per: day}"),
        "town.yaml:55:40: warning: actions.kitchen_waste_sorted.caps: this cap of 10 pt never binds: \
         by the cap of 2 times, at most 10 pt"
    );
    assert_eq!(
        caps("{limit: 2 times, per: day}", "{limit: 2 times, per: day}, {limit: 310 pt, per: month}"),
        "town.yaml:55:40: warning: actions.kitchen_waste_sorted.caps: this cap of 310 pt never binds: \
         by the cap of 2 times, at most 310 pt"
    );
    assert_eq!(
        caps("{limit: 2 times, per: day}", "{limit: 2 times, per: day}, {limit: 309 pt, per: month}"),
        ""
    );
    assert_eq!(
        caps("{limit: 100 pt, per: event}", "{limit: 320 pt, per: event}"),
        "town.yaml:70:12: warning: actions.home_power_saving.caps: this cap of 320 pt never binds: \
         one event gives at most 320 pt"
    );
    assert_eq!(caps("{limit: 100 pt, per: event}", "{limit: 319 pt, per: event}"), "");
}

#[test]
fn a_cap_below_one_event_is_told() {
    assert_eq!(
        caps("{limit: 2 times, per: day}", "{limit: 4 pt, per: day}"),
        "town.yaml:55:12: warning: actions.kitchen_waste_sorted.caps: one event gives at least 5 pt, more \
         than this cap of 4 pt: every one is trimmed"
    );
    assert_eq!(caps("{limit: 2 times, per: day}", "{limit: 5 pt, per: day}"), "");
}

#[test]
fn conditions_that_exclude_each_other_are_told() {
    let told = caps("distance >= 0.5 km,", "distance >= 40 km and estimated,");
    assert!(told.ends_with("events tried, none is credited"), "{told}");
}

/// Line, column and number of all that nothing checks.
fn unchecked(cases: &str) -> String {
    let rules = match compile(MAIN) {
        Ok(rules) => rules,
        Err(told) => return told,
    };
    let mutants = unchecked_numbers(&rules, &[file("town.cases.yaml", cases)]);
    assert_eq!(mutants.numbers, 42);
    mutants.unchecked.iter().fold(String::new(), |mut all, found| {
        let number = found.message.en.rsplit(' ').next().unwrap_or_default();
        let _ = write!(all, "{}:{} {number}, ", found.place.line, found.place.column);
        all
    })
}

#[test]
fn numbers_that_nothing_checks_are_listed_in_place() {
    let listed = unchecked(CASES);
    for (number, why) in [
        ("25:77 `0.3`", "no case is shorter than 0.3 km"),
        ("29:28 `0.5`", "0.4 km is refused all the same at 0.6 km"),
        ("43:37 `33.3`", "21 points come out at 33.4% too"),
        ("55:20 `2`", "no third drop of kitchen waste"),
        ("67:59 `0`", "no household above its baseline"),
    ] {
        assert!(listed.contains(number), "{why}: {listed}");
    }
    for checked in ["35:50", "35:78", "48:20", "70:20", "12:", "8:16"] {
        assert!(!listed.contains(checked), "{checked} is checked: {listed}");
    }
}

#[test]
fn a_case_that_depends_on_a_number_checks_it() {
    let third = "  - {name: third drop, event: {action: kitchen_waste_sorted, \
                 at: 2026-03-02T12:00, evidence: receipt}, \
                 used: [{per: day, times: 2, points: 10 pt}], expect: {points: 0 pt, capped: yes}}";
    let second = third.replace("third drop", "second drop").replace("times: 2", "times: 1");
    let second = second.replace("points: 0 pt, capped: yes", "points: 5 pt, capped: no");
    assert!(unchecked(CASES).contains("55:20 `2`"));
    assert!(!unchecked(&format!("{CASES}{third}\n{second}\n")).contains("55:20"));
}

#[test]
fn one_with_its_number_changed_in_a_catalogue_is_named_there() {
    let listed = unchecked_numbers(&compile(MAIN.split("examples:").next().unwrap()).unwrap(), &[]);
    let mut factors = listed.unchecked.iter().filter(|found| found.file == "factors/town.yaml");
    assert_eq!(
        factors.next().map(ToString::to_string).as_deref(),
        Some(
            "factors/town.yaml:8:16: warning: parameters.metro_saving.values.1.value: nothing checks the \
             number `46.7`\n  help: write a case whose outcome depends on it"
        )
    );
    assert!(listed.unchecked.len() > 35, "{} of {}", listed.unchecked.len(), listed.numbers);
}
