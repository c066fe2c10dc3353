use serde_json::json;
use tanhui_domain::city::Role;

use crate::endpoint::town::{Town, request};

const ADJUSTMENTS: &str = "/v1/city/adjustments";

fn reason() -> serde_json::Value {
    json!({"zh": "数据来源更正", "en": "Corrected by its source"})
}

#[tokio::test]
async fn an_adjustment_is_posted_after_a_second_person_approved_it() {
    let town = Town::open().await;
    let rider = town.rich("13800000001", 1).await;
    let editor = town.officer("13800000002", &[Role::CityEditor, Role::CityApprover]).await;
    let approver = town.officer("13800000003", &[Role::CityApprover]).await;
    let wish = json!({"citizen_id": rider.citizen.id, "points": -3, "reason": reason()});
    town.post(ADJUSTMENTS, &rider.token, wish.clone()).await.problem("forbidden");
    town.post(ADJUSTMENTS, &approver.token, wish.clone()).await.problem("forbidden");
    let proposed = town.post(ADJUSTMENTS, &editor.token, wish).await;
    assert_eq!((proposed.status.as_u16(), &proposed.body["status"]), (201, &json!("proposed")));
    let path = format!("{ADJUSTMENTS}/{}/approve", proposed.body["id"].as_str().unwrap());
    town.post(&path, &editor.token, json!({})).await.problem("same_person");
    let decided = town.post(&path, &approver.token, json!({})).await;
    assert_eq!((decided.status.as_u16(), &decided.body["status"]), (200, &json!("approved")));
    assert_eq!(decided.body["decided_by"], json!(approver.citizen.id));
    town.post(&path, &approver.token, json!({})).await.problem("already_decided");
    let balance = town.get("/v1/me/balance", &rider.token).await.body;
    assert_eq!(balance["points"], 30);
    let statement = town.get("/v1/me/statement", &rider.token).await.body;
    let last = &statement["postings"][1];
    assert_eq!((&last["kind"], &last["points"]), (&json!("adjust"), &json!(-3)));
    assert_eq!(last["adjustment_id"], proposed.body["id"]);
    let log = town.get("/v1/city/audit-log?limit=1", &editor.token).await.body;
    assert_eq!(log["items"][0]["act"], "adjustment_approved");
    assert_eq!(log["items"][0]["actor"]["citizen_id"], json!(approver.citizen.id));
    let next = format!("/v1/city/audit-log?cursor={}", log["next_cursor"].as_str().unwrap());
    let rest = town.get(&next, &editor.token).await.body;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &json!(null)));
    town.get("/v1/city/audit-log", &rider.token).await.problem("forbidden");
}

#[tokio::test]
async fn what_cannot_be_adjusted_says_why() {
    let town = Town::open().await;
    let rider = town.rich("13800000001", 1).await;
    let editor = town.officer("13800000002", &[Role::CityEditor]).await;
    let approver = town.officer("13800000003", &[Role::CityApprover]).await;
    let wish = |points: i64| json!({"citizen_id": rider.citizen.id, "points": points, "reason": reason()});
    for points in [0, 1_000_001, -1_000_001] {
        let refused = town.post(ADJUSTMENTS, &editor.token, wish(points)).await;
        refused.problem("invalid_body");
        assert_eq!(refused.body["errors"][0]["pointer"], "/points");
    }
    let mut unsaid = wish(1);
    unsaid["reason"]["zh"] = json!("");
    let refused = town.post(ADJUSTMENTS, &editor.token, unsaid).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/reason");
    let proposed = town.post(ADJUSTMENTS, &editor.token, wish(-34)).await.body;
    let one = format!("{ADJUSTMENTS}/{}", proposed["id"].as_str().unwrap());
    town.post(&format!("{one}/approve"), &approver.token, json!({})).await.problem("insufficient_points");
    assert_eq!(town.get(&one, &editor.token).await.body["status"], "proposed", "it may be decided later");
    let refused = town.post(&format!("{one}/refuse"), &approver.token, json!({})).await;
    assert_eq!(refused.body["status"], "refused");
    let listed = town.get(ADJUSTMENTS, &editor.token).await.body;
    assert_eq!(listed["items"], json!([refused.body]));
}

#[tokio::test]
async fn the_office_or_the_source_reverses_a_ride_once() {
    let town = Town::open().await;
    let rider = town.rich("13800000001", 2).await;
    let approver = town.officer("13800000002", &[Role::CityApprover]).await;
    let acts = town.get("/v1/me/activities", &rider.token).await.body;
    let id = acts["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/city/activities/{id}/reverse");
    let body = json!({"reason": reason()});
    town.post(&path, &rider.token, body.clone()).await.problem("forbidden");
    let undone = town.post(&path, &approver.token, body.clone()).await;
    assert_eq!((undone.status.as_u16(), &undone.body["status"]), (200, &json!("reversed")));
    assert_eq!((&undone.body["points"], &undone.body["reduction_mg"]), (&json!(33), &json!(336_240)));
    town.post(&path, &approver.token, body.clone()).await.problem("already_reversed");
    assert_eq!(town.get("/v1/me/balance", &rider.token).await.body["points"], 33);
    for ride in ["13800000001-0", "13800000001-1", "never-sent"] {
        let path = format!("/v1/partner/events/{ride}/reverse");
        let request = request("POST", &path, &town.key).header("content-type", "application/json");
        let answer = town.send(request, body.to_string()).await;
        match (ride, answer.status.as_u16()) {
            ("never-sent", 404) | (_, 200 | 409) => {}
            (ride, status) => panic!("{ride}: {status}"),
        }
    }
    let balance = town.get("/v1/me/balance", &rider.token).await.body;
    assert_eq!((&balance["points"], &balance["reduction_mg"]), (&json!(0), &json!(0)));
    let lots = town.get("/v1/me/lots", &rider.token).await.body;
    let lot = &lots["items"][0];
    assert_eq!((&lot["state"], &lot["granted"], &lot["left"]), (&json!("active"), &json!(66), &json!(0)));
    let statuses = town.get("/v1/me/activities", &rider.token).await.body;
    assert!(statuses["items"].as_array().unwrap().iter().all(|item| item["status"] == "reversed"));
}
