use serde_json::{Value, json};
use tanhui_service::{binding, worker};

use crate::endpoint::town::{METRO, Town, event, request};

const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
const LINES: &str = "application/x-ndjson";

fn counts(body: &Value) -> [i64; 6] {
    ["received", "credited", "duplicate", "pending", "held", "rejected"]
        .map(|name| body[name].as_i64().unwrap())
}

#[tokio::test]
async fn one_event_is_credited_once_and_found_again() {
    let town = Town::open().await;
    town.rider("13800000001", "card-1").await;
    let answer = town.report(ONE, event("ride 1/你", "card-1").to_string()).await;
    assert_eq!(counts(&answer.body), [1, 1, 0, 0, 0, 0], "{}", answer.body);
    let result = &answer.body["results"][0];
    assert_eq!((&result["id"], &result["status"]), (&json!("ride 1/你"), &json!("credited")));
    assert!(result["points"].as_i64() > Some(0) && result["reduction_mg"].as_i64() > Some(0), "{result}");

    let again = town.report(ONE, event("ride 1/你", "card-1").to_string()).await;
    assert_eq!(counts(&again.body), [1, 0, 1, 0, 0, 0]);
    assert_eq!(again.body["results"][0]["activity_id"], result["activity_id"]);

    let found = town.get("/v1/partner/events/ride%201%2F%E4%BD%A0", &town.key).await;
    assert_eq!(found.status, 200);
    for member in ["id", "status", "activity_id", "points", "reduction_mg"] {
        assert_eq!(found.body[member], result[member], "{member}");
    }
    assert_eq!(found.body["occurred_at"], "2026-03-02T00:00:00Z");
}

#[tokio::test]
async fn a_batch_answers_each_event_in_order() {
    let town = Town::open().await;
    town.rider("13800000001", "card-1").await;
    let mut foreign = event("foreign", "card-1");
    foreign["source"] = json!("urn:test:other");
    let mut zoneless = event("zoneless", "card-1");
    zoneless["time"] = json!("2026-03-02T08:00:00");
    let mut unknown = event("unknown", "card-1");
    unknown["type"] = json!("activity.metro_rides");
    let mut short = event("short", "card-1");
    short["data"] = json!({"distance_km": 0.4});
    let sound = event("a", "card-1").to_string();
    let body = format!(
        "[{sound}, {sound}, {}, {foreign}, {zoneless}, {unknown}, {short}, 7, \
         {{\"id\":\"b\"}}, {{oops}}, {}]",
        event("stranger", "card-9"),
        event("c", "card-1"),
    );
    let answer = town.report(BATCH, body).await;
    assert_eq!(counts(&answer.body), [11, 2, 1, 1, 0, 7], "{}", answer.body);
    let results = answer.body["results"].as_array().unwrap();
    let told: Vec<_> = results
        .iter()
        .map(|result| {
            [&result["id"], &result["status"], &result["code"]].map(|text| text.as_str().unwrap_or("-"))
        })
        .collect();
    let expected = [
        ["a", "credited", "-"],
        ["a", "duplicate", "-"],
        ["stranger", "pending", "-"],
        ["foreign", "rejected", "foreign_source"],
        ["zoneless", "rejected", "invalid_time"],
        ["unknown", "rejected", "unknown_action"],
        ["short", "rejected", "eligible.1"],
        ["-", "rejected", "invalid_event"],
        ["b", "rejected", "invalid_event"],
        ["-", "rejected", "malformed_json"],
        ["c", "credited", "-"],
    ];
    assert_eq!(told, expected);
    assert!(results.iter().all(|result| result["status"] != "rejected" || result["detail"].is_string()));
}

#[tokio::test]
async fn broken_lines_stay_their_own() {
    let town = Town::open().await;
    town.rider("13800000001", "card-1").await;
    let (first, last) = (event("a", "card-1").to_string(), event("b", "card-1").to_string());
    let body = [first.as_bytes(), b"\r\n\n{\"id\":\"\xff\"}\n{\"id\": \n", last.as_bytes(), b"\n"].concat();
    let answer = town.report(&format!("{LINES}; charset=utf-8"), body).await;
    assert_eq!(counts(&answer.body), [4, 2, 0, 0, 0, 2], "{}", answer.body);
    assert_eq!(answer.body["results"][1]["code"], "invalid_utf8");
    assert_eq!(answer.body["results"][2]["code"], "malformed_json");
    assert!(answer.body["results"][1]["id"].is_null());
}

#[tokio::test]
async fn what_waits_is_pending_until_its_card_is_bound() {
    let town = Town::open().await;
    town.report(ONE, event("a", "card-1").to_string()).await;
    let found = town.get("/v1/partner/events/a", &town.key).await;
    assert_eq!((&found.body["status"], &found.body["points"]), (&json!("pending"), &Value::Null));
    let rider = town.person("13800000001").await;
    binding::bind(&town.services, &rider.citizen, METRO, "card-1").await.unwrap();
    worker::credit_waiting(&town.services).await.unwrap();
    assert_eq!(town.get("/v1/partner/events/a", &town.key).await.body["status"], "credited");
    town.get("/v1/partner/events/never", &town.key).await.problem("not_found");
}

#[tokio::test]
async fn an_event_is_found_by_its_own_source_only() {
    let town = Town::open().await;
    town.report(ONE, event("a", "card-1").to_string()).await;
    let other = tanhui_service::office::create_partner(&town.services, &town.city, "Other", "urn:test:other");
    let other = other.await.unwrap();
    town.get("/v1/partner/events/a", other.reveal()).await.problem("not_found");
}

#[tokio::test]
async fn only_a_live_key_opens() {
    let town = Town::open().await;
    let rider = town.person("13800000001").await;
    for token in ["", "tanhui_pk_", &format!("{}x", town.key), &rider.token] {
        let sent = request("POST", "/v1/partner/events", token).header("content-type", ONE);
        let answer = town.send(sent, event("a", "card-1").to_string()).await;
        assert!(answer.problem("unauthorized").contains("partner key"));
        town.get("/v1/partner/events/a", token).await.problem("unauthorized");
    }
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let town = Town::open().await;
    for kind in ["application/json", "text/plain", "application/cloudevents"] {
        let detail = town.report(kind, "{}").await.problem("unsupported_media_type").to_owned();
        assert!(detail.contains(ONE) && detail.contains(BATCH) && detail.contains(LINES), "{detail}");
    }
    for body in ["", "{}", "[", "[{}", "[]]"] {
        let answer = town.report(BATCH, body).await;
        assert!(answer.problem("malformed_json").contains("Line 1, column"), "{body}");
    }
    assert_eq!(counts(&town.report(BATCH, "[]").await.body), [0; 6]);
    assert_eq!(counts(&town.report(LINES, "").await.body), [0; 6]);
    assert_eq!(counts(&town.report(ONE, "").await.body), [1, 0, 0, 0, 0, 1]);
}

#[tokio::test]
async fn calls_are_bounded_in_events_and_bytes() {
    let town = Town::open().await;
    let lines = |count: usize| {
        (0..count).map(|number| event(&format!("e{number}"), "card-1").to_string() + "\n").collect::<String>()
    };
    town.report(LINES, lines(10_001)).await.problem("too_many_events");
    let array = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    town.report(BATCH, array(10_001)).await.problem("too_many_events");
    assert_eq!(counts(&town.report(BATCH, array(10_000)).await.body), [10_000, 0, 0, 0, 0, 10_000]);
    let answer = town.report(LINES, lines(10_000)).await;
    assert_eq!(counts(&answer.body), [10_000, 0, 0, 10_000, 0, 0]);

    let bytes = 32 << 20;
    assert_eq!(town.report(LINES, vec![b'\n'; bytes]).await.status, 200);
    town.report(LINES, vec![b'\n'; bytes + 1]).await.problem("body_too_large");
}

#[tokio::test]
async fn a_partner_is_counted_by_its_source() {
    let town = Town::open().await;
    let answer = town.report(ONE, event("a", "card-1").to_string()).await;
    assert_eq!(answer.header("ratelimit-policy"), "\"source\";q=60000;w=60");
}
