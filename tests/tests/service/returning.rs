//! What comes back by itself: vouchers whose time is over, with and without their points, against everyone
//! who touches the same voucher; and the audit's eyes on it.

use chrono::TimeDelta;
use tanhui_domain::id::{CitizenId, ProjectId, RedemptionId};
use tanhui_domain::ledger::JournalKind;
use tanhui_domain::redemption::VoucherStatus;
use tanhui_service::redemption::{RedeemError, expire_vouchers};
use tanhui_service::till::TillError;
use tanhui_service::{audit, expiry};
use tanhui_store::{lot, voucher};
use tanhui_tests::{Engine, Outcome, Stage, each_database, on_postgres};
use uuid::Uuid;

use crate::shop::Shop;

each_database!(
    an_expired_voucher_is_spent,
    an_expired_voucher_is_refunded_where_the_offer_says_so,
    what_was_used_stays_and_the_rest_comes_back,
    points_whose_time_is_over_end_as_they_come_back,
    an_expired_voucher_is_not_given_back,
    many_vouchers_end_in_batches,
    broken_stock_budget_days_and_returns_are_named,
);
on_postgres!(expiry_against_use, expiry_against_cancellation);

const MONTH: TimeDelta = TimeDelta::days(30);
/// For so long a till may still tell of a scan.
const GRACE: TimeDelta = TimeDelta::days(7);

async fn statuses(shop: &Shop, id: RedemptionId) -> Outcome<Vec<VoucherStatus>> {
    let vouchers = voucher::of_redemption(&shop.programme.services.database, id).await?;
    Ok(vouchers.iter().map(|voucher| voucher.status).collect())
}

async fn expire(shop: &Shop) -> Outcome<i64> {
    Ok(expire_vouchers(&shop.programme.services).await?)
}

async fn refunding(shop: &Shop) -> Outcome<Shop> {
    shop.offer_like(Some(10_000), |draft| draft.conditions.refund_expired = true).await
}

async fn an_expired_voucher_is_spent(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, Some(2)).await?;
    let buyer = shop.citizen("card", 100).await?;
    let id = shop.buy(buyer, 2).await?;
    stage.clock.advance(MONTH + GRACE - TimeDelta::microseconds(1));
    assert_eq!(expire(&shop).await?, 0);
    stage.clock.advance(TimeDelta::microseconds(1));
    assert_eq!((expire(&shop).await?, expire(&shop).await?), (2, 0));
    assert_eq!(statuses(&shop, id).await?, [VoucherStatus::Expired; 2]);
    assert_eq!(
        (shop.points(buyer).await?, shop.left().await?),
        (60, 10),
        "the stock is free, not the points"
    );
    let again = shop.buy(buyer, 1).await;
    assert!(matches!(again, Err(RedeemError::Refused(_))), "what was spent counts: {again:?}");
    shop.programme.stop().await
}

async fn an_expired_voucher_is_refunded_where_the_offer_says_so(stage: Stage) -> Outcome {
    let shop = refunding(&Shop::open(&stage, 0, None).await?).await?;
    let buyer = shop.citizen("card", 100).await?;
    let before = lot::open(&shop.programme.services.database, buyer).await?;
    let id = shop.buy(buyer, 3).await?;
    stage.clock.advance(MONTH + GRACE);
    assert_eq!(expire(&shop).await?, 3);
    assert_eq!(statuses(&shop, id).await?, [VoucherStatus::Refunded; 3]);
    assert_eq!((shop.points(buyer).await?, shop.left().await?), (100, 100));
    assert_eq!(lot::open(&shop.programme.services.database, buyer).await?, before, "the same lots");
    assert_eq!(shop.lines(buyer).await?.last(), Some(&(JournalKind::Cancel, 60)));
    shop.programme.stop().await
}

async fn what_was_used_stays_and_the_rest_comes_back(stage: Stage) -> Outcome {
    let shop = refunding(&Shop::open(&stage, 0, None).await?).await?;
    let buyer = shop.citizen("card", 30).await?;
    stage.clock.advance(TimeDelta::days(40));
    shop.ride("card", 50).await?;
    let id = shop.buy(buyer, 3).await?;
    let codes = shop.codes(id).await?;
    shop.use_code(buyer, codes.first().ok_or("no code")?).await?;
    stage.clock.advance(MONTH + GRACE);
    assert_eq!(expire(&shop).await?, 2);
    let lots = lot::open(&shop.programme.services.database, buyer).await?;
    let left: Vec<i64> = lots.iter().map(|lot| lot.left.get()).collect();
    assert_eq!(left, [10, 50], "as if only the used one had been bought, from the lot that ends first");
    assert_eq!(shop.left().await?, 99);
    shop.programme.stop().await
}

async fn points_whose_time_is_over_end_as_they_come_back(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 0, None).await?;
    let long = shop
        .offer_like(None, |draft| {
            draft.conditions.refund_expired = true;
            draft.voucher_days = 500;
        })
        .await?;
    let buyer = shop.citizen("card", 100).await?;
    long.buy(buyer, 2).await?;
    stage.clock.advance(TimeDelta::days(500) + GRACE);
    expiry::expire(&shop.programme.services).await?;
    assert_eq!(expire(&shop).await?, 2);
    assert_eq!(shop.points(buyer).await?, 0);
    let lines = shop.lines(buyer).await?;
    let last: Vec<_> = lines.iter().rev().take(2).rev().collect();
    assert_eq!(last, [&(JournalKind::Cancel, 40), &(JournalKind::Expire, -40)], "the statement shows both");
    shop.programme.stop().await
}

async fn an_expired_voucher_is_not_given_back(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let buyer = shop.citizen("card", 100).await?;
    let id = shop.buy(buyer, 1).await?;
    let code = shop.codes(id).await?.pop().ok_or("no code")?;
    stage.clock.advance(MONTH + GRACE);
    for swept in [false, true] {
        if swept {
            assert_eq!(expire(&shop).await?, 1);
        }
        assert!(matches!(shop.give_back(buyer, id).await, Err(RedeemError::VoucherExpired)));
        assert!(matches!(shop.use_code(buyer, &code).await, Err(TillError::Expired { .. })));
    }
    shop.programme.stop().await
}

/// More than one transaction takes, of citizens with several redemptions each.
async fn many_vouchers_end_in_batches(stage: Stage) -> Outcome {
    let shop = refunding(&Shop::open(&stage, 0, None).await?).await?;
    let cheap = shop
        .offer_like(None, |draft| {
            draft.price = tanhui_domain::amount::Points::new(1);
            draft.stock = 1_000;
            draft.conditions.refund_expired = true;
        })
        .await?;
    let mut buyers = Vec::new();
    for number in 0..5 {
        let buyer = shop.citizen(&format!("card{number}"), 100).await?;
        for _ in 0..5 {
            cheap.buy(buyer, 10).await?;
        }
        buyers.push(buyer);
    }
    stage.clock.advance(MONTH + GRACE);
    assert_eq!((expire(&shop).await?, cheap.left().await?), (250, 1_000));
    for buyer in buyers {
        assert_eq!(shop.points(buyer).await?, 100);
    }
    shop.programme.stop().await
}

/// The clock of another process, far behind: there the voucher is still good.
fn behind(stage: &Stage) -> Stage {
    let clock = tanhui_tests::FixedClock::at(stage.now() - GRACE - TimeDelta::seconds(1));
    Stage { clock, ..stage.clone() }
}

async fn expiry_against_use(stage: Stage) -> Outcome {
    let shop = refunding(&Shop::open(&stage, 0, None).await?).await?;
    let buyer = shop.citizen("card", 100).await?;
    for _ in 0..5 {
        let id = shop.buy(buyer, 1).await?;
        let code = shop.codes(id).await?.pop().ok_or("no code")?;
        stage.clock.advance(MONTH + GRACE);
        let late = Shop { offer: shop.offer, ..shop.elsewhere(&behind(&stage)).await? };
        let (ended, used) = tokio::join!(expire(&shop), late.use_code(buyer, &code));
        let status = statuses(&shop, id).await?;
        match used {
            Ok(()) => assert_eq!((ended?, &status[..]), (0, &[VoucherStatus::Used][..])),
            Err(TillError::Cancelled) => {
                assert_eq!((ended?, &status[..]), (1, &[VoucherStatus::Refunded][..]));
            }
            Err(error) => return Err(error.into()),
        }
        late.programme.stop().await?;
    }
    shop.programme.stop().await
}

async fn expiry_against_cancellation(stage: Stage) -> Outcome {
    let shop = refunding(&Shop::open(&stage, 0, None).await?).await?;
    let buyer = shop.citizen("card", 100).await?;
    for _ in 0..6 {
        let id = shop.buy(buyer, 1).await?;
        stage.clock.advance(MONTH + GRACE);
        let late = Shop { offer: shop.offer, ..shop.elsewhere(&behind(&stage)).await? };
        let (ended, back) = tokio::join!(expire(&shop), late.give_back(buyer, id));
        assert!((ended? == 1) ^ back.is_ok(), "{back:?}");
        assert!(matches!(back, Ok(_) | Err(RedeemError::VoucherExpired)), "{back:?}");
        assert_eq!(shop.points(buyer).await?, 100);
        late.programme.stop().await?;
    }
    shop.programme.stop().await
}

/// A shop in which points were given, spent, refunded and are on a voucher.
struct Scene {
    shop: Shop,
    project: ProjectId,
    gift: Shop,
    given: RedemptionId,
    funded: Shop,
    refunded: RedemptionId,
    held: RedemptionId,
    buyer: CitizenId,
}

impl Scene {
    async fn set(stage: &Stage) -> Outcome<Self> {
        let shop = Shop::open(stage, 10, None).await?;
        let (project, gift) = shop.donation(100).await?;
        let funded = shop
            .offer_like(Some(5_000), |draft| {
                draft.conditions.stock_per_day = Some(9);
                draft.conditions.refund_expired = true;
            })
            .await?;
        let buyer = shop.citizen("card", 100).await?;
        let given = gift.buy(buyer, 1).await?;
        let refunded = funded.buy(buyer, 1).await?;
        stage.clock.advance(MONTH + GRACE);
        expire(&shop).await?;
        let held = funded.buy(buyer, 1).await?;
        shop.programme.expect_clean_books().await?;
        Ok(Self { shop, project, gift, given, funded, refunded, held, buyer })
    }

    /// Breaks one row and demands that the audit names whose it is.
    async fn broken(
        &self,
        stage: &Stage,
        (table, change, key): (&str, &str, &str),
        whose: Uuid,
        invariant: &str,
    ) -> Outcome {
        let literal = match stage.engine {
            Engine::Postgres => format!("'{whose}'"),
            Engine::Sqlite => format!("x'{}'", whose.simple()),
        };
        let sql = format!("UPDATE {table} SET {change} WHERE {key} = {literal}");
        assert_ne!(stage.raw.execute(&sql).await?, 0, "{sql}");
        let found = audit::run(&self.shop.programme.services.database, |_| {}).await?;
        let whose = whose.simple().to_string();
        let names = |detail: &str| detail.replace('-', "").to_lowercase().contains(&whose);
        let mut broken = found.violations.iter().filter(|violation| violation.invariant == invariant);
        assert!(broken.any(|violation| names(&violation.detail)), "{invariant}: {found:?}");
        Ok(())
    }
}

async fn broken_stock_budget_days_and_returns_are_named(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let (funded, gift) = (scene.funded.offer.get(), scene.gift.offer.get());
    let budget = ("offers", "budget_left_fen = budget_left_fen - 1", "id");
    scene.broken(&stage, budget, funded, "offer_budget_used_is_stock_taken").await?;
    let day = ("offer_days", "taken = taken + 1", "offer_id");
    scene.broken(&stage, day, funded, "days_add_up_to_stock_taken").await?;
    let stock = ("offers", "stock_left = stock_left - 1", "id");
    scene.broken(&stage, stock, gift, "stock_given_is_donations").await?;
    scene.broken(&stage, stock, funded, "stock_taken_is_vouchers_live_or_used").await?;
    let once = "redemption_is_posted_once";
    let points = ("redemptions", "points = points + 1", "id");
    scene.broken(&stage, points, scene.given.get(), once).await?;
    let back = ("redemptions", "returned = 0", "id");
    scene.broken(&stage, back, scene.refunded.get(), once).await?;
    let status = ("vouchers", "status = 'refunded'", "redemption_id");
    scene.broken(&stage, status, scene.held.get(), once).await?;
    let total = ("accounts", "points = points + 7", "owner_id");
    scene.broken(&stage, total, scene.project.get(), "donations_are_what_projects_have").await?;
    let lots = ("lot_returns", "points = points + 1", "citizen_id");
    scene.broken(&stage, lots, scene.buyer.get(), "lot_is_granted_minus_taken").await?;
    Ok(scene.shop.programme.services.stop().await?)
}
