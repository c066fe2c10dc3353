//! Imports real records where the folder with them exists (`TANHUI_SHARED`, else `../shared/data` beside the
//! workspace), and holds relations that do not depend on which slice of the records it is.

#![expect(
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking; its small counts cannot overflow"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::NaiveDate;
use tanhui_importers::{Import, Item, Kind, Options, open};

fn shared(files: &[&str]) -> Option<Vec<PathBuf>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("TANHUI_SHARED").map_or(beside, PathBuf::from);
    let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
    if paths.iter().all(|path| path.is_file()) {
        return Some(paths);
    }
    println!("skipped: no {files:?} in {}", folder.display());
    None
}

#[derive(Debug, Default)]
struct Tally {
    rows: u64,
    events: BTreeMap<String, u64>,
    refused: BTreeMap<&'static str, u64>,
    ids: BTreeSet<String>,
    estimated: u64,
    distinct: bool,
}

fn tally(name: &str, import: Result<Import, tanhui_importers::ImportError>) -> Tally {
    let mut tally = Tally { distinct: true, ..Tally::default() };
    let mut import = import.expect("the import opens");
    for item in import.by_ref() {
        match item.expect("the files can be read") {
            Item::Event(event) => {
                event.check().expect("every event is valid");
                *tally.events.entry(event.action().expect("an action").to_owned()).or_default() += 1;
                tally.estimated +=
                    u64::from(event.data.get("estimated").is_some_and(|json| json.get() == "true"));
                tally.distinct &= tally.ids.insert(event.id);
            }
            Item::Refused(refused) => *tally.refused.entry(refused.code).or_default() += 1,
        }
    }
    tally.rows = import.rows_read();
    assert_eq!(tally.rows, import.rows_total());
    assert!(import.bytes_read() > 0 && import.bytes_read() <= import.bytes_total());
    println!(
        "{name}: {} rows, events {:?} ({} estimated), refused {:?}",
        tally.rows, tally.events, tally.estimated, tally.refused
    );
    for note in import.notes() {
        println!("  {}", note.en);
    }
    tally
}

fn monday() -> Options {
    Options { date: NaiveDate::from_ymd_opt(2026, 3, 2), ..Options::default() }
}

fn count(tally: &BTreeMap<&'static str, u64>, code: &str) -> u64 {
    tally.get(code).copied().unwrap_or(0)
}

#[test]
fn taps() {
    let Some(files) = shared(&["transit/taps_slice14.csv.gz", "transit/taps_first10000.csv.gz"]) else {
        return;
    };
    let tally = tally("taps", open(Kind::Taps, &files, &Options::default()));
    assert!(tally.distinct, "no two acts share an id");
    let results = tally.events.values().sum::<u64>() + tally.refused.values().sum::<u64>();
    assert_eq!(tally.rows - results, 413, "each complete ride takes its entry's row");
    assert!(tally.events["bus_boarding"] > 0 && tally.events["metro_ride"] > 0);
    assert!(tally.estimated > 0 && tally.estimated < tally.events["metro_ride"]);
    assert!(count(&tally.refused, "duplicate_row") > 0);
}

#[test]
fn taps_come_to_the_same_in_any_order_of_files_and_at_any_date() {
    let Some(mut files) = shared(&["transit/taps_slice14.csv.gz", "transit/taps_first10000.csv.gz"]) else {
        return;
    };
    let whole = tally("as published", open(Kind::Taps, &files, &Options::default()));
    files.reverse();
    let options = Options { replay_at: NaiveDate::from_ymd_opt(2026, 3, 2), ..Options::default() };
    let replayed = tally("replayed", open(Kind::Taps, &files, &options));
    assert_eq!((whole.ids, whole.refused), (replayed.ids, replayed.refused));
}

#[test]
fn bikes() {
    for file in [
        "shanghai_2016_08_trips",
        "valleybike_trips",
        "valleybike_points_june2018",
        "valleybike_points_june2020",
    ] {
        let Some(files) = shared(&[&format!("bikes/{file}.csv.gz")]) else { return };
        let tally = tally(file, open(Kind::Bikes, &files, &Options::default()));
        assert!(tally.distinct && tally.events["shared_bike_ride"] > 0);
    }
}

#[test]
fn meters() {
    for file in ["antwerp_home_daily", "ausgrid_customer12_halfhour", "pvdaq_15min"] {
        let Some(files) = shared(&[&format!("pv/{file}.csv.gz")]) else { return };
        let tally = tally(file, open(Kind::Pv, &files, &Options::default()));
        assert!(tally.distinct && tally.events["rooftop_pv_kwh"] > 100);
    }
}

#[test]
fn weighings_sessions_and_steps() {
    for (kind, file) in [
        (Kind::Waste, "waste/kampala_household_week.csv.gz"),
        (Kind::Ev, "ev/workplace_sessions.csv.gz"),
        (Kind::Steps, "steps/daily_activity.csv.gz"),
        (Kind::Oyster, "transit/oyster_journeys.csv.gz"),
    ] {
        let Some(files) = shared(&[file]) else { return };
        let tally = tally(file, open(kind, &files, &monday()));
        assert!(tally.distinct && !tally.events.is_empty());
    }
}

#[test]
fn district_totals_are_refused_as_such() {
    for file in ["waste/nyc_district_month.csv.gz", "waste/stirling_route_day.csv.gz"] {
        let Some(files) = shared(&[file]) else { return };
        let problem = open(Kind::Waste, &files, &monday()).expect_err("refused").to_string();
        assert!(problem.contains("no row is a citizen's act"), "{problem}");
        println!("{problem}");
    }
}
