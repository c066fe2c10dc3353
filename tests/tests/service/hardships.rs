//! A full disk and a deadlock under the use cases: what cannot be written is refused, nothing is half there,
//! and the same process goes on when the hardship is over.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait as _;
use tanhui_domain::id::CitizenId;
use tanhui_service::crediting::EventStatus;
use tanhui_service::statement;
use tanhui_store::Connected as _;
use tanhui_tests::{Outcome, Programme, Ride, Stage, on_postgres, on_sqlite, until};

on_sqlite!(a_full_disk_refuses_and_loses_nothing);
on_postgres!(a_deadlock_with_a_stranger_is_repeated);

/// SQLite itself then says that the disk is full.
async fn limit_pages(programme: &Programme, pages: i64) -> Outcome {
    let on = programme.services.database.begin().await?;
    on.raw().execute_unprepared(&format!("PRAGMA max_page_count = {pages}")).await?;
    Ok(on.commit().await?)
}

async fn points(programme: &Programme, citizen: CitizenId) -> Outcome<i64> {
    Ok(statement::balance(&programme.services, citizen).await?.amounts.points.get())
}

/// Three points each, no more than eight a card and day.
fn rides(programme: &Programme, count: usize) -> Vec<Ride> {
    (0..count)
        .map(|number| programme.ride(&format!("r{number}"), &format!("card{}", number % 40), 600))
        .collect()
}

async fn a_full_disk_refuses_and_loses_nothing(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let mut citizens = Vec::new();
    for number in 0..40 {
        citizens.push(programme.enroll(&format!("card{number}")).await?);
    }
    let rides = rides(&programme, 320);
    limit_pages(&programme, stage.raw.number("PRAGMA page_count").await? + 4).await?;
    let (mut acknowledged, mut refused) = (BTreeMap::new(), 0);
    for part in rides.chunks(20) {
        match programme.credit(part).await {
            Ok(results) => {
                acknowledged.extend(results.into_iter().map(|result| (result.external_id, result.points)));
            }
            Err(full) => {
                assert!(format!("{full:?}").contains("full"), "{full:?}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0 && !acknowledged.is_empty(), "{refused} refused, {} not", acknowledged.len());
    let mut there = 0;
    for citizen in &citizens {
        there += points(&programme, *citizen).await?;
    }
    assert_eq!(there, 3 * i64::try_from(acknowledged.len())?, "what was refused left nothing");
    programme.expect_clean_books().await?;
    limit_pages(&programme, i64::from(u32::MAX - 1)).await?;
    for result in programme.credit(&rides).await? {
        let known = acknowledged.contains_key(&result.external_id);
        let due = if known { EventStatus::Duplicate } else { EventStatus::Credited };
        assert_eq!(result.status, due, "{}", result.external_id);
    }
    for citizen in citizens {
        assert_eq!(points(&programme, citizen).await?, 24, "eight rides each, once");
    }
    programme.stop().await
}

/// Somebody locks the second citizen, and the first once the batch waits for the second.
async fn a_deadlock_with_a_stranger_is_repeated(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let mut citizens = [programme.enroll("card0").await?, programme.enroll("card1").await?];
    citizens.sort_unstable();
    let [first, second] = citizens;
    let lock = |citizen: CitizenId| format!("SELECT 1 FROM accounts WHERE owner_id = '{citizen}' FOR UPDATE");
    stage.raw.execute("BEGIN").await?;
    stage.raw.execute(&lock(second)).await?;
    let (busy, batch) =
        (programme.clone(), vec![programme.ride("a", "card0", 1_000), programme.ride("b", "card1", 1_000)]);
    let call = tokio::spawn(async move { busy.credit(&batch).await });
    let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()";
    let waits = async || {
        // Within a transaction the first look is remembered.
        stage.raw.execute("SELECT pg_stat_clear_snapshot()").await?;
        Ok(stage.raw.number(waits).await? > 0)
    };
    until("the batch waits for the stranger", waits).await?;
    let won = stage.raw.execute(&lock(first)).await.is_ok();
    stage.raw.execute(if won { "COMMIT" } else { "ROLLBACK" }).await?;
    let results = call.await??;
    assert!(results.iter().all(|result| result.status == EventStatus::Credited), "{results:?}");
    for citizen in citizens {
        assert_eq!(points(&programme, citizen).await?, 5);
    }
    programme.stop().await
}
