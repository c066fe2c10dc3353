//! The samples that come with the project import, with exactly the refusals that were meant.
#![expect(clippy::expect_used, clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::NaiveDate;
use tanhui_importers::{Item, Kind, Options, open};

type Counts = BTreeMap<String, u64>;

fn import(kind: Kind, file: &str) -> (Counts, Counts) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(file);
    let options = Options { replay_at: NaiveDate::from_ymd_opt(2026, 3, 2), ..Options::default() };
    let (mut events, mut refused) = (Counts::new(), Counts::new());
    for item in open(kind, &[path], &options).expect("the sample opens") {
        match item.expect("the sample can be read") {
            Item::Event(event) => {
                event.check().expect("a valid event");
                assert!(
                    event.time.starts_with("2026-03-0") || event.time.starts_with("2026-03-1"),
                    "{}",
                    event.time
                );
                *events.entry(event.action().expect("an action").to_owned()).or_default() += 1;
            }
            Item::Refused(row) => *refused.entry(row.code.to_owned()).or_default() += 1,
        }
    }
    (events, refused)
}

fn counts(pairs: &[(&str, u64)]) -> Counts {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn samples_import_with_the_refusals_meant() {
    let recycling = [
        ("recycle_glass", 2),
        ("recycle_metal", 3),
        ("recycle_paper", 6),
        ("recycle_plastic", 2),
        ("recycle_textile", 4),
    ];
    for (kind, file, events, refused) in [
        (
            Kind::Taps,
            "taps.csv",
            &[("bus_boarding", 9), ("metro_ride", 23)][..],
            &[
                ("bad_date", 1),
                ("column_count", 1),
                ("duplicate_row", 1),
                ("fare_unknown", 1),
                ("implausible_speed", 1),
                ("no_exit", 1),
                ("repeated_boarding", 1),
                ("same_station", 1),
                ("staff_like", 1),
            ][..],
        ),
        (
            Kind::Bikes,
            "bike_trips.csv",
            &[("shared_bike_ride", 7)],
            &[("overlapping", 1), ("too_fast", 1), ("too_long", 1), ("too_short", 1), ("too_slow", 1)],
        ),
        (
            Kind::Pv,
            "pv_counter.csv",
            &[("rooftop_pv_kwh", 11)],
            &[("counter_reset", 1), ("first_reading", 1), ("no_energy", 1)],
        ),
        (Kind::Ev, "ev_sessions.csv", &[("ev_charge_kwh", 8)], &[("no_energy", 1), ("too_long", 1)]),
        (Kind::Steps, "steps.csv", &[("walk_steps", 19)], &[("not_worn", 2)]),
        (
            Kind::Waste,
            "waste_week.csv",
            &recycling,
            &[("no_action", 10), ("not_sorted", 11), ("total_mismatch", 1)],
        ),
    ] {
        assert_eq!(import(kind, file), (counts(events), counts(refused)), "{file}");
    }
}
