use super::*;

fn action<'a>(list: &'a Value, id: &str) -> &'a Value {
    list["items"].as_array().unwrap().iter().find(|action| action["id"] == id).unwrap()
}

#[tokio::test]
async fn anyone_may_read_what_earns_and_a_citizen_what_is_left() {
    let world = world().await;
    let public = world.get("/v1/actions?city=jiaxing", "").await;
    let metro = action(public.ok(), "metro_ride");
    assert_eq!(
        (&metro["name"], &metro["reduction"]),
        (&json!("Metro ride"), &json!("distance * metro_saving"))
    );
    let distance = &metro["inputs"][0];
    let bounds = [&distance["unit"], &distance["min"], &distance["max"], &distance["decimals"]];
    assert_eq!(bounds, [&json!("km"), &json!("0.3"), &json!("80"), &json!(3)]);
    let units: Vec<_> =
        metro["factors"].as_array().unwrap().iter().map(|factor| &factor["values"][0]["unit"]).collect();
    assert_eq!(units, ["gCO2e/pt", "gCO2e/km"]);
    assert_eq!(
        metro["evidence"],
        json!([{"grade": "operator", "share": "100%"}, {"grade": "device", "share": "50%"}])
    );
    assert_eq!(metro["caps"][0], json!({"limit": "6 times", "per": "day", "left": null}));

    let token = world.rider("13800000001", "A1234567").await;
    world.ride("r1", "A1234567", "10").await;
    let mine = world.get("/v1/actions", &token).await;
    let left: Vec<_> =
        action(mine.ok(), "metro_ride")["caps"].as_array().unwrap().iter().map(|c| &c["left"]).collect();
    assert_eq!(left, ["5 times", "154 pt", "2954 pt"]);
    world.wait_seconds(24 * 3600);
    let token = world.citizen("13800000001").await;
    let tomorrow = world.get("/v1/actions", &token).await;
    assert_eq!(action(tomorrow.ok(), "metro_ride")["caps"][0]["left"], "6 times");
    world.get("/v1/actions?city=atlantis", "").await.refused(422, "unknown_city");
    world.get("/v1/actions", "nonsense").await.refused(401, "unauthorized");
    world.get("/v1/actions?colour=green", "").await.refused(400, "invalid_query");
}

#[tokio::test]
async fn the_catalogue_of_factors_is_open_and_sourced() {
    let world = world().await;
    let (mut path, mut ids) = ("/v1/public/factors?limit=7".to_owned(), Vec::new());
    loop {
        let page = world.get(&path, "").await;
        for factor in page.ok()["items"].as_array().unwrap() {
            ids.push(factor["id"].as_str().unwrap().to_owned());
            for value in factor["values"].as_array().unwrap() {
                let proposed = value["confidence"] == "proposed";
                assert_eq!(value["source"].is_null(), proposed, "{factor}");
                assert!(value["from"].is_string() && value["unit"].is_string());
            }
        }
        match page.body["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/public/factors?limit=7&cursor={cursor}"),
            None => break,
        }
    }
    assert!(ids.len() > 7 && ids.is_sorted() && ids.contains(&"metro_saving".to_owned()), "{ids:?}");
    world.get("/v1/public/factors?city=atlantis", "").await.refused(422, "unknown_city");
}

#[tokio::test]
async fn readiness_tells_database_migrations_and_cache() {
    let world = world().await;
    let ready = world.get("/readyz", "").await;
    let expected =
        json!({"status": "ready", "database": "ok", "migrations": "current", "cache": "in_process"});
    assert_eq!(*ready.ok(), expected);
    world.services.stop().await.unwrap();
    world.get("/readyz", "").await.refused(503, "unavailable");
    world.get("/v1/public/factors", "").await.refused(503, "unavailable");
}
