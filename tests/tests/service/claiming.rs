//! One body, one act: what two reports tell is counted once, whoever tells it and however often.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::id::{ActivityId, CitizenId};
use tanhui_domain::office::Actor;
use tanhui_domain::rule::Evidence;
use tanhui_domain::text::Text;
use tanhui_service::crediting::{EventResult, EventStatus, Report};
use tanhui_service::reversal::reverse;
use tanhui_service::{binding, office, worker};
use tanhui_store::{citizen, waiting};
use tanhui_tests::{Outcome, Programme, Ride, Stage, each_database};

use crate::shop::Shop;

each_database!(
    overlapping_rides_count_once_from_any_source,
    overlapping_rides_count_once_within_a_batch,
    overlapping_rides_count_once_on_two_processes,
    rides_side_by_side_count_both,
    a_ride_over_midnight_and_the_weeks_end_counts_once,
    one_trip_counts_once_whatever_the_clocks_say,
    a_refused_or_reversed_ride_makes_room,
    a_waiting_ride_that_was_counted_waits_no_more,
    rides_are_forgotten_when_no_rule_looks_at_them_again,
);

/// A ride of so many kilometres and minutes, with a ticket or without.
#[derive(Clone, Copy)]
struct Trip<'a> {
    name: &'a str,
    at: DateTime<Utc>,
    metres: u32,
    minutes: u32,
    ticket: Option<&'a str>,
}

fn trip(name: &str, at: DateTime<Utc>, minutes: u32) -> Trip<'_> {
    Trip { name, at, metres: 5_000, minutes, ticket: None }
}

fn report(programme: &Programme, card: &str, trip: Trip<'_>) -> Outcome<Report> {
    let ride =
        Ride { external_id: trip.name.to_owned(), card: card.to_owned(), metres: trip.metres, at: trip.at };
    let (metres, minutes) = (trip.metres.to_string(), trip.minutes.to_string());
    let ticket = trip.ticket.map(|ticket| format!("\"{ticket}\""));
    let mut inputs = vec![("distance_m", metres.as_str()), ("minutes_min", minutes.as_str())];
    inputs.extend(ticket.as_deref().map(|ticket| ("ticket", ticket)));
    programme.report_of(&ride, "ride", &inputs)
}

async fn send(shop: &Shop, trips: &[Trip<'_>]) -> Outcome<Vec<EventResult>> {
    let reports: Outcome<Vec<Report>> =
        trips.iter().map(|trip| report(&shop.programme, "card", *trip)).collect();
    Ok(shop.programme.services.crediting.credit(reports?).await?)
}

fn id(shop: &Shop, name: &str) -> ActivityId {
    ActivityId::derive(shop.programme.source.id, name)
}

/// It was answered as the first told again.
fn assert_told_again(result: Option<&EventResult>, first: ActivityId) {
    let result = result.map(|result| (result.status, result.code.as_deref(), result.activity));
    assert_eq!(result, Some((EventStatus::Duplicate, Some("same_act"), Some(first))));
}

async fn travel(stage: &Stage) -> Outcome<(Shop, CitizenId)> {
    let shop = Shop::of_travel(stage, "claw_back").await?;
    let citizen = shop.programme.enroll("card").await?;
    Ok((shop, citizen))
}

async fn overlapping_rides_count_once_from_any_source(stage: Stage) -> Outcome {
    let (shop, citizen) = travel(&stage).await?;
    let services = &shop.programme.services;
    let uri = "urn:testcity:app";
    let app = office::ensure_source(services, shop.programme.city.id, uri, "App", Evidence::Operator);
    let mut phone = shop.programme.clone();
    phone.source = app.await?;
    let app = phone;
    let person = citizen::find(&services.database, citizen).await?.ok_or("no citizen")?;
    binding::bind(services, &person, uri, "phone").await?;
    let first = send(&shop, &[trip("a", stage.now(), 30)]).await?;
    assert_eq!(first.first().map(|result| result.status), Some(EventStatus::Credited));
    let later = trip("x", stage.now() + TimeDelta::minutes(10), 40);
    for _ in 0..2 {
        let again = services.crediting.credit(vec![report(&app, "phone", later)?]).await?;
        assert_told_again(again.first(), id(&shop, "a"));
    }
    let stored = ActivityId::derive(app.source.id, "x");
    assert!(tanhui_store::activity::find(&services.database, stored).await?.is_none(), "stored nowhere");
    let again = send(&shop, &[trip("a", stage.now(), 30)]).await?;
    assert_eq!(
        again.first().map(|result| result.code.clone()),
        Some(None),
        "the first itself is a plain one"
    );
    assert_eq!(shop.points(citizen).await?, 25);
    shop.programme.stop().await
}

async fn overlapping_rides_count_once_within_a_batch(stage: Stage) -> Outcome {
    let (shop, citizen) = travel(&stage).await?;
    let start = stage.now() - TimeDelta::hours(5);
    let minutes = TimeDelta::minutes;
    let results = send(
        &shop,
        &[
            trip("a", start, 30),
            trip("b", start + minutes(5), 10),
            trip("c", start + minutes(31), 10),
            trip("d", start + minutes(20), 30),
        ],
    )
    .await?;
    let statuses: Vec<EventStatus> = results.iter().map(|result| result.status).collect();
    let (credited, duplicate) = (EventStatus::Credited, EventStatus::Duplicate);
    assert_eq!(statuses, [credited, duplicate, credited, duplicate]);
    assert_told_again(results.get(1), id(&shop, "a"));
    assert_told_again(results.get(3), id(&shop, "a"));
    assert_eq!(shop.points(citizen).await?, 50);
    shop.programme.stop().await
}

async fn overlapping_rides_count_once_on_two_processes(stage: Stage) -> Outcome {
    let (shop, citizen) = travel(&stage).await?;
    let other = shop.elsewhere(&stage).await?;
    other.programme.services.rules.refresh(&other.programme.services.database).await?;
    let start = stage.now() - TimeDelta::hours(5);
    let sending = (0..12).map(|number| {
        let shop = if number % 2 == 0 { shop.clone() } else { other.clone() };
        tokio::spawn(async move {
            let name = format!("ride{number}");
            let ride = trip(&name, start + TimeDelta::minutes(number), 60);
            send(&shop, &[ride]).await.map_err(|trouble| format!("{trouble:?}"))
        })
    });
    let mut credited = 0;
    for results in sending.collect::<Vec<_>>() {
        let results = results.await??;
        match results.first().map(|result| (result.status, result.code.as_deref())) {
            Some((EventStatus::Credited, None)) => credited += 1,
            Some((EventStatus::Duplicate, Some("same_act"))) => {}
            unexpected => return Err(format!("{unexpected:?}").into()),
        }
    }
    assert_eq!((credited, shop.points(citizen).await?), (1, 25));
    other.programme.stop().await?;
    shop.programme.stop().await
}

/// A minute in common is allowed by these rules; so is any number of bodies.
async fn rides_side_by_side_count_both(stage: Stage) -> Outcome {
    let (shop, citizen) = travel(&stage).await?;
    let stranger = shop.programme.enroll("other").await?;
    let start = stage.now() - TimeDelta::hours(5);
    for (name, begins, counts) in [("a", 0, true), ("b", 28, false), ("c", 29, true), ("d", 59, true)] {
        let ride = trip(name, start + TimeDelta::minutes(begins), 30);
        let results = send(&shop, &[ride]).await?;
        let credited = results.first().is_some_and(|result| result.status == EventStatus::Credited);
        assert_eq!(credited, counts, "{name}");
    }
    let theirs = vec![report(&shop.programme, "other", trip("e", start, 30))?];
    shop.programme.services.crediting.credit(theirs).await?;
    assert_eq!((shop.points(citizen).await?, shop.points(stranger).await?), (75, 25));
    shop.programme.stop().await
}

async fn a_ride_over_midnight_and_the_weeks_end_counts_once(stage: Stage) -> Outcome {
    let (shop, citizen) = travel(&stage).await?;
    // Weeks of days since 1970 begin on Thursdays; 2026-03-05 is one.
    stage.clock.set("2026-03-05T02:00:00Z".parse()?);
    for (number, midnight) in ["2026-03-04T16:00:00Z", "2026-03-05T00:00:00Z"].into_iter().enumerate() {
        let midnight: DateTime<Utc> = midnight.parse()?;
        let (first, second) = (format!("before{number}"), format!("after{number}"));
        let before = trip(&first, midnight - TimeDelta::minutes(20), 60);
        let after = trip(&second, midnight + TimeDelta::minutes(10), 5);
        let results = send(&shop, &[before]).await?;
        assert_eq!(results.first().map(|result| result.status), Some(EventStatus::Credited));
        assert_told_again(send(&shop, &[after]).await?.first(), id(&shop, &first));
    }
    assert_eq!(shop.points(citizen).await?, 50);
    shop.programme.stop().await
}

async fn one_trip_counts_once_whatever_the_clocks_say(stage: Stage) -> Outcome {
    let (shop, citizen) = travel(&stage).await?;
    let ticket = |name, at| Trip { ticket: Some("T-1"), ..trip(name, at, 10) };
    send(&shop, &[ticket("a", stage.now())]).await?;
    let later = ticket("b", stage.now() - TimeDelta::hours(3));
    assert_told_again(send(&shop, &[later]).await?.first(), id(&shop, "a"));
    assert_eq!(shop.points(citizen).await?, 25);
    shop.programme.stop().await
}

async fn a_refused_or_reversed_ride_makes_room(stage: Stage) -> Outcome {
    let (shop, citizen) = travel(&stage).await?;
    let start = stage.now() - TimeDelta::hours(5);
    let short = Trip { metres: 400, ..trip("short", start, 30) };
    let refused = send(&shop, &[short]).await?;
    assert_eq!(refused.first().map(|result| result.status), Some(EventStatus::Rejected));
    let counted = send(&shop, &[trip("a", start, 30)]).await?;
    assert_eq!(counted.first().map(|result| result.status), Some(EventStatus::Credited));
    let again = trip("b", start + TimeDelta::minutes(5), 30);
    assert_told_again(send(&shop, &[again]).await?.first(), id(&shop, "a"));
    let actor = Actor::Source(shop.programme.source.id);
    let reason = Text::new("更正", "corrected");
    reverse(&shop.programme.services, &shop.programme.city, id(&shop, "a"), actor, &reason).await?;
    let now_counted = send(&shop, &[again]).await?;
    assert_eq!(now_counted.first().map(|result| result.status), Some(EventStatus::Credited));
    assert_eq!(shop.points(citizen).await?, 25);
    shop.programme.stop().await
}

async fn a_waiting_ride_that_was_counted_waits_no_more(stage: Stage) -> Outcome {
    let (shop, citizen) = travel(&stage).await?;
    let services = Arc::clone(&shop.programme.services);
    let ride = trip("w", stage.now() + TimeDelta::minutes(5), 20);
    let waits = services.crediting.credit(vec![report(&shop.programme, "new card", ride)?]).await?;
    assert_eq!(waits.first().map(|result| result.status), Some(EventStatus::Pending));
    send(&shop, &[trip("a", stage.now(), 30)]).await?;
    let person = citizen::find(&services.database, citizen).await?.ok_or("no citizen")?;
    binding::bind(&services, &person, &shop.programme.source.uri, "new card").await?;
    worker::credit_waiting(&services).await?;
    assert_eq!(waiting::count(&services.database).await?, 0);
    assert_eq!(shop.points(citizen).await?, 25);
    shop.programme.stop().await
}

/// Rides are taken for 90 days, and one that lasted two days may reach into the first of them.
async fn rides_are_forgotten_when_no_rule_looks_at_them_again(stage: Stage) -> Outcome {
    let (shop, citizen) = travel(&stage).await?;
    let services = Arc::clone(&shop.programme.services);
    let at = |text: &str| text.parse::<DateTime<Utc>>();
    let known = async |now: DateTime<Utc>| -> Outcome<i64> {
        stage.clock.set(now);
        worker::keep_up(&services).await?;
        stage.raw.number("SELECT COUNT(*) FROM act_spans").await
    };
    stage.clock.set(at("2026-03-05T02:00:00Z")?);
    send(&shop, &[trip("a", stage.now(), 30)]).await?;
    assert_eq!(known(at("2026-06-11T23:59:59Z")?).await?, 1);
    assert_eq!(known(at("2026-06-12T00:00:00Z")?).await?, 0);
    send(&shop, &[trip("b", stage.now(), 30)]).await?;
    let waits = report(&shop.programme, "new card", trip("w", stage.now(), 30))?;
    services.crediting.credit(vec![waits]).await?;
    assert_eq!(known(at("2026-09-18T00:00:00Z")?).await?, 1, "what waits may be it told again");
    let person = citizen::find(&services.database, citizen).await?.ok_or("no citizen")?;
    binding::bind(&services, &person, &shop.programme.source.uri, "new card").await?;
    worker::credit_waiting(&services).await?;
    assert_eq!(shop.points(citizen).await?, 50);
    assert_eq!(known(at("2026-09-25T00:00:00Z")?).await?, 0);
    shop.programme.stop().await
}
