//! Crediting: once each, within caps, in any order, in any grouping, whoever else is writing.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tanhui_domain::id::CitizenId;
use tanhui_service::cache::Cache;
use tanhui_service::crediting::{CreditError, EVENTS_PER_CALL_MAX, EventResult, EventStatus};
use tanhui_service::statement;
use tanhui_store::{Engine, activity};
use tanhui_tests::{Outcome, Programme, Ride, Stage, each_database, until};

each_database!(
    a_ride_gives_points_and_grams,
    duplicates_inside_a_batch_are_credited_once,
    a_second_run_is_all_duplicates,
    caps_hold_under_eight_callers,
    late_events_fill_their_own_days,
    events_are_taken_within_their_time,
    a_batch_equals_its_events_one_by_one,
    neighbours_of_a_bad_event_are_credited,
    neighbours_of_an_event_that_cannot_be_written_are_credited,
    two_processes_credit_each_event_once,
    a_call_that_is_too_large_is_refused,
    a_stopped_process_takes_nothing_more,
    a_batch_takes_few_statements_however_large_it_is,
);

fn statuses(results: &[EventResult]) -> Vec<EventStatus> {
    results.iter().map(|result| result.status).collect()
}

fn points(results: &[EventResult]) -> i64 {
    results.iter().filter_map(|result| result.points).map(tanhui_domain::amount::Points::get).sum()
}

async fn balance(programme: &Programme, citizen: CitizenId) -> Outcome<(i64, i64)> {
    let amounts = statement::balance(&programme.services, citizen).await?.amounts;
    Ok((amounts.points.get(), amounts.reduction.get()))
}

async fn a_ride_gives_points_and_grams(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("card").await?;
    let results = programme.credit(&[programme.ride("a", "card", 4_200)]).await?;
    let [result] = &results[..] else { return Err("one answer".into()) };
    assert_eq!((result.status, result.external_id.as_str()), (EventStatus::Credited, "a"));
    assert_eq!((points(&results), balance(&programme, citizen).await?), (21, (21, 210_000)));
    let id = result.activity.ok_or("no activity")?;
    let stored = activity::find(&programme.services.database, id).await?.ok_or("not stored")?;
    assert_eq!((stored.citizen, stored.points.get(), stored.recorded_at), (citizen, 21, stage.now()));
    programme.stop().await
}

async fn duplicates_inside_a_batch_are_credited_once(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("card").await?;
    let first = programme.ride("a", "card", 1_000);
    let changed = Ride { metres: 9_000, ..first.clone() };
    let results = programme.credit(&[first.clone(), changed, first]).await?;
    assert_eq!(statuses(&results), [EventStatus::Credited, EventStatus::Duplicate, EventStatus::Duplicate]);
    assert_eq!(balance(&programme, citizen).await?, (5, 50_000));
    programme.stop().await
}

async fn a_second_run_is_all_duplicates(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("card").await?;
    let mut rides: Vec<Ride> =
        (0..6).map(|number| programme.ride(&format!("r{number}"), "card", 1_000)).collect();
    rides.push(programme.ride("short", "card", 400));
    let first = programme.credit(&rides).await?;
    assert_eq!(first.iter().filter(|result| result.status == EventStatus::Credited).count(), 6);
    assert_eq!(first.last().and_then(|result| result.code.as_deref()), Some("too_short"));
    let before = balance(&programme, citizen).await?;
    stage.clock.advance(TimeDelta::days(1));
    let second = programme.credit(&rides).await?;
    assert!(second.iter().all(|result| result.status == EventStatus::Duplicate), "{second:?}");
    assert_eq!(balance(&programme, citizen).await?, before);
    programme.stop().await
}

async fn caps_hold_under_eight_callers(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("card").await?;
    let callers = (0..8).map(|caller| {
        let programme = programme.clone();
        tokio::spawn(async move {
            let mut granted = 0;
            for number in 0..6 {
                let ride = programme.ride(&format!("{caller}-{number}"), "card", 4_000);
                granted += points(&programme.credit(&[ride]).await?);
            }
            Outcome::Ok(granted)
        })
    });
    let mut granted = 0;
    for caller in callers.collect::<Vec<_>>() {
        granted += caller.await??;
    }
    assert_eq!(granted, 100, "the day's cap is reached and not passed");
    assert_eq!(balance(&programme, citizen).await?, (100, 1_600_000), "eight rides count their grams");
    programme.stop().await
}

/// The city's civil day of the ride decides, whenever the ride is told.
async fn late_events_fill_their_own_days(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("card").await?;
    let monday = stage.now();
    stage.clock.advance(TimeDelta::days(20));
    let mut rides = Vec::new();
    for day in [6, 0, 3, 1, 5, 2, 4, 7] {
        for number in 0..2 {
            let at = monday + TimeDelta::days(day) + TimeDelta::hours(number);
            let ride = programme.ride(&format!("{day}-{number}"), "card", 12_000);
            rides.push(Ride { at, ..ride });
        }
    }
    let results = programme.credit(&rides).await?;
    let by_day: Vec<i64> = results.chunks(2).map(points).collect();
    assert_eq!(by_day, [100, 100, 100, 0, 0, 0, 0, 100], "the first week's cap is full after three days");
    assert_eq!(balance(&programme, citizen).await?.0, 400);
    programme.stop().await
}

async fn events_are_taken_within_their_time(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    programme.enroll("card").await?;
    let (late, early) = (TimeDelta::days(90), TimeDelta::minutes(10));
    let moment = TimeDelta::microseconds(1);
    for (offset, code) in [
        (-late - moment, Some("time_too_old")),
        (-late, None),
        (-late + moment, None),
        (early - moment, None),
        (early, None),
        (early + moment, Some("time_in_future")),
    ] {
        let ride = programme.ride(&offset.to_string(), "card", 1_000);
        let results = programme.credit(&[Ride { at: stage.now() + offset, ..ride }]).await?;
        assert_eq!(results.first().and_then(|result| result.code.as_deref()), code, "{offset}");
    }
    programme.stop().await
}

/// What an event came to, without what differs between cities.
type Told = (EventStatus, Option<i64>, Option<i64>, Option<String>);

fn told(result: &EventResult) -> Told {
    let points = result.points.map(tanhui_domain::amount::Points::get);
    let reduction = result.reduction.map(tanhui_domain::amount::ReductionMg::get);
    (result.status, points, reduction, result.code.clone())
}

/// Some rides over ten days: short ones, long ones, repeated ones. The card of every fourth id is unbound.
fn rides() -> impl Strategy<Value = Vec<(u8, u32, i64)>> {
    prop::collection::vec((0_u8..40, 300_u32..30_000, 0_i64..240), 1..60)
}

async fn a_batch_equals_its_events_one_by_one(stage: Stage) -> Outcome {
    let mut runner = TestRunner::deterministic();
    let start = stage.now();
    stage.clock.advance(TimeDelta::days(11));
    for round in 0..6 {
        let case = rides().new_tree(&mut runner).map_err(|reason| reason.to_string())?.current();
        let mut told_by_city = Vec::new();
        for (seed, grouping) in (round * 3 + 2..).zip([case.len(), 1, 7]) {
            let city = format!("city{seed}");
            let programme = Programme::start_with(&stage, &city, Cache::memory(), seed).await?;
            let mut citizens = BTreeMap::new();
            for card in 0..3 {
                citizens.insert(card, programme.enroll(&format!("card{card}")).await?);
            }
            let rides: Vec<Ride> = case
                .iter()
                .map(|(id, metres, hours)| Ride {
                    external_id: format!("ride{id}"),
                    card: format!("card{}", id % 4),
                    metres: *metres,
                    at: start + TimeDelta::hours(*hours),
                })
                .collect();
            let mut results: Vec<Told> = Vec::new();
            for part in rides.chunks(grouping) {
                results.extend(programme.credit(part).await?.iter().map(told));
            }
            let mut balances = Vec::new();
            for citizen in citizens.values() {
                balances.push(balance(&programme, *citizen).await?);
            }
            told_by_city.push((results, balances));
            programme.stop().await?;
        }
        let [whole, single, sevens] = &told_by_city[..] else { return Err("three cities".into()) };
        assert_eq!(whole, single, "round {round}: {case:?}");
        assert_eq!(whole, sevens, "round {round}: {case:?}");
    }
    Ok(())
}

async fn neighbours_of_a_bad_event_are_credited(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("card").await?;
    let ride = |external_id: &str| programme.ride(external_id, "card", 1_000);
    let reports = vec![
        programme.report(&ride("good"))?,
        programme.report_of(&ride("unknown"), "flight", &[])?,
        programme.report_of(&ride("no unit"), "ride", &[("distance", "7.2")])?,
        programme.report_of(&ride("not a number"), "ride", &[("distance_m", "\"far\"")])?,
        programme.report_of(&ride("missing"), "ride", &[])?,
        programme.report(&Ride { metres: 90_000, ..ride("too far") })?,
        programme.report(&ride("good too"))?,
    ];
    let results = programme.services.crediting.credit(reports).await?;
    let credited: Vec<&str> = results
        .iter()
        .filter(|result| result.status == EventStatus::Credited)
        .map(|result| result.external_id.as_str())
        .collect();
    assert_eq!(credited, ["good", "good too"], "{results:?}");
    assert!(results.iter().all(|result| result.points.is_some() || result.code.is_some()), "{results:?}");
    assert_eq!(balance(&programme, citizen).await?.0, 10);
    programme.stop().await
}

async fn two_processes_credit_each_event_once(stage: Stage) -> Outcome {
    let one = Programme::start(&stage).await?;
    let other = Programme::start_with(&stage, "testcity", Cache::memory(), 2).await?;
    let mut citizens = Vec::new();
    for card in 0..10 {
        citizens.push(one.enroll(&format!("card{card}")).await?);
    }
    let rides: Vec<Ride> = (0..200)
        .map(|number| one.ride(&format!("r{number}"), &format!("card{}", number % 10), 600))
        .collect();
    let backwards: Vec<Ride> = rides.iter().rev().cloned().collect();
    let run = async |programme: &Programme, rides: &[Ride]| -> Outcome<usize> {
        let mut credited = 0;
        for part in rides.chunks(20) {
            let results = programme.credit(part).await?;
            credited += results.iter().filter(|result| result.status == EventStatus::Credited).count();
        }
        Ok(credited)
    };
    let (first, second) = tokio::join!(run(&one, &rides), run(&other, &backwards));
    assert_eq!(first? + second?, 200);
    for citizen in citizens {
        assert_eq!(balance(&one, citizen).await?.0, 24, "eight rides of twenty count, whoever wrote them");
    }
    other.stop().await?;
    one.stop().await
}

async fn a_call_that_is_too_large_is_refused(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let report = programme.report(&programme.ride("a", "card", 1_000))?;
    let credit = |count: usize| programme.services.crediting.credit(vec![report.clone(); count]);
    assert_eq!(credit(0).await?.len(), 0);
    assert_eq!(credit(EVENTS_PER_CALL_MAX).await?.len(), EVENTS_PER_CALL_MAX);
    let refused = credit(EVENTS_PER_CALL_MAX + 1).await;
    assert!(matches!(refused, Err(CreditError::TooMany(count)) if count == EVENTS_PER_CALL_MAX + 1));
    programme.stop().await
}

async fn a_stopped_process_takes_nothing_more(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizen = programme.enroll("card").await?;
    let (running, ride) = (programme.clone(), programme.ride("a", "card", 1_000));
    let last = tokio::spawn(async move { running.credit(&[ride]).await });
    until("the last call is answered", async || Ok(last.is_finished())).await?;
    last.await??;
    programme.services.crediting.stop().await;
    let report = programme.report(&programme.ride("b", "card", 1_000))?;
    let refused = programme.services.crediting.credit(vec![report]).await;
    assert!(matches!(refused, Err(CreditError::Stopping)), "{refused:?}");
    assert_eq!(balance(&programme, citizen).await?.0, 5);
    programme.stop().await
}

async fn neighbours_of_an_event_that_cannot_be_written_are_credited(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let sound = programme.enroll("card").await?;
    let broken = programme.enroll("broken card").await?;
    let id = broken.get().simple().to_string().to_uppercase();
    let account = match stage.engine {
        Engine::Postgres => format!("owner_id = '{id}'"),
        Engine::Sqlite => format!("hex(owner_id) = '{id}'"),
    };
    assert_eq!(stage.raw.execute(&format!("DELETE FROM accounts WHERE {account}")).await?, 1);
    let mut rides: Vec<Ride> =
        (0..6).map(|number| programme.ride(&format!("r{number}"), "card", 1_000)).collect();
    rides.insert(4, programme.ride("bad", "broken card", 1_000));
    let results = programme.credit(&rides).await?;
    let codes: Vec<Option<&str>> = results.iter().map(|result| result.code.as_deref()).collect();
    assert_eq!(codes, [None, None, None, None, Some("not_written"), None, None]);
    assert_eq!(balance(&programme, sound).await?, (30, 300_000));
    let alone = programme.credit(&[programme.ride("bad", "broken card", 1_000)]).await;
    assert!(alone.is_err(), "a fault that is not the event's own is an error of the call: {alone:?}");
    programme.stop().await
}

/// A ratchet: begin, lock the owners, claim, look at caps, write, post the programme's side, commit. On
/// SQLite, which is no trip away, what is written goes table by table. Make it fewer, never more.
async fn a_batch_takes_few_statements_however_large_it_is(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let cards: Vec<String> = (0..50).map(|number| format!("card{number}")).collect();
    for card in &cards {
        programme.enroll(card).await?;
    }
    // A large batch is a look-up and three transactions side by side where there can be several.
    let (most, largest) = match stage.engine {
        Engine::Postgres => (7, 1 + 3 * 7),
        Engine::Sqlite => (13, 13),
    };
    for (size, most) in [(1, most), (10, most), (127, most), (1_000, largest)] {
        let ride = |number: usize| {
            let card = cards.get(number % cards.len()).map_or("", String::as_str);
            programme.ride(&format!("{size}-{number}"), card, 1_000)
        };
        let rides: Vec<Ride> = (0..size).map(ride).collect();
        let before = programme.services.database.statements_sent();
        let results = programme.credit(&rides).await?;
        let sent = programme.services.database.statements_sent() - before;
        assert!(results.iter().all(|result| result.status == EventStatus::Credited));
        assert!(sent <= most, "{sent} statements for {size} events; {most} are the most");
    }
    programme.stop().await
}
