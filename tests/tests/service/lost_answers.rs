//! The database commits and the connection is cut before it can say so: the program must find out by itself.

use chrono::TimeDelta;
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::text::Text;
use tanhui_service::cache::Cache;
use tanhui_service::crediting::EventStatus;
use tanhui_service::office::{self, NewOffer};
use tanhui_service::redemption::{self, RedeemRequest, redeem};
use tanhui_service::{RequestKey, payout, prize, statement};
use tanhui_tests::{Outcome, Programme, Stage, Wire, on_postgres};

use crate::paying;

on_postgres!(
    events_are_credited_once,
    events_wait_once,
    a_redemption_is_made_once,
    points_that_waited_are_paid_once_and_prizes_given_once,
);

async fn events_are_credited_once(stage: Stage) -> Outcome {
    let (wire, far) = Wire::lay(&stage).await?;
    let programme = Programme::start_with(&far, "testcity", Cache::memory(), 1).await?;
    let citizen = programme.enroll("card").await?;
    for (cuts, external_id) in [(1, "a"), (3, "b"), (0, "c")] {
        wire.arm(cuts);
        let ride = programme.ride(external_id, "card", 1_000);
        let results = programme.credit(&[ride]).await?;
        assert_eq!((results.len(), wire.cuts_due()), (1, 0), "{results:?}");
        assert!(results.iter().all(|result| result.status == EventStatus::Credited), "{results:?}");
    }
    assert_eq!(statement::balance(&programme.services, citizen).await?.amounts.points.get(), 15);
    programme.stop().await
}

async fn events_wait_once(stage: Stage) -> Outcome {
    let (wire, far) = Wire::lay(&stage).await?;
    let programme = Programme::start_with(&far, "testcity", Cache::memory(), 1).await?;
    for (cuts, external_id) in [(1, "a"), (3, "b"), (0, "c")] {
        let ride = programme.ride(external_id, "card", 1_000);
        wire.arm(cuts);
        let results = programme.credit(std::slice::from_ref(&ride)).await?;
        assert_eq!((results.len(), wire.cuts_due()), (1, 0), "{results:?}");
        assert!(results.iter().all(|result| result.status == EventStatus::Pending), "{results:?}");
        stage.clock.advance(TimeDelta::microseconds(1));
        wire.arm(1);
        let again = programme.credit(&[ride]).await?;
        assert_eq!((again.len(), wire.cuts_due()), (1, 0), "{again:?}");
        assert!(again.iter().all(|result| result.status == EventStatus::Duplicate), "{again:?}");
    }
    programme.stop().await
}

async fn a_redemption_is_made_once(stage: Stage) -> Outcome {
    let (wire, far) = Wire::lay(&stage).await?;
    let programme = Programme::start_with(&far, "testcity", Cache::memory(), 1).await?;
    let citizen = programme.enroll("card").await?;
    programme.credit(&[programme.ride("a", "card", 20_000)]).await?;
    let merchant = office::create_merchant(&programme.services, &programme.city, "小店").await?;
    let new = NewOffer {
        merchant,
        title: Text::new("豆浆", "Soy milk"),
        price: Points::new(20),
        payout: Fen::new(500),
        stock: 10,
        per_person: None,
        voucher_days: 30,
    };
    let offer = office::create_offer(&programme.services, new).await?;
    let key = RequestKey {
        owner: citizen.into(),
        route: "redemptions",
        key: "once".to_owned(),
        body_hash: [1; 32],
    };
    for (key, points) in [(Some(key), 80), (None, 60)] {
        let city = programme.city.clone();
        let request = RedeemRequest { citizen, city, offer, quantity: 1, key };
        wire.arm(1);
        let made = redeem(&programme.services, &request).await?.made();
        assert_eq!(wire.cuts_due(), 0);
        let stored = redemption::find(&programme.services, citizen, made.redemption.id).await?;
        assert_eq!(stored, Some(made), "the second try finds what the first one made");
        let balance = statement::balance(&programme.services, citizen).await?;
        assert_eq!(balance.amounts.points.get(), points);
    }
    programme.stop().await
}

async fn points_that_waited_are_paid_once_and_prizes_given_once(stage: Stage) -> Outcome {
    let (wire, far) = Wire::lay(&stage).await?;
    let programme = paying::start(&far, 1).await?;
    let citizen = programme.enroll("card").await?;
    for id in ["a", "b", "c", "d"] {
        paying::act(&programme, id, "card", "walk").await?;
    }
    far.clock.set("2026-04-01T02:00:00Z".parse()?);
    for (payouts, prizes) in [(1, 2), (0, 0)] {
        wire.arm(payouts);
        payout::pay(&programme.services).await?;
        assert_eq!(wire.cuts_due(), 0);
        wire.arm(prizes);
        prize::give(&programme.services).await?;
        assert_eq!(wire.cuts_due(), 0);
    }
    let balance = statement::balance(&programme.services, citizen).await?;
    assert_eq!((balance.amounts.points.get(), balance.waiting.get()), (80 + 100, 0));
    programme.stop().await
}
