use super::*;

const CARD: &str = "A1234567";

#[tokio::test]
async fn a_ride_shows_in_balance_activities_and_explanation() {
    let world = world().await;
    let token = world.rider("13800000001", CARD).await;
    let ride = world.ride("r1", CARD, "10").await;
    let balance = world.get("/v1/me/balance", &token).await;
    let expected = json!({
        "points": 46, "pending_points": 0, "pending": [], "spendable_points": 46, "owed_points": 0,
        "waiting_points": 0,
        "reduction_mg": 467_000,
        "expiring": [{"points": 46, "expires_on": "2028-03-31"}], "as_of": "2026-03-02T04:00:00Z",
    });
    assert_eq!(*balance.ok(), expected);
    let id = ride.activity.unwrap().to_string();
    let one = world.get(&format!("/v1/me/activities/{id}"), &token).await;
    assert_eq!((&one.ok()["action_name"], &one.body["source"]), (&json!("Metro ride"), &json!(METRO)));
    assert_eq!((&one.body["status"], &one.body["code"]), (&json!("credited"), &Value::Null));
    let why = world.get(&format!("/v1/me/activities/{id}/explanation"), &token).await;
    assert_eq!((&why.ok()["points"], &why.body["reduction_mg"]), (&json!(46), &json!(467_000)));
    assert_eq!(why.body["steps"][0]["with_numbers"], "10 km × 46.7 gCO2e/km");
    assert!(why.body["steps"][0]["factors"][0]["source"]["publisher"].is_string(), "{}", why.body);
    assert!(why.body["text"].as_str().unwrap().contains("46 pt"));
    assert_eq!(why.body["caps"][0]["left_after"], "5 times");
    let other = world.citizen("13800000002").await;
    for path in [format!("/v1/me/activities/{id}"), format!("/v1/me/activities/{id}/explanation")] {
        world.get(&path, &other).await.refused(404, "not_found");
    }
    world.get("/v1/me/activities/nonsense", &token).await.refused(400, "invalid_path");
}

#[tokio::test]
async fn a_refused_ride_is_explained_in_the_callers_language() {
    let world = world().await;
    let token = world.rider("13800000001", CARD).await;
    let id = world.ride("r1", CARD, "0.4").await.activity.unwrap().to_string();
    let mut request = request(Method::GET, &format!("/v1/me/activities/{id}/explanation"), &token, None);
    request.headers_mut().insert("accept-language", "zh".parse().unwrap());
    let why = world.send(request).await;
    assert_eq!((&why.ok()["result"], &why.body["code"]), (&json!("refused"), &json!("eligible.1")));
    assert_eq!(why.body["reason"], "里程不足 0.5 公里");
    assert_eq!(world.get("/v1/me/balance", &token).await.ok()["points"], 0);
}

#[tokio::test]
async fn activities_are_listed_page_by_page() {
    let world = world().await;
    let token = world.rider("13800000001", CARD).await;
    for ride in 0..5 {
        world.ride(&format!("r{ride}"), CARD, "1").await;
        world.wait_seconds(1);
    }
    let (mut path, mut seen) = ("/v1/me/activities?limit=2".to_owned(), Vec::new());
    loop {
        let page = world.get(&path, &token).await;
        let items = page.ok()["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| item["recorded_at"].as_str().unwrap().to_owned()));
        match page.body["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/me/activities?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert!(seen.len() == 5 && seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
    world.get("/v1/me/activities?limit=101", &token).await.refused(400, "invalid_query");
    world.get("/v1/me/activities?cursor=x", &token).await.refused(400, "invalid_cursor");
}

#[tokio::test]
async fn a_statement_adds_up_over_its_pages() {
    let world = world().await;
    world.rider("13800000001", CARD).await;
    for ride in 0..5 {
        world.ride(&format!("r{ride}"), CARD, "1").await;
        world.wait_seconds(12 * 3600);
    }
    let token = world.citizen("13800000001").await;
    let (mut cursor, mut numbers, mut points) = (String::new(), Vec::new(), 0);
    let page = loop {
        let path = format!("/v1/me/statement?from=2026-03-03&to=2026-03-03&limit=1{cursor}");
        let page = world.get(&path, &token).await;
        for line in page.ok()["postings"].as_array().unwrap() {
            numbers.push(line["number"].as_i64().unwrap());
            points += line["points"].as_i64().unwrap();
            assert!(line["activity_id"].is_string() && line["kind"] == "credit", "{line}");
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break page.body,
        }
    };
    assert_eq!(numbers, [2, 3], "midnight and noon of that day in the city's zone");
    assert_eq!(page["opening"]["points"].as_i64().unwrap() + points, page["closing"]["points"]);
    assert_eq!(
        (&page["from"], &page["until"]),
        (&json!("2026-03-02T16:00:00Z"), &json!("2026-03-03T16:00:00Z"))
    );
    let all = world.get("/v1/me/statement", &token).await;
    assert_eq!((&all.ok()["opening"]["points"], &all.body["closing"]["points"]), (&json!(0), &json!(20)));
    let half = "/v1/me/statement?from=2026-03-02T12:00:00+08:00&to=2026-03-03T00:00:00+08:00";
    assert_eq!(world.get(half, &token).await.ok()["postings"].as_array().unwrap().len(), 1, "half-open");
    world.get("/v1/me/statement?from=2026-03-03&to=2026-03-01", &token).await.refused(400, "invalid_query");
    for bad in ["from=yesterday", "to=2026-02-30", "from=2026-03-02T12:00:00"] {
        world.get(&format!("/v1/me/statement?{bad}"), &token).await.refused(400, "invalid_query");
    }
    let other = format!("/v1/me/statement?from=2026-03-01{cursor}");
    world.get(&other, &token).await.refused(400, "invalid_cursor");
}

async fn declare(world: &World, token: &str, key: Option<&str>, body: Value) -> Answer {
    let mut request = request(Method::POST, "/v1/me/activities", token, Some(body));
    if let Some(key) = key {
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    }
    world.send(request).await
}

#[tokio::test]
async fn ones_own_word_counts_where_the_rules_take_it() {
    let world = world().await;
    let (token, other) = (world.citizen("13800000001").await, world.citizen("13800000002").await);
    let cup = json!({"action": "own_cup", "occurred_at": "2026-03-02T11:00:00+08:00", "inputs": {}});
    let first = declare(&world, &token, Some("k1"), cup.clone()).await;
    assert_eq!((first.status, &first.ok()["status"]), (StatusCode::CREATED, &json!("credited")));
    let again = declare(&world, &token, Some("k1"), cup.clone()).await;
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let mut changed = cup.clone();
    changed["occurred_at"] = json!("2026-03-02T10:00:00+08:00");
    declare(&world, &token, Some("k1"), changed).await.refused(422, "idempotency_key_reused");
    let theirs = declare(&world, &other, Some("k1"), cup.clone()).await;
    assert_ne!(theirs.ok()["id"], first.body["id"], "keys of two citizens do not meet");
    let points = world.get("/v1/me/balance", &token).await.ok()["points"].clone();
    assert_eq!(points, first.body["points"]);
    declare(&world, &token, None, cup).await.ok();
}

#[tokio::test]
async fn a_word_that_does_not_count_is_told_why() {
    let world = world().await;
    let token = world.citizen("13800000001").await;
    let at = "2026-03-02T11:00:00+08:00";
    for (body, code) in [
        (
            json!({"action": "metro_ride", "occurred_at": at, "inputs": {"distance_km": 9}}),
            "evidence_not_accepted",
        ),
        (json!({"action": "flying", "occurred_at": at, "inputs": {}}), "unknown_action"),
        (json!({"action": "own_cup", "occurred_at": "2026-03-09T11:00:00Z", "inputs": {}}), "time_in_future"),
    ] {
        let answer = declare(&world, &token, Some("k"), body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["code"].as_str()),
            (422, Some(code)),
            "{}",
            answer.body
        );
        assert!(answer.body["status"] == "rejected" && answer.body["detail"].is_string());
    }
    let proof = json!({"action": "own_cup", "occurred_at": at, "evidence": "photo"});
    let refused = declare(&world, &token, None, proof).await;
    assert_eq!(refused.refused(422, "invalid_body")["errors"][0]["pointer"], "/evidence");
    let members: serde_json::Map<String, Value> = (0..33).map(|n| (format!("m{n}"), json!(1))).collect();
    let many = json!({"action": "own_cup", "occurred_at": at, "inputs": members});
    assert_eq!(
        declare(&world, &token, None, many).await.refused(422, "invalid_body")["errors"][0]["pointer"],
        "/inputs"
    );
    let naive = json!({"action": "own_cup", "occurred_at": "2026-03-02T11:00:00"});
    declare(&world, &token, None, naive).await.refused(422, "invalid_body");
}
