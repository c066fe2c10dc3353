//! A partner's mistakes: each gets a clear answer, and its neighbours are credited.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tanhui_tests::Outcome;

use crate::server::{Caller, METRO, Town, ride};
use crate::world::{World, each_store, on_sqlite};

each_store!(every_mistake_stays_its_own, a_batch_is_bounded);
on_sqlite!(a_key_opens_its_own_door_only);

const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
const LINES: &str = "application/x-ndjson";
const CARD: &str = "card-1";

fn with(id: &str, member: &str, value: Value) -> Value {
    let mut event = ride(id, CARD, "1", 24);
    event[member] = value;
    event
}

fn at(id: &str, ahead: TimeDelta) -> Value {
    with(id, "time", json!((Utc::now() + ahead).to_rfc3339()))
}

/// What is sent, as one element or line, and the status and code that answer it.
fn mistakes() -> Vec<(Vec<u8>, &'static str, Option<&'static str>)> {
    let km = |id: &str, km: &str| ride(id, CARD, km, 24);
    let events = [
        (km("a", "1"), "credited", None),
        (with("unknown", "type", json!("activity.moon_ride")), "rejected", Some("unknown_action")),
        (with("typeless", "type", json!("metro_ride")), "rejected", Some("invalid_event")),
        (with("unit", "data", json!({ "distance_kwh": 7.2 })), "rejected", Some("wrong_unit")),
        (with("bare", "data", json!({ "distance": 7.2 })), "rejected", Some("unit_missing")),
        (km("below", "0.299"), "rejected", Some("out_of_range")),
        (ride("at", CARD, "80", 240), "credited", Some("capped")),
        (km("above", "80.001"), "rejected", Some("out_of_range")),
        (km("negative", "-1"), "rejected", Some("out_of_range")),
        (at("soon", TimeDelta::minutes(9)), "credited", None),
        (at("future", TimeDelta::minutes(11)), "rejected", Some("time_in_future")),
        (with("ancient", "time", json!("1969-12-31T23:59:59Z")), "rejected", Some("time_too_old")),
        (with("clockless", "time", json!("yesterday")), "rejected", Some("invalid_time")),
        (with("foreign", "source", json!("urn:other")), "rejected", Some("foreign_source")),
        (with("old-spec", "specversion", json!("0.3")), "rejected", Some("invalid_event")),
        (with("", "data", json!({})), "rejected", Some("invalid_event")),
        (with("stranger", "subject", json!("card-of-nobody")), "pending", None),
        (km("a", "1"), "duplicate", None),
    ];
    let mut all: Vec<_> = events
        .into_iter()
        .map(|(event, status, code)| (event.to_string().into_bytes(), status, code))
        .collect();
    all.push((b"{\"id\": \"torn\",".to_vec(), "rejected", Some("malformed_json")));
    all.push((b"{\"id\": \"\xff\xfe\"}".to_vec(), "rejected", Some("invalid_utf8")));
    all.push((km("z", "1").to_string().into_bytes(), "credited", None));
    all
}

async fn every_mistake_stays_its_own(world: Arc<World>) -> Outcome {
    let town = Town::open(&world).await?;
    let rider = town.rider("13800000001", CARD).await?;
    let mistakes = mistakes();
    let lines: Vec<&[u8]> = mistakes.iter().map(|(line, _, _)| line.as_slice()).collect();
    let answer = town.metro().report(LINES, lines.join(&b'\n')).await?.ok()?;
    let results = answer["results"].as_array().ok_or("no results")?;
    assert_eq!(results.len(), mistakes.len(), "{answer}");
    for (result, (line, status, code)) in results.iter().zip(&mistakes) {
        let line = String::from_utf8_lossy(line);
        assert_eq!(
            (result["status"].as_str(), result["code"].as_str()),
            (Some(*status), *code),
            "{line} {result}"
        );
        assert_eq!(result["detail"].is_string(), code.is_some(), "{result}");
    }
    for status in ["credited", "duplicate", "pending", "held", "rejected"] {
        let count = mistakes.iter().filter(|(_, due, _)| *due == status).count();
        assert_eq!(answer[status], count, "{status}");
    }
    assert_eq!(rider.all("/v1/me/activities?limit=100", "items").await?.len(), 4);
    // The whole again, whatever the format: nothing is credited.
    let sound: Vec<&[u8]> =
        mistakes.iter().filter(|(_, due, _)| *due == "credited").map(|(line, _, _)| &line[..]).collect();
    let array = [b"[".as_slice(), &sound.join(&b','), b"]"].concat();
    let again = town.metro().report(BATCH, array).await?.ok()?;
    assert_eq!((&again["received"], &again["duplicate"]), (&json!(4), &json!(4)), "{again}");
    let audit = world.audit().await?;
    assert_eq!((&audit["activities"]["credited"], &audit["activities"]["pending"]), (&json!(4), &json!(1)));
    Ok(())
}

async fn a_batch_is_bounded(world: Arc<World>) -> Outcome {
    let town = Town::open(&world).await?;
    town.rider("13800000001", CARD).await?;
    let metro = town.metro();
    let event = ride("one-of-many", CARD, "1", 24).to_string();
    let many = |count: usize| vec![event.as_str(); count].join("\n");
    metro.report(LINES, many(10_001)).await?.refused(413, "too_many_events");
    metro
        .report(BATCH, format!("[{}]", many(10_001).replace('\n', ",")))
        .await?
        .refused(413, "too_many_events");
    metro.report(BATCH, event.clone()).await?.refused(400, "malformed_json");
    metro.report(BATCH, "[").await?.refused(400, "malformed_json");
    metro.report("text/csv", event.clone()).await?.refused(415, "unsupported_media_type");
    assert_eq!(world.audit().await?["activities"]["credited"], 0, "a refused call credits nothing");
    let most = metro.report(LINES, many(10_000)).await?.ok()?;
    let counts = ["received", "credited", "duplicate"].map(|name| most[name].as_u64());
    assert_eq!(counts, [Some(10_000), Some(1), Some(9_999)]);
    let huge = vec![b' '; (32 << 20) + 1];
    too_large(&metro, huge).await?;
    assert_eq!(town.server.anyone().get("/healthz").await?.status, 200);
    world.audit().await.map(drop)
}

/// The server may close the connection while we still send; what it says then must be the refusal.
async fn too_large(metro: &Caller, body: Vec<u8>) -> Outcome {
    metro.report(ONE, body).await?.refused(413, "body_too_large");
    Ok(())
}

async fn a_key_opens_its_own_door_only(world: Arc<World>) -> Outcome {
    let town = Town::open(&world).await?;
    let citizen = town.rider("13800000001", CARD).await?;
    let event = || ride("a", CARD, "1", 24).to_string();
    let wrong = format!("{}x", town.key);
    for stranger in [town.server.anyone(), town.server.partner(&wrong), citizen.clone()] {
        stranger.report(ONE, event()).await?.refused(401, "unauthorized");
        stranger.get("/v1/partner/events/a").await?.refused(401, "unauthorized");
    }
    town.metro().get("/v1/me").await?.refused(401, "unauthorized");
    let other = world.run(&["partner", "create", "Bus", "--source", "urn:bus"]).await?;
    let bus = town.server.partner(other.last_line());
    let answer = bus.report(ONE, event()).await?.ok()?;
    assert_eq!(answer["results"][0]["code"], "foreign_source", "{METRO} is not theirs: {answer}");
    assert_eq!(town.metro().report(ONE, event()).await?.ok()?["credited"], 1);
    bus.get("/v1/partner/events/a").await?.refused(404, "not_found");
    assert_eq!(town.metro().get("/v1/partner/events/a").await?.ok()?["status"], "credited");
    Ok(())
}
