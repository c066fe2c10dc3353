use super::*;

/// Citizens with 1, 2, ... rides of 10 km; gives their tokens.
async fn riders(world: &World, count: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    for number in 1..=count {
        let card = format!("card-{number}");
        let token = world.rider(&format!("1380000{number:04}"), &card).await;
        let body = json!({"nickname": format!("r{number}")});
        world.call(Method::PATCH, "/v1/me", &token, Some(body)).await.ok();
        for ride in 0..number {
            world.ride(&format!("{number}-{ride}"), &card, "1").await;
        }
        tokens.push(token);
    }
    tokens
}

#[tokio::test]
async fn the_board_ranks_and_shows_my_place() {
    let world = world().await;
    let tokens = riders(&world, 4).await;
    let first = world.get("/v1/leaderboards?period=week&limit=3", &tokens[0]).await;
    assert_eq!(first.ok()["period"], json!({"from": "2026-03-02", "to": "2026-03-08"}));
    assert_eq!(first.body["total"], 4);
    assert_eq!(first.body["items"][0], json!({"rank": 1, "nickname": "r4", "score": 4 * 46_700}));
    assert_eq!(first.body["me"], json!({"rank": 4, "score": 46_700}));
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = world.get(&format!("/v1/leaderboards?cursor={cursor}"), &tokens[0]).await;
    assert_eq!(second.ok()["items"], json!([{"rank": 4, "nickname": "r1", "score": 46_700}]));
    assert_eq!(second.body["next_cursor"], Value::Null);
    let offset = world.get("/v1/leaderboards?offset=2&limit=1&metric=points&period=all", &tokens[0]).await;
    assert_eq!(offset.ok()["items"], json!([{"rank": 3, "nickname": "r2", "score": 8}]));
    assert_eq!(offset.body["period"], json!({"from": null, "to": null}));
    let before = world.get("/v1/leaderboards?on=2026-02-27", &tokens[0]).await;
    assert_eq!((&before.ok()["total"], &before.body["me"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn who_opts_out_is_off_the_board_at_once() {
    let world = world().await;
    let tokens = riders(&world, 2).await;
    world.get("/v1/leaderboards", &tokens[0]).await.ok();
    let out = json!({"leaderboard_opt_out": true});
    world.call(Method::PATCH, "/v1/me", &tokens[1], Some(out)).await.ok();
    let board = world.get("/v1/leaderboards", &tokens[1]).await;
    assert_eq!((&board.ok()["total"], &board.body["me"]), (&json!(1), &Value::Null));
    let body = json!({"district": "nanhu"});
    world.call(Method::PATCH, "/v1/me", &tokens[0], Some(body)).await.ok();
    let district = world.get("/v1/leaderboards?scope=district:nanhu", &tokens[0]).await;
    assert_eq!((&district.ok()["total"], &district.body["me"]["rank"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn around_me_shows_neighbours_on_both_sides() {
    let world = world().await;
    let tokens = riders(&world, 5).await;
    let around = world.get("/v1/leaderboards/around-me?neighbours=1", &tokens[2]).await;
    let ranks: Vec<_> = around.ok()["items"].as_array().unwrap().iter().map(|place| &place["rank"]).collect();
    assert_eq!(ranks, [2, 3, 4]);
    assert_eq!(around.body["me"]["rank"], 3);
    let stranger = world.citizen("13900000000").await;
    let nobody = world.get("/v1/leaderboards/around-me", &stranger).await;
    assert_eq!((&nobody.ok()["items"], &nobody.body["me"]), (&json!([]), &Value::Null));
    for (neighbours, fits) in [(0, false), (1, true), (50, true), (51, false)] {
        let path = format!("/v1/leaderboards/around-me?neighbours={neighbours}");
        assert_eq!(world.get(&path, &stranger).await.status.is_success(), fits, "{neighbours}");
    }
}

#[tokio::test]
async fn boards_that_do_not_exist_are_refused_clearly() {
    let world = world().await;
    let token = world.citizen("13800000001").await;
    world.get("/v1/leaderboards?scope=team:7", &token).await.refused(422, "board_not_available");
    for bad in [
        "scope=galaxy",
        "scope=district:",
        "period=decade",
        "metric=likes",
        "on=2026-02-30",
        "offset=10000001",
    ] {
        world.get(&format!("/v1/leaderboards?{bad}"), &token).await.refused(400, "invalid_query");
    }
    world.get("/v1/leaderboards", "").await.refused(401, "unauthorized");
    world.get("/v1/leaderboards?cursor=x", &token).await.refused(400, "invalid_cursor");
}
