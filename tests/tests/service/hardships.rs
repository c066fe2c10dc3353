//! A full disk, a deadlock and transactions that cannot be serialized under the use cases: what cannot be
//! written is refused, nothing is half there, and the same process goes on when the hardship is over.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sea_orm::ConnectionTrait as _;
use tanhui_domain::id::CitizenId;
use tanhui_service::cache::Cache;
use tanhui_service::crediting::EventStatus;
use tanhui_service::statement;
use tanhui_store::Connected as _;
use tanhui_tests::{Outcome, Programme, Ride, Stage, on_postgres, on_sqlite, until};

on_sqlite!(a_full_disk_refuses_and_loses_nothing);
on_postgres!(
    a_deadlock_with_a_stranger_is_repeated,
    a_batch_that_cannot_be_serialized_is_repeated,
    callers_get_through_whatever_the_level,
);

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

async fn until_somebody_waits_for_a_lock(stage: &Stage) -> Outcome {
    let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()";
    let waits = async || {
        // Within a transaction the first look is remembered.
        stage.raw.execute("SELECT pg_stat_clear_snapshot()").await?;
        Ok(stage.raw.number(waits).await? > 0)
    };
    until("somebody waits for a lock", waits).await
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
    until_somebody_waits_for_a_lock(&stage).await?;
    let won = stage.raw.execute(&lock(first)).await.is_ok();
    stage.raw.execute(if won { "COMMIT" } else { "ROLLBACK" }).await?;
    let results = call.await??;
    assert!(results.iter().all(|result| result.status == EventStatus::Credited), "{results:?}");
    for citizen in citizens {
        assert_eq!(points(&programme, citizen).await?, 5);
    }
    programme.stop().await
}

/// Somebody writes a citizen's row while a batch waits for it: under the stricter levels the batch must begin
/// anew, which its statements show.
async fn a_batch_that_cannot_be_serialized_is_repeated(stage: Stage) -> Outcome {
    for (seed, level) in (1..).zip(["repeatable read", "serializable"]) {
        let setting = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L', \
             current_database(), '{level}'); END $$"
        );
        stage.raw.execute(&setting).await?;
        let programme = Programme::start_with(&stage, "testcity", Cache::memory(), seed).await?;
        let card = format!("card{seed}");
        let citizen = programme.enroll(&card).await?;
        let sent = || programme.services.database.statements_sent();
        let before = sent();
        programme.credit(&[programme.ride(&format!("{card} alone"), &card, 1_000)]).await?;
        let undisturbed = sent() - before;
        let change = format!("UPDATE accounts SET version = version WHERE owner_id = '{citizen}'");
        stage.raw.execute("BEGIN").await?;
        stage.raw.execute(&change).await?;
        let (busy, batch) = (programme.clone(), vec![programme.ride(&card, &card, 1_000)]);
        let before = sent();
        let call = tokio::spawn(async move { busy.credit(&batch).await });
        until_somebody_waits_for_a_lock(&stage).await?;
        stage.raw.execute("COMMIT").await?;
        let results = call.await??;
        assert!(results.iter().all(|result| result.status == EventStatus::Credited), "{results:?}");
        assert!(sent() - before > undisturbed, "{level}: nothing was repeated");
        assert_eq!(points(&programme, citizen).await?, 10);
        programme.stop().await?;
    }
    Ok(())
}

/// Two processes and eight callers, nearly all of whose transactions are in one another's way.
async fn callers_get_through_whatever_the_level(stage: Stage) -> Outcome {
    let strict = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = \
                  serializable', current_database()); END $$";
    stage.raw.execute(strict).await?;
    let programme = Programme::start(&stage).await?;
    let other = Programme::start_with(&stage, "testcity", Cache::memory(), 2).await?;
    let citizen = programme.enroll("card").await?;
    let callers = (0..8).map(|caller| {
        let programme = if caller % 2 == 0 { programme.clone() } else { other.clone() };
        tokio::spawn(async move {
            for day in 0..6 {
                let ride = programme.ride(&format!("{caller}-{day}"), "card", 600);
                let ride = Ride { at: ride.at - TimeDelta::days(8 * day), ..ride };
                // What fails is sent again, as a source would.
                while programme.credit(std::slice::from_ref(&ride)).await.is_err() {}
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await?;
    }
    assert_eq!(
        points(&programme, citizen).await?,
        8 * 6 * 3,
        "eight rides of three points on each of six days"
    );
    other.stop().await?;
    programme.stop().await
}
