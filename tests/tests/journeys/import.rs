//! `tanhui import` over every kind of file, twice, on both stores.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tanhui_tests::{Engine, Outcome};

use crate::demo::adds_up;
use crate::process::{repository, wait_for};
use crate::server::{Caller, Server};
use crate::world::{World, each_store, on_sqlite};

each_store!(
    samples_are_credited_once,
    real_taps_are_credited_once,
    unknown_subjects_wait,
    an_imported_ride_says_where_its_distance_is_from,
    a_dry_run_writes_nothing,
    boards_add_up,
);
on_sqlite!(refusals_are_kept_for_their_owner, files_that_cannot_be_imported_say_why);

/// Every kind with its sample, the rows in it, and what becomes of them: events, events rejected.
const SAMPLES: [(&str, &str, u64, u64, u64); 6] = [
    ("taps", "taps.csv", 63, 32, 0),
    ("bikes", "bike_trips.csv", 12, 7, 0),
    ("pv", "pv_counter.csv", 14, 11, 0),
    ("waste", "waste_week.csv", 12, 17, 3),
    ("steps", "steps.csv", 21, 19, 0),
    ("ev", "ev_sessions.csv", 10, 8, 0),
];

/// A day three weeks ago, so that every record lies in the past.
pub fn three_weeks_ago() -> String {
    (Utc::now() - TimeDelta::days(21)).date_naive().to_string()
}

fn sample(name: &str) -> String {
    repository("samples").join(name).to_string_lossy().into_owned()
}

/// Imports and gives the summary file.
pub async fn import(world: &World, kind: &str, files: &[String], more: &[&str]) -> Outcome<Value> {
    let mut words = vec!["import", kind];
    words.extend(files.iter().map(String::as_str));
    words.extend(["--summary", "summary.json"]);
    words.extend(more);
    let ran = world.run(&words).await?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.out.contains("SAMPLE") && !ran.err.contains("SAMPLE"), "a card is named");
    Ok(serde_json::from_str(&std::fs::read_to_string(world.path("summary.json"))?)?)
}

fn numbers<const N: usize>(json: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| json[name].as_u64().unwrap_or(u64::MAX))
}

/// Asserts that a second import credited nothing and knew what the first one credited or held.
fn known_already(first: &Value, second: &Value) {
    let read = ["rows", "events", "rejected", "refused_rows"];
    assert_eq!(numbers(first, read), numbers(second, read));
    let [credited, held, rejected, events] = numbers(first, ["credited", "held", "rejected", "events"]);
    assert_eq!(credited + held + rejected, events, "{first}");
    let nothing = ["credited", "pending", "held", "points", "reduction_mg", "enrolled"];
    assert_eq!(numbers(second, nothing), [0; 6], "{second}");
    assert_eq!(second["duplicate"], credited + held);
    assert_eq!(first["duplicate"], 0);
}

async fn samples_are_credited_once(world: Arc<World>) -> Outcome {
    let day = three_weeks_ago();
    let (mut points, mut reduction, mut credited) = (0, 0, 0);
    for (kind, file, rows, events, rejected) in SAMPLES {
        let files = [sample(file)];
        let options = ["--enroll", "--replay-at", &day];
        let first = import(&world, kind, &files, &options).await?;
        assert_eq!(numbers(&first, ["rows", "events", "rejected"]), [rows, events, rejected], "{kind}");
        known_already(&first, &import(&world, kind, &files, &options).await?);
        let more = numbers(&first, ["points", "reduction_mg", "credited"]);
        points += more[0];
        reduction += more[1];
        credited += more[2];
    }
    let audit = world.audit().await?;
    assert_eq!(
        audit["totals"]["POINTS"],
        json!({"issued": points, "held": points, "spent": 0, "expired": 0})
    );
    assert_eq!(audit["totals"]["CO2E"]["issued_mg"], reduction);
    assert_eq!(audit["activities"]["credited"], credited);
    Ok(())
}

/// A folder of real records, where there is one.
fn real(files: &[&str]) -> Option<Vec<String>> {
    let beside = repository("../shared/data");
    let folder = std::env::var_os("TANHUI_SHARED").map_or(beside, PathBuf::from);
    let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
    if paths.iter().all(|path| path.is_file()) {
        return Some(paths.iter().map(|path| path.to_string_lossy().into_owned()).collect());
    }
    println!("skipped: no {files:?} in {}", folder.display());
    None
}

/// Both files twice; what the ledger then holds is the same on either store, to the milligram.
async fn real_taps_are_credited_once(world: Arc<World>) -> Outcome {
    let Some(files) = real(&["transit/taps_first10000.csv.gz", "transit/taps_slice14.csv.gz"]) else {
        return Ok(());
    };
    let options = ["--enroll", "--replay-at", "2026-09-05"];
    let first = import(&world, "taps", &files, &options).await?;
    assert!(first["credited"].as_u64() > Some(0), "{first}");
    known_already(&first, &import(&world, "taps", &files, &options).await?);
    let audit = world.audit().await?;
    assert_eq!(audit["activities"]["credited"], first["credited"]);
    assert_eq!(audit["totals"]["POINTS"]["issued"], first["points"]);
    assert_eq!(audit["totals"]["CO2E"]["issued_mg"], first["reduction_mg"]);
    if world.engine == Engine::Postgres {
        let other = World::beside()?;
        assert_eq!(import(&other, "taps", &files, &options).await?, first);
        assert_eq!(other.audit().await?, audit);
    }
    Ok(())
}

async fn unknown_subjects_wait(world: Arc<World>) -> Outcome {
    let (files, day) = ([sample("steps.csv")], three_weeks_ago());
    let first = import(&world, "steps", &files, &["--replay-at", &day]).await?;
    assert_eq!(numbers(&first, ["events", "pending", "credited", "points"]), [19, 19, 0, 0]);
    let again = import(&world, "steps", &files, &["--replay-at", &day]).await?;
    assert_eq!(numbers(&again, ["credited", "points"]), [0, 0]);
    let audit = world.audit().await?;
    assert_eq!(numbers(&audit["activities"], ["credited", "pending"]), [0, 19]);
    let server = Server::start(&world).await?;
    let walker = server.person("13800000001").await?;
    let card = json!({ "source": "urn:tanhui:import:steps", "subject": "901" });
    walker.post("/v1/me/bindings", &card).await?.ok()?;
    let days = wait_for("the waiting days to be credited", || async {
        let items = walker.all("/v1/me/activities?limit=100", "items").await?;
        Ok((items.len() == 7).then_some(items))
    });
    adds_up(&walker.get("/v1/me/statement").await?.ok()?);
    assert!(days.await?.iter().all(|activity| activity["status"] == "credited"));
    Ok(())
}

/// One ride between two known gates, and one known by its fare only.
async fn an_imported_ride_says_where_its_distance_is_from(world: Arc<World>) -> Outcome {
    let day = three_weeks_ago();
    import(&world, "taps", &[sample("taps.csv")], &["--replay-at", &day]).await?;
    let server = Server::start(&world).await?;
    let cases = [("SAMPLEAAF", "6.4 km", "no", 29), ("SAMPLEADB", "2.48 km", "yes", 11)];
    for (rider, (card, distance, estimated, points)) in cases.into_iter().enumerate() {
        let rider = server.person(&format!("1380000000{rider}")).await?;
        let card = json!({ "source": "urn:tanhui:import:taps", "subject": card });
        rider.post("/v1/me/bindings", &card).await?.ok()?;
        let found = wait_for("the rides of the card", || async {
            let items = rider.all("/v1/me/activities", "items").await?;
            Ok((!items.is_empty()).then_some(items))
        });
        let id = found.await?[0]["id"].as_str().unwrap_or_default().to_owned();
        let why = rider.get(&format!("/v1/me/activities/{id}/explanation")).await?.ok()?;
        let inputs = why["inputs"].as_array().ok_or("no inputs")?;
        let told: Vec<_> = inputs.iter().map(|input| (&input["name"], &input["value"])).collect();
        let due = [(&json!("distance"), &json!(distance)), (&json!("estimated"), &json!(estimated))];
        assert_eq!((told.as_slice(), &why["points"]), (due.as_slice(), &json!(points)), "{why}");
        assert_eq!(why["steps"][0]["with_numbers"], format!("{distance} × 46.7 gCO2e/km"));
        assert!(why["steps"][0]["factors"][0]["source"]["publisher"].is_string(), "{why}");
    }
    Ok(())
}

async fn a_dry_run_writes_nothing(world: Arc<World>) -> Outcome {
    let day = three_weeks_ago();
    world.done(&["migrate"]).await?;
    let before = world.raw().await?;
    let count = "SELECT COUNT(*) FROM citizens";
    for (kind, file, rows, events, rejected) in SAMPLES {
        let options = ["--enroll", "--dry-run", "--replay-at", &day];
        let summary = import(&world, kind, &[sample(file)], &options).await?;
        assert_eq!(summary["dry_run"], true);
        assert_eq!(numbers(&summary, ["rows", "events", "rejected"]), [rows, events, rejected], "{kind}");
    }
    let audit = world.audit().await?;
    assert_eq!(numbers(&audit["activities"], ["credited", "pending", "held", "rejected"]), [0; 4]);
    assert_eq!(before.number(count).await?, 0);
    assert_eq!(before.number("SELECT COUNT(*) FROM sources").await?, 0);
    before.close().await
}

/// The board ranks exactly what was credited.
async fn boards_add_up(world: Arc<World>) -> Outcome {
    let day = three_weeks_ago();
    let server = Server::start(&world).await?;
    let onlooker = server.person("13800000002").await?;
    let options = ["--enroll", "--replay-at", &day];
    let summary = import(&world, "taps", &[sample("taps.csv")], &options).await?;
    let [credited, reduction] = numbers(&summary, ["credited", "reduction_mg"]);
    let places = until_the_board_holds(&onlooker, reduction).await?;
    assert!(places.len() <= usize::try_from(credited)? && places.len() > 10);
    let ranks: Vec<_> = places.iter().filter_map(|place| place["rank"].as_u64()).collect();
    assert_eq!(ranks, (1..=u64::try_from(places.len())?).collect::<Vec<_>>());
    assert!(places.is_sorted_by_key(|place| std::cmp::Reverse(place["score"].as_u64())));
    Ok(())
}

/// Waits until the scores of the city's board for ever make this sum; gives its places.
pub async fn until_the_board_holds(onlooker: &Caller, reduction: u64) -> Outcome<Vec<Value>> {
    let board = "/v1/leaderboards?period=all&scope=city&metric=reduction&limit=100";
    wait_for("the board to hold what was credited", || async {
        let items = onlooker.all(board, "items").await?;
        let scores: u64 = items.iter().filter_map(|place| place["score"].as_u64()).sum();
        Ok((scores == reduction).then_some(items))
    })
    .await
}

async fn refusals_are_kept_for_their_owner(world: Arc<World>) -> Outcome {
    let day = three_weeks_ago();
    let options = ["--enroll", "--replay-at", &day, "--refused", "refused.csv"];
    let summary = import(&world, "waste", &[sample("waste_week.csv")], &options).await?;
    let file = world.path("refused.csv");
    assert_eq!(summary["refused_file"], "refused.csv");
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file)?;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("file,row,event_id,code,detail_zh,detail_en,raw"));
    let [refused, rejected] = numbers(&summary, ["refused_rows", "rejected"]);
    assert_eq!(u64::try_from(lines.count())?, refused + rejected);
    for (code, count) in summary["reasons"].as_object().ok_or("no reasons")? {
        let found = text.matches(&format!(",{code},")).count();
        assert_eq!(Some(u64::try_from(found)?), count.as_u64(), "{code}");
    }
    import(&world, "ev", &[sample("ev_sessions.csv")], &["--refused", "refused.csv"]).await?;
    assert!(!std::fs::read_to_string(&file)?.contains("waste_week"), "an old file is not added to");
    Ok(())
}

async fn files_that_cannot_be_imported_say_why(world: Arc<World>) -> Outcome {
    std::fs::write(world.path("empty.csv"), "")?;
    let (steps, waste, taps) = (sample("steps.csv"), sample("waste_week.csv"), sample("taps.csv"));
    let cases: [(&[&str], i32, &str); 7] = [
        (&["taps", &steps], 1, "the columns are those of kind steps"),
        (&["taps", "nowhere.csv"], 1, "nowhere.csv: cannot read"),
        (&["taps", "empty.csv"], 1, "empty.csv: the file is empty"),
        (&["waste", &waste], 1, "waste records carry no date; give --date DAY"),
        (&["taps", &taps, "--city", "nowhere"], 1, "no city \"nowhere\""),
        (&["rockets", &taps], 2, "rockets"),
        (&["taps"], 2, "required"),
    ];
    for (words, code, message) in cases {
        let ran = world.run(&[&["import"], words].concat()).await?;
        assert_eq!(ran.code, Some(code), "{words:?} {ran:?}");
        assert!(ran.err.contains(message), "{words:?} {ran:?}");
    }
    let audit = world.audit().await?;
    assert_eq!(numbers(&audit["activities"], ["credited", "pending", "held", "rejected"]), [0; 4]);
    Ok(())
}
