//! Points end after their last day: once, whoever looks, however late.

use tanhui_domain::ledger::JournalKind::{Cancel, Credit, Expire, Redeem};
use tanhui_domain::redemption::Refusal;
use tanhui_service::expiry::{Expired, expire};
use tanhui_service::redemption::RedeemError;
use tanhui_service::statement;
use tanhui_store::lot;
use tanhui_tests::{Outcome, Stage, each_database};

use crate::shop::Shop;

each_database!(
    points_end_when_their_last_day_is_over,
    missed_days_are_caught_up_with,
    two_processes_end_points_once,
    ended_points_are_not_spent,
    expiry_and_redemption_at_once,
    points_given_back_after_their_last_day_end_at_once,
    points_credited_across_midnight_end_a_day_late,
);

/// The last microsecond of the last day of March 2027 in the test city, when points of March 2026 end.
const LAST_INSTANT: &str = "2027-03-31T15:59:59.999999Z";
/// The first instant after it.
const OVER: &str = "2027-03-31T16:00:00Z";

async fn points_end_when_their_last_day_is_over(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.citizen("card", 50).await?;
    let services = &shop.programme.services;
    stage.clock.set(LAST_INSTANT.parse()?);
    assert_eq!(expire(services).await?, Expired::default());
    assert_eq!(statement::spendable(&statement::balance(services, citizen).await?).get(), 50);
    stage.clock.set(OVER.parse()?);
    assert_eq!(statement::spendable(&statement::balance(services, citizen).await?).get(), 0);
    let expired = expire(services).await?;
    assert_eq!((expired.citizens, expired.points.get()), (1, 50));
    assert_eq!(expire(services).await?, Expired::default(), "once");
    assert_eq!(shop.lines(citizen).await?, [(Credit, 50), (Expire, -50)]);
    let lots = statement::lots(services, citizen, None, 10).await?;
    let lot = lots.first().ok_or("no lot")?;
    assert_eq!((lot.granted.get(), lot.left.get(), lot.expired.get(), lot.taken()?.get()), (50, 0, 50, 0));
    shop.programme.stop().await
}

async fn missed_days_are_caught_up_with(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.citizen("card", 50).await?;
    stage.clock.set("2026-04-10T00:00:00Z".parse()?);
    shop.ride("card", 30).await?;
    stage.clock.set("2026-05-10T00:00:00Z".parse()?);
    shop.ride("card", 7).await?;
    assert_eq!(expire(&shop.programme.services).await?, Expired::default());
    stage.clock.set("2027-05-02T00:00:00Z".parse()?);
    assert_eq!(expire(&shop.programme.services).await?.points.get(), 80, "March and April");
    assert_eq!(shop.points(citizen).await?, 7);
    stage.clock.set("2029-01-01T00:00:00Z".parse()?);
    assert_eq!(expire(&shop.programme.services).await?.points.get(), 7);
    shop.programme.stop().await
}

async fn two_processes_end_points_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let mut people = Vec::new();
    for number in 0..30 {
        people.push(shop.citizen(&format!("card{number}"), 20 + number).await?);
    }
    stage.clock.set(OVER.parse()?);
    let (one, two) = tokio::join!(expire(&shop.programme.services), expire(&other.programme.services));
    let points = one?.points.get() + two?.points.get();
    assert_eq!(points, (20..50).sum::<i64>());
    for citizen in people {
        assert_eq!(shop.lines(citizen).await?.len(), 2, "one credit, one end");
    }
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn ended_points_are_not_spent(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.citizen("card", 50).await?;
    stage.clock.set(OVER.parse()?);
    let refused = shop.buy(citizen, 1).await;
    let Err(RedeemError::Refused(Refusal::InsufficientPoints(missing))) = refused else {
        return Err(format!("{refused:?}").into());
    };
    assert_eq!(missing.available.get(), 0, "also before anybody posted their end");
    shop.programme.stop().await
}

async fn expiry_and_redemption_at_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let mut people = Vec::new();
    for number in 0..10 {
        people.push(shop.citizen(&format!("card{number}"), 30).await?);
    }
    stage.clock.set("2026-04-10T00:00:00Z".parse()?);
    for number in 0..10 {
        shop.ride(&format!("card{number}"), 45).await?;
    }
    stage.clock.set(OVER.parse()?);
    let buying: Vec<_> = people
        .iter()
        .map(|&citizen| {
            let shop = shop.clone();
            tokio::spawn(async move { shop.buy(citizen, 2).await })
        })
        .collect();
    let expired = expire(&other.programme.services).await?;
    for outcome in buying {
        outcome.await??;
    }
    assert_eq!((expired.citizens, expired.points.get()), (10, 300));
    for citizen in people {
        assert_eq!(shop.points(citizen).await?, 5, "45 of April less 40, and none of March");
    }
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn points_given_back_after_their_last_day_end_at_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?.offer_like(None, |draft| draft.voucher_days = 900).await?;
    let citizen = shop.citizen("card", 30).await?;
    stage.clock.set("2026-04-10T00:00:00Z".parse()?);
    shop.ride("card", 20).await?;
    let id = shop.buy(citizen, 2).await?;
    stage.clock.set(OVER.parse()?);
    shop.give_back(citizen, id).await?;
    let lines = shop.lines(citizen).await?;
    assert_eq!(lines.split_at(2).1, &[(Redeem, -40), (Cancel, 40), (Expire, -30)]);
    let lots = lot::open(&shop.programme.services.database, citizen).await?;
    assert_eq!(lots.iter().map(|lot| lot.left.get()).collect::<Vec<_>>(), [20]);
    assert_eq!(expire(&shop.programme.services).await?, Expired::default());
    let all = statement::lots(&shop.programme.services, citizen, None, 10).await?;
    let tallies: Vec<_> =
        all.iter().map(|lot| (lot.left.get(), lot.expired.get(), lot.refunded.get())).collect();
    assert_eq!(tallies, [(20, 0, 10), (0, 30, 30)], "the last to end comes first");
    shop.programme.stop().await
}

/// A credit that is written just after the round of its lot's last day is found by the next day's round.
async fn points_credited_across_midnight_end_a_day_late(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.programme.enroll("card").await?;
    stage.clock.set(OVER.parse()?);
    expire(&shop.programme.services).await?;
    stage.clock.set("2026-03-02T00:00:00Z".parse()?);
    shop.ride("card", 25).await?;
    stage.clock.set("2027-03-31T16:00:00Z".parse()?);
    assert_eq!(expire(&shop.programme.services).await?, Expired::default(), "this day is done");
    stage.clock.set("2027-04-01T16:00:00Z".parse()?);
    assert_eq!(expire(&shop.programme.services).await?.points.get(), 25);
    assert_eq!(shop.points(citizen).await?, 0);
    shop.programme.stop().await
}
