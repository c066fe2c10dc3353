//! Held acts: kept with their data, decided once by a person, credited on the road of all others.

use chrono::TimeDelta;
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::id::{ActivityId, CitizenId};
use tanhui_domain::ledger::JournalKind::Credit;
use tanhui_domain::office::Act;
use tanhui_domain::text::Text;
use tanhui_service::audit::{Sample, recompute};
use tanhui_service::crediting::EventStatus;
use tanhui_service::review::{ReviewError, Verdict, decide, page, told};
use tanhui_store::office_log;
use tanhui_tests::{Outcome, Ride, Stage, each_database};
use uuid::Uuid;

use crate::shop::Shop;

each_database!(
    an_implausible_ride_is_held_and_credited_when_released,
    a_rejected_ride_makes_room_and_stays_known,
    a_held_ride_is_decided_once,
    one_body_in_two_places_is_held,
    what_another_act_held_back_stands_when_it_is_computed_again,
    held_rides_are_listed_by_page,
);

fn why() -> Text {
    Text::new("已与乘车记录核对", "checked against the operator's record")
}

impl Shop {
    /// Reports a ride of 10 km in so many minutes, so many hours ago, perhaps with a ticket.
    async fn tell(
        &self,
        stage: &Stage,
        name: &str,
        (minutes, hours_ago): (u32, i64),
        ticket: &str,
    ) -> Outcome<(EventStatus, Option<String>)> {
        let at = stage.now() - TimeDelta::hours(hours_ago);
        let ride = Ride { external_id: name.to_owned(), card: "card".to_owned(), metres: 10_000, at };
        let (minutes, ticket) = (minutes.to_string(), format!("\"{ticket}\""));
        let mut inputs = vec![("distance_m", "10000"), ("minutes_min", minutes.as_str())];
        if ticket.len() > 2 {
            inputs.push(("ticket", ticket.as_str()));
        }
        let report = self.programme.report_of(&ride, "ride", &inputs)?;
        let results = self.programme.services.crediting.credit(vec![report]).await?;
        let result = results.into_iter().next().ok_or("no answer")?;
        Ok((result.status, result.code))
    }

    async fn review(&self, name: &str, verdict: Verdict) -> Result<Activity, ReviewError> {
        let id = ActivityId::derive(self.programme.source.id, name);
        let officer = CitizenId::new(Uuid::from_u128(9));
        decide(&self.programme.services, &self.programme.city, id, officer, (verdict, &why())).await
    }

    async fn held(&self) -> Outcome<Vec<String>> {
        let held = page(&self.programme.services, &self.programme.city, None, 100).await?;
        Ok(held.into_iter().map(|(activity, _)| activity.external_id).collect())
    }
}

fn held(code: &str) -> (EventStatus, Option<String>) {
    (EventStatus::Held, Some(code.to_owned()))
}

async fn an_implausible_ride_is_held_and_credited_when_released(stage: Stage) -> Outcome {
    let shop = Shop::of_travel(&stage, "claw_back").await?;
    let citizen = shop.programme.enroll("card").await?;
    assert_eq!(shop.tell(&stage, "fast", (4, 0), "").await?, held("too_fast"));
    assert_eq!(shop.points(citizen).await?, 0);
    let listed = page(&shop.programme.services, &shop.programme.city, None, 10).await?;
    let (activity, reason) = listed.first().ok_or("nothing is held")?;
    assert_eq!((activity.status, reason.en.as_str()), (ActivityStatus::Held, "Implausibly fast"));
    let receipt = told(&shop.programme.services, activity).await?;
    assert_eq!(receipt.inputs.iter().count(), 3);
    shop.programme.expect_clean_books().await?;
    stage.clock.advance(TimeDelta::days(2));
    let released = shop.review("fast", Verdict::Release).await?;
    assert_eq!((released.status, released.points.get()), (ActivityStatus::Credited, 50));
    assert_eq!((shop.lines(citizen).await?, shop.held().await?), (vec![(Credit, 50)], vec![]));
    let again = shop.tell(&stage, "fast", (4, 48), "").await?;
    assert_eq!(again, (EventStatus::Duplicate, None));
    let city = shop.programme.city.id;
    let log = office_log::page(&shop.programme.services.database, city, None, 10).await?;
    assert_eq!(log.iter().map(|(_, deed)| deed.act).collect::<Vec<_>>(), [Act::Released]);
    for name in ["b", "c"] {
        shop.tell(&stage, name, (20, if name == "b" { 45 } else { 46 }), "").await?;
    }
    assert_eq!(shop.points(citizen).await?, 100, "under the cap of the day on which it happened");
    shop.programme.stop().await
}

async fn a_rejected_ride_makes_room_and_stays_known(stage: Stage) -> Outcome {
    let shop = Shop::of_travel(&stage, "claw_back").await?;
    let citizen = shop.programme.enroll("card").await?;
    shop.tell(&stage, "fast", (4, 0), "").await?;
    let same = (EventStatus::Duplicate, Some("same_act".to_owned()));
    assert_eq!(shop.tell(&stage, "right", (6, 0), "").await?, same, "while it is held");
    let rejected = shop.review("fast", Verdict::Reject).await?;
    assert_eq!(rejected.status, ActivityStatus::Rejected);
    assert_eq!(shop.tell(&stage, "right", (6, 0), "").await?, (EventStatus::Credited, None));
    assert_eq!(shop.tell(&stage, "fast", (4, 0), "").await?, (EventStatus::Duplicate, None));
    assert_eq!((shop.points(citizen).await?, shop.held().await?), (50, vec![]));
    shop.programme.stop().await
}

async fn a_held_ride_is_decided_once(stage: Stage) -> Outcome {
    let shop = Shop::of_travel(&stage, "claw_back").await?;
    let other = shop.elsewhere(&stage).await?;
    let citizen = shop.programme.enroll("card").await?;
    let mut points = 0;
    for round in 0..3 {
        let name = format!("fast{round}");
        shop.tell(&stage, &name, (4, 0), "").await?;
        let deciding = (0..6).map(|number| {
            let (shop, name) = (if number % 2 == 0 { shop.clone() } else { other.clone() }, name.clone());
            let verdict = if number % 3 == 0 { Verdict::Reject } else { Verdict::Release };
            tokio::spawn(async move { shop.review(&name, verdict).await })
        });
        let mut decided = Vec::new();
        for outcome in deciding.collect::<Vec<_>>() {
            match outcome.await? {
                Ok(activity) => decided.push(activity),
                Err(ReviewError::NotHeld(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let [activity] = &decided[..] else { return Err(format!("{decided:?}").into()) };
        points += activity.points.get();
        assert_eq!(shop.points(citizen).await?, points);
        stage.clock.advance(TimeDelta::days(1));
    }
    let unknown = shop.review("never told", Verdict::Release).await;
    assert!(matches!(unknown, Err(ReviewError::NoActivity)), "{unknown:?}");
    other.programme.stop().await?;
    shop.programme.stop().await
}

/// Two trips that their sources tell apart, at the same time: somebody is wrong.
async fn one_body_in_two_places_is_held(stage: Stage) -> Outcome {
    let shop = Shop::of_travel(&stage, "claw_back").await?;
    let citizen = shop.programme.enroll("card").await?;
    assert_eq!(shop.tell(&stage, "a", (30, 1), "T-1").await?, (EventStatus::Credited, None));
    assert_eq!(shop.tell(&stage, "b", (30, 1), "T-2").await?, held("in_two_places"));
    assert_eq!(shop.held().await?, ["b"]);
    let released = shop.review("b", Verdict::Release).await?;
    assert_eq!(released.status, ActivityStatus::Credited);
    assert_eq!(shop.points(citizen).await?, 100);
    shop.programme.stop().await
}

/// The rules alone would have credited it.
async fn what_another_act_held_back_stands_when_it_is_computed_again(stage: Stage) -> Outcome {
    let shop = Shop::of_travel(&stage, "claw_back").await?;
    shop.programme.enroll("card").await?;
    for (name, ticket) in [("a", "T-1"), ("b", "T-2"), ("c", "T-3")] {
        shop.tell(&stage, name, (30, 1), ticket).await?;
    }
    shop.review("c", Verdict::Reject).await?;
    let services = &shop.programme.services;
    let again = recompute(&services.database, &services.rules, Sample::All, |_| {}).await?;
    assert_eq!((again.checked, again.named), (3, vec![]), "one credited, one held, one rejected");
    shop.programme.stop().await
}

async fn held_rides_are_listed_by_page(stage: Stage) -> Outcome {
    let shop = Shop::of_travel(&stage, "claw_back").await?;
    shop.programme.enroll("card").await?;
    for number in 0..5 {
        shop.tell(&stage, &format!("fast{number}"), (4, number), "").await?;
        stage.clock.advance(TimeDelta::seconds(i64::from(number % 2 == 0)));
    }
    let (services, city) = (&shop.programme.services, &shop.programme.city);
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let part = page(services, city, after, 2).await?;
        let Some((last, _)) = part.last() else { break };
        after = Some((last.recorded_at, last.id));
        seen.extend(part.into_iter().map(|(activity, _)| activity.external_id));
    }
    seen.sort();
    assert_eq!(seen, ["fast0", "fast1", "fast2", "fast3", "fast4"]);
    shop.programme.stop().await
}
