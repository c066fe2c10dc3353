//! Mistakes that officers make, and the very words in which each is told. Must never accept one in silence.

use tanhui_domain::rule::{RuleSet, SourceFile};
use tanhui_domain::text::Language;

const MAIN: &str = include_str!("rules/town.yaml");
const FACTORS: &str = include_str!("rules/factors/town.yaml");

fn file(name: &str, text: String) -> SourceFile {
    SourceFile { name: name.to_owned(), text }
}

fn told_in(language: Language, main: String, factors: String) -> String {
    match RuleSet::compile(&file("town.yaml", main), &[file("factors/town.yaml", factors)]) {
        Ok(_) => "accepted".to_owned(),
        Err(all) => all.iter().map(|found| found.render(language)).collect::<Vec<_>>().join("\n"),
    }
}

/// What is said after one replacement in the town's rule file.
#[track_caller]
fn told(right: &str, wrong: &str) -> String {
    assert!(MAIN.contains(right), "the rule file does not hold {right:?}");
    told_in(Language::En, MAIN.replacen(right, wrong, 1), FACTORS.to_owned())
}

#[test]
fn mistyped_names_are_recognised() {
    assert_eq!(
        told("reduction: distance * metro_saving", "reduction: distnace * metro_saving"),
        "town.yaml:33:16: error: actions.metro_ride.reduction: there is no name `distnace`\n  \
         help: did you mean `distance`?"
    );
    assert_eq!(
        told("reduction: distance * metro_saving", "reduction: distance * metro_savings"),
        "town.yaml:33:27: error: actions.metro_ride.reduction: there is no name `metro_savings`\n  \
         help: did you mean `metro_saving`?"
    );
    assert_eq!(
        told("    category: transit", "    catagory: transit"),
        "town.yaml:22:5: error: actions.metro_ride.catagory: there is no key `catagory`\n  \
         help: did you mean `category`?"
    );
    assert_eq!(
        told("distance >= 0.5 km,", "distance >= 0.5 KM,"),
        "town.yaml:29:32: error: actions.metro_ride.eligible.1: there is no unit `KM`\n  \
         help: did you mean \
        `km`?"
    );
    assert_eq!(
        told("uses: [factors/town]", "uses: [factors/twon]").lines().take(2).collect::<Vec<_>>().join("\n"),
        "town.yaml:5:8: error: uses: there is no catalogue `factors/twon`\n  help: did you mean \
        `factors/town`?"
    );
    assert_eq!(
        told("material = paper then", "material = papper then"),
        "town.yaml:45:30: error: actions.recycle.steps.factor: there is no option `papper`\n  \
         help: did you mean `paper`?"
    );
    assert_eq!(
        told("Asia/Shanghai", "Asia/Shanghia"),
        "town.yaml:4:11: error: timezone: there is no time zone `Asia/Shanghia`\n  \
         help: did you mean `Asia/Shanghai`?"
    );
    assert_eq!(
        told("{operator: 100%, device: 50%, self: 0%}", "{operater: 100%, device: 50%}"),
        "town.yaml:27:16: error: actions.metro_ride.evidence.operater: there is no key `operater`\n  \
         help: did you mean `operator`?"
    );
    assert_eq!(
        told("of: districts,", "of: district,"),
        "town.yaml:42:36: error: actions.recycle.inputs.district: there is no list `district`\n  \
         help: did you mean `districts`?"
    );
}

#[test]
fn units_are_checked() {
    assert_eq!(
        told("reduction: distance * metro_saving", "reduction: distance + metro_saving"),
        "town.yaml:33:27: error: actions.metro_ride.reduction: km and gCO2e/km cannot be added\n  \
         help: both need units of one kind; to convert, multiply by a factor with its unit"
    );
    assert_eq!(
        told("reduction: distance * metro_saving", "reduction: distance"),
        "town.yaml:33:16: error: actions.metro_ride.reduction: expected a number in gCO2e, found a number \
        in km\n  \
         help: multiply by a factor that gives gCO2e; it needs a unit of its own, as in gCO2e/km"
    );
    assert_eq!(
        told("distance >= 0.5 km,", "distance >= 0.5,"),
        "town.yaml:29:28: error: actions.metro_ride.eligible.1: km and a plain number cannot be \
         compared\n  \
         help: give the plain number its unit, km"
    );
    assert_eq!(
        told("distance >= 0.5 km,", "distance >= 500 g,"),
        "town.yaml:29:28: error: actions.metro_ride.eligible.1: km and g cannot be compared\n  \
         help: both need units of one kind; to convert, multiply by a factor with its unit"
    );
    assert_eq!(
        told("reduction / 10 gCO2e/pt, rounded", "reduction / 10 gCO2e / pt, rounded"),
        "town.yaml:34:36: error: actions.metro_ride.points: `pt` is a unit, not a name\n  \
         help: a unit follows its number, a compound without spaces, as in `10 gCO2e/pt`"
    );
    assert_eq!(
        told("limit: 30 kg,", "limit: 30 km,"),
        "town.yaml:48:20: error: actions.recycle.caps: a cap cannot be in `km`\n  help: use times, pt, \
        gCO2e, kg"
    );
    assert_eq!(
        told("unit: km, decimals: 3", "decimals: 3").lines().next().unwrap_or_default(),
        "town.yaml:25:17: error: actions.metro_ride.inputs.distance: `unit` is missing"
    );
}

#[test]
fn roundings_and_ranges_are_checked() {
    assert_eq!(
        told("points: reduction / 10 gCO2e/pt, rounded down to 1 pt", "points: reduction / 10 gCO2e/pt"),
        "town.yaml:34:25: error: actions.metro_ride.points: a division must say how it is rounded\n  \
         help: write `... , rounded down to 1 pt`"
    );
    assert_eq!(
        told("reduction / 10 gCO2e/pt,", "reduction * 0.1 pt/gCO2e - 5 pt,"),
        "town.yaml:34:13: error: actions.metro_ride.points: the result may be below zero: with \
         distance = 0.3 km, estimated = no it is -3.599 pt\n  \
         help: write `max(0 pt, ...)`"
    );
    assert_eq!(
        told("reduction / 50 gCO2e/pt", "(reduction / (used * 1 gCO2e/kWh)) * 1 pt"),
        "town.yaml:69:27: error: actions.home_power_saving.points: the divisor may be zero or below\n  \
         help: write `max(…, least)`, or raise the input's min"
    );
    assert_eq!(
        told("evidence: {receipt: 100%}\n    points_only", "evidence: {receipt: 50%}\n    points_only"),
        "town.yaml:54:13: error: actions.kitchen_waste_sorted.points: the points may not come out whole\n  \
         help: add `, rounded down to 1 pt` to the formula"
    );
    assert_eq!(
        told("distance >= 0.5 km,", "distance >= 500 km,"),
        "town.yaml:29:16: error: actions.metro_ride.eligible.1: this condition can never hold: every event \
        would be refused\n  \
         help: `distance` is 0.3 to 80 km"
    );
    assert_eq!(
        told("[05:00 .. 23:59]", "[23:00 .. 05:00)"),
        "town.yaml:31:25: error: actions.metro_ride.eligible.3: the range is empty: it starts after its \
        end\n  \
         help: past midnight, write two ranges joined by `or`"
    );
    assert_eq!(
        told("min: 0.3, max: 80}", "min: 90, max: 80}"),
        "town.yaml:25:17: error: actions.metro_ride.inputs.distance: `min` (90) is above `max` (80)\n  \
         help: the other way round: min: 80, max: 90"
    );
    assert_eq!(
        told(
            "reduction: weight * factor",
            "reduction: weight * weight * weight * factor * 99999999999999999999"
        ),
        "town.yaml:46:16: error: actions.recycle.reduction: expected a number in gCO2e, found a number in \
        kg.kg.kgCO2e\n  \
         help: multiply by a factor that gives gCO2e; it needs a unit of its own, as in gCO2e/km"
    );
    assert!(
        told("weight * factor", "weight * factor * 99999999999999999999999")
            .contains("the numbers can grow past what is computed exactly")
    );
}

#[test]
fn yaml_slips_are_explained() {
    assert_eq!(
        told("en: Metro ride}", "en: Metro ride, underground}"),
        "town.yaml:21:38: error: actions.metro_ride.name.underground: there is no key `underground`\n  \
         help: inside { }, put a text or formula that holds a comma into quotes"
    );
    assert_eq!(
        told("name: {zh: 地铁出行, en: Metro ride}", "name: 地铁出行"),
        "town.yaml:21:11: error: actions.metro_ride.name: expected text in both languages\n  \
         help: {zh: 地铁出行, en: ...}"
    );
    assert_eq!(
        told("{zh: 地铁出行, en: Metro ride}", "{zh: 地铁出行}"),
        "town.yaml:21:11: error: actions.metro_ride.name: `en` is missing\n  \
         help: as in `{zh: 地铁出行, en: Metro ride}`"
    );
    assert_eq!(
        told("category: transit", "category: transit\n    category: bus"),
        "town.yaml:23:5: error: key `category` stands twice; first on line 22\n  \
         help: take one of them away"
    );
    assert_eq!(
        told("reduction / 10 gCO2e/pt, rounded", "reduction / 10 gCO2e/pt， rounded"),
        "town.yaml:34:36: error: actions.metro_ride.points: unexpected character `，`\n  \
         help: these are full-width signs; write `,`"
    );
}

#[test]
fn what_is_not_built_is_refused() {
    assert_eq!(
        told("format: 1", "format: 2"),
        "town.yaml:1:9: error: format: this engine version reads `format: 1` only"
    );
}

#[test]
fn sources_and_dates_are_checked() {
    let told = |right: &str, wrong: &str| {
        assert!(FACTORS.contains(right), "the catalogue does not hold {right:?}");
        told_in(Language::En, MAIN.to_owned(), FACTORS.replacen(right, wrong, 1))
    };
    assert_eq!(
        told(
            "from: 2020-01-01, value: 309 gCO2e/kg, confidence: proposed",
            "from: 2020-01-01, value: 309 gCO2e/kg, confidence: high"
        ),
        "factors/town.yaml:22:9: error: parameters.glass_factor.values: this value has no source\n  \
         help: add `source`, or write `confidence: proposed`"
    );
    assert_eq!(
        told("from: 2026-07-01", "from: 2021-12-01"),
        "factors/town.yaml:11:9: error: parameters.metro_saving.values: the value from 2021-12-01 overlaps \
        that from \
         2021-12-01 or stands out of order\n  help: write values by `from`, the earliest first"
    );
    assert_eq!(
        told("confidence: high", "confidence: high\n        until: 2026-06-01"),
        "factors/town.yaml:12:9: error: parameters.metro_saving.values: there is no value from 2026-06-01 \
        to 2026-07-01\n  \
         help: take away the `until` of the value before"
    );
    assert_eq!(
        told("confidence: high", "confidence: high\n        until: 2026-08-01"),
        "factors/town.yaml:12:9: error: parameters.metro_saving.values: there are two values from \
        2026-07-01 to \
         2026-08-01\n  \
         help: take away the `until` of the value before"
    );
    assert_eq!(
        told("from: 2026-07-01", "from: 2026-7-1"),
        "factors/town.yaml:11:15: error: parameters.metro_saving.values: `2026-7-1` is not a date\n  \
         help: write 2026-07-01"
    );
    assert_eq!(told("confidence: high", "confidence: high\n        until: 2026-07-01"), "accepted");
}

#[test]
fn examples_show_both_values() {
    assert_eq!(
        told(
            "expect: {reduction: 467 gCO2e, points: 46 pt}",
            "expect: {reduction: 467 gCO2e, points: 47 pt}"
        ),
        "town.yaml:72:103: error: examples.1: example `ordinary ride`: expected 467 gCO2e, 47 pt, got 467 \
        gCO2e, 46 pt\n  \
         help: check the action and what it uses, `metro_saving`; if they are right, mend the example"
    );
    assert_eq!(
        told("expect: {refused: eligible.1}", "expect: {refused: eligible.2}"),
        "town.yaml:74:100: error: examples.3: example `too short`: expected refused eligible.2, got \
         refused \
        eligible.1\n  \
         help: check the action and what it uses, `metro_saving`; if they are right, mend the example"
    );
    assert_eq!(
        told(
            "event: {action: metro_ride, distance: 10 km, at: 2026-07",
            "event: {action: metro_ride, distance: 10, at: 2026-07"
        ),
        "town.yaml:73:31: error: examples.2.event: `distance` has no unit; send \"distance_km\": 10 or \
        \"distance\": \
         \"10 km\""
    );
}

#[test]
fn several_mistakes_are_told_at_once_and_in_chinese() {
    let main = MAIN.replacen("catalogue", "catalog", 1).replacen("distance * metro", "distnace * metro", 1);
    let main = main.replacen("reduction: weight * factor", "reduction: weight + factor", 1);
    let told = told_in(Language::Zh, main, FACTORS.to_owned());
    assert_eq!(
        told,
        "town.yaml:33:16: 错误: actions.metro_ride.reduction: 没有名称 `distnace`\n  建议: 是否想写 `distance`?\n\
         town.yaml:46:25: 错误: actions.recycle.reduction: kg 与 kgCO2e/kg 不能相加\n  建议: 两边要用同类单位; 换算请乘以带单位的因子"
    );
}
