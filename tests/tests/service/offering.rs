//! Offers under their conditions: limits, day stock, budget, districts, levels, projects; and how a hot one
//! is sold.

use chrono::TimeDelta;
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::id::{CitizenId, OwnerId};
use tanhui_domain::offer::{By, OfferStatus, OfferStep, OfferStepError};
use tanhui_domain::redemption::Refusal;
use tanhui_domain::time::Period;
use tanhui_service::citizen::{self, ProfileChange};
use tanhui_service::offering::{self, Of, OfferingError};
use tanhui_service::redemption::{self, RedeemError};
use tanhui_store::{account, offer};
use tanhui_tests::{Outcome, Stage, each_database, id, on_postgres};

use crate::shop::Shop;

each_database!(
    a_flash_sale_sells_what_there_is,
    who_comes_too_late_does_not_queue,
    a_day_has_its_own_stock,
    a_week_has_its_own_limit,
    a_budget_pays_for_so_many,
    districts_and_levels_are_asked_for,
    points_given_to_a_project_are_its_own,
    a_step_is_taken_once_and_by_its_own_side,
    a_batch_takes_few_statements,
);
on_postgres!(the_last_item_is_sold_once_by_three_processes);

fn refused<T: std::fmt::Debug>(outcome: Result<T, RedeemError>) -> Outcome<Refusal> {
    match outcome {
        Err(RedeemError::Refused(refusal)) => Ok(refusal),
        other => Err(format!("not refused: {other:?}").into()),
    }
}

async fn sell(shops: &[Shop], buyers: &[CitizenId]) -> Outcome<i64> {
    let buying: Vec<_> = buyers
        .iter()
        .zip(shops.iter().cycle())
        .map(|(buyer, shop)| {
            let (shop, buyer) = (shop.clone(), *buyer);
            tokio::spawn(async move { shop.buy(buyer, 1).await })
        })
        .collect();
    let mut sold = 0;
    for outcome in buying {
        match outcome.await? {
            Ok(_) => sold += 1,
            Err(RedeemError::Refused(Refusal::OutOfStock { left: 0 })) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sold)
}

async fn a_flash_sale_sells_what_there_is(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 1, None).await?;
    let hot = shop.offer_like(None, |draft| draft.stock = 30).await?;
    let cold = shop.offer_like(None, |draft| draft.stock = 1_000).await?;
    let mut buyers = Vec::new();
    for number in 0..100 {
        buyers.push(shop.citizen(&format!("card{number}"), 40).await?);
    }
    let (of_hot, of_cold) = ([hot.clone()], [cold.clone()]);
    let (sold, others) = tokio::join!(sell(&of_hot, &buyers), sell(&of_cold, &buyers));
    assert_eq!((sold?, hot.left().await?), (30, 0));
    assert_eq!((others?, cold.left().await?), (100, 900), "nobody else's purchase failed");
    shop.programme.stop().await
}

async fn the_last_item_is_sold_once_by_three_processes(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 0, None).await?;
    let shops = [shop.clone(), shop.elsewhere(&stage).await?, shop.elsewhere(&stage).await?];
    let mut buyers = Vec::new();
    for number in 0..9 {
        buyers.push(shop.citizen(&format!("card{number}"), 100).await?);
    }
    for _ in 0..5 {
        let one = shop.offer_like(None, |draft| draft.stock = 1).await?;
        let shops: Vec<Shop> =
            shops.iter().map(|shop| Shop { programme: shop.programme.clone(), ..one.clone() }).collect();
        assert_eq!((sell(&shops, &buyers).await?, one.left().await?), (1, 0));
    }
    let [shop, second, third] = shops;
    second.programme.services.stop().await?;
    third.programme.services.stop().await?;
    shop.programme.stop().await
}

/// An offer that was found empty is looked at, not queued for, until something comes back to it.
async fn who_comes_too_late_does_not_queue(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 1, None).await?;
    let (first, late) = (shop.citizen("first", 100).await?, shop.citizen("late", 100).await?);
    let key = redemption::request_key(first, "mine", shop.offer, 1);
    let request = redemption::RedeemRequest { key: Some(key), ..shop.request(first, 1) };
    let bought = shop.ask(&request).await?;
    assert_eq!(refused(shop.buy(late, 1).await)?, Refusal::OutOfStock { left: 0 });
    let database = &shop.programme.services.database;
    let before = database.statements_sent();
    assert_eq!(refused(shop.buy(late, 1).await)?, Refusal::OutOfStock { left: 0 });
    assert_eq!(database.statements_sent() - before, 1, "one look at the shelf and no transaction");
    assert_eq!(shop.ask(&request).await?, bought, "the same key is answered as before");
    let elsewhere = shop.elsewhere(&stage).await?;
    elsewhere.give_back(first, bought).await?;
    shop.buy(late, 1).await?;
    elsewhere.programme.services.stop().await?;
    shop.programme.stop().await
}

async fn a_day_has_its_own_stock(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 0, None).await?;
    let daily = shop.offer_like(None, |draft| draft.conditions.stock_per_day = Some(2)).await?;
    let buyer = shop.citizen("card", 100).await?;
    daily.buy(buyer, 1).await?;
    let second = daily.buy(buyer, 1).await?;
    assert_eq!(refused(daily.buy(buyer, 1).await)?, Refusal::OutOfStockToday { left: 0 });
    daily.give_back(buyer, second).await?;
    let third = daily.buy(buyer, 1).await?;
    stage.clock.advance(TimeDelta::days(1));
    daily.buy(buyer, 2).await?;
    assert_eq!(refused(daily.buy(buyer, 1).await)?, Refusal::OutOfStockToday { left: 0 });
    daily.give_back(buyer, third).await?;
    let refused_today = refused(daily.buy(buyer, 1).await)?;
    assert_eq!(refused_today, Refusal::OutOfStockToday { left: 0 }, "yesterday's comes back to yesterday");
    assert_eq!(daily.left().await?, 97);
    shop.programme.stop().await
}

async fn a_week_has_its_own_limit(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 0, None).await?;
    let weekly = shop
        .offer_like(None, |draft| {
            draft.per_person = Some(3);
            draft.conditions.per_person_week = Some(2);
        })
        .await?;
    let buyer = shop.citizen("card", 100).await?;
    weekly.buy(buyer, 2).await?;
    let limit = |allowed, had, per| Refusal::LimitReached { allowed, had, per };
    assert_eq!(refused(weekly.buy(buyer, 1).await)?, limit(2, 2, Period::Week));
    // Sunday, a minute before midnight in the city; then Monday.
    stage.clock.advance(TimeDelta::days(6) + TimeDelta::hours(15) + TimeDelta::minutes(59));
    assert_eq!(refused(weekly.buy(buyer, 1).await)?, limit(2, 2, Period::Week));
    stage.clock.advance(TimeDelta::minutes(1));
    weekly.buy(buyer, 1).await?;
    assert_eq!(refused(weekly.buy(buyer, 1).await)?, limit(3, 3, Period::All));
    shop.programme.stop().await
}

async fn a_budget_pays_for_so_many(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 0, None).await?;
    let funded = shop.offer_like(Some(1_499), |_| {}).await?;
    let buyer = shop.citizen("card", 100).await?;
    let bought = funded.buy(buyer, 2).await?;
    assert_eq!(refused(funded.buy(buyer, 1).await)?, Refusal::BudgetExhausted { left: 0 });
    let left = async || -> Outcome<Option<Fen>> {
        let offer = offer::find(&shop.programme.services.database, funded.offer).await?;
        Ok(offer.and_then(|offer| offer.budget).map(|budget| budget.left))
    };
    assert_eq!(left().await?, Some(Fen::new(499)));
    funded.give_back(buyer, bought).await?;
    assert_eq!(left().await?, Some(Fen::new(1_499)));
    funded.buy(buyer, 1).await?;
    shop.programme.stop().await
}

async fn districts_and_levels_are_asked_for(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 0, None).await?;
    let south = shop.offer_like(None, |draft| draft.conditions.district = Some("south".to_owned())).await?;
    let for_trees = shop.offer_like(None, |draft| draft.conditions.level = Some("tree".to_owned())).await?;
    let buyer = shop.citizen("card", 49).await?;
    let elsewhere = Refusal::OtherDistrict { district: "south".to_owned() };
    let low = Refusal::LevelNotReached { level: "tree".to_owned() };
    assert_eq!(refused(south.buy(buyer, 1).await)?, elsewhere);
    assert_eq!(refused(for_trees.buy(buyer, 1).await)?, low);
    let change = ProfileChange { district: Some(Some("south".to_owned())), ..ProfileChange::default() };
    citizen::change(&shop.programme.services, buyer, change).await?;
    south.buy(buyer, 1).await?;
    stage.clock.advance(TimeDelta::days(1));
    shop.ride("card", 3).await?;
    for_trees.buy(buyer, 1).await?;
    shop.programme.stop().await
}

async fn points_given_to_a_project_are_its_own(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 0, None).await?;
    let services = &shop.programme.services;
    let (project, gift) = shop.donation(5).await?;
    let buyers = [shop.citizen("a", 100).await?, shop.citizen("b", 100).await?];
    let given = gift.buy(buyers[0], 2).await?;
    let both = tokio::join!(gift.buy(buyers[0], 1), gift.buy(buyers[1], 2));
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    assert_eq!(refused(gift.buy(buyers[1], 1).await)?, Refusal::OutOfStock { left: 0 });
    assert!(matches!(gift.give_back(buyers[0], given).await, Err(RedeemError::Donated)));
    let has = account::find(&services.database, OwnerId::from(project)).await?;
    assert_eq!(has.map(|account| account.balance.points), Some(Points::new(100)));
    let public = offering::projects(services, None, 10).await?;
    assert_eq!(public.first().map(|project| project.points), Some(Points::new(100)));
    let mine = offering::donations(services, buyers[0], None, 10).await?;
    assert_eq!(mine.iter().map(|donation| donation.points.get()).collect::<Vec<_>>(), [20, 40]);
    shop.programme.stop().await
}

async fn a_step_is_taken_once_and_by_its_own_side(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 0, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let live = shop.offer_like(None, |_| {}).await?;
    let of = Of::Merchant(shop.merchant);
    let staff = By::Merchant(CitizenId::new(id(901)));
    let pause = async |shop: &Shop| {
        offering::step(&shop.programme.services, of, live.offer, (&OfferStep::Pause, staff), None).await
    };
    let both = tokio::join!(pause(&shop), pause(&other));
    let errors: Vec<OfferingError> = [both.0, both.1].into_iter().filter_map(Result::err).collect();
    let paused = OfferStepError::OutOfOrder { status: OfferStatus::Paused };
    assert!(matches!(&errors[..], [OfferingError::Step(error)] if *error == paused), "{errors:?}");
    let (services, city) = (&shop.programme.services, Of::City(shop.programme.city.id));
    let officer = By::City(CitizenId::new(id(902)));
    let refused = offering::step(services, city, live.offer, (&OfferStep::Resume, officer), None).await;
    assert!(matches!(refused, Err(OfferingError::Step(OfferStepError::OtherSide))), "{refused:?}");
    let foreign = Of::Merchant(tanhui_domain::id::MerchantId::new(id(77)));
    let refused = offering::step(services, foreign, live.offer, (&OfferStep::Resume, staff), None).await;
    assert!(matches!(refused, Err(OfferingError::NoOffer)), "{refused:?}");
    let steps = "SELECT COUNT(*) FROM offer_steps";
    assert_eq!(stage.raw.number(steps).await?, 4, "submitted, approved, published, paused once");
    other.programme.services.stop().await?;
    shop.programme.stop().await
}

/// Ten round trips with the transaction's own two, however many buy.
async fn a_batch_takes_few_statements(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, Some(50)).await?;
    let buyer = shop.citizen("card", 100).await?;
    let key = redemption::request_key(buyer, "mine", shop.offer, 1);
    let request = redemption::RedeemRequest { key: Some(key), ..shop.request(buyer, 1) };
    let database = &shop.programme.services.database;
    let before = database.statements_sent();
    shop.ask(&request).await?;
    let sent = database.statements_sent() - before;
    let most = if stage.engine == tanhui_tests::Engine::Postgres { 11 } else { 21 };
    assert!(sent <= most, "{sent} statements");
    shop.programme.stop().await
}
