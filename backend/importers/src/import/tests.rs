use proptest::prelude::*;

use super::*;
use crate::trial::{collect, run, run_bytes};

const SESSIONS: &str = "sessionId,kwhTotal,created,ended,userId\n";

fn session(number: usize, kwh: &str, created: &str, ended: &str) -> String {
    format!("{number},{kwh},{created},{ended},u{number}\n")
}

fn folder(texts: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> =
        (0..texts.len()).map(|at| folder.path().join(format!("part{at}.csv"))).collect();
    for (file, text) in files.iter().zip(texts) {
        std::fs::write(file, text).unwrap();
    }
    (folder, files)
}

fn problem(kind: Kind, text: &str) -> String {
    let (_folder, files) = folder(&[text]);
    open(kind, &files, &Options::default()).err().map_or_else(String::new, |problem| problem.to_string())
}

#[test]
fn an_unknown_header_tells_what_was_found_and_what_is_known() {
    let told = problem(Kind::Taps, "a,,b\n1,2,3\n");
    assert!(told.contains("a, (no name), b") && told.contains("card_no, deal_date"), "{told}");
    let elsewhere = problem(Kind::Taps, "Id,ActivityDate,TotalSteps\n");
    assert!(elsewhere.contains("kind steps: daily step totals"), "{elsewhere}");
    assert!(problem(Kind::Waste, "MONTH,BOROUGH,COMMUNITYDISTRICT\n").contains("adds up whole districts"));
    assert!(problem(Kind::Waste, "\"route\",\"day\",\"tonnes\"\n").contains("adds up whole districts"));
    assert!(problem(Kind::Pv, "").contains("is empty"));
    assert!(problem(Kind::Waste, "id,waste_total_kg\n").contains("--date"));
    assert!(matches!(open(Kind::Ev, &[], &Options::default()), Err(ImportError::NoFiles)));
    let missing = open(Kind::Ev, &[PathBuf::from("/no/such/file.csv")], &Options::default());
    assert!(matches!(missing, Err(ImportError::Io { line: 0, .. })));
}

#[test]
fn the_bound_on_rows_holds_over_all_files() {
    let rows = |numbers: std::ops::Range<usize>| {
        let rows: String = numbers
            .map(|number| session(number, "5", "2015-01-01 10:00:00", "2015-01-01 11:00:00"))
            .collect();
        format!("{SESSIONS}{rows}")
    };
    let (_folder, files) = folder(&[&rows(0..3), &rows(3..5)]);
    for (bound, fits) in [(4, false), (5, true), (6, true)] {
        match open_bounded(Kind::Ev, &files, &Options::default(), bound) {
            Ok(import) => assert!(fits && collect(import).events.len() == 5),
            Err(problem) => assert!(!fits && matches!(problem, ImportError::TooManyRows { max: 4 })),
        }
    }
}

#[test]
fn a_file_that_changes_in_between_stops_the_import() {
    let row = session(1, "5", "2015-01-01 10:00:00", "2015-01-01 11:00:00");
    for text in [format!("{SESSIONS}{row}{row}"), SESSIONS.to_owned()] {
        let (_folder, files) = folder(&[&format!("{SESSIONS}{row}")]);
        let mut import = open(Kind::Ev, &files, &Options::default()).unwrap();
        std::fs::write(&files[0], text).unwrap();
        assert!(import.by_ref().any(|item| matches!(item, Err(ImportError::Changed(_)))));
        assert!(import.next().is_none());
    }
}

#[test]
fn an_import_may_move_to_another_thread() {
    let row = session(1, "5", "2015-01-01 10:00:00", "2015-01-01 11:00:00");
    let (_folder, files) = folder(&[&format!("{SESSIONS}{row}")]);
    let import = open(Kind::Ev, &files, &Options::default()).unwrap();
    assert_eq!(std::thread::spawn(move || collect(import).events.len()).join().unwrap(), 1);
}

#[test]
fn refused_rows_come_with_line_file_and_text() {
    let (_folder, files) = folder(&[&format!("{SESSIONS}\n1,x,2015-01-01 10:00:00,2015-01-01 11:00:00,u\n")]);
    let mut import = open(Kind::Ev, &files, &Options::default()).unwrap();
    let Some(Ok(crate::Item::Refused(refused))) = import.next() else { panic!("not refused") };
    assert_eq!((refused.row, refused.code), (3, "bad_number"), "a blank line is no row but a line");
    assert!(refused.raw.starts_with("1,x,2015") && refused.file.ends_with("part0.csv"));
    assert!(refused.detail.zh.contains("kwhTotal") && refused.detail.en.contains("kwhTotal"));
    assert!(import.next().is_none());
    assert_eq!(import.bytes_read(), import.bytes_total());
}

#[test]
fn charging_sessions() {
    let rows: String = [
        session(1, "7.78", "0014-11-18 15:40:26", "0014-11-18 17:11:04"),
        session(2, "0", "0015-01-05 15:40:26", "0015-01-05 17:11:04"),
        session(3, "9.1", "0015-01-05 10:00:00", "0015-01-06 10:00:00"),
        session(4, "9.1", "0015-01-05 10:00:00", "0015-01-06 10:00:01"),
        session(5, "9.1", "2015-01-05 10:00:00", "2015-01-05 09:59:59"),
        session(1, "7.78", "0014-11-18 15:40:26", "0014-11-18 17:11:04"),
        session(6, "-1", "2015-01-05 10:00:00", "2015-01-05 10:59:59"),
    ]
    .concat();
    let trial = run(Kind::Ev, &[&format!("{SESSIONS}{rows}")], &[], &Options::default());
    assert_eq!(
        trial.lines(),
        [
            "ev_charge_kwh u1 2014-11-18T22:11:04Z energy_kwh=7.780",
            "ev_charge_kwh u3 2015-01-06T15:00:00Z energy_kwh=9.100"
        ]
    );
    assert_eq!(
        trial.refused,
        [
            (3, "no_energy"),
            (5, "too_long"),
            (6, "ends_before_start"),
            (7, "duplicate_row"),
            (8, "bad_number")
        ]
    );
    assert!(trial.notes.iter().any(|note| note.starts_with("2 rows have a year below 100")));
}

#[test]
fn step_totals() {
    let text = "Id,ActivityDate,TotalSteps,SedentaryMinutes\n\
        1,04/12/2016,13162.00,728.00\n1,4/13/2016,1,1439\n1,4/14/2016,0.00,700\n1,4/15/2016,500,1440.00\n\
        1,4/12/2016,13162.00,728.00\n1,13/4/2016,5,5\n1,4/16/2016,-5,5\n1,4/17/2016,70,\n";
    let trial = run(Kind::Steps, &[text], &[], &Options::default());
    assert_eq!(
        trial.lines(),
        [
            "walk_steps 1 2016-04-12T15:59:00Z steps_step=13162",
            "walk_steps 1 2016-04-13T15:59:00Z steps_step=1",
            "walk_steps 1 2016-04-17T15:59:00Z steps_step=70"
        ]
    );
    assert_eq!(
        trial.refused,
        [(4, "not_worn"), (5, "not_worn"), (6, "duplicate_row"), (7, "bad_date"), (8, "bad_number")]
    );
}

#[test]
fn weighings() {
    let text = "waste_paper_kg,id,waste_foam_kg,waste_metals_kg,waste_food_kg,\
        waste_total_kg,waste_per_day_kg\n\
        1.5,1,0,0.2505,3,4.7505,0.7\n1,2,0,0,0,1.01,9\n1,3,0,0,0,1.0102,9\n99,4,0,0,0,100,9\n\
        ,5,0.1,,,0.1,9\n-1,6,0,2,0,1,9\n1,1,0,0,0,1,9\n0.0004,7,0,0,0,0.0004,9\n";
    let day = |day: &str| Options { date: Some(day.parse().unwrap()), ..Options::default() };
    let trial = run(Kind::Waste, &[text], &[], &day("2026-03-08"));
    assert_eq!(
        trial.lines(),
        [
            "recycle_paper 1 2026-03-08T15:59:00Z mass_kg=1.500 material=\"mixed\"",
            "recycle_metal 1 2026-03-08T15:59:00Z mass_kg=0.250 material=\"steel\"",
            "recycle_paper 2 2026-03-08T15:59:00Z mass_kg=1.000 material=\"mixed\"",
            "recycle_paper 4 2026-03-08T15:59:00Z mass_kg=99.000 material=\"mixed\""
        ]
    );
    assert_eq!(
        trial.refused,
        [(2, "not_sorted"), (4, "total_mismatch"), (6, "no_action"), (7, "bad_number"), (8, "duplicate_row")]
    );
    let later = run(Kind::Waste, &[text], &[], &day("2026-03-15"));
    assert_eq!(
        trial.by_id().into_keys().collect::<Vec<_>>(),
        later.by_id().into_keys().collect::<Vec<_>>(),
        "the same weighing under another day is the same act"
    );
}

#[test]
fn oyster_journeys() {
    let header = "downo,daytype,SubSystem,StartStn,EndStation,EntTime,EntTimeHHMM,ExTime,RouteID,FFare\n";
    let stations = "Station,OS X,OS Y,Latitude,Longitude\nAlder,1,1,51.5,0.0\nBrook Road,1,1,51.5,0.1\n";
    let row = |day: u32, system: &str, start: &str, end: &str, entered: u32, left: u32| {
        format!(
            "{day},\"x\",\"{system}\",\"{start}\",\"{end}\",\"{entered}\",\"00:00\",\"{left}\",\"205\",0\n"
        )
    };
    let rows = [
        row(2, "LUL", "Alder", "Brook Rd", 600, 630),
        row(2, "LUL", "Alder", "Brook Rd", 600, 630),
        row(1, "LUL/NR", "Alder", "Brook Road", 1430, 1450),
        row(2, "LTB", "Bus", "Bus", 600, 0),
        row(2, "LUL", "Alder", "Unfinished", 600, 630),
        row(2, "NR", "Alder", "Brook Road", 600, 630),
        row(2, "LUL", "Alder", "Alder", 600, 630),
        row(2, "DLR", "Alder", "Elsewhere", 600, 630),
        row(2, "LUL", "Alder", "Brook Road", 600, 599),
        row(2, "LUL", "Alder", "Brook Road", 600, 604),
        row(8, "LUL", "Alder", "Brook Road", 600, 630),
        row(2, "LUL", "Alder", "Brook Road", 600, 2880),
    ];
    let options = Options { replay_at: Some("2026-03-04".parse().unwrap()), ..Options::default() };
    let tables = [("london_stations.csv", stations)];
    let trial = run(Kind::Oyster, &[&format!("{header}{}", rows.concat())], &tables, &options);
    let lines: Vec<String> =
        trial.lines().iter().map(|line| line.split_once(" oyster-").unwrap().1.to_owned()).collect();
    assert!(lines[0].ends_with("2026-03-02T10:30:00Z distance_km=6.922 estimated=true"), "{}", lines[0]);
    assert_eq!(lines[1].replace("-2 2026", " 2026"), lines[0], "an equal row is another traveller");
    assert!(lines[2].contains(" 2026-03-09T00:10:00Z "), "Sunday after midnight: {}", lines[2]);
    assert!(lines[3].ends_with(" 2026-03-02T10:00:00Z"));
    assert_eq!(
        trial.refused,
        [
            (6, "no_exit"),
            (7, "no_action"),
            (8, "same_station"),
            (9, "station_unknown"),
            (10, "implausible_speed"),
            (11, "implausible_speed"),
            (12, "bad_number"),
            (13, "bad_number")
        ]
    );
    let halves = [format!("{header}{}", rows[..1].concat()), format!("{header}{}", rows[1..].concat())];
    let split = run(Kind::Oyster, &[&halves[0], &halves[1]], &tables, &options);
    assert_eq!(split.by_id(), trial.by_id());
}

#[test]
fn docked_trips_and_their_points_are_the_same_act() {
    let trips = "route_id,user_id,bike,start_time,end_time,gps_points,gps_path_m\n\
        r1,u1,5,2020-06-21 10:00:00,2020-06-21 10:10:00,120,2000.4\n\
        r2,u1,5,2020-06-21 11:00:00,2020-06-21 11:00:00,1,0.0\n";
    let points = "user_id,route_id,bike,time,latitude,longitude\n\
        u1,r1,5,2020-06-21 10:00:00,0,0\n\
        u1,r1,5,2020-06-21 10:02:00,0,0.008\n\
        u1,r1,5,2020-06-21 10:04:00,0,0.016\n\
        u1,r1,5,2020-06-21 10:04:05,95,0.016\n";
    let trial = run(Kind::Bikes, &[trips, points], &[], &Options::default());
    assert_eq!(
        trial.lines(),
        [
            "shared_bike_ride u1 2020-06-21T10:10:00Z distance_km=2.000 duration_min=10",
            "shared_bike_ride u1 2020-06-21T10:04:00Z distance_km=1.779 duration_min=4"
        ]
    );
    assert_eq!(trial.by_id().len(), 1);
    assert_eq!(trial.refused, [(3, "single_point"), (5, "bad_number")]);
}

#[test]
fn dockless_trips() {
    let text = "trip_id,bike_id,user_id,start_time,duration_min,distance_m\n\
        2,33,14,2016/8/1 0:25,15,2967.41\n3,33,14,2016/8/1 0:39,15,2967.41\n4,33,14,2016/8/1 0:40,NA,100\n";
    let trial = run(Kind::Bikes, &[text], &[], &Options::default());
    assert_eq!(trial.lines(), ["shared_bike_ride 14 2016-07-31T16:40:00Z distance_km=2.967 duration_min=15"]);
    assert_eq!(trial.refused, [(3, "overlapping"), (4, "bad_number")]);
}

const FIELDS: &str =
    "([0-9]{1,12}|-?[0-9.e]{1,30}|2016-02-[0-9]{2} [0-9:]{5,8}|[0-9]/[0-9]/20[0-9]{2}|LUL|,|\"|\n){1,60}";
const HEADERS: [(Kind, &str); 10] = [
    (Kind::Bikes, "trip_id,user_id,start_time,distance_m,duration_min"),
    (Kind::Bikes, "route_id,user_id,start_time,gps_path_m,end_time,gps_points"),
    (Kind::Bikes, "route_id,user_id,time,longitude,latitude"),
    (Kind::Pv, "date,Cumulative_solar_power"),
    (Kind::Pv, ",GG"),
    (Kind::Pv, "system_id,read_on,power"),
    (Kind::Ev, "sessionId,kwhTotal,created,ended,userId"),
    (Kind::Steps, "Id,ActivityDate,TotalSteps"),
    (Kind::Waste, "id,waste_total_kg,waste_paper_kg"),
    (Kind::Oyster, "downo,SubSystem,StartStn,EndStation,EntTime,ExTime"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_bytes_stop_an_import(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        fields in FIELDS,
    ) {
        let options = Options { date: NaiveDate::from_ymd_opt(2026, 3, 2), ..Options::default() };
        for (kind, header) in HEADERS {
            for body in [bytes.as_slice(), fields.as_bytes()] {
                run_bytes(kind, &[&[header.as_bytes(), b"\n", body].concat()], &[], &options);
            }
        }
    }
}

#[test]
fn broken_reference_tables_stop_with_their_line() {
    let edges = |text: &str| {
        let (folder, mut files) = folder(&["card_no,deal_date,deal_type,deal_value,equ_no\n"]);
        std::fs::write(folder.path().join("edges.csv"), text).unwrap();
        let told = open(Kind::Taps, &files, &Options::default()).err().map(|problem| problem.to_string());
        files.clear();
        told.unwrap_or_default()
    };
    assert!(edges("from_station,to_station,track_m\na,b,1\n").is_empty());
    assert!(edges("from_station,to_station,track_m\na,b,0\n").contains("line 2: the distance is no number"));
    assert!(edges("from_station,to_station\na,b\n").contains("line 1: needs the columns"));
    assert!(edges("from_station,to_station,track_m\na,b\n").contains("line 2: the row has 2 columns"));
    let many = |count: usize| {
        let rows: String = (1..count).map(|at| format!("s0,s{at},1\n")).collect::<Vec<_>>().concat();
        edges(&format!("from_station,to_station,track_m\n{rows}"))
    };
    let most = crate::network::STATIONS_MAX;
    assert!(many(most).is_empty());
    assert!(many(most + 1).contains("more than 5000 stations"));
}
