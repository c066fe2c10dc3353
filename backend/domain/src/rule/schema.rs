//! The JSON Schema of rule files, catalogues and cases, for editors. Must never be stricter than the checker:
//! every file that stands fits it.

use serde_json::{Value, json};

use super::evidence::Evidence;
use super::unit::unit_names;

const YEARS: [&str; 4] = ["day", "week", "month", "year"];

/// The schema as a JSON document.
#[must_use]
pub fn json_schema() -> String {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "碳惠规则文件 / tanhui rule file, format 1",
        "anyOf": [rule_file(), catalogue(), cases()],
        "definitions": {
            "scalar": kinds(),
            "text": about("中英两种文字 / in both languages", map([("zh!", scalar()), ("en!", scalar())])),
            "parameter": parameter(),
            "action": action(),
            "case": case(),
        },
    });
    format!("{schema:#}\n")
}

fn defined(name: &str) -> Value {
    json!({"$ref": format!("#/definitions/{name}")})
}

/// Texts, numbers and yes or no are all read as text.
fn kinds() -> Value {
    json!({"type": ["string", "number", "boolean"]})
}

fn scalar() -> Value {
    defined("scalar")
}

fn about(zh_en: &str, mut schema: Value) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), json!(zh_en));
    }
    schema
}

fn words(all: &[&str]) -> Value {
    json!({"enum": all})
}

fn list(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

/// A map with these keys; those that end in `!` must be there.
fn map<const N: usize>(keys: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = keys.iter().filter_map(|(key, _)| key.strip_suffix('!')).collect();
    let keys = keys.into_iter().map(|(key, schema)| (key.trim_end_matches('!').to_owned(), schema));
    let keys: serde_json::Map<String, Value> = keys.collect();
    json!({"type": "object", "properties": keys, "required": required, "additionalProperties": false})
}

/// A map from names of the officers' own.
fn named(entry: &Value) -> Value {
    json!({
        "type": "object",
        "patternProperties": {"^[a-z][a-z0-9_]*$": entry},
        "additionalProperties": false,
    })
}

fn text() -> Value {
    defined("text")
}

fn rule_file() -> Value {
    map([
        ("format!", scalar()),
        ("city!", scalar()),
        ("title!", text()),
        ("timezone!", about("如 / as in Asia/Shanghai", kinds())),
        ("uses", about("所用目录 / catalogues in use", list(&scalar()))),
        ("points_expire", map([("after!", scalar()), ("at", scalar())])),
        ("accept", map([("late", scalar()), ("early", scalar())])),
        ("reversal", map([("spent_points!", words(&["claw_back", "allow_negative"]))])),
        ("lists", named(&list(&scalar()))),
        ("parameters", named(&defined("parameter"))),
        ("actions!", named(&defined("action"))),
        ("campaigns", campaigns()),
        ("budgets", list(&budget())),
        ("levels", named(&map([("name!", text()), ("from!", scalar())]))),
        ("badges", named(&badge())),
        ("prizes", named(&prize())),
        ("examples", list(&defined("case"))),
    ])
}

fn catalogue() -> Value {
    map([
        ("format!", scalar()),
        ("catalogue!", scalar()),
        ("title", text()),
        ("parameters", named(&defined("parameter"))),
        ("actions", named(&defined("action"))),
    ])
}

fn cases() -> Value {
    map([("format", scalar()), ("rules", scalar()), ("cases!", list(&defined("case")))])
}

fn parameter() -> Value {
    let note = || json!({"anyOf": [scalar(), text()]});
    let source = map([
        ("title!", scalar()),
        ("publisher!", scalar()),
        ("year", scalar()),
        ("url!", scalar()),
        ("note", note()),
    ]);
    let value = map([
        ("from!", about("起始日 / first day, 2026-01-31", kinds())),
        ("until", about("此日起失效 / first day after", kinds())),
        ("value!", about("数值和单位 / number and unit, 46.7 gCO2e/km", kinds())),
        ("confidence!", words(&["high", "medium", "low", "proposed"])),
        ("source", source),
        ("note", note()),
    ]);
    json!({"anyOf": [
        map([("label!", text()), ("values!", list(&value))]),
        map([("same_as!", scalar())]),
    ]})
}

fn input() -> Value {
    let units: Vec<&str> = unit_names().collect();
    let all = format!("单位 / unit: {}", units.join(" "));
    map([
        ("label", text()),
        ("type", words(&["yes_no", "choice", "id"])),
        ("of", json!({"anyOf": [scalar(), list(&scalar())]})),
        ("unit", about(&all, kinds())),
        ("decimals", scalar()),
        ("min", scalar()),
        ("max", scalar()),
        ("more_pays", about("越大得分 / what more of it pays", words(&["more", "less", "either"]))),
        ("default", scalar()),
    ])
}

fn action() -> Value {
    let grades =
        Evidence::ALL.map(|grade| (grade.name(), about("占积分的百分比 / share of the points", kinds())));
    let look = map([
        ("average", scalar()),
        ("sum", scalar()),
        ("count", scalar()),
        ("over!", scalar()),
        ("before", words(&["this event"])),
        ("at_least", scalar()),
        ("otherwise", scalar()),
    ]);
    let condition =
        |reason: &str| list(&map([("when!", scalar()), (&format!("{reason}!"), text()), ("code", scalar())]));
    let periods = [&["event"], &YEARS[..], &["ever"]].concat();
    let cap = map([("limit!", scalar()), ("per!", words(&periods)), ("of", scalar())]);
    let same_act =
        map([("group!", scalar()), ("lasts", scalar()), ("overlap", scalar()), ("trip", scalar())]);
    map([
        ("from", about("取自目录 / taken from a catalogue", kinds())),
        ("name", text()),
        ("category", scalar()),
        ("description", text()),
        ("note", text()),
        ("inputs", named(&input())),
        ("evidence", map(grades)),
        ("history", named(&look)),
        ("eligible", condition("else")),
        ("hold", condition("reason")),
        ("steps", named(&scalar())),
        ("points_only", scalar()),
        ("reduction", about("公式, 得 gCO2e / a formula in gCO2e", kinds())),
        ("points", about("公式, 得 pt / a formula in pt", kinds())),
        ("multipliers", factors(&map([("name", text()), ("when!", scalar()), ("times!", scalar())]))),
        ("caps", list(&cap)),
        ("same_act", same_act),
        ("accept", map([("late", scalar()), ("early", scalar())])),
        ("settle", map([("after!", scalar())])),
    ])
}

/// Named entries beside the word that says how they stack.
fn factors(entry: &Value) -> Value {
    json!({
        "type": "object",
        "properties": {"stacking": words(&["highest", "multiply", "first"])},
        "patternProperties": {"^(?!stacking$)[a-z][a-z0-9_]*$": entry},
        "additionalProperties": false,
    })
}

fn campaigns() -> Value {
    factors(&map([
        ("name", text()),
        ("from!", scalar()),
        ("until!", scalar()),
        ("actions!", json!({"anyOf": [scalar(), list(&scalar())]})),
        ("districts!", json!({"anyOf": [scalar(), list(&scalar())]})),
        ("times!", scalar()),
        ("budget!", scalar()),
    ]))
}

fn budget() -> Value {
    map([
        ("id", scalar()),
        ("limit!", scalar()),
        ("per!", words(&YEARS)),
        ("when_exhausted!", words(&["stop", "queue", "prorate"])),
        ("actions", json!({"anyOf": [scalar(), list(&scalar())]})),
    ])
}

fn badge() -> Value {
    map([
        ("name!", text()),
        ("description", text()),
        ("reach!", scalar()),
        ("per", words(&[&YEARS[..], &["ever"]].concat())),
        ("actions", json!({"anyOf": [scalar(), list(&scalar())]})),
    ])
}

fn prize() -> Value {
    map([
        ("name!", text()),
        ("board!", words(&["city", "district", "team"])),
        ("by!", words(&["reduction", "points"])),
        ("per!", words(&YEARS)),
        ("ranks!", scalar()),
        ("points", scalar()),
    ])
}

/// One example or case; what an event holds and what came before depend on the action.
fn case() -> Value {
    let expect = map([
        ("reduction", scalar()),
        ("points", scalar()),
        ("queued", scalar()),
        ("capped", scalar()),
        ("budget_exhausted", scalar()),
        ("refused", scalar()),
        ("held", scalar()),
    ]);
    map([
        ("name!", scalar()),
        ("event!", json!({"type": "object", "required": ["action", "at"]})),
        ("used", json!({"type": "array"})),
        ("history", json!({})),
        ("issued", json!({})),
        ("citizen", json!({})),
        ("reviewed", scalar()),
        ("expect!", expect),
    ])
}
