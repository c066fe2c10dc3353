//! `tanhui rules simulate` over what was imported: the rules in force give again what they gave.

use std::sync::Arc;

use serde_json::Value;
use tanhui_tests::Outcome;

use crate::import::{import, three_weeks_ago};
use crate::process::repository;
use crate::world::{World, each_store, on_sqlite};

each_store!(the_rules_in_force_give_again_what_they_gave);
on_sqlite!(what_cannot_be_simulated_says_why);

const FILES: [(&str, &str); 3] = [("taps", "taps.csv"), ("bikes", "bike_trips.csv"), ("steps", "steps.csv")];

async fn simulated(world: &World, words: &[&str]) -> Outcome<(Value, String)> {
    let draft = repository("rules").join("jiaxing.yaml").to_string_lossy().into_owned();
    let head = ["rules", "simulate", &draft, "--json", "report.json", "--language", "en"];
    let told = world.done(&[&head, words].concat()).await?;
    Ok((serde_json::from_slice(&std::fs::read(world.path("report.json"))?)?, told))
}

async fn the_rules_in_force_give_again_what_they_gave(world: Arc<World>) -> Outcome {
    let day = three_weeks_ago();
    for (kind, file) in FILES {
        let path = repository("samples").join(file).to_string_lossy().into_owned();
        import(&world, kind, &[path], &["--enroll", "--replay-at", &day]).await?;
    }
    let audit = world.audit().await?;
    let (report, told) = simulated(&world, &["--from-database", "--save-events", "events.rows"]).await?;
    for side in ["in_force", "draft"] {
        let count = &report["totals"][side];
        assert_eq!(count["points"], audit["totals"]["POINTS"]["issued"], "{count}");
        assert_eq!(count["reduction_mg"], audit["totals"]["CO2E"]["issued_mg"], "{count}");
        assert_eq!(count["credited"], audit["activities"]["credited"], "{count}");
    }
    assert_eq!(report["differences"], serde_json::json!([]));
    assert!(told.contains("events credited"), "{told}");
    let (kept, _) = simulated(&world, &["--events", "events.rows"]).await?;
    assert_eq!(kept, report, "the kept events give the same");
    let (none, _) = simulated(&world, &["--from-database", "--to", "2020-01-01"]).await?;
    assert_eq!(none["totals"]["citizens"], 0);
    Ok(())
}

async fn what_cannot_be_simulated_says_why(world: Arc<World>) -> Outcome {
    let draft = repository("rules").join("jiaxing.yaml").to_string_lossy().into_owned();
    for (words, why) in [
        (&["--events", "none.ndjson", "--against", &draft][..], "none.ndjson"),
        (&["--from-database"], "tanhui migrate"),
        (&["--from-database", "--events", "x"], "cannot be used with"),
        (&["--events", "x", "--from", "2026-01-01"], "cannot be used with"),
    ] {
        let ran = world.run(&[&["rules", "simulate", &draft], words].concat()).await?;
        assert!(ran.code.is_some_and(|code| code != 0) && ran.err.contains(why), "{why}: {ran:?}");
    }
    Ok(())
}
