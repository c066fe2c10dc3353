use proptest::prelude::*;

use super::*;
use crate::trial::{Trial, run, run_bytes};

const HEADER: &str = "card_no,deal_date,deal_type,deal_value,equ_no,station,car_no";
const EDGES: &str = "line,from_station,to_station,straight_m,track_m\n\
    1,甲,乙,900,1000\n1,乙,丙,5900,6000\n2,甲,丁,100,1200\n";
const TABLES: &[(&str, &str)] = &[
    ("edges.csv", EDGES),
    ("station_aliases.csv", "name_in_taps,station\n?乙,乙\n"),
    ("gate_prefixes.csv", "equ_no_first6,station\n100003,丙\n"),
];

fn taps(rows: &[&str], tables: &[(&str, &str)]) -> Trial {
    let text = format!("{HEADER}\n{}\n", rows.join("\n"));
    run(Kind::Taps, &[&text], tables, &Options::default())
}

fn one(rows: &[&str], tables: &[(&str, &str)]) -> String {
    let trial = taps(rows, tables);
    match (trial.events.as_slice(), trial.refused.as_slice()) {
        ([_], []) => trial.lines().remove(0),
        ([], [(_, code)]) => (*code).to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_ride_is_measured_along_the_track() {
    let ride = [
        "c,2018-09-01 07:00:00,地铁入站,0,100001101,甲,",
        "c,2018-09-01 07:12:00,地铁出站,300,100003201,丙,",
    ];
    let expected = "metro_ride c 2018-08-31T23:12:00Z distance_km=7.000 estimated=false";
    assert_eq!(one(&ride, TABLES), expected);
    let reversed = [ride[1], ride[0]];
    assert_eq!(one(&reversed, TABLES), expected, "an exit may stand before its entry");
    let quoted = [
        "c,\"2018-09-01 07:00:00\",地铁入站,0,100001101,甲站,",
        "c,2018-09-01 07:12:00,地铁出站,300,100003201,-,",
    ];
    assert_eq!(one(&quoted, TABLES), expected, "name with 站, blank named by its gate");
}

#[test]
fn columns_may_stand_in_any_order() {
    let text = "station,equ_no,deal_value,extra,deal_type,deal_date,card_no\n\
        甲,100001101,0,x,地铁入站,2018-09-01 07:00:00,c\n\
        ?乙,100002201,200,x,地铁出站,2018-09-01 07:05:00,c\n";
    let trial = run(Kind::Taps, &[text], TABLES, &Options::default());
    assert_eq!(trial.lines(), ["metro_ride c 2018-08-31T23:05:00Z distance_km=1.000 estimated=false"]);
    assert_eq!(trial.notes.iter().filter(|note| note.contains("used table")).count(), 3, "{:?}", trial.notes);
}

#[test]
fn gates_are_learned_from_the_taps_that_carry_a_name() {
    let rows = [
        "x,2018-09-01 06:30:00,地铁入站,0,100002109,乙,",
        "c,2018-09-01 07:00:00,地铁入站,0,100001101,甲,",
        "c,2018-09-01 07:05:00,地铁出站,200,100002201,,",
    ];
    let trial = taps(&rows, &[("edges.csv", EDGES)]);
    assert_eq!(trial.lines(), ["metro_ride c 2018-08-31T23:05:00Z distance_km=1.000 estimated=false"]);
    assert_eq!(trial.refused, [(2, "no_exit")]);
}

#[test]
fn without_an_entry_the_fare_tells_the_least_distance() {
    let exit = |fen: u32, at: &str| format!("c,2018-09-01 {at},地铁出站,{fen},100002201,乙,");
    assert_eq!(one(&[&exit(400, "09:00:00")], TABLES), "fare_unknown", "the network ends after 6 km");
    for (fen, tables, expected) in [
        (200, TABLES, "distance_km=1.000"),
        (200, &[][..], "distance_km=1.000"),
        (300, TABLES, "distance_km=4.000"),
        (700, &[][..], "distance_km=24.000"),
    ] {
        let line = one(&[&exit(fen, "09:00:00")], tables);
        assert!(line.ends_with(&format!("{expected} estimated=true")), "{fen}: {line}");
    }
    assert_eq!(one(&[&exit(0, "09:00:00")], TABLES), "fare_unknown");
    assert_eq!(one(&[&exit(250, "09:00:00")], TABLES), "fare_unknown");
    assert_eq!(one(&["c,2018-09-01 09:00:00,地铁入站,0,100002101,乙,"], TABLES), "no_exit");
}

#[test]
fn the_first_fare_step_goes_to_the_nearest_neighbour() {
    let exit = "c,2018-09-01 09:00:00,地铁出站,200,100004201,丁,";
    assert!(one(&[exit], TABLES).contains("distance_km=1.200"));
    let gate = "c,2018-09-01 09:00:00,地铁出站,200,100003201,,";
    assert!(one(&[gate], TABLES).contains("distance_km=6.000"));
}

#[test]
fn pairing_ends_after_three_hours() {
    let entry = "c,2018-09-01 07:00:00,地铁入站,0,100001101,甲,";
    let at = |time: &str| format!("c,2018-09-01 {time},地铁出站,300,100003201,丙,");
    assert!(one(&[entry, &at("09:59:59")], TABLES).contains("estimated=false"));
    assert!(one(&[entry, &at("10:00:00")], TABLES).contains("estimated=false"));
    let late = taps(&[entry, &at("10:00:01")], TABLES);
    assert_eq!(late.refused, [(2, "no_exit")]);
    assert!(late.lines()[0].contains("estimated=true"));
}

#[test]
fn each_exit_takes_the_latest_unused_entry() {
    let rows = [
        "c,2018-09-01 07:00:00,地铁入站,0,100001101,甲,",
        "c,2018-09-01 07:01:00,地铁入站,0,100002101,乙,",
        "c,2018-09-01 07:20:00,地铁出站,300,100003201,丙,",
        "d,2018-09-01 07:30:00,地铁出站,300,100003201,丙,",
    ];
    let trial = taps(&rows, TABLES);
    assert_eq!(trial.refused, [(2, "no_exit")]);
    assert!(trial.lines()[0].contains("distance_km=6.000 estimated=false"));
    assert!(trial.lines()[1].starts_with("metro_ride d"), "another card's entry is not taken");
}

#[test]
fn rides_that_cannot_be_are_refused() {
    let ride = |from: &str, to: &str, left: &str| {
        one(
            &[
                &format!("c,2018-09-01 07:00:00,地铁入站,0,1,{from},"),
                &format!("c,2018-09-01 {left},地铁出站,300,2,{to},"),
            ],
            TABLES,
        )
    };
    assert_eq!(ride("甲", "甲", "07:10:00"), "same_station");
    assert_eq!(ride("乙", "?乙", "07:10:00"), "same_station");
    assert_eq!(ride("甲", "乙", "07:01:59"), "implausible_speed");
    assert!(ride("甲", "乙", "07:02:00").contains("distance_km=1.000"));
    assert_eq!(ride("乙", "丙", "07:03:35"), "implausible_speed");
    assert!(ride("乙", "丙", "07:03:36").contains("distance_km=6.000"), "100 km/h are still allowed");
}

#[test]
fn cards_that_ride_while_no_train_runs_are_staff() {
    let ride = |from: &str, to: &str| {
        one(
            &[
                &format!("c,2018-09-01 {from},地铁入站,0,1,甲,"),
                &format!("c,2018-09-01 {to},地铁出站,300,3,丙,"),
            ],
            TABLES,
        )
    };
    assert!(ride("00:05:00", "00:29:59").starts_with("metro_ride"), "the last train home");
    assert_eq!(ride("00:05:00", "00:30:00"), "staff_like");
    assert_eq!(ride("05:29:59", "05:50:00"), "staff_like");
    assert!(ride("05:30:00", "05:50:00").starts_with("metro_ride"));
    assert_eq!(one(&["c,2018-09-01 05:00:00,地铁入站,0,1,甲,"], TABLES), "staff_like");
    let exit = |at: &str| format!("c,2018-09-01 {at},地铁出站,300,3,丙,");
    let (first, second, third) = (exit("05:31:00"), exit("05:40:00"), exit("05:50:00"));
    let day = exit("08:00:00");
    assert!(taps(&[&first, &second, &day], TABLES).refused.is_empty());
    let night = taps(&[&first, &second, &third, &day], TABLES);
    assert_eq!(night.codes()["staff_like"], 3);
    assert_eq!(night.events.len(), 1, "the same card's ride by day counts");
}

#[test]
fn boardings_count_once_a_bus_and_three_minutes() {
    let board = |at: &str, bus: &str| format!("c,2018-09-01 {at},巴士,200,231,9路,{bus}");
    let trial = taps(
        &[
            &board("07:00:00", "B1"),
            &board("07:02:59", "B1"),
            &board("07:03:00", "B1"),
            &board("07:03:10", "B2"),
            &board("07:00:00", "B1"),
        ],
        TABLES,
    );
    assert_eq!(trial.refused, [(3, "repeated_boarding"), (6, "duplicate_row")]);
    assert_eq!(trial.lines()[0], "bus_boarding c 2018-08-31T23:00:00Z");
    assert_eq!(trial.events.len(), 3);
}

#[test]
fn bad_rows_are_told_and_spoil_nothing() {
    let rows = [
        "c,2018-02-30 07:00:00,巴士,200,231,9路,B1",
        "c,2018-09-01 07:00:00,索道,200,231,9路,B1",
        "c,2018-09-01 07:00:00,巴士,two,231,9路,B1",
        "c,2018-09-01 07:00:00,巴士,-1,231,9路,B1",
        ",2018-09-01 07:00:00,巴士,200,231,9路,B1",
        "c,2018-09-01 07:00:00,巴士,200,231",
        "c,2018-09-01 07:00:00,巴士,200,231,9路,B1",
    ];
    let trial = taps(&rows, TABLES);
    let codes: Vec<&str> = trial.refused.iter().map(|(_, code)| *code).collect();
    assert_eq!(
        codes,
        ["bad_date", "unknown_type", "bad_number", "bad_number", "missing_field", "column_count"]
    );
    assert_eq!(trial.events.len(), 1);
    let long = format!("{},2018-09-01 07:00:00,巴士,200,231,9路,B1", "c".repeat(201));
    assert_eq!(one(&[&long], TABLES), "invalid_event", "a subject too long for the server");
}

#[test]
fn replay_moves_by_whole_weeks_and_keeps_the_ids() {
    let text = format!(
        "{HEADER}\nc,2018-09-01 07:00:00,巴士,200,231,9路,B1\nc,2018-08-31 23:59:00,巴士,200,231,9路,B1\n"
    );
    let at = |day: &str| {
        let options = Options { replay_at: Some(day.parse().unwrap()), ..Options::default() };
        run(Kind::Taps, &[&text], &[], &options)
    };
    let plain = run(Kind::Taps, &[&text], &[], &Options::default());
    for day in ["2026-03-02", "2026-03-08"] {
        let moved = at(day);
        assert_eq!(moved.events[0].time, "2026-03-06T23:00:00Z", "a Saturday stays one, local time too");
        assert_eq!(moved.events[1].time, "2026-03-06T15:59:00Z");
        assert_eq!(moved.events[0].id, plain.events[0].id);
    }
    assert_eq!(at("2026-03-09").events[0].time, "2026-03-13T23:00:00Z");
    assert_eq!(plain.events[0].id.len(), 32);
    assert!(plain.events[0].id.chars().all(|letter| letter.is_ascii_hexdigit()));
}

/// A few cards, gates and minutes, so that pairs, repeats and equal taps are frequent.
fn rows() -> impl Strategy<Value = Vec<String>> {
    let row = (0..3_u8, 0..200_u32, 0..3_u8, 0..4_u8, prop::sample::select(vec![0_u32, 200, 300, 500]))
        .prop_map(|(card, minute, act, place, fen)| {
            let (hour, minute) = (minute.div_euclid(60).saturating_add(5), minute.rem_euclid(60));
            let act = ["地铁入站", "地铁出站", "巴士"][usize::from(act)];
            let station = ["甲", "乙", "丙", "-"][usize::from(place)];
            format!("c{card},2018-09-01 {hour:02}:{minute:02}:00,{act},{fen},10000{place}201,{station},")
        });
    prop::collection::vec(row, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_rows_and_their_files_do_not_matter(
        rows in rows(),
        seed in any::<u64>(),
        cut in 0..40_usize,
    ) {
        let whole = taps(&rows.iter().map(String::as_str).collect::<Vec<_>>(), TABLES);
        let mut shuffled = rows.clone();
        shuffled.sort_by_key(|row| key(&[row, &seed.to_string()]));
        let cut = cut.min(shuffled.len());
        let part = |rows: &[String]| format!("{HEADER}\n{}\n", rows.join("\n"));
        let (first, second) = (part(&shuffled[..cut]), part(&shuffled[cut..]));
        let split = run(Kind::Taps, &[&first, &second], TABLES, &Options::default());
        prop_assert_eq!(whole.by_id(), split.by_id());
        prop_assert_eq!(whole.codes(), split.codes());
        prop_assert_eq!(whole.by_id().len(), whole.events.len(), "no two acts share an id");
    }

    #[test]
    fn any_bytes_are_told_and_not_feared(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = [HEADER.as_bytes(), b"\n", &bytes].concat();
        run_bytes(Kind::Taps, &[&text], TABLES, &Options::default());
    }
}
