//! `kill -9` at awkward moments: nothing is lost, nothing counts twice.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tanhui_tests::{Dice, Outcome};

use crate::import::{import, three_weeks_ago, until_the_board_holds};
use crate::load::{Acknowledged, EVENTS_EACH, Load, RIDERS, until_credited};
use crate::process::{Process, repository};
use crate::server::{Server, Town};
use crate::world::{World, each_store};

each_store!(
    an_import_is_killed_and_repeated,
    the_same_import_runs_twice_at_once,
    a_server_is_killed_under_its_partners,
);

/// How often a server is killed under new rides, at least.
const ROUNDS: u32 = 3;
const CARDS: u32 = 1_200;
const RIDES_EACH: u32 = 4;
const RIDES: u32 = CARDS * RIDES_EACH;

/// Thousands of taps on the network of the samples: each card rides one to four stations out, several times.
fn write_taps(world: &World) -> Outcome<String> {
    const STATIONS: [(&str, &str); 5] =
        [("901001", "柳堤"), ("901002", "南仓"), ("901003", "学府"), ("901004", "望湖"), ("901005", "东埠")];
    for table in ["stations.csv", "edges.csv", "station_aliases.csv", "gate_prefixes.csv"] {
        std::fs::copy(repository("samples").join(table), world.path(table))?;
    }
    let mut text = String::from(
        "deal_date,card_no,deal_type,deal_money,deal_value,equ_no,company_name,station,car_no,\
         conn_mark,close_date\n",
    );
    let morning: DateTime<Utc> = "2025-09-01T07:00:00Z".parse()?;
    for ride in 0..RIDES {
        let card = ride % CARDS;
        let begin = morning + TimeDelta::hours(i64::from(ride / CARDS) * 3) + TimeDelta::seconds(card.into());
        let (from, to) = (0, 1 + usize::try_from(card % 4)?);
        for (minutes, kind, fare, place) in [(0, "地铁入站", "0", from), (25, "地铁出站", "300", to)]
        {
            let at = (begin + TimeDelta::minutes(minutes)).format("%F %T");
            let (gate, station) = STATIONS.get(place).ok_or("no such station")?;
            writeln!(
                text,
                "{at},CARD{card:05},{kind},{fare},{fare},{gate}101,A,{station},G-1,0,2025-09-02 00:00:00"
            )?;
        }
    }
    let file = world.path("many_taps.csv");
    std::fs::write(&file, text)?;
    Ok(file.to_string_lossy().into_owned())
}

/// The import dies three times, and the server beside it each time.
async fn an_import_is_killed_and_repeated(world: Arc<World>) -> Outcome {
    let (file, day) = (write_taps(&world)?, three_weeks_ago());
    let options = ["--enroll", "--replay-at", &day];
    for enough in [1, RIDES / 3, RIDES / 2] {
        let mut server = Server::start(&world).await?;
        let command = world.tanhui(&[&["import", "taps", &file], &options[..]].concat())?;
        let mut process = Process::start(command, world.folder())?;
        until_credited(&world, enough.into()).await?;
        process.kill()?;
        server.process().kill()?;
        let audit = world.audit().await?;
        let credited = audit["activities"]["credited"].as_u64().unwrap_or_default();
        assert!((enough.into()..RIDES.into()).contains(&credited), "killed too late: {credited}");
    }
    let server = Server::start(&world).await?;
    let last = import(&world, "taps", std::slice::from_ref(&file), &options).await?;
    assert_eq!(last["events"], RIDES);
    let known = last["duplicate"].as_u64().unwrap_or_default();
    assert!((u64::from(RIDES / 2)..u64::from(RIDES)).contains(&known), "{last}");
    let interrupted = world.audit().await?;
    assert_eq!(interrupted["activities"]["credited"], RIDES);
    assert_eq!(interrupted, uninterrupted(&file, &day).await?);
    let reduction = interrupted["totals"]["CO2E"]["issued_mg"].as_u64().unwrap_or_default();
    until_the_board_holds(&server.person("13800000001").await?, reduction).await.map(drop)
}

/// Two imports of one file and a busy server, all at once.
async fn the_same_import_runs_twice_at_once(world: Arc<World>) -> Outcome {
    let (file, day) = (write_taps(&world)?, three_weeks_ago());
    let town = Town::open(&world).await?;
    town.rider("13800000001", "card-0").await?;
    let words = ["import", "taps", &file, "--enroll", "--replay-at", &day, "--summary"];
    let load = Load::of(0);
    let mut imports = Vec::new();
    for summary in ["one.json", "other.json"] {
        let command = world.tanhui(&[&words[..], &[summary]].concat())?;
        imports.push(Process::start(command, world.folder())?);
    }
    for number in 0..5 {
        let results = load.post(&town.metro(), number).await?;
        assert!(results.iter().all(|result| ["credited", "pending"].contains(&status_of(result))));
    }
    let mut credited = 0;
    for (process, summary) in imports.into_iter().zip(["one.json", "other.json"]) {
        let ran = process.until_ended().await?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let summary: Value = serde_json::from_str(&std::fs::read_to_string(world.path(summary))?)?;
        let [new, known] = ["credited", "duplicate"].map(|name| summary[name].as_u64().unwrap_or_default());
        assert_eq!(new + known, u64::from(RIDES), "{summary}");
        credited += new;
    }
    assert_eq!(credited, u64::from(RIDES));
    let mine = 5 * EVENTS_EACH / RIDERS;
    let audit = world.audit().await?;
    assert!(audit["activities"]["credited"].as_u64() >= Some(u64::from(RIDES + mine)), "{audit}");
    Ok(())
}

fn status_of(result: &Value) -> &str {
    result["status"].as_str().unwrap_or_default()
}

/// The same import into an SQLite file of its own, in one go.
async fn uninterrupted(file: &str, day: &str) -> Outcome<Value> {
    let other = World::beside()?;
    import(&other, "taps", &[file.to_owned()], &["--enroll", "--replay-at", day]).await?;
    other.audit().await
}

/// The server dies in every round, sooner or later; what partners were told stands.
async fn a_server_is_killed_under_its_partners(world: Arc<World>) -> Outcome {
    let mut town = Town::open(&world).await?;
    let mut dice = Dice::of_this_run();
    for rider in 0..RIDERS {
        town.rider(&format!("1380000001{rider}"), &format!("card-{rider}")).await?;
    }
    for round in 0..ROUNDS {
        let load = Load::of(round);
        let mut acknowledged = Acknowledged::new();
        for _ in 0..dice.up_to(2) {
            let metro = town.metro();
            let (told, struck) = tokio::join!(load.send_until_it_dies(&metro), async {
                load.until_some_are_credited(&world, &mut dice).await?;
                town.server.process().kill()
            });
            struck?;
            acknowledged.extend(told?);
            town.restart().await?;
        }
        load.expect_once(&town, &acknowledged).await?;
    }
    Ok(())
}
