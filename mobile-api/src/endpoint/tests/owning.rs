use super::*;

#[tokio::test]
async fn a_profile_is_mine_to_change() {
    let world = world().await;
    world.get("/v1/me", "").await.refused(401, "unauthorized");
    let token = world.citizen("13800000001").await;
    let me = world.get("/v1/me", &token).await;
    assert_eq!(me.ok()["roles"], json!(["citizen"]));
    assert_eq!((&me.body["city"], &me.body["leaderboard_opt_out"]), (&json!("jiaxing"), &json!(false)));
    let change = async |body: Value| world.call(Method::PATCH, "/v1/me", &token, Some(body)).await;
    let changed = change(json!({"nickname": " 小陈 ", "district": "nanhu"})).await;
    assert_eq!((&changed.ok()["nickname"], &changed.body["district"]), (&json!("小陈"), &json!("nanhu")));
    let cleared = change(json!({"district": null, "leaderboard_opt_out": true})).await;
    assert_eq!((&cleared.ok()["nickname"], &cleared.body["district"]), (&json!("小陈"), &Value::Null));
    assert_eq!(change(json!({})).await.ok()["leaderboard_opt_out"], true);
    for (letters, fits) in [(0, false), (1, true), (20, true), (21, false)] {
        let answer = change(json!({"nickname": "碳".repeat(letters)})).await;
        assert_eq!(answer.status.is_success(), fits, "{letters}");
    }
    let long = change(json!({"district": "d".repeat(65)})).await;
    assert_eq!(long.refused(422, "invalid_body")["errors"][0]["pointer"], "/district");
    change(json!({"points": 1})).await.refused(422, "invalid_body");
}

#[tokio::test]
async fn consents_are_given_and_withdrawn_one_by_one() {
    let world = world().await;
    let token = world.rider("13800000001", "A1234567").await;
    let all = world.get("/v1/me/consents", &token).await;
    let granted: Vec<_> =
        all.ok()["items"].as_array().unwrap().iter().map(|c| c["granted"].clone()).collect();
    assert_eq!(granted, [json!(false), json!(true), json!(true)], "aggregation, leaderboard, the source");
    let put = async |purpose: &str, granted: bool| {
        let path = format!("/v1/me/consents/{purpose}");
        world.call(Method::PUT, &path, &token, Some(json!({"granted": granted}))).await
    };
    assert_eq!(put("aggregation", true).await.ok()["granted"], true);
    assert_eq!(put("leaderboard", false).await.ok()["granted"], false);
    assert_eq!(world.get("/v1/me", &token).await.ok()["leaderboard_opt_out"], true);
    assert_eq!(put("source:urn:test:metro", false).await.ok()["granted"], false);
    assert_eq!(world.get("/v1/me/bindings", &token).await.ok()["items"], json!([]));
    put("source:urn:test:bus", true).await.refused(404, "not_found");
    world.get("/v1/me/consents/nothing", &token).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_card_is_bound_to_one_citizen_at_a_time() {
    let world = world().await;
    let token = world.rider("13800000001", "A1234567").await;
    let again = world.post("/v1/me/bindings", &token, json!({"source": METRO, "subject": "A1234567"})).await;
    let list = world.get("/v1/me/bindings", &token).await;
    assert_eq!(list.ok()["items"], json!([again.body]));
    assert_eq!(again.body["subject_hint"], "…4567");
    let other = world.citizen("13800000002").await;
    let bind = async |source: &str, subject: &str| {
        world.post("/v1/me/bindings", &other, json!({"source": source, "subject": subject})).await
    };
    bind(METRO, "A1234567").await.refused(409, "subject_taken");
    bind("urn:test:bus", "A1234567").await.refused(422, "unknown_source");
    for (bytes, fits) in [(0, false), (1, true), (200, true), (201, false)] {
        assert_eq!(bind(METRO, &"x".repeat(bytes)).await.status.is_success(), fits, "{bytes}");
    }
    let id = again.body["id"].as_str().unwrap();
    let path = format!("/v1/me/bindings/{id}");
    world.call(Method::DELETE, &path, &other, None).await.refused(404, "not_found");
    assert_eq!(world.call(Method::DELETE, &path, &token, None).await.status, StatusCode::NO_CONTENT);
    world.call(Method::DELETE, &path, &token, None).await.refused(404, "not_found");
    bind(METRO, "A1234567").await.ok();
}

#[tokio::test]
async fn a_citizen_has_at_most_fifty_bindings() {
    let world = world().await;
    let token = world.rider("13800000001", "card-0").await;
    for card in 1..=50 {
        let body = json!({"source": METRO, "subject": format!("card-{card}")});
        let answer = world.post("/v1/me/bindings", &token, body).await;
        if card < 50 {
            answer.ok();
        } else {
            answer.refused(409, "too_many_bindings");
        }
    }
}

#[tokio::test]
async fn an_export_holds_everything_and_erasure_takes_the_person() {
    let world = world().await;
    let token = world.rider("13800000001", "A1234567").await;
    let empty = world.get("/v1/me/export", &token).await;
    assert_eq!((&empty.ok()["activities"], &empty.body["postings"]), (&json!([]), &json!([])));
    for ride in 0..3 {
        world.ride(&format!("r{ride}"), "A1234567", "10").await;
    }
    let export = world.get("/v1/me/export", &token).await;
    assert_eq!(export.ok()["profile"]["phone"], "+86138****0001");
    assert_eq!(export.body["activities"].as_array().unwrap().len(), 3);
    assert_eq!(export.body["postings"][2]["points_after"], 138);
    assert_eq!(export.body["consents"].as_array().unwrap().len(), 3);
    assert_eq!(export.body["bindings"].as_array().unwrap().len(), 1);
    assert_eq!(world.call(Method::DELETE, "/v1/me", &token, None).await.status, StatusCode::NO_CONTENT);
    for path in ["/v1/me", "/v1/me/balance", "/v1/me/export", "/v1/leaderboards"] {
        world.get(path, &token).await.refused(401, "unauthorized");
    }
    let fresh = world.citizen("13800000001").await;
    assert_eq!(world.get("/v1/me/balance", &fresh).await.ok()["points"], 0, "a new citizen");
}
