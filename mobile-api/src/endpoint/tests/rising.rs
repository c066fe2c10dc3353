//! What a citizen reaches: levels, days in a row, badges, prizes; and points that wait on their way.

use tanhui_domain::rule::{RuleSet, SourceFile};
use tanhui_service::{payout, prize};

use super::*;

const DAY: i64 = 24 * 3600;
const WAITING: &str = include_str!("../../../../tests/src/payout.yaml");

#[tokio::test]
async fn badges_and_days_in_a_row_grow_with_the_acts() {
    let world = world().await;
    let token = world.rider("13800000001", "A1234567").await;
    let badge = |answer: &Value, id: &str| {
        let all = answer["badges"].as_array().unwrap();
        all.iter().find(|badge| badge["id"] == id).unwrap().clone()
    };
    let before = world.get("/v1/me/badges", &token).await.ok().clone();
    assert_eq!(
        (&before["level"]["name"], &before["next_level"]["id"]),
        (&json!("Seedling"), &json!("sapling"))
    );
    assert_eq!(
        (&before["streak_days"], &badge(&before, "first_act")["earned_on"]),
        (&json!(0), &Value::Null)
    );
    for day in 0..7 {
        world.ride(&format!("r{day}"), "A1234567", "10").await;
        world.wait_seconds(DAY);
    }
    let token = world.citizen("13800000001").await;
    let after = world.get("/v1/me/badges", &token).await.ok().clone();
    assert_eq!((&after["points"], &after["reduction_mg"]), (&json!(7 * 46), &json!(7 * 467_000)));
    assert_eq!((&after["streak_days"], &after["longest_streak_days"]), (&json!(7), &json!(7)));
    assert_eq!(badge(&after, "first_act")["earned_on"], "2026-03-02");
    let week = badge(&after, "seven_days");
    assert_eq!((&week["earned_on"], &week["reach"]), (&json!("2026-03-08"), &json!("7 days in a row")));
    assert_eq!(badge(&after, "recycler")["earned_on"], Value::Null);
    world.wait_seconds(DAY);
    let token = world.citizen("13800000001").await;
    assert_eq!(world.get("/v1/me/badges", &token).await.ok()["streak_days"], 0);
    world.get("/v1/me/badges", "").await.refused(401, "unauthorized");
}

#[tokio::test]
async fn the_first_of_the_month_sees_the_prize_and_why() {
    let world = world().await;
    let token = world.rider("13800000001", "A1234567").await;
    world.ride("r", "A1234567", "10").await;
    assert_eq!(world.get("/v1/me/prizes", &token).await.ok()["items"], json!([]));
    world.wait_seconds(31 * DAY);
    prize::give(&world.services).await.unwrap();
    let token = world.citizen("13800000001").await;
    let prizes = world.get("/v1/me/prizes", &token).await;
    let won = &prizes.ok()["items"][0];
    assert_eq!(
        (&won["prize"], &won["rank"], &won["points"]),
        (&json!("month_first"), &json!(1), &json!(500))
    );
    assert_eq!(
        (&won["from"], &won["to"], &won["score"]),
        (&json!("2026-03-01"), &json!("2026-03-31"), &json!(467_000))
    );
    assert_eq!(
        won["reason"],
        "First of the month: rank 1 on the board from 2026-03-01 to 2026-03-31, with 467 gCO2e"
    );
    assert_eq!(&world.get("/v1/me/export", &token).await.ok()["prizes"][0], won);
    let statement = world.get("/v1/me/statement", &token).await;
    let line = &statement.ok()["postings"][1];
    assert_eq!(
        (&line["kind"], &line["award_id"], &line["points_after"]),
        (&json!("prize"), &won["id"], &json!(546))
    );
}

#[tokio::test]
async fn points_that_wait_are_shown_until_they_are_paid() {
    let world = world().await;
    let file = SourceFile { name: "jiaxing.yaml".into(), text: WAITING.replace("CITY", "jiaxing") };
    world.wait_seconds(1);
    publish(&world.services, RuleSet::compile(&file, &[]).unwrap()).await;
    let token = world.rider("13800000001", "A1234567").await;
    let mut queued = None;
    for id in ["a", "b", "c"] {
        queued = world.act((id, "A1234567"), "walk", [("gate", "g")]).await.activity;
    }
    let path = format!("/v1/me/activities/{}", queued.unwrap());
    let act = world.get(&path, &token).await;
    assert_eq!((&act.ok()["points"], &act.body["code"]), (&json!(10), &json!("queued")));
    let waiting = json!({"budget": "walks", "promised": 10, "paid": 0, "waiting": 10, "given_up": 0,
        "detail": "Of 10 pt that waited for budget walks, 0 pt are paid and 10 pt wait"});
    assert_eq!(act.body["waiting"], waiting);
    let balance = world.get("/v1/me/balance", &token).await;
    assert_eq!((&balance.ok()["points"], &balance.body["waiting_points"]), (&json!(50), &json!(10)));
    world.wait_seconds(31 * DAY);
    payout::pay(&world.services).await.unwrap();
    let token = world.citizen("13800000001").await;
    let told = world.get(&format!("{path}/explanation"), &token).await;
    let text = told.ok()["text"].as_str().unwrap();
    assert!(text.ends_with("Of 10 pt that waited for budget walks, 10 pt are paid and 0 pt wait"), "{text}");
    assert_eq!((&told.body["queued"], &told.body["waiting"]["paid"]), (&json!(10), &json!(10)));
    let statement = world.get("/v1/me/statement", &token).await;
    let line = &statement.ok()["postings"][3];
    assert_eq!((&line["kind"], &line["points"]), (&json!("payout"), &json!(10)));
    assert_eq!(line["activity_id"], told.body["activity_id"]);
    let balance = world.get("/v1/me/balance", &token).await;
    assert_eq!((&balance.ok()["points"], &balance.body["waiting_points"]), (&json!(60), &json!(0)));
}
