//! Lots: granted, taken for a redemption, given back; never below nothing nor above what was granted.

use chrono::{Days, NaiveDate};
use tanhui_domain::amount::Points;
use tanhui_domain::id::{CitizenId, RedemptionId};
use tanhui_domain::ledger::{Lot, LotGrant, LotKey, LotTake};
use tanhui_domain::redemption::Redemption;
use tanhui_store::lot;
use tanhui_store::lot::LotReturn;
use tanhui_store::{StoreError, Transaction, redemption};
use tanhui_tests::{Outcome, Stage, Town, each_database};

each_database!(
    grants_of_one_last_day_are_one_lot,
    what_was_taken_can_be_given_back,
    more_than_a_lot_holds_cannot_be_taken,
    more_than_was_granted_cannot_be_given_back,
    a_lot_that_is_not_there_cannot_be_taken,
);

fn day(offset: u64) -> NaiveDate {
    NaiveDate::default() + Days::new(20_000 + offset)
}

fn lots(all: &[(u64, i64)]) -> Vec<Lot> {
    all.iter()
        .map(|&(offset, left)| Lot { key: LotKey::until(day(offset)), left: Points::new(left) })
        .collect()
}

fn takes(all: &[(u64, i64)]) -> Vec<LotTake> {
    all.iter()
        .map(|&(offset, points)| LotTake { key: LotKey::until(day(offset)), points: Points::new(points) })
        .collect()
}

fn grants(citizen: CitizenId, all: &[(u64, i64)]) -> Vec<LotGrant> {
    let grant = |&(offset, points)| LotGrant {
        citizen,
        key: LotKey::until(day(offset)),
        points: Points::new(points),
    };
    all.iter().map(grant).collect()
}

async fn redemption_of(stage: &Stage, town: &Town, on: &Transaction) -> Outcome<RedemptionId> {
    let id = RedemptionId::new(stage.ids.next());
    let bought = Redemption {
        id,
        city: town.city.id,
        citizen: town.citizen(0)?,
        offer: town.offer,
        quantity: 1,
        points: Points::new(1),
        project: None,
        redeemed_at: stage.now(),
        returned: 0,
        cancelled_at: None,
    };
    redemption::insert_many(on, &[bought]).await?;
    Ok(id)
}

fn returns(citizen: CitizenId, id: RedemptionId, all: &[(u64, i64)]) -> Vec<LotReturn> {
    let cause = id.get();
    takes(all).into_iter().map(|take| LotReturn { citizen, cause, take, ended: false }).collect()
}

async fn still_taken(on: &Transaction, citizen: CitizenId, id: RedemptionId) -> Outcome<Vec<LotTake>> {
    Ok(lot::still_taken(on, &[(citizen, id.get())]).await?.remove(&id.get()).unwrap_or_default())
}

async fn grants_of_one_last_day_are_one_lot(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let (one, other) = (town.citizen(0)?, town.citizen(1)?);
    let on = stage.database.begin().await?;
    lot::grant(&on, &grants(one, &[(9, 5), (3, 4)])).await?;
    lot::grant(&on, &[grants(one, &[(9, 2), (5, 1)]), grants(other, &[(9, 100)])].concat()).await?;
    lot::grant(&on, &[]).await?;
    on.commit().await?;
    assert_eq!(lot::open(&stage.database, one).await?, lots(&[(3, 4), (5, 1), (9, 7)]));
    assert_eq!(lot::open(&stage.database, other).await?, lots(&[(9, 100)]));
    Ok(())
}

async fn what_was_taken_can_be_given_back(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let (one, other) = (town.citizen(0)?, town.citizen(1)?);
    let on = stage.database.begin().await?;
    lot::grant(&on, &[grants(one, &[(3, 4), (5, 6)]), grants(other, &[(3, 8)])].concat()).await?;
    let id = redemption_of(&stage, &town, &on).await?;
    let taken = takes(&[(3, 4), (5, 1)]);
    lot::take(&on, one, id.get(), &taken).await?;
    assert_eq!(lot::open(&on, one).await?, lots(&[(5, 5)]), "an empty lot is not open");
    assert_eq!(still_taken(&on, one, id).await?, taken);
    lot::give_back(&on, &returns(one, id, &[(3, 3)])).await?;
    assert_eq!(still_taken(&on, one, id).await?, takes(&[(3, 1), (5, 1)]));
    lot::give_back(&on, &returns(one, id, &[(3, 1), (5, 1)])).await?;
    assert_eq!(still_taken(&on, one, id).await?, []);
    assert_eq!(lot::open(&on, one).await?, lots(&[(3, 4), (5, 6)]));
    assert_eq!(lot::open(&on, other).await?, lots(&[(3, 8)]), "another's lot of that day is left alone");
    let other_redemption = redemption_of(&stage, &town, &on).await?;
    assert_eq!(still_taken(&on, one, other_redemption).await?, []);
    Ok(())
}

async fn more_than_a_lot_holds_cannot_be_taken(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let citizen = town.citizen(0)?;
    for (points, fits) in [(9, true), (10, true), (11, false)] {
        let on = stage.database.begin().await?;
        lot::grant(&on, &grants(citizen, &[(3, 10)])).await?;
        let id = redemption_of(&stage, &town, &on).await?;
        let took = lot::take(&on, citizen, id.get(), &takes(&[(3, points)])).await;
        assert_eq!(took.is_ok(), fits, "{points}: {took:?}");
        assert!(fits || matches!(took, Err(StoreError::Constraint(_))), "{took:?}");
    }
    Ok(())
}

async fn more_than_was_granted_cannot_be_given_back(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let citizen = town.citizen(0)?;
    for (points, fits) in [(3, true), (4, true), (5, false)] {
        let on = stage.database.begin().await?;
        lot::grant(&on, &grants(citizen, &[(3, 10)])).await?;
        let id = redemption_of(&stage, &town, &on).await?;
        lot::take(&on, citizen, id.get(), &takes(&[(3, 4)])).await?;
        let gave = lot::give_back(&on, &returns(citizen, id, &[(3, points)])).await;
        assert_eq!(gave.is_ok(), fits, "{points}: {gave:?}");
        assert!(fits || matches!(gave, Err(StoreError::Constraint(_))), "{gave:?}");
    }
    Ok(())
}

/// Points must not leave the books without leaving a lot.
async fn a_lot_that_is_not_there_cannot_be_taken(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let citizen = town.citizen(0)?;
    let on = stage.database.begin().await?;
    lot::grant(&on, &grants(citizen, &[(3, 10)])).await?;
    let id = redemption_of(&stage, &town, &on).await?;
    let took = lot::take(&on, citizen, id.get(), &takes(&[(3, 1), (4, 1)])).await;
    assert!(matches!(took, Err(StoreError::Other(_))), "{took:?}");
    let gave = lot::give_back(&on, &returns(citizen, id, &[(4, 1)])).await;
    assert!(matches!(gave, Err(StoreError::Other(_))), "{gave:?}");
    Ok(())
}
