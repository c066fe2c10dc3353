//! Offers and their stock.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::id::{CitizenId, CityId, MerchantId, OfferId};
use tanhui_domain::redemption::{Offer, OfferStatus};
use tanhui_domain::text::Text;

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_one, query_row};

const SELECT: &str =
    "SELECT o.id, o.city_id, o.merchant_id, m.name, o.title_zh, o.title_en, o.price_points, o.payout_fen,
    o.stock_total, o.stock_left, o.per_person,
    CASE WHEN o.halted AND o.status = 'live' THEN 'ended' ELSE o.status END, o.voucher_days
    FROM offers o JOIN merchants m ON m.id = o.merchant_id";

/// One offer.
pub async fn find<C: Connected>(on: &C, id: OfferId) -> Result<Option<Offer>, StoreError> {
    query_one(on, &format!("{SELECT} WHERE o.id = $1"), [id.get().into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Offers by id.
pub async fn find_many<C: Connected>(on: &C, ids: &[OfferId]) -> Result<HashMap<OfferId, Offer>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let rows = query_all(on, &format!("{SELECT} WHERE o.id IN (SELECT r.id FROM {table})"), values).await?;
    rows.iter().map(|row| read(row).map(|offer| (offer.id, offer))).collect()
}

/// Locks an offer and reads it.
pub async fn lock(on: &Transaction, id: OfferId) -> Result<Option<Offer>, StoreError> {
    let of_offer = if on.for_update().is_empty() { "" } else { " FOR UPDATE OF o" };
    let sql = format!("{SELECT} WHERE o.id = $1{of_offer}");
    query_one(on, &sql, [id.get().into()]).await?.as_ref().map(read).transpose()
}

/// Live offers of a city in id order, beginning after an id.
pub async fn page<C: Connected>(
    on: &C,
    city: CityId,
    after: Option<OfferId>,
    limit: i64,
) -> Result<Vec<Offer>, StoreError> {
    let sql = format!(
        "{SELECT} WHERE o.city_id = $1 AND o.id > $2 AND o.status = 'live' AND NOT o.halted
         ORDER BY o.id LIMIT $3"
    );
    let after = after.map_or(uuid::Uuid::nil(), OfferId::get);
    query_all(on, &sql, [city.get().into(), after.into(), limit.into()]).await?.iter().map(read).collect()
}

/// Offers of a merchant in id order, beginning after an id.
pub async fn page_of_merchant<C: Connected>(
    on: &C,
    merchant: MerchantId,
    after: Option<OfferId>,
    limit: i64,
) -> Result<Vec<Offer>, StoreError> {
    let sql = format!("{SELECT} WHERE o.merchant_id = $1 AND o.id > $2 ORDER BY o.id LIMIT $3");
    let after = after.map_or(uuid::Uuid::nil(), OfferId::get);
    query_all(on, &sql, [merchant.get().into(), after.into(), limit.into()]).await?.iter().map(read).collect()
}

/// A new offer.
pub async fn insert(on: &Transaction, offer: &Offer, at: DateTime<Utc>) -> Result<(), StoreError> {
    execute(
        on,
        "INSERT INTO offers (id, city_id, merchant_id, title_zh, title_en, price_points, payout_fen,
            stock_total,
                             stock_left, per_person, status, voucher_days, created_at_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        [
            offer.id.get().into(),
            offer.city.get().into(),
            offer.merchant.get().into(),
            offer.title.zh.clone().into(),
            offer.title.en.clone().into(),
            offer.price.get().into(),
            offer.payout.get().into(),
            offer.stock_total.into(),
            offer.stock_left.into(),
            offer.per_person.into(),
            offer.status.word().into(),
            offer.voucher_days.into(),
            micros(at).into(),
        ],
    )
    .await
    .map(|_| ())
}

/// Moves the stock of a locked offer; the database refuses less than nothing and more than all.
pub async fn change_stock(on: &Transaction, id: OfferId, difference: i64) -> Result<(), StoreError> {
    let sql = "UPDATE offers SET stock_left = stock_left + $2 WHERE id = $1";
    execute(on, sql, [id.get().into(), difference.into()]).await.map(|_| ())
}

/// Halts or frees the offers of a merchant, wherever they are in their life. Whoever holds one locked is
/// waited for.
pub async fn halt(on: &Transaction, merchant: MerchantId, halted: bool) -> Result<(), StoreError> {
    let sql = "UPDATE offers SET halted = $2 WHERE merchant_id = $1";
    execute(on, sql, [merchant.get().into(), halted.into()]).await.map(|_| ())
}

/// Ends an offer; false when it was not live.
pub async fn end(on: &Transaction, id: OfferId) -> Result<bool, StoreError> {
    let sql = "UPDATE offers SET status = 'ended' WHERE id = $1 AND status = 'live'";
    Ok(execute(on, sql, [id.get().into()]).await? == 1)
}

/// How many of an offer a citizen has and has not given back.
pub async fn count_of_citizen<C: Connected>(
    on: &C,
    offer: OfferId,
    citizen: CitizenId,
) -> Result<i64, StoreError> {
    let sql = "SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM redemptions
               WHERE citizen_id = $1 AND offer_id = $2 AND cancelled_at_us IS NULL";
    query_row(on, sql, [citizen.get().into(), offer.get().into()]).await?.bigint(0)
}

/// How many of each of these offers a citizen has and has not given back; none where there are none.
pub async fn counts_of_citizen<C: Connected>(
    on: &C,
    offers: &[OfferId],
    citizen: CitizenId,
) -> Result<HashMap<OfferId, i64>, StoreError> {
    let (table, mut values) = Columns::new().uuid("id", offers.iter().map(|id| id.get())).table(on.engine());
    values.push(citizen.get().into());
    let sql = format!(
        "SELECT d.offer_id, CAST(SUM(d.quantity) AS BIGINT) FROM redemptions d
         WHERE d.citizen_id = $2 AND d.cancelled_at_us IS NULL AND d.offer_id IN (SELECT r.id FROM {table})
         GROUP BY d.offer_id"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter().map(|row| Ok((OfferId::new(row.uuid(0)?), row.bigint(1)?))).collect()
}

fn read(row: &Row) -> Result<Offer, StoreError> {
    Ok(Offer {
        id: OfferId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        merchant: MerchantId::new(row.uuid(2)?),
        merchant_name: row.text(3)?,
        title: Text::new(row.text(4)?, row.text(5)?),
        price: Points::new(row.bigint(6)?),
        payout: Fen::new(row.bigint(7)?),
        stock_total: row.bigint(8)?,
        stock_left: row.bigint(9)?,
        per_person: row.get(10)?,
        status: row.known(11, OfferStatus::from_word)?,
        voucher_days: row.get(12)?,
    })
}
