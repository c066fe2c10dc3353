//! Redis goes away and comes back empty: no request fails, nothing is lost.

use std::sync::Arc;

use serde_json::Value;
use tanhui_tests::Outcome;

use crate::process::wait_for;
use crate::redis_server::Redis;
use crate::server::{Caller, Server, Town, ride};
use crate::world::{World, each_store};

each_store!(redis_is_no_more_than_a_cache);

const BOARD: &str = "/v1/leaderboards?period=all&scope=city&metric=points";

async fn redis_is_no_more_than_a_cache(world: Arc<World>) -> Outcome {
    if std::env::var_os("TANHUI_TEST_REDIS_URL").is_none() {
        println!("skipped: no Redis; `cargo xtask test` sees to it");
        return Ok(());
    }
    let own = if world.redis.is_some() { None } else { Some(Redis::start(world.folder())?) };
    let redis = world.redis.as_ref().or(own.as_ref()).ok_or("no Redis")?;
    let mut command = world.tanhui(&["serve", "--demo", "--listen", "127.0.0.1:0"])?;
    command.env("TANHUI_REDIS_URL", redis.url());
    let town = Town::with(&world, Server::start_command(command, &world).await?).await?;
    let rider = town.rider("13800000001", "card-1").await?;
    until_the_cache_is(&town, "redis").await?;
    let mut sent = 0;
    credit_and_see(&town, &rider, &mut sent).await?;
    for _ in 0..2 {
        redis.stop()?;
        credit_and_see(&town, &rider, &mut sent).await?;
        until_the_cache_is(&town, "redis_unreachable").await?;
        credit_and_see(&town, &rider, &mut sent).await?;
        let newcomer = town.server.person(&format!("138000001{sent:02}")).await?;
        newcomer.get("/v1/me").await?.ok()?;
        redis.go_on()?;
        credit_and_see(&town, &rider, &mut sent).await?;
        until_the_cache_is(&town, "redis").await?;
        credit_and_see(&town, &rider, &mut sent).await?;
    }
    assert_eq!(rider.get("/v1/me/balance").await?.ok()?["points"], sent * 4);
    let audit = world.audit().await?;
    assert_eq!(audit["activities"]["credited"], sent);
    Ok(())
}

async fn until_the_cache_is(town: &Town, state: &str) -> Outcome {
    wait_for("the cache's state", || async {
        let ready = town.server.anyone().get("/readyz").await?.ok()?;
        Ok((ready["cache"] == state).then_some(()))
    })
    .await
}

/// Three rides on days of their own, each answered, and the board follows.
async fn credit_and_see(town: &Town, rider: &Caller, sent: &mut i64) -> Outcome {
    for _ in 0..3 {
        *sent += 1;
        let event = ride(&format!("ride-{sent}"), "card-1", "1", *sent * 24).to_string();
        let answer = town.metro().report("application/cloudevents+json", event).await?.ok()?;
        assert_eq!(answer["credited"], 1, "{answer}");
    }
    let due = Value::from(*sent * 4);
    wait_for("the board to follow", || async {
        let board = rider.get(BOARD).await?.ok()?;
        Ok((board["me"]["score"] == due && board["items"][0]["score"] == due).then_some(()))
    })
    .await
}
