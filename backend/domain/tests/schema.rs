//! The JSON Schema for editors: as committed, and fitting every file that stands. Must never be weaker than a
//! misspelt key.

use std::fs;
use std::path::{Path, PathBuf};

use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};
use tanhui_domain::rule::json_schema;

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| entry.path())
        .flat_map(|path| if path.is_dir() { yaml_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect()
}

/// A file as JSON in which every scalar is a text.
fn json(events: &mut impl Iterator<Item = Event<'static>>) -> Option<Value> {
    match events.next()? {
        Event::Scalar(text, ..) => Some(Value::String(text.into_owned())),
        Event::SequenceStart(..) => Some(Value::Array(std::iter::from_fn(|| json(events)).collect())),
        Event::MappingStart(..) => {
            let mut map = Map::new();
            while let Some(key) = json(events) {
                map.insert(key.as_str()?.to_owned(), json(events)?);
            }
            Some(Value::Object(map))
        }
        Event::SequenceEnd | Event::MappingEnd | Event::StreamEnd => None,
        _ => json(events),
    }
}

fn read(text: &str) -> Option<Value> {
    let events: Vec<Event<'static>> =
        Parser::new_from_str(text).filter_map(|step| step.ok().map(|(event, _)| own(event))).collect();
    json(&mut events.into_iter())
}

fn own(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Scalar(text, style, ..) => Event::Scalar(text.into_owned().into(), style, 0, None),
        Event::SequenceStart(..) => Event::SequenceStart(0, None),
        Event::MappingStart(..) => Event::MappingStart(0, None),
        Event::SequenceEnd => Event::SequenceEnd,
        Event::MappingEnd => Event::MappingEnd,
        Event::StreamEnd => Event::StreamEnd,
        _ => Event::Nothing,
    }
}

/// As much of JSON Schema as ours uses.
fn fits(value: &Value, schema: &Value, all: &Value) -> bool {
    if let Some(defined) = schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
        return all.pointer(defined).is_some_and(|schema| fits(value, schema, all));
    }
    let any = schema["anyOf"].as_array().is_none_or(|any| any.iter().any(|one| fits(value, one, all)));
    let listed = schema["enum"].as_array().is_none_or(|words| words.contains(value));
    let kind = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        _ => false,
    };
    let typed = match &schema["type"] {
        Value::String(name) => kind(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(kind),
        _ => true,
    };
    let items =
        value.as_array().is_none_or(|items| items.iter().all(|item| fits(item, &schema["items"], all)));
    any && listed && typed && items && value.as_object().is_none_or(|map| map_fits(map, schema, all))
}

fn map_fits(map: &Map<String, Value>, schema: &Value, all: &Value) -> bool {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let named = schema["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
    let is_name = |key: &str| key.starts_with(|letter: char| letter.is_ascii_lowercase());
    let entry = |(key, value): (&String, &Value)| match (&schema["properties"][key.as_str()], named) {
        (Value::Null, Some(entry)) if is_name(key) => fits(value, entry, all),
        (Value::Null, _) => schema["additionalProperties"] != Value::Bool(false),
        (property, _) => fits(value, property, all),
    };
    required.into_iter().all(|key| map.contains_key(key)) && map.iter().all(entry)
}

#[test]
fn the_committed_schema_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/schema.json");
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == json_schema(), "run `tanhui rules schema > rules/schema.json`");
}

#[test]
fn every_file_that_stands_fits() {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<PathBuf> =
        ["../../rules", "tests/rules"].iter().flat_map(|folder| yaml_files(&root.join(folder))).collect();
    assert!(files.len() > 10);
    for path in files {
        let file = read(&fs::read_to_string(&path).unwrap()).unwrap();
        assert!(fits(&file, &schema, &schema), "{}", path.display());
    }
}

#[test]
fn slips_do_not_fit() {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let town = include_str!("rules/town.yaml");
    for (right, wrong) in [
        ("category: transit", "catagory: transit"),
        ("{limit: 6 times, per: day}", "{limit: 6 times, per: dya}"),
        ("{zh: 分类回收, en: Recycling}", "{zh: 分类回收}"),
        ("confidence: proposed", "confidence: sure"),
        ("operator: 100%", "operater: 100%"),
        ("city: testtown\n", ""),
    ] {
        assert!(town.contains(right), "{right}");
        let file = read(&town.replacen(right, wrong, 1)).unwrap();
        assert!(!fits(&file, &schema, &schema), "{wrong}");
    }
}
