//! Redemptions.

use chrono::{DateTime, Utc};
use tanhui_domain::amount::Points;
use tanhui_domain::id::{CitizenId, CityId, OfferId, RedemptionId};
use tanhui_domain::redemption::Redemption;

use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_one};

const COLUMNS: &str = "id, city_id, citizen_id, offer_id, quantity, points, redeemed_at_us, cancelled_at_us";

/// A new redemption.
pub async fn insert(on: &Transaction, redemption: &Redemption) -> Result<(), StoreError> {
    execute(
        on,
        "INSERT INTO redemptions (id, city_id, citizen_id, offer_id, quantity, points, redeemed_at_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            redemption.id.get().into(),
            redemption.city.get().into(),
            redemption.citizen.get().into(),
            redemption.offer.get().into(),
            redemption.quantity.into(),
            redemption.points.get().into(),
            micros(redemption.redeemed_at).into(),
        ],
    )
    .await
    .map(|_| ())
}

/// A citizen's own redemption.
pub async fn find<C: Connected>(
    on: &C,
    id: RedemptionId,
    citizen: CitizenId,
) -> Result<Option<Redemption>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM redemptions WHERE id = $1 AND citizen_id = $2");
    query_one(on, &sql, [id.get().into(), citizen.get().into()]).await?.as_ref().map(read).transpose()
}

/// Marks a redemption as undone; false when it was already.
pub async fn mark_cancelled(
    on: &Transaction,
    id: RedemptionId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE redemptions SET cancelled_at_us = $2 WHERE id = $1 AND cancelled_at_us IS NULL";
    Ok(execute(on, sql, [id.get().into(), micros(at).into()]).await? == 1)
}

fn read(row: &Row) -> Result<Redemption, StoreError> {
    Ok(Redemption {
        id: RedemptionId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        citizen: CitizenId::new(row.uuid(2)?),
        offer: OfferId::new(row.uuid(3)?),
        quantity: row.bigint(4)?,
        points: Points::new(row.bigint(5)?),
        redeemed_at: row.instant(6)?,
        cancelled_at: row.maybe_instant(7)?,
    })
}
