//! A merchant that the city stops: its vouchers go back to their holders, each once, whoever else is at work.

use tanhui_domain::id::CitizenId;
use tanhui_domain::merchant::{Issued, MerchantStep, MerchantStepError};
use tanhui_domain::redemption::VoucherStatus;
use tanhui_domain::text::Text;
use tanhui_service::merchant::{self, MerchantError};
use tanhui_service::office::{self, OfficeError};
use tanhui_service::redemption::{RedeemError, refund_stopped};
use tanhui_service::till::{self, TillError};
use tanhui_service::{audit, offering};
use tanhui_store::voucher;
use tanhui_tests::{Outcome, Stage, each_database};

use crate::shop::{Shop, dough_stick, soy_milk};

each_database!(
    vouchers_go_back_with_their_points_once,
    tills_and_refunds_at_once,
    a_merchant_goes_on_after_its_refunds,
    whoever_closes_gives_back,
    whatever_is_written_at_the_instant_of_the_stop_is_halted,
    the_audit_names_a_live_voucher_of_a_stopped_merchant,
);

impl Shop {
    async fn take_step(&self, step: MerchantStep, by: CitizenId) -> Result<Issued, MerchantError> {
        let (services, city) = (&self.programme.services, &self.programme.city);
        let why = Text::new("检查", "Inspection");
        Ok(merchant::step(services, city, self.merchant, step, (by, &why)).await?.issued)
    }

    async fn issued(&self) -> Outcome<Issued> {
        let (services, city) = (&self.programme.services, self.programme.city.id);
        Ok(merchant::find(services, city, self.merchant).await?.ok_or("no merchant")?.issued)
    }
}

async fn vouchers_go_back_with_their_points_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let (buyer, saver) = (shop.citizen("card", 100).await?, shop.citizen("other", 100).await?);
    let part = shop.buy(buyer, 3).await?;
    let whole = shop.buy(saver, 2).await?;
    let code = shop.codes(part).await?.pop().ok_or("no voucher")?;
    shop.use_code(buyer, &code).await?;
    shop.take_step(MerchantStep::Suspend { refund: true }, buyer).await?;
    let stopped = shop.codes(whole).await?.pop().ok_or("no voucher")?;
    for refused in [
        shop.use_code(buyer, &stopped).await.err(),
        till::check(&shop.programme.services, shop.merchant, &stopped).await.err(),
        till::void(&shop.programme.services, &shop.programme.city, &shop.till(buyer), &code).await.err(),
    ] {
        assert!(matches!(refused, Some(TillError::Stopped)), "{refused:?}");
    }
    let both =
        tokio::join!(refund_stopped(&shop.programme.services), refund_stopped(&other.programme.services));
    assert_eq!((both.0? + both.1?, refund_stopped(&shop.programme.services).await?), (4, 0));
    assert_eq!(shop.issued().await?, Issued::Refunded);
    assert_eq!((shop.points(buyer).await?, shop.points(saver).await?, shop.left().await?), (80, 100, 99));
    let vouchers = voucher::of_redemption(&shop.programme.services.database, part).await?;
    let back = vouchers.iter().filter(|one| one.status == VoucherStatus::Refunded).count();
    assert_eq!((back, vouchers.len()), (2, 3));
    assert!(shop.give_back(saver, whole).await.is_err(), "it came back already");
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn tills_and_refunds_at_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let buyer = shop.citizen("card", 100).await?;
    let id = shop.buy(buyer, 5).await?;
    let using: Vec<_> = shop
        .codes(id)
        .await?
        .into_iter()
        .map(|code| {
            let till = other.clone();
            tokio::spawn(async move { till.use_code(buyer, &code).await })
        })
        .collect();
    shop.take_step(MerchantStep::Suspend { refund: true }, buyer).await?;
    let back = refund_stopped(&shop.programme.services).await?;
    let mut used = 0;
    for outcome in using {
        match outcome.await? {
            Ok(()) => used += 1,
            Err(TillError::Stopped | TillError::Cancelled) => {}
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!(used + back, 5);
    assert_eq!(shop.points(buyer).await?, 20 * back);
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn a_merchant_goes_on_after_its_refunds(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let buyer = shop.citizen("card", 100).await?;
    shop.buy(buyer, 1).await?;
    shop.take_step(MerchantStep::Suspend { refund: true }, buyer).await?;
    let early = shop.take_step(MerchantStep::Reinstate, buyer).await;
    assert!(matches!(early, Err(MerchantError::Step(MerchantStepError::Refunding))), "{early:?}");
    assert_eq!(refund_stopped(&shop.programme.services).await?, 1);
    assert_eq!(shop.take_step(MerchantStep::Reinstate, buyer).await?, Issued::Work);
    let id = shop.buy(buyer, 1).await?;
    let code = shop.codes(id).await?.pop().ok_or("no voucher")?;
    shop.use_code(buyer, &code).await?;
    shop.programme.stop().await
}

async fn whoever_closes_gives_back(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let buyer = shop.citizen("card", 100).await?;
    shop.buy(buyer, 2).await?;
    assert_eq!(shop.take_step(MerchantStep::Close, buyer).await?, Issued::Refunding);
    assert_eq!(refund_stopped(&shop.programme.services).await?, 2);
    assert_eq!(shop.points(buyer).await?, 100);
    let closed = shop.buy(buyer, 1).await;
    assert!(!matches!(closed, Ok(_) | Err(RedeemError::Store(_))), "{closed:?}");
    let again = shop.take_step(MerchantStep::Reinstate, buyer).await;
    assert!(matches!(again, Err(MerchantError::Step(_))), "{again:?}");
    shop.programme.stop().await
}

/// Offers and drafts from two processes while the merchant is stopped: each is before the stop, or sees it.
async fn whatever_is_written_at_the_instant_of_the_stop_is_halted(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let officer = shop.citizen("card", 0).await?;
    for _ in 0..5 {
        let writing: Vec<_> = (0..6)
            .map(|number| {
                let shop = if number % 2 == 0 { shop.clone() } else { other.clone() };
                tokio::spawn(async move {
                    let (services, merchant) = (&shop.programme.services, shop.merchant);
                    if number < 3 {
                        let written = offering::write(services, merchant, dough_stick()).await;
                        return written.map(|_| ()).map_err(|error| error.to_string());
                    }
                    match office::create_offer(services, soy_milk(merchant)).await {
                        Ok(_) | Err(OfficeError::MerchantNotActive(_)) => Ok(()),
                        Err(error) => Err(error.to_string()),
                    }
                })
            })
            .collect();
        shop.take_step(MerchantStep::Suspend { refund: false }, officer).await?;
        for outcome in writing {
            outcome.await??;
        }
        assert_eq!(stage.raw.number("SELECT COUNT(*) FROM offers WHERE NOT halted").await?, 0);
        shop.take_step(MerchantStep::Reinstate, officer).await?;
        assert_eq!(stage.raw.number("SELECT COUNT(*) FROM offers WHERE halted").await?, 0);
    }
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn the_audit_names_a_live_voucher_of_a_stopped_merchant(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let buyer = shop.citizen("card", 100).await?;
    shop.buy(buyer, 1).await?;
    assert_eq!(stage.raw.execute("UPDATE merchants SET issued = 'refunded'").await?, 1);
    let found = audit::run(&shop.programme.services.database, |_| {}).await?;
    let broken: Vec<_> = found.broken.keys().copied().collect();
    assert_eq!(broken, ["stopped_merchant_has_no_live_voucher"], "{found:?}");
    Ok(shop.programme.services.stop().await?)
}
