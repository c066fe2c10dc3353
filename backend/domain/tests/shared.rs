//! Catalogues of actions: what a rule file takes, changes and names anew. Must never let a change go
//! unchecked, or be told in the wrong file.

use tanhui_domain::rule::{Action, RuleSet, SourceFile};

const MAIN: &str = "format: 1
city: testtown
title: {zh: 测试城, en: Testtown}
timezone: Asia/Shanghai
uses: [factors/grid, actions/home]
parameters:
  grid: {same_as: grid_east}
actions:
  solar: {from: actions/home}
  kettle: {from: actions/home, caps: [{limit: 1 times, per: day}], note: {zh: 本市一次, en: Once here}}
";

const GRID: &str = "format: 1
catalogue: factors/grid
parameters:
  grid_east:
    label: {zh: 华东电网, en: East grid}
    values: [{from: 2024-01-01, value: 0.5 kgCO2e/kWh, confidence: proposed}]
  grid_south:
    label: {zh: 南方电网, en: South grid}
    values: [{from: 2024-01-01, value: 0.4 kgCO2e/kWh, confidence: proposed}]
";

const HOME: &str = "format: 1
catalogue: actions/home
actions:
  solar:
    name: {zh: 光伏, en: Solar}
    category: energy
    inputs: {energy: {unit: kWh, decimals: 1, min: 0.1, max: 100}}
    evidence: {operator: 100%}
    reduction: energy * grid
    points: reduction / 100 gCO2e/pt, rounded down to 1 pt
    caps: [{limit: 3 times, per: day}]
  kettle:
    name: {zh: 水壶, en: Kettle}
    category: energy
    evidence: {operator: 100%}
    points_only: true
    points: 2 pt
    caps: [{limit: 3 times, per: day}]
  bath:
    name: {zh: 淋浴, en: Shower}
    category: energy
    evidence: {operator: 100%}
    points_only: true
    points: 4 pt
";

const SHARED_CASES: &str = "cases:
  - {name: a day, event: {action: solar, energy: 10 kWh, at: 2026-03-02T12:00}, expect: {reduction: 5 kgCO2e}}
  - {name: the second, event: {action: kettle, at: 2026-03-02T12:00}, used: [{per: day, times: 1}],
     expect: {points: 2 pt}}
  - {name: a shower, event: {action: bath, at: 2026-03-02T12:00}, expect: {points: 4 pt}}
";

const OWN_CASES: &str = "cases:
  - {name: the second, event: {action: kettle, at: 2026-03-02T12:00}, used: [{per: day, times: 1}],
     expect: {points: 0 pt}}
";

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), text: text.to_owned() }
}

fn compiled(main: &str, home: &str) -> Result<RuleSet, String> {
    let catalogues = [file("factors/grid.yaml", GRID), file("actions/home.yaml", home)];
    RuleSet::compile(&file("town.yaml", main), &catalogues)
        .map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// What is said after one replacement in the rule file.
#[track_caller]
fn told(right: &str, wrong: &str) -> String {
    assert!(MAIN.contains(right), "the rule file does not hold {right:?}");
    compiled(&MAIN.replacen(right, wrong, 1), HOME).map_or_else(|told| told, |_| "accepted".to_owned())
}

#[test]
fn an_action_is_taken_whole_or_with_its_keys_written_anew() {
    let rules = compiled(MAIN, HOME).unwrap();
    assert!(rules.warnings().is_empty(), "{:?}", rules.warnings());
    assert_eq!(rules.actions().map(Action::id).collect::<Vec<_>>(), ["solar", "kettle"]);
    assert_eq!(rules.action("kettle").unwrap().note().unwrap().en, "Once here");
    assert_eq!(rules.catalogues(), ["actions/home", "factors/grid"]);
    let again = RuleSet::from_bundle(rules.bundle()).unwrap();
    assert_eq!(again.hash(), rules.hash());
}

#[test]
fn a_case_of_the_city_stands_for_the_shared_one_of_its_name() {
    let rules = compiled(MAIN, HOME).unwrap();
    let (own, shared) = (file("town.cases.yaml", OWN_CASES), file("actions/home.cases.yaml", SHARED_CASES));
    let summary = rules.check_cases(&[own, shared.clone()]).unwrap();
    assert_eq!(summary.cases, 2, "one of the city, one shared; the shower was not taken");
    let all = rules.check_cases(&[shared]).unwrap_err();
    let told: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["actions/home.cases.yaml:4:14: error: cases.2: example `the second`: expected 2 pt, got 0 gCO2e, \
          0 pt, capped\n  \
         help: check the action; if it is right, mend the example"]
    );
    let stray = SHARED_CASES.replace("action: bath", "action: bathe");
    let all = rules.check_cases(&[file("town.cases.yaml", OWN_CASES), file("x.cases.yaml", &stray)]);
    assert!(all.unwrap_err()[0].to_string().contains("there is no action `bathe`"));
}

#[test]
fn a_second_name_chooses_the_factor() {
    let text = MAIN.replace("same_as: grid_east", "same_as: grid_south");
    let rules = compiled(&text, HOME).unwrap();
    let cases = SHARED_CASES.replace("5 kgCO2e", "4 kgCO2e").replace("{points: 2 pt}", "{points: 0 pt}");
    assert_eq!(rules.check_cases(&[file("actions/home.cases.yaml", &cases)]).unwrap().cases, 2);
    assert_eq!(
        told("same_as: grid_east", "same_as: grid_eats"),
        "town.yaml:7:19: error: parameters.grid: there is no parameter `grid_eats`\n  \
         help: did you mean `grid_east`?"
    );
    assert_eq!(
        told("grid: {same_as: grid_east}", "grid_south: {same_as: grid_east}").lines().next(),
        Some("town.yaml:7:25: error: parameters.grid_south: parameter `grid_south` stands in two files")
    );
    assert_eq!(
        told("{same_as: grid_east}", "{same_as: grid_east, value: 1}"),
        "town.yaml:7:30: error: parameters.grid.value: there is no key `value`\n  help: known here: same_as"
    );
}

#[test]
fn what_cannot_be_taken_is_told_where_it_is_asked_for() {
    assert_eq!(
        told("solar: {from: actions/home}", "solar: {from: actions/hone}"),
        "town.yaml:9:17: error: actions.solar.from: `uses` names no catalogue `actions/hone`\n  \
         help: did you mean `actions/home`?"
    );
    assert_eq!(
        told("solar: {from: actions/home}", "sollar: {from: actions/home}"),
        "town.yaml:9:18: error: actions.sollar.from: catalogue `actions/home` has no action `sollar`\n  \
         help: did you mean `solar`?"
    );
    assert_eq!(
        told("factors/grid, actions/home", "factors/grid, actions/home, actions/home"),
        "town.yaml:5:36: error: uses: `actions/home` stands twice"
    );
}

#[test]
fn a_mistake_is_told_in_the_file_that_holds_it() {
    assert_eq!(
        told("caps: [{limit: 1 times, per: day}]", "caps: [{limit: 1 kg, per: day}]"),
        "town.yaml:10:47: error: actions.kettle.caps: a cap cannot be in `kg`\n  help: use times, pt, gCO2e"
    );
    assert_eq!(
        told("caps: [{limit: 1 times, per: day}]", "points: 2 gCO2e"),
        "town.yaml:10:40: error: actions.kettle.points: gCO2e and pt cannot be taken as points\n  \
         help: divide by the price of a point, as in 10 gCO2e/pt"
    );
    assert_eq!(
        told("caps: [{limit: 1 times, per: day}]", "cap: [{limit: 1 times, per: day}]").lines().next(),
        Some("town.yaml:10:32: error: actions.kettle.cap: there is no key `cap`")
    );
    let broken = HOME.replace("energy * grid", "energy * gird");
    assert_eq!(
        compiled(MAIN, &broken).map(drop).unwrap_err(),
        "actions/home.yaml:9:25: error: actions.solar.reduction: there is no name `gird`\n  \
         help: did you mean `grid`?"
    );
}
