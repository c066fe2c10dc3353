//! Offers and their stock, redemptions and vouchers: each voucher ends once.

use chrono::TimeDelta;
use tanhui_domain::id::{CitizenId, MerchantId, OfferId, VoucherId};
use tanhui_domain::offer::{Offer, OfferStatus};
use tanhui_domain::redemption::{Had, VoucherStatus};
use tanhui_store::offer::ShelfMove;
use tanhui_store::{Database, StoreError, merchant, offer, redemption, voucher};
use tanhui_tests::{Books, Credit, Outcome, Stage, Town, each_database, id};

each_database!(
    an_offer_is_found_with_its_merchant,
    live_offers_come_in_pages,
    stock_stays_between_nothing_and_all,
    an_offer_that_cannot_be_is_refused,
    stock_is_not_oversold_at_once,
    a_redemption_is_its_citizens_own_and_undone_once,
    a_voucher_is_used_until_it_expires_and_once,
    two_tills_use_a_voucher_once,
    a_use_and_a_cancellation_cannot_both_win,
    vouchers_come_in_pages,
    a_citizens_count_leaves_out_what_was_given_back,
);

async fn bought(stage: &Stage, town: &Town, quantity: i64) -> Outcome<Vec<VoucherId>> {
    let books = Books { stage, town };
    let name = format!("for-{}", stage.ids.next());
    let citizen = town.citizen(0)?;
    books.credit(Credit { citizen, external_id: &name, points: 40 * quantity, reduction_mg: 1 }).await?;
    let (_, vouchers) = books.redeem(citizen, quantity).await?;
    Ok(vouchers.iter().map(|voucher| voucher.id).collect())
}

async fn an_offer_is_found_with_its_merchant(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    let found = offer::find(&stage.database, town.offer).await?.ok_or("no offer")?;
    let shop = merchant::find(&stage.database, town.merchant).await?.ok_or("no merchant")?;
    assert_eq!((found.merchant, &found.merchant_name), (shop.id, &shop.about.name));
    assert_eq!((found.stock_left, found.status), (10, OfferStatus::Live));
    let on = stage.database.begin().await?;
    assert_eq!(offer::lock(&on, town.offer).await?, Some(found));
    assert_eq!(offer::lock(&on, OfferId::new(id(9_999))).await?, None);
    assert_eq!(merchant::find(&on, MerchantId::new(id(9_999))).await?, None);
    Ok(())
}

async fn more_offers(stage: &Stage, town: &Town, count: usize) -> Outcome<Vec<Offer>> {
    let pattern = offer::find(&stage.database, town.offer).await?.ok_or("no offer")?;
    let on = stage.database.begin().await?;
    let mut offers = vec![pattern.clone()];
    for number in 0..count {
        let status = if number == 1 { OfferStatus::Ended } else { OfferStatus::Live };
        let per_person = Some(2);
        let new = Offer { id: OfferId::new(stage.ids.next()), status, per_person, ..pattern.clone() };
        offer::insert(&on, &new, stage.now()).await?;
        offers.push(new);
    }
    on.commit().await?;
    Ok(offers)
}

async fn live_offers_come_in_pages(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    let offers = more_offers(&stage, &town, 5).await?;
    let live: Vec<&Offer> = offers.iter().filter(|offer| offer.status == OfferStatus::Live).collect();
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let page = offer::page(&stage.database, town.city.id, OfferStatus::Live, after, 2).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        met.extend(page);
    }
    assert_eq!(met.iter().collect::<Vec<_>>(), live);
    let of_merchant = offer::page_of_merchant(&stage.database, town.merchant, None, 9).await?;
    assert_eq!(of_merchant, offers, "a merchant sees ended ones too");
    let first = offers.first().map(|offer| offer.id);
    assert_eq!(offer::page_of_merchant(&stage.database, town.merchant, first, 9).await?.len(), 5);
    Ok(())
}

fn shelf(town: &Town, quantity: i64) -> ShelfMove {
    ShelfMove { offer: town.offer, quantity, budget: tanhui_domain::amount::Fen::ZERO }
}

async fn stock_stays_between_nothing_and_all(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    for (moves, fits) in [
        (&[-9][..], true),
        (&[-10], true),
        (&[-11], false),
        (&[-5, 4], true),
        (&[-5, 5], true),
        (&[-5, 6], false),
        (&[1], false),
    ] {
        let on = stage.database.begin().await?;
        let mut last = Ok(());
        for difference in moves {
            last = offer::move_shelves(&on, &[shelf(&town, -i64::from(*difference))]).await;
        }
        assert_eq!(last.is_ok(), fits, "{moves:?}: {last:?}");
        assert!(fits || matches!(last, Err(StoreError::Constraint(_))), "{moves:?}: {last:?}");
    }
    Ok(())
}

async fn an_offer_that_cannot_be_is_refused(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    let good = offer::find(&stage.database, town.offer).await?.ok_or("no offer")?;
    let good = Offer { id: OfferId::new(stage.ids.next()), ..good };
    let nothing = tanhui_domain::amount::Points::ZERO;
    let debt = tanhui_domain::amount::Fen::new(-1);
    let cases = [
        ("free of points", Offer { price: nothing, ..good.clone() }),
        ("payout below zero", Offer { payout: debt, ..good.clone() }),
        ("more left than all", Offer { stock_left: 11, ..good.clone() }),
        ("nobody may have it", Offer { per_person: Some(0), ..good.clone() }),
        ("no day to use it", Offer { voucher_days: 0, ..good.clone() }),
        ("of no merchant", Offer { merchant: MerchantId::new(id(9_999)), ..good.clone() }),
    ];
    for (what, offer) in cases {
        let on = stage.database.begin().await?;
        let refused = offer::insert(&on, &offer, stage.now()).await;
        assert!(matches!(refused, Err(StoreError::Constraint(_))), "{what}: {refused:?}");
    }
    let on = stage.database.begin().await?;
    let again = Offer { id: town.offer, ..good };
    let refused = offer::insert(&on, &again, stage.now()).await;
    assert!(matches!(refused, Err(StoreError::Exists(_))), "{refused:?}");
    Ok(())
}

/// The stock's own guard, without anyone looking at what is left first.
async fn stock_is_not_oversold_at_once(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    let other = stage.another_process().await?;
    let take = async |database: &Database| -> Outcome<i64> {
        let mut taken = 0;
        for _ in 0..8 {
            let on = database.begin().await?;
            match offer::move_shelves(&on, &[shelf(&town, 1)]).await {
                Ok(()) => on.commit().await?,
                Err(StoreError::Constraint(_)) => continue,
                Err(error) => return Err(error.into()),
            }
            taken += 1;
        }
        Ok(taken)
    };
    let (one, two) = tokio::join!(take(&stage.database), take(&other));
    assert_eq!(one? + two?, 10);
    let left = offer::find(&stage.database, town.offer).await?.ok_or("no offer")?.stock_left;
    assert_eq!(left, 0);
    other.close().await?;
    Ok(())
}

async fn a_redemption_is_its_citizens_own_and_undone_once(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let books = Books { stage: &stage, town: &town };
    let owner = town.citizen(0)?;
    books.credit(Credit { citizen: owner, external_id: "a", points: 80, reduction_mg: 0 }).await?;
    let (id, _) = books.redeem(owner, 2).await?;
    let found = redemption::find(&stage.database, id, owner).await?.ok_or("no redemption")?;
    assert_eq!((found.quantity, found.points.get(), found.cancelled_at), (2, 80, None));
    assert_eq!(redemption::find(&stage.database, id, town.citizen(1)?).await?, None);
    let later = stage.now() + TimeDelta::seconds(1);
    let on = stage.database.begin().await?;
    assert!(redemption::mark_cancelled(&on, id, stage.now()).await?);
    assert!(!redemption::mark_cancelled(&on, id, later).await?);
    let found = redemption::find(&on, id, owner).await?.ok_or("no redemption")?;
    assert_eq!(found.cancelled_at, Some(stage.now()));
    Ok(())
}

async fn a_voucher_is_used_until_it_expires_and_once(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let staff = town.citizen(0)?;
    let vouchers = bought(&stage, &town, 3).await?;
    let [one, two, three] = vouchers[..] else { return Err("three vouchers".into()) };
    let code = one.get().simple().to_string();
    let found = voucher::find_by_code(&stage.database, &code).await?.ok_or("no voucher")?;
    assert_eq!((found.id, found.status, found.used_at), (one, VoucherStatus::Live, None));
    assert_eq!(voucher::find_by_code(&stage.database, "nothing").await?, None);
    let end = found.expires_at;
    let last = end - TimeDelta::microseconds(1);
    let on = stage.database.begin().await?;
    assert!(voucher::mark_used(&on, one, staff, last).await?);
    assert!(!voucher::mark_used(&on, one, staff, last).await?, "once");
    assert!(!voucher::mark_used(&on, two, staff, end).await?, "it has expired");
    assert!(!voucher::mark_used(&on, three, staff, end + TimeDelta::microseconds(1)).await?);
    on.commit().await?;
    let used = voucher::find_by_code(&stage.database, &code).await?.ok_or("no voucher")?;
    assert_eq!((used.status, used.used_at), (VoucherStatus::Used, Some(last)));
    Ok(())
}

async fn use_one(database: &Database, stage: &Stage, id: VoucherId, staff: CitizenId) -> Outcome<bool> {
    let on = database.begin().await?;
    let won = voucher::mark_used(&on, id, staff, stage.now()).await?;
    on.commit().await?;
    Ok(won)
}

async fn two_tills_use_a_voucher_once(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let other = stage.another_process().await?;
    let staff = town.citizen(0)?;
    for id in bought(&stage, &town, 8).await? {
        let (one, two) =
            tokio::join!(use_one(&stage.database, &stage, id, staff), use_one(&other, &stage, id, staff));
        assert!(one? ^ two?, "exactly one till wins");
    }
    other.close().await?;
    Ok(())
}

async fn a_use_and_a_cancellation_cannot_both_win(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let other = stage.another_process().await?;
    let staff = town.citizen(0)?;
    for _ in 0..8 {
        let vouchers = bought(&stage, &town, 1).await?;
        let [id] = vouchers[..] else { return Err("one voucher".into()) };
        let code = id.get().simple().to_string();
        let found = voucher::find_by_code(&stage.database, &code).await?.ok_or("no voucher")?;
        let cancel = async || -> Outcome<bool> {
            let on = other.begin().await?;
            let cancelled = voucher::mark_cancelled(&on, found.redemption, stage.now()).await?;
            on.commit().await?;
            Ok(cancelled == 1)
        };
        let (used, cancelled) = tokio::join!(use_one(&stage.database, &stage, id, staff), cancel());
        let (used, cancelled) = (used?, cancelled?);
        assert!(used ^ cancelled, "used {used}, cancelled {cancelled}");
        let now = voucher::of_redemption(&stage.database, found.redemption).await?;
        let status = if used { VoucherStatus::Used } else { VoucherStatus::Cancelled };
        assert_eq!(now.first().map(|voucher| voucher.status), Some(status));
        stage.raw.execute("UPDATE offers SET stock_left = 10").await?;
    }
    other.close().await?;
    Ok(())
}

async fn vouchers_come_in_pages(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let mut all = Vec::new();
    for quantity in [3, 2, 4] {
        let mut vouchers = bought(&stage, &town, quantity).await?;
        vouchers.reverse();
        all.insert(0, vouchers);
    }
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let page = voucher::page_of_citizen(&stage.database, town.citizen(0)?, after, 2).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.redemption, last.id));
        met.extend(page.iter().map(|voucher| voucher.id));
    }
    assert_eq!(met, all.concat(), "the newest redemption comes first");
    assert_eq!(voucher::page_of_citizen(&stage.database, town.citizen(1)?, None, 9).await?, []);
    Ok(())
}

async fn a_citizens_count_leaves_out_what_was_given_back(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let books = Books { stage: &stage, town: &town };
    let citizen = town.citizen(0)?;
    books.credit(Credit { citizen, external_id: "a", points: 200, reduction_mg: 0 }).await?;
    let (_, _) = books.redeem(citizen, 2).await?;
    let (second, _) = books.redeem(citizen, 3).await?;
    let had = async |citizen: CitizenId, since| -> Outcome<Had> {
        let had = offer::had(&stage.database, &[(citizen, town.offer, since)]).await?;
        Ok(had.get(&(citizen, town.offer)).copied().unwrap_or_default())
    };
    let now = stage.now();
    assert_eq!(had(citizen, now).await?, Had { ever: 5, this_week: 5 });
    assert_eq!(had(citizen, now + TimeDelta::microseconds(1)).await?, Had { ever: 5, this_week: 0 });
    books.cancel(citizen, second).await?;
    assert_eq!(had(citizen, now).await?, Had { ever: 2, this_week: 2 });
    assert_eq!(had(town.citizen(1)?, now).await?, Had::default());
    Ok(())
}
