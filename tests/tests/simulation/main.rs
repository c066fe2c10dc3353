//! Years of city life against a small model: every answer, balance, lot, stock, voucher, statement and board.
//!
//! `TANHUI_SEED=7` plays one seed, `TANHUI_SEEDS=100` so many, `TANHUI_STEPS=2000` so many commands each.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers that the tests themselves choose")]
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a model that is wrong must fail loudly"
)]

mod command;
mod generate;
mod law;
mod manner;
mod oracle;
mod play;
mod reach;
mod real;
mod watch;
mod worlds;

use tanhui_service::cache::Cache;
use tanhui_tests::{Outcome, Stage, each_database};

use play::Setting;

each_database!(
    a_city_lives_as_the_model_says,
    a_city_lives_the_same_with_a_redis_that_forgets,
    a_city_lives_the_same_in_whatever_manner,
);

async fn a_city_lives_as_the_model_says(stage: Stage) -> Outcome {
    play::seeds(&stage, 3, |seed| Ok(Setting::of(seed, Cache::memory(), None))).await
}

async fn a_city_lives_the_same_with_a_redis_that_forgets(stage: Stage) -> Outcome {
    let Some(redis) = redis(&stage, 8) else { return Ok(()) };
    play::seeds(&stage, 1, |seed| redis(seed + 1_000)).await
}

async fn a_city_lives_the_same_in_whatever_manner(stage: Stage) -> Outcome {
    let seed = play::seed(2_001);
    let other = redis(&stage, 10).map(|redis| redis(seed)).transpose()?;
    manner::all_alike(&stage, seed, Setting::of(seed, Cache::memory(), None), other).await
}

/// Settings of seeds on a Redis database of this test's own, where there is a server.
fn redis(stage: &Stage, number: u8) -> Option<impl Fn(u64) -> Outcome<Setting> + use<>> {
    let Ok(url) = std::env::var("TANHUI_TEST_REDIS_URL") else {
        println!("skipped: no Redis server; `cargo xtask test` starts one");
        return None;
    };
    let number = if stage.engine == tanhui_tests::Engine::Postgres { number } else { number + 1 };
    let address = format!("{url}/{number}");
    Some(move |seed| Ok(Setting::of(seed, Cache::connect(&address)?, Some((url.clone(), number)))))
}
