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
        let (subject, hour, km) = (event % 37, event % 24, event % 50);
        writeln!(
            text,
            r#"{{"specversion":"1.0","id":"{event}","source":"urn:s","subject":"card-{subject}","#
        )
        .unwrap();
        text.truncate(text.len() - 1);
        writeln!(
            text,
            r#""type":"activity.ride","time":"2026-03-02T{hour:02}:00:00Z","data":{{"distance_km":{km}.5}}}}"#
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
    let schema = Schema::of(&in_force, &draft).unwrap();
    let mut reading = Reading::new(&in_force, &draft, &schema, Evidence::Operator);
    let mut keeper = keep.map(|path| Keeper::create(path, &schema).unwrap());
    let mut spill = Spill::new(0).unwrap();
    read_ndjson(&mut reading, &path, &quiet, |row| {
        if let Some(keeper) = &mut keeper {
            keeper.add(row)?;
        }
        spill.add(row)
    })
    .unwrap();
    if let Some(keeper) = keeper {
        keeper.finish().unwrap();
    }
    let unreadable = reading.unreadable;
    (play(&in_force, &draft, &schema, spill, &quiet).unwrap(), unreadable)
}

#[test]
fn kept_events_give_what_their_json_gave() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("events.rows");
    let (report, unreadable) = from_ndjson(&lines(5_000), Some(&kept));
    assert_eq!(unreadable, 0);
    assert_eq!(report.totals.citizens, 37);
    let counts = report.totals.counts;
    assert_eq!(counts.in_force.credited, 5_000);
    assert!(counts.draft.points > counts.in_force.points && counts.draft.capped > 0);
    assert_eq!(report.differences.len(), 20);
    let (in_force, draft) = (rules("10"), rules("7"));
    let (schema, from) = kept_schema(&kept).unwrap();
    let spill = read_kept(&kept, from, &quiet).unwrap();
    assert_eq!(spill.events(), 5_000);
    assert_eq!(play(&in_force, &draft, &schema, spill, &quiet).unwrap(), report);
}

#[test]
fn what_cannot_be_read_is_counted_or_refused() {
    let mut text = lines(10);
    text.push_str("not json\n\n");
    let (report, unreadable) = from_ndjson(&text, None);
    assert_eq!((report.totals.counts.draft.credited, unreadable), (10, 1));

    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("events.rows");
    std::fs::write(&kept, "tanhui rows9 and something else").unwrap();
    assert!(matches!(kept_schema(&kept), Err(SimulationError::NotKept(_))));
    assert!(matches!(kept_schema(&folder.path().join("none")), Err(SimulationError::File { .. })));

    from_ndjson(&lines(3), Some(&kept));
    let whole = std::fs::read(&kept).unwrap();
    std::fs::write(&kept, &whole[..whole.len() - 1]).unwrap();
    let (_, from) = kept_schema(&kept).unwrap();
    assert!(matches!(read_kept(&kept, from, &quiet), Err(SimulationError::Row(RowError::CutShort))));
}
