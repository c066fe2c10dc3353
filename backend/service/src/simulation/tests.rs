use std::collections::HashMap;
use std::fmt::Write as _;

use tanhui_domain::rule::{Evidence, RuleSet, SourceFile};
use tanhui_domain::simulation::{Report, Schema};

use super::*;

fn quiet(_: Phase, _: u64, _: u64) {}

fn rules(price: &str) -> RuleSet {
    let text = format!(
        "format: 1
city: testtown
title: {{zh: 测试, en: Test}}
timezone: Asia/Shanghai
parameters:
  saving:
    label: {{zh: 一, en: s}}
    values: [{{from: 2024-01-01, value: 50 gCO2e/km, confidence: proposed}}]
actions:
  ride:
    name: {{zh: 出行, en: Ride}}
    category: travel
    inputs: {{distance: {{unit: km, decimals: 3, min: 0, max: 80}}}}
    evidence: {{operator: 100%}}
    reduction: distance * saving
    points: \"reduction / {price} gCO2e/pt, rounded down to 1 pt\"
    caps: [{{limit: 9000 pt, per: day}}]
"
    );
    RuleSet::compile(&SourceFile { name: "t.yaml".into(), text }, &[]).unwrap()
}

fn lines(events: u32) -> String {
    let mut text = String::new();
    for event in 0..events {
        let (subject, day, hour, km) = (event % 37, 2 + event / 5_000, event % 24, event % 50);
        writeln!(
            text,
            r#"{{"specversion":"1.0","id":"{event}","source":"urn:s","subject":"card-{subject}","#
        )
        .unwrap();
        text.truncate(text.len() - 1);
        writeln!(
            text,
            concat!(
                r#""type":"activity.ride","time":"2026-03-{:02}T{:02}:00:00Z","#,
                r#""data":{{"distance_km":{}.5}}}}"#
            ),
            day, hour, km
        )
        .unwrap();
    }
    text
}

fn from_ndjson(text: &str, keep: Option<&std::path::Path>) -> (Report, u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.ndjson");
    std::fs::write(&path, text).unwrap();
    let (in_force, draft) = (rules("10"), rules("7"));
    let schema = Schema::of(&[&in_force, &draft], Vec::new()).unwrap();
    let mut reading = Reading::new(&in_force, &draft, &schema, Evidence::Operator, &HashMap::new());
    let mut keeper = Keeper::create(keep, schema).unwrap();
    read_ndjson(&mut reading, &path, &mut keeper, &quiet).unwrap();
    let kept = keeper.finish().unwrap();
    (play(&in_force, &draft, &kept, &quiet).unwrap(), reading.unreadable)
}

#[test]
fn kept_events_give_what_their_json_gave() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.rows");
    let (report, unreadable) = from_ndjson(&lines(50_000), Some(&path));
    assert_eq!(unreadable, 0);
    assert_eq!(report.totals.citizens, 37);
    let counts = report.totals.counts;
    assert_eq!(counts.in_force.credited, 50_000);
    assert!(counts.draft.points > counts.in_force.points && counts.draft.capped > 0);
    assert_eq!(report.differences.len(), 20);
    let (in_force, draft) = (rules("10"), rules("7"));
    let kept = Kept::open(&path).unwrap();
    assert_eq!((kept.events(), kept.blocks()), (50_000, 4));
    assert_eq!(play(&in_force, &draft, &kept, &quiet).unwrap(), report);
}

#[test]
fn what_cannot_be_read_is_counted_or_refused() {
    let mut text = lines(10);
    text.push_str("not json\n\n");
    let (report, unreadable) = from_ndjson(&text, None);
    assert_eq!((report.totals.counts.draft.credited, unreadable), (10, 1));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.rows");
    std::fs::write(&path, "tanhui rows1 and something else").unwrap();
    assert!(matches!(Kept::open(&path), Err(SimulationError::NotKept(_))));
    assert!(matches!(Kept::open(&folder.path().join("none")), Err(SimulationError::File { .. })));

    from_ndjson(&lines(3), Some(&path));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(Kept::open(&path), Err(SimulationError::Row(RowError::CutShort))));
}

#[test]
fn nothing_at_all_can_be_played() {
    let (report, unreadable) = from_ndjson("", None);
    assert_eq!((report.totals.citizens, report.days.len(), unreadable), (0, 0, 0));
}

#[test]
fn districts_are_pairs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("districts.csv");
    std::fs::write(&path, "card-1, north\n\ncard-2,south\n").unwrap();
    let districts = read_districts(&path).unwrap();
    assert_eq!((districts.len(), districts["card-1"].as_str()), (2, "north"));
    std::fs::write(&path, "card-1,north\ncard-2\n").unwrap();
    assert!(matches!(read_districts(&path), Err(SimulationError::Districts { line: 2, .. })));
}
