//! Redeeming, giving back and using vouchers: never oversold, never overdrawn, never twice.

use chrono::TimeDelta;
use tanhui_domain::amount::Fen;
use tanhui_domain::id::{CitizenId, OfferId};
use tanhui_domain::ledger::Amounts;
use tanhui_domain::redemption::{Refusal, VoucherStatus};
use tanhui_domain::time::Period;
use tanhui_service::RequestKey;
use tanhui_service::redemption::{RedeemError, RedeemRequest, request_key};
use tanhui_service::statement::{self, Range, StatementQuery};
use tanhui_service::till::TillError;
use tanhui_service::worker;
use tanhui_store::{account, lot, voucher};
use tanhui_tests::{Outcome, Stage, each_database};

use crate::shop::Shop;

each_database!(
    ten_in_stock_are_not_sold_to_fifty,
    the_last_points_are_spent_once,
    a_limit_per_person_holds_at_once,
    a_redemption_is_between_one_and_twenty,
    giving_back_restores_the_same_lots,
    a_redemption_is_given_back_once,
    a_voucher_is_used_once_on_two_tills,
    a_use_and_a_cancellation_at_once,
    a_key_answers_the_same_again,
    a_key_is_its_owners_and_kept_for_seven_days,
    a_statement_adds_up,
    a_statement_adds_up_wherever_it_is_cut,
);

async fn ten_in_stock_are_not_sold_to_fifty(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let mut buyers = Vec::new();
    for number in 0..50 {
        buyers.push(shop.citizen(&format!("card{number}"), 20).await?);
    }
    let buying = buyers.iter().map(|buyer| {
        let (shop, buyer) = (shop.clone(), *buyer);
        tokio::spawn(async move { shop.buy(buyer, 1).await })
    });
    let mut sold = 0;
    for outcome in buying.collect::<Vec<_>>() {
        match outcome.await? {
            Ok(_) => sold += 1,
            Err(RedeemError::Refused(Refusal::OutOfStock { left: 0 })) => {}
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!((sold, shop.left().await?), (10, 0));
    let mut held = 0;
    for buyer in buyers {
        held += shop.points(buyer).await?;
    }
    assert_eq!(held, 40 * 20, "who got nothing paid nothing");
    shop.programme.stop().await
}

async fn the_last_points_are_spent_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let buyer = shop.citizen("card", 59).await?;
    let buying = (0..8).map(|number| {
        let shop = if number % 2 == 0 { shop.clone() } else { other.clone() };
        tokio::spawn(async move { shop.buy(buyer, 1).await })
    });
    let mut bought = 0;
    for outcome in buying.collect::<Vec<_>>() {
        match outcome.await? {
            Ok(_) => bought += 1,
            Err(RedeemError::Refused(Refusal::InsufficientPoints(missing))) => {
                assert!(missing.available < missing.wanted);
            }
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!((bought, shop.points(buyer).await?, shop.left().await?), (2, 19, 98));
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn a_limit_per_person_holds_at_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, Some(2)).await?;
    let buyer = shop.citizen("card", 100).await?;
    let buying = (0..5).map(|_| {
        let shop = shop.clone();
        tokio::spawn(async move { shop.buy(buyer, 1).await })
    });
    let mut bought = Vec::new();
    for outcome in buying.collect::<Vec<_>>() {
        match outcome.await? {
            Ok(id) => bought.push(id),
            Err(RedeemError::Refused(Refusal::LimitReached { allowed: 2, had: 2, per: Period::All })) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let [first, _] = bought[..] else { return Err(format!("bought {bought:?}").into()) };
    shop.give_back(buyer, first).await?;
    shop.buy(buyer, 1).await?;
    shop.programme.stop().await
}

async fn a_redemption_is_between_one_and_twenty(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let buyer = shop.citizen("card", 100).await?;
    for quantity in [i64::MIN, -1, 0, 21, i64::MAX] {
        let refused = shop.buy(buyer, quantity).await;
        assert!(matches!(refused, Err(RedeemError::Refused(Refusal::Quantity))), "{quantity}: {refused:?}");
    }
    shop.buy(buyer, 1).await?;
    let poor = shop.buy(buyer, 20).await;
    assert!(matches!(poor, Err(RedeemError::Refused(Refusal::InsufficientPoints(_)))), "{poor:?}");
    let foreign = RedeemRequest { offer: OfferId::new(uuid::Uuid::nil()), ..shop.request(buyer, 1) };
    assert!(matches!(shop.ask(&foreign).await, Err(RedeemError::NoOffer)));
    shop.programme.stop().await
}

async fn giving_back_restores_the_same_lots(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let buyer = shop.citizen("card", 30).await?;
    stage.clock.advance(TimeDelta::days(40));
    shop.ride("card", 50).await?;
    let database = &shop.programme.services.database;
    let before = lot::open(database, buyer).await?;
    assert_eq!(before.iter().map(|lot| lot.left.get()).collect::<Vec<_>>(), [30, 50]);
    let id = shop.buy(buyer, 2).await?;
    let during = lot::open(database, buyer).await?;
    assert_eq!(
        during.iter().map(|lot| lot.left.get()).collect::<Vec<_>>(),
        [40],
        "first to expire goes first"
    );
    shop.give_back(buyer, id).await?;
    assert_eq!(lot::open(database, buyer).await?, before);
    assert_eq!((shop.points(buyer).await?, shop.left().await?), (80, 100));
    shop.programme.stop().await
}

async fn a_redemption_is_given_back_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let (buyer, stranger) = (shop.citizen("card", 100).await?, shop.citizen("other", 100).await?);
    let id = shop.buy(buyer, 2).await?;
    assert!(matches!(shop.give_back(stranger, id).await, Err(RedeemError::NoRedemption)));
    let both = tokio::join!(shop.give_back(buyer, id), shop.give_back(buyer, id));
    let errors: Vec<RedeemError> = [both.0, both.1].into_iter().filter_map(Result::err).collect();
    assert!(matches!(errors[..], [RedeemError::AlreadyCancelled]), "{errors:?}");
    assert_eq!((shop.points(buyer).await?, shop.left().await?), (100, 100));
    shop.programme.stop().await
}

async fn a_voucher_is_used_once_on_two_tills(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let buyer = shop.citizen("card", 100).await?;
    let id = shop.buy(buyer, 5).await?;
    for code in shop.codes(id).await? {
        let typed = code.to_lowercase();
        let both = tokio::join!(shop.use_code(buyer, &code), other.use_code(buyer, &typed));
        let errors: Vec<TillError> = [both.0, both.1].into_iter().filter_map(Result::err).collect();
        assert!(matches!(errors[..], [TillError::Used { .. }]), "{errors:?}");
    }
    let owed = account::find(&shop.programme.services.database, shop.merchant.into()).await?;
    assert_eq!(owed.map(|account| account.balance.payable), Some(Fen::new(2_500)));
    let refused = shop.give_back(buyer, id).await;
    assert!(matches!(refused, Err(RedeemError::VoucherUsed)), "{refused:?}");
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn a_use_and_a_cancellation_at_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let buyer = shop.citizen("card", 100).await?;
    for _ in 0..5 {
        let id = shop.buy(buyer, 1).await?;
        let codes = shop.codes(id).await?;
        let code = codes.first().ok_or("no voucher")?;
        let (back, used) = tokio::join!(shop.give_back(buyer, id), other.use_code(buyer, code));
        assert!(back.is_ok() ^ used.is_ok(), "{back:?} {used:?}");
        assert!(matches!(back, Ok(_) | Err(RedeemError::VoucherUsed)), "{back:?}");
        assert!(matches!(used, Ok(()) | Err(TillError::Cancelled)), "{used:?}");
        let status = if used.is_ok() { VoucherStatus::Used } else { VoucherStatus::Cancelled };
        let vouchers = voucher::of_redemption(&shop.programme.services.database, id).await?;
        assert_eq!(vouchers.first().map(|voucher| voucher.status), Some(status));
    }
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn a_key_answers_the_same_again(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let buyer = shop.citizen("card", 100).await?;
    let key =
        RequestKey { owner: buyer.into(), route: "redemptions", key: "once".to_owned(), body_hash: [1; 32] };
    let request = RedeemRequest { key: Some(key.clone()), ..shop.request(buyer, 1) };
    let asking = (0..6).map(|number| {
        let (shop, request) = (if number % 2 == 0 { shop.clone() } else { other.clone() }, request.clone());
        tokio::spawn(async move { shop.ask(&request).await })
    });
    let mut answers = std::collections::HashSet::new();
    for answer in asking.collect::<Vec<_>>() {
        answers.insert(answer.await??);
    }
    assert_eq!((answers.len(), shop.points(buyer).await?), (1, 80));
    let changed = RequestKey { body_hash: [2; 32], ..key };
    let refused = shop.ask(&RedeemRequest { key: Some(changed), ..request }).await;
    assert!(matches!(refused, Err(RedeemError::KeyReused)), "{refused:?}");
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn a_key_is_its_owners_and_kept_for_seven_days(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let (one, other) = (shop.citizen("card", 100).await?, shop.citizen("other", 100).await?);
    let asks = async |buyer: CitizenId| {
        let key = request_key(buyer, "same", shop.offer, 1);
        shop.ask(&RedeemRequest { key: Some(key), ..shop.request(buyer, 1) }).await
    };
    let (first, others) = (asks(one).await?, asks(other).await?);
    assert_ne!(first, others, "a key of another is another key");
    for (wait, same) in [(TimeDelta::days(7), true), (TimeDelta::microseconds(1), false)] {
        stage.clock.advance(wait);
        worker::keep_up(&shop.programme.services).await?;
        assert_eq!(asks(one).await? == first, same, "{wait}");
    }
    shop.programme.stop().await
}

async fn a_statement_adds_up(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let buyer = shop.citizen("card", 100).await?;
    let beginning = stage.now();
    for day in 1..=12 {
        stage.clock.advance(TimeDelta::days(1));
        shop.ride("card", 10 * day).await?;
        if let Ok(id) = shop.buy(buyer, 1).await
            && day % 3 == 0
        {
            shop.give_back(buyer, id).await?;
        }
    }
    let end = stage.now() + TimeDelta::microseconds(1);
    let days = TimeDelta::days(1);
    for (from, until) in [
        (beginning, end),
        (beginning + days, beginning + days * 5),
        (beginning + days * 5, end),
        (end, end + days),
    ] {
        let range = Range { from: Some(from), until };
        let query = |after| StatementQuery { range, after, limit: 4 };
        let mut page = statement::statement(&shop.programme.services, buyer, query(0)).await?;
        let mut sum: Amounts = page.opening;
        loop {
            for line in &page.lines {
                sum = sum.plus(line.amounts)?;
                assert_eq!(sum, line.after, "each line carries the balance after it");
            }
            let Some(last) = page.lines.last().filter(|_| page.more) else { break };
            assert_eq!(page.lines.len(), 4);
            let next = query(last.version);
            page = statement::statement(&shop.programme.services, buyer, next).await?;
        }
        assert_eq!(sum, page.closing, "{from} to {until}");
    }
    shop.programme.stop().await
}

/// Also where a writer's clock was behind that of the one before it.
async fn a_statement_adds_up_wherever_it_is_cut(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let buyer = shop.programme.enroll("card").await?;
    let mut dice = 7_u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let beginning = stage.now();
    for _ in 0..30 {
        let forth = i64::try_from(roll(400))?;
        stage.clock.advance(TimeDelta::minutes(forth - 60));
        shop.ride("card", u32::try_from(2 + roll(6))?).await?;
        if roll(3) == 0 {
            let _too_poor = shop.buy(buyer, 1).await;
        }
    }
    let minutes = u64::try_from((stage.now() - beginning).num_minutes())? + 200;
    let instant = |minute: u64| beginning + TimeDelta::minutes(i64::try_from(minute).unwrap_or(0) - 100);
    for _ in 0..40 {
        let (one, other) = (instant(roll(minutes)), instant(roll(minutes)));
        let (from, until) = (one.min(other), one.max(other));
        let query = StatementQuery { range: Range { from: Some(from), until }, after: 0, limit: 100 };
        let found = statement::statement(&shop.programme.services, buyer, query).await?;
        let mut sum = found.opening;
        for line in &found.lines {
            sum = sum.plus(line.amounts)?;
            assert_eq!(sum, line.after);
        }
        assert_eq!(sum, found.closing, "{from} to {until}");
    }
    shop.programme.stop().await
}
