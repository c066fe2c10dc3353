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
mod dice;
mod generate;
mod law;
mod oracle;
mod play;
mod real;
mod watch;

use tanhui_service::cache::Cache;
use tanhui_tests::{Outcome, Stage, each_database};

use play::Setting;

each_database!(a_city_lives_as_the_model_says, a_city_lives_the_same_with_a_redis_that_forgets);

async fn a_city_lives_as_the_model_says(stage: Stage) -> Outcome {
    play::seeds(&stage, 3, |seed| Ok(Setting::of(seed, Cache::memory(), None))).await
}

async fn a_city_lives_the_same_with_a_redis_that_forgets(stage: Stage) -> Outcome {
    let Ok(url) = std::env::var("TANHUI_TEST_REDIS_URL") else {
        println!("skipped: no Redis server; `cargo xtask test` starts one");
        return Ok(());
    };
    let number = if stage.engine == tanhui_tests::Engine::Postgres { 8 } else { 9 };
    let address = format!("{url}/{number}");
    play::seeds(&stage, 1, |seed| {
        Ok(Setting::of(seed + 1_000, Cache::connect(&address)?, Some((url.clone(), number))))
    })
    .await
}
