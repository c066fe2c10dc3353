//! The use cases while connections are cut, writers are held up and callers go away.

use std::collections::BTreeMap;

use tanhui_domain::id::ActivityId;
use tanhui_service::crediting::{CreditError, EVENTS_PER_CALL_MAX, EventStatus, Report};
use tanhui_service::statement;
use tanhui_store::activity;
use tanhui_tests::{Outcome, Programme, Ride, Stage, each_database, on_postgres, until};

each_database!(a_full_queue_says_so_at_once, a_caller_that_goes_away_is_credited_all_the_same);
on_postgres!(events_are_credited_once_while_connections_are_cut);

/// As many events as may be queued.
const CALLS_QUEUED: usize = 5;

/// Keeps every writer from claiming ids until [`let_go`].
async fn hold_up(stage: &Stage) -> Outcome {
    match stage.engine {
        tanhui_tests::Engine::Postgres => {
            stage.raw.execute("BEGIN").await?;
            stage.raw.execute("LOCK TABLE activity_keys IN EXCLUSIVE MODE").await?;
        }
        tanhui_tests::Engine::Sqlite => {
            stage.raw.execute("BEGIN IMMEDIATE").await?;
        }
    }
    Ok(())
}

async fn let_go(stage: &Stage) -> Outcome {
    stage.raw.execute("COMMIT").await.map(|_| ())
}

async fn a_full_queue_says_so_at_once(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("card").await?;
    let report = programme.report(&programme.ride("a", "card", 1_000))?;
    let call = |events: usize| Box::pin(programme.services.crediting.credit(vec![report.clone(); events]));
    hold_up(&stage).await?;
    let mut queued: Vec<_> = (1..CALLS_QUEUED).map(|_| call(EVENTS_PER_CALL_MAX)).collect();
    queued.push(call(EVENTS_PER_CALL_MAX - 1));
    for call in &mut queued {
        stand_in_line(call).await?;
    }
    assert!(matches!(call(2).await, Err(CreditError::Busy)), "there is room for one event");
    let mut last = call(1);
    stand_in_line(&mut last).await?;
    queued.push(last);
    assert!(matches!(call(1).await, Err(CreditError::Busy)), "there is no room");
    let_go(&stage).await?;
    let mut credited = 0;
    for call in queued {
        credited += call.await?.iter().filter(|result| result.status == EventStatus::Credited).count();
    }
    assert_eq!(credited, 1, "all of them were the same event");
    assert_eq!(call(1).await?.len(), 1, "there is room again");
    assert_eq!(statement::balance(&programme.services, citizen).await?.amounts.points.get(), 5);
    programme.stop().await
}

/// Lets a call go as far as it can without an answer.
async fn stand_in_line(call: &mut (impl Future<Output: std::fmt::Debug> + Unpin)) -> Outcome {
    tokio::select! {
        biased;
        early = call => Err(format!("answered while nobody writes: {early:?}").into()),
        () = std::future::ready(()) => Ok(()),
    }
}

async fn a_caller_that_goes_away_is_credited_all_the_same(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    programme.enroll("card").await?;
    let ride = programme.ride("a", "card", 1_000);
    hold_up(&stage).await?;
    let (caller, theirs) = (programme.clone(), ride.clone());
    let call = tokio::spawn(async move { caller.credit(&[theirs]).await });
    tokio::task::yield_now().await;
    let_go(&stage).await?;
    call.abort();
    let again = programme.credit(&[ride]).await?;
    let status = again.first().map(|result| result.status);
    assert!(matches!(status, Some(EventStatus::Duplicate | EventStatus::Credited)), "{again:?}");
    let id = ActivityId::derive(programme.source.id, "a");
    assert!(activity::find(&programme.services.database, id).await?.is_some());
    programme.stop().await
}

const CUT_ALL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// What fails is sent again, as a source would; nothing is lost and nothing counts twice.
async fn events_are_credited_once_while_connections_are_cut(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let mut citizens = BTreeMap::new();
    for number in 0..4 {
        let card = format!("card{number}");
        citizens.insert(programme.enroll(&card).await?, card);
    }
    let rides: Vec<Ride> = (0..120)
        .map(|number| programme.ride(&format!("r{number}"), &format!("card{}", number % 4), 600))
        .collect();
    let reports: Outcome<Vec<Report>> = rides.iter().map(|ride| programme.report(ride)).collect();
    let reports = reports?;
    let callers: Vec<_> = reports
        .chunks(30)
        .map(|share| {
            let (programme, share) = (programme.clone(), share.to_vec());
            tokio::spawn(async move {
                for report in share {
                    while programme.services.crediting.credit(vec![report.clone()]).await.is_err() {}
                }
            })
        })
        .collect();
    let mut cuts = 0;
    for events in (0..120).step_by(8) {
        let written = "SELECT COUNT(*) FROM activity_keys";
        until("more events are written", async || Ok(stage.raw.number(written).await? >= events)).await?;
        stage.raw.execute(CUT_ALL).await?;
        cuts += 1;
    }
    for caller in callers {
        caller.await?;
    }
    let results = programme.services.crediting.credit(reports).await?;
    assert!(results.iter().all(|result| result.status == EventStatus::Duplicate), "{results:?}");
    for citizen in citizens.keys() {
        let points = statement::balance(&programme.services, *citizen).await?.amounts.points.get();
        assert_eq!(points, 24, "eight rides of three points after {cuts} cuts");
    }
    programme.stop().await
}
