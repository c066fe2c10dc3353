//! Events whose subject nobody has bound: kept, and credited once somebody has.

use chrono::TimeDelta;
use tanhui_domain::id::CitizenId;
use tanhui_service::crediting::{EventStatus, Report};
use tanhui_service::{binding, statement, worker};
use tanhui_store::{citizen, waiting};
use tanhui_tests::{Outcome, Programme, Ride, Stage, each_database};

each_database!(
    a_waiting_event_is_credited_after_binding,
    a_waiting_event_told_again_is_credited_once,
    an_event_that_came_in_time_may_wait_long,
    an_event_whose_binding_ended_waits_on,
    one_stuck_event_holds_nobody_up,
);

async fn points(programme: &Programme, citizen: CitizenId) -> Outcome<i64> {
    Ok(statement::balance(&programme.services, citizen).await?.amounts.points.get())
}

async fn waiting_now(programme: &Programme) -> Outcome<i64> {
    Ok(waiting::count(&programme.services.database).await?)
}

/// Binds a card as its citizen would.
async fn bind(programme: &Programme, id: CitizenId, card: &str) -> Outcome {
    let database = &programme.services.database;
    let citizen = citizen::find(database, id).await?.ok_or("no citizen")?;
    binding::bind(&programme.services, &citizen, &programme.source.uri, card).await?;
    Ok(())
}

async fn a_waiting_event_is_credited_after_binding(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("other card").await?;
    let results =
        programme.credit(&[programme.ride("a", "card", 1_000), programme.ride("b", "card", 2_000)]).await?;
    assert!(results.iter().all(|result| result.status == EventStatus::Pending), "{results:?}");
    assert_eq!(worker::credit_waiting(&programme.services).await?, 0);
    bind(&programme, citizen, "card").await?;
    assert_eq!(worker::credit_waiting(&programme.services).await?, 2);
    assert_eq!((points(&programme, citizen).await?, waiting_now(&programme).await?), (15, 0));
    programme.stop().await
}

async fn a_waiting_event_told_again_is_credited_once(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("other card").await?;
    let ride = programme.ride("a", "card", 1_000);
    programme.credit(std::slice::from_ref(&ride)).await?;
    let again = programme.credit(std::slice::from_ref(&ride)).await?;
    assert_eq!(again.first().map(|result| result.status), Some(EventStatus::Duplicate));
    bind(&programme, citizen, "card").await?;
    let bound = programme.credit(&[ride]).await?;
    assert_eq!(bound.first().map(|result| result.status), Some(EventStatus::Credited));
    worker::credit_waiting(&programme.services).await?;
    assert_eq!((points(&programme, citizen).await?, waiting_now(&programme).await?), (5, 0));
    programme.stop().await
}

/// Lateness is the source's; how long a citizen takes to bind a card is not.
async fn an_event_that_came_in_time_may_wait_long(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("other card").await?;
    programme.credit(&[programme.ride("a", "card", 1_000)]).await?;
    stage.clock.advance(TimeDelta::days(91));
    bind(&programme, citizen, "card").await?;
    worker::credit_waiting(&programme.services).await?;
    assert_eq!((points(&programme, citizen).await?, waiting_now(&programme).await?), (5, 0));
    programme.stop().await
}

/// The binding ends after the worker has read the event and before it is written.
async fn an_event_whose_binding_ended_waits_on(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let ride = programme.ride("a", "card", 1_000);
    programme.credit(std::slice::from_ref(&ride)).await?;
    let report = Report { waited: true, ..programme.report(&ride)? };
    programme.services.crediting.credit(vec![report]).await?;
    assert_eq!(waiting_now(&programme).await?, 1, "an event that nobody has been credited with is kept");
    programme.stop().await
}

/// An event that no longer fits the rules stays; those behind it go on.
async fn one_stuck_event_holds_nobody_up(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("other card").await?;
    let early = programme.ride("stuck", "card", 1_000);
    let rides: Vec<Ride> = (0..3)
        .map(|number| {
            let ride = programme.ride(&format!("r{number}"), "card", 1_000);
            Ride { at: ride.at + TimeDelta::minutes(number), ..ride }
        })
        .collect();
    programme.credit(&[vec![early], rides].concat()).await?;
    let spoilt = "UPDATE waiting_events SET action = 'no_longer_there' WHERE external_id = 'stuck'";
    stage.raw.execute(spoilt).await?;
    bind(&programme, citizen, "card").await?;
    worker::credit_waiting(&programme.services).await?;
    assert_eq!((points(&programme, citizen).await?, waiting_now(&programme).await?), (15, 1));
    programme.stop().await
}
