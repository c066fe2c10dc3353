//! Points that settle later: on the account at once, spendable from their first day on.

use chrono::TimeDelta;
use tanhui_domain::activity::ActivityStatus;
use tanhui_domain::amount::Points;
use tanhui_domain::id::{ActivityId, CitizenId};
use tanhui_domain::office::Actor;
use tanhui_domain::redemption::Refusal;
use tanhui_domain::text::Text;
use tanhui_service::redemption::RedeemError;
use tanhui_service::reversal::reverse;
use tanhui_service::statement;
use tanhui_tests::{Outcome, Stage, each_database};

use crate::shop::Shop;

each_database!(
    pending_points_are_spent_from_their_first_day_on,
    pending_points_are_reversed_from_their_own_lot
);

impl Shop {
    async fn settled_ride(&self, name: &str, card: &str) -> Outcome {
        let ride = self.programme.ride(name, card, 10_000);
        let report = self.programme.report_of(&ride, "settled_ride", &[("distance_m", "10000")])?;
        let results = self.programme.services.crediting.credit(vec![report]).await?;
        assert_eq!(results.first().and_then(|result| result.points).map(Points::get), Some(50));
        Ok(())
    }

    async fn pending(&self, citizen: CitizenId) -> Outcome<(i64, i64, i64)> {
        let balance = statement::balance(&self.programme.services, citizen).await?;
        let spendable = statement::spendable(&balance).get();
        Ok((balance.amounts.points.get(), balance.pending.get(), spendable))
    }
}

async fn pending_points_are_spent_from_their_first_day_on(stage: Stage) -> Outcome {
    let shop = Shop::of_travel(&stage, "claw_back").await?;
    let citizen = shop.programme.enroll("card").await?;
    shop.settled_ride("a", "card").await?;
    assert_eq!(shop.pending(citizen).await?, (50, 50, 0));
    let refused = shop.buy(citizen, 1).await;
    let Err(RedeemError::Refused(Refusal::InsufficientPoints(missing))) = refused else {
        return Err(format!("{refused:?}").into());
    };
    assert_eq!(missing.available.get(), 0);
    stage.clock.set("2026-03-03T15:59:59.999999Z".parse()?);
    assert_eq!(shop.pending(citizen).await?, (50, 50, 0));
    stage.clock.set("2026-03-03T16:00:00Z".parse()?);
    assert_eq!(shop.pending(citizen).await?, (50, 0, 50));
    shop.settled_ride("b", "card").await?;
    assert_eq!(shop.pending(citizen).await?, (100, 50, 50));
    let id = shop.buy(citizen, 2).await?;
    assert_eq!(shop.pending(citizen).await?, (60, 50, 10));
    shop.give_back(citizen, id).await?;
    assert_eq!(shop.pending(citizen).await?, (100, 50, 50), "to the lot that they came from");
    shop.programme.stop().await
}

async fn pending_points_are_reversed_from_their_own_lot(stage: Stage) -> Outcome {
    let shop = Shop::of_travel(&stage, "claw_back").await?;
    let citizen = shop.programme.enroll("card").await?;
    shop.settled_ride("a", "card").await?;
    stage.clock.advance(TimeDelta::days(1));
    shop.settled_ride("b", "card").await?;
    let id = ActivityId::derive(shop.programme.source.id, "b");
    let actor = Actor::Source(shop.programme.source.id);
    let reason = Text::new("更正", "corrected");
    let undone = reverse(&shop.programme.services, &shop.programme.city, id, actor, &reason).await?;
    assert_eq!(undone.status, ActivityStatus::Reversed);
    stage.clock.advance(TimeDelta::days(1));
    assert_eq!(shop.pending(citizen).await?, (50, 0, 50), "a's points, which settle first, are whole");
    shop.programme.stop().await
}
