//! Undoing an activity: points and grams together, once, whatever became of the points.

use chrono::TimeDelta;
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::amount::Points;
use tanhui_domain::id::{ActivityId, CitizenId};
use tanhui_domain::ledger::JournalKind::{Credit, Expire, Redeem, Reverse};
use tanhui_domain::office::Actor;
use tanhui_domain::redemption::Refusal;
use tanhui_domain::rule::RuleSet;
use tanhui_domain::text::Text;
use tanhui_service::cache::Cache;
use tanhui_service::crediting::EventStatus;
use tanhui_service::expiry::expire;
use tanhui_service::redemption::RedeemError;
use tanhui_service::reversal::{ReversalError, reverse};
use tanhui_service::statement;
use tanhui_store::usage;
use tanhui_store::usage::Among;
use tanhui_tests::{Outcome, Programme, Stage, each_database, publish, rules_of};

use crate::shop::Shop;

each_database!(
    a_reversal_undoes_points_grams_caps_and_boards,
    an_activity_is_reversed_once,
    spent_points_leave_a_balance_below_zero_that_later_ones_fill,
    spent_points_are_owed_and_taken_from_later_ones,
    a_reversal_and_a_redemption_at_once,
    expired_points_are_reversed_without_loss,
    points_of_other_lots_pay_for_spent_ones,
    what_gave_nothing_is_not_reversed,
    a_reason_is_needed_in_both_languages,
    nobody_elses_activity_is_reversed,
);

/// The usual rules, with balances that may fall below zero from now on.
async fn allow_negative(stage: &Stage, shop: &Shop) -> Outcome {
    let mut rules = rules_of("testcity")?.bundle().to_owned();
    rules = rules.replace("points_expire", "reversal: {spent_points: allow_negative}\\npoints_expire");
    let rules = RuleSet::from_bundle(&rules).map_err(|errors| format!("{errors:?}"))?;
    stage.clock.advance(TimeDelta::microseconds(1));
    publish(&shop.programme.services, &rules).await?;
    Ok(())
}

fn reason() -> Text {
    Text::new("来源更正", "corrected by its source")
}

impl Shop {
    fn activity(&self, name: &str) -> ActivityId {
        ActivityId::derive(self.programme.source.id, name)
    }

    async fn ride_named(&self, name: &str, card: &str, points: u32) -> Outcome<ActivityId> {
        let ride = self.programme.ride(name, card, points * 200);
        let results = self.programme.credit(&[ride]).await?;
        assert_eq!(results.first().map(|result| result.status), Some(EventStatus::Credited), "{results:?}");
        Ok(self.activity(name))
    }

    async fn undo(&self, id: ActivityId) -> Result<Activity, ReversalError> {
        let actor = Actor::Source(self.programme.source.id);
        reverse(&self.programme.services, &self.programme.city, id, actor, &reason()).await
    }

    async fn spendable(&self, citizen: CitizenId) -> Outcome<i64> {
        let balance = statement::balance(&self.programme.services, citizen).await?;
        Ok(statement::spendable(&balance).get())
    }
}

async fn a_reversal_undoes_points_grams_caps_and_boards(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.programme.enroll("card").await?;
    let id = shop.ride_named("a", "card", 100).await?;
    let capped = shop.programme.credit(&[shop.programme.ride("b", "card", 1_000)]).await?;
    assert_eq!(capped.first().and_then(|result| result.points).map(Points::get), Some(0));
    let undone = shop.undo(id).await?;
    assert_eq!((undone.status, undone.points.get()), (ActivityStatus::Reversed, 100));
    let balance = statement::balance(&shop.programme.services, citizen).await?;
    assert_eq!((balance.amounts.points.get(), balance.amounts.reduction.get()), (0, 50_000), "b's grams");
    assert_eq!(shop.lines(citizen).await?, [(Credit, 100), (Credit, 0), (Reverse, -100)]);
    let range = tanhui_domain::time::Period::Day.range(stage.now().date_naive());
    let (database, city) = (&shop.programme.services.database, shop.programme.city.id);
    let scores = usage::scores(database, city, Among::City, range, None).await?;
    assert_eq!(
        scores.iter().map(|score| (score.points.get(), score.reduction.get())).collect::<Vec<_>>(),
        [(0, 50_000)]
    );
    shop.ride_named("c", "card", 100).await?;
    assert_eq!(shop.points(citizen).await?, 100, "the day's cap has room again");
    let again = shop.programme.credit(&[shop.programme.ride("a", "card", 20_000)]).await?;
    assert_eq!(
        again.first().map(|result| result.status),
        Some(EventStatus::Duplicate),
        "never credited anew"
    );
    shop.programme.stop().await
}

async fn an_activity_is_reversed_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let citizen = shop.programme.enroll("card").await?;
    let id = shop.ride_named("a", "card", 40).await?;
    let undoing = (0..8).map(|number| {
        let shop = if number % 2 == 0 { shop.clone() } else { other.clone() };
        tokio::spawn(async move { shop.undo(id).await })
    });
    let mut undone = 0;
    for outcome in undoing.collect::<Vec<_>>() {
        match outcome.await? {
            Ok(_) => undone += 1,
            Err(ReversalError::AlreadyReversed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!((undone, shop.points(citizen).await?), (1, 0));
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn spent_points_leave_a_balance_below_zero_that_later_ones_fill(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    allow_negative(&stage, &shop).await?;
    let citizen = shop.programme.enroll("card").await?;
    let id = shop.ride_named("a", "card", 50).await?;
    let bought = shop.buy(citizen, 2).await?;
    shop.undo(id).await?;
    assert_eq!((shop.points(citizen).await?, shop.spendable(citizen).await?), (-40, 0));
    shop.programme.expect_clean_books().await?;
    shop.ride("card", 30).await?;
    assert_eq!((shop.points(citizen).await?, shop.spendable(citizen).await?), (-10, 0));
    shop.programme.expect_clean_books().await?;
    assert!(matches!(shop.buy(citizen, 1).await, Err(RedeemError::Refused(Refusal::InsufficientPoints(_)))));
    expire(&shop.programme.services).await?;
    shop.programme.expect_clean_books().await?;
    stage.clock.advance(TimeDelta::days(1));
    shop.ride("card", 31).await?;
    assert_eq!((shop.points(citizen).await?, shop.spendable(citizen).await?), (21, 21));
    shop.buy(citizen, 1).await?;
    assert_eq!(shop.points(citizen).await?, 1);
    shop.give_back(citizen, bought).await?;
    assert_eq!(shop.spendable(citizen).await?, 41);
    shop.programme.stop().await
}

async fn spent_points_are_owed_and_taken_from_later_ones(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.programme.enroll("card").await?;
    let id = shop.ride_named("a", "card", 50).await?;
    shop.buy(citizen, 2).await?;
    shop.undo(id).await?;
    let balance = statement::balance(&shop.programme.services, citizen).await?;
    assert_eq!((balance.amounts.points.get(), balance.debt.owed.get()), (0, 40));
    assert_eq!(shop.lines(citizen).await?, [(Credit, 50), (Redeem, -40), (Reverse, -10)]);
    shop.programme.expect_clean_books().await?;
    shop.ride("card", 30).await?;
    assert_eq!((shop.points(citizen).await?, shop.spendable(citizen).await?), (30, 0));
    assert!(matches!(shop.buy(citizen, 1).await, Err(RedeemError::Refused(Refusal::InsufficientPoints(_)))));
    expire(&shop.programme.services).await?;
    let balance = statement::balance(&shop.programme.services, citizen).await?;
    assert_eq!((balance.amounts.points.get(), balance.debt.owed.get()), (0, 10), "taken by the next round");
    shop.programme.expect_clean_books().await?;
    stage.clock.advance(TimeDelta::days(1));
    shop.ride("card", 45).await?;
    shop.buy(citizen, 1).await?;
    assert_eq!(shop.points(citizen).await?, 15, "a redemption makes up for what is owed first");
    let lines = shop.lines(citizen).await?;
    assert_eq!(
        lines.split_at(3).1,
        [(Credit, 30), (Reverse, -30), (Credit, 45), (Reverse, -10), (Redeem, -20)]
    );
    shop.programme.stop().await
}

async fn a_reversal_and_a_redemption_at_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    allow_negative(&stage, &shop).await?;
    let other = shop.elsewhere(&stage).await?;
    let citizen = shop.programme.enroll("card").await?;
    let mut expected = 0;
    for number in 0..5 {
        let id = shop.ride_named(&format!("ride{number}"), "card", 20).await?;
        let (bought, undone) = tokio::join!(shop.buy(citizen, 1), other.undo(id));
        undone?;
        match bought {
            Ok(_) => expected -= 20,
            Err(RedeemError::Refused(Refusal::InsufficientPoints(_))) => {}
            Err(error) => return Err(error.into()),
        }
        assert_eq!(shop.points(citizen).await?, expected);
        shop.programme.expect_clean_books().await?;
        stage.clock.advance(TimeDelta::days(1));
    }
    other.programme.stop().await?;
    shop.programme.stop().await
}

/// What has ended is not taken a second time from points that have not.
async fn expired_points_are_reversed_without_loss(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.programme.enroll("card").await?;
    let id = shop.ride_named("a", "card", 50).await?;
    shop.buy(citizen, 1).await?;
    stage.clock.set("2026-04-10T00:00:00Z".parse()?);
    shop.ride("card", 35).await?;
    stage.clock.set("2027-04-01T00:00:00Z".parse()?);
    shop.undo(id).await?;
    let lines = shop.lines(citizen).await?;
    assert_eq!(
        lines,
        [(Credit, 50), (Redeem, -20), (Credit, 35), (Expire, -30), (Expire, 30), (Reverse, -50)]
    );
    assert_eq!(shop.points(citizen).await?, 15, "the 20 that were spent come from the later lot");
    assert_eq!(expire(&shop.programme.services).await?.points.get(), 0);
    shop.programme.stop().await
}

async fn points_of_other_lots_pay_for_spent_ones(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.programme.enroll("card").await?;
    let id = shop.ride_named("a", "card", 40).await?;
    shop.buy(citizen, 1).await?;
    stage.clock.set("2026-04-10T00:00:00Z".parse()?);
    shop.ride("card", 35).await?;
    shop.undo(id).await?;
    let lots = statement::balance(&shop.programme.services, citizen).await?.lots;
    assert_eq!(lots.iter().map(|lot| lot.left.get()).collect::<Vec<_>>(), [15]);
    shop.programme.stop().await
}

async fn what_gave_nothing_is_not_reversed(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    shop.programme.enroll("card").await?;
    shop.programme.credit(&[shop.programme.ride("short", "card", 400)]).await?;
    let refused = shop.undo(shop.activity("short")).await;
    assert!(matches!(refused, Err(ReversalError::NotCredited(ActivityStatus::Rejected))), "{refused:?}");
    let unknown = shop.undo(shop.activity("never sent")).await;
    assert!(matches!(unknown, Err(ReversalError::NoActivity)), "{unknown:?}");
    shop.programme.stop().await
}

async fn a_reason_is_needed_in_both_languages(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    shop.programme.enroll("card").await?;
    let id = shop.ride_named("a", "card", 40).await?;
    let actor = Actor::Source(shop.programme.source.id);
    for reason in [Text::new("", "why"), Text::new("因", ""), Text::new("因", "y".repeat(501))] {
        let refused = reverse(&shop.programme.services, &shop.programme.city, id, actor, &reason).await;
        assert!(matches!(refused, Err(ReversalError::Reason)), "{refused:?}");
    }
    shop.programme.stop().await
}

async fn nobody_elses_activity_is_reversed(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let foreign = Programme::start_with(&stage, "othercity", Cache::memory(), 2).await?;
    shop.programme.enroll("card").await?;
    let id = shop.ride_named("a", "card", 40).await?;
    let services = &shop.programme.services;
    let other_source = Actor::Source(foreign.source.id);
    let refused = reverse(services, &shop.programme.city, id, other_source, &reason()).await;
    assert!(matches!(refused, Err(ReversalError::NoActivity)), "{refused:?}");
    let officer = Actor::Person(CitizenId::new(uuid::Uuid::from_u128(1)));
    let refused = reverse(services, &foreign.city, id, officer, &reason()).await;
    assert!(matches!(refused, Err(ReversalError::NoActivity)), "{refused:?}");
    reverse(services, &shop.programme.city, id, officer, &reason()).await?;
    foreign.services.stop().await?;
    shop.programme.stop().await
}
