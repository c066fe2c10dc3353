//! Offers, their steps, and what is left on their shelves.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::Value;
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::id::{CitizenId, CityId, MerchantId, OfferId, ProjectId};
use tanhui_domain::offer::{About, Budget, By, Conditions, Offer, OfferKind, OfferStatus};
use tanhui_domain::redemption::Had;
use tanhui_domain::text::Text;
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Engine, Transaction};
use crate::error::StoreError;
use crate::row::{Row, day_number, execute, expect_rows, micros, query_all, query_one};
use crate::write::Write;

const SELECT: &str =
    "SELECT o.id, o.city_id, o.merchant_id, m.name, o.kind, o.project_id, o.title_zh, o.title_en,
     o.text_zh, o.text_en, o.terms_zh, o.terms_en, o.pictures, o.face_value_fen, o.price_points, o.payout_fen,
     o.stock_total, o.stock_left, o.per_person, o.per_person_week, o.stock_per_day, o.opens_at_us,
     o.closes_at_us, o.district, o.level, o.refund_expired, o.budget_fen, o.budget_left_fen, o.status,
     o.voucher_days, o.version, o.submitted_by, o.approved_by, o.note,
     CASE WHEN o.halted THEN 1 ELSE 0 END
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

/// Locks offers in id order, which is the order in which everyone locks them, and reads them.
pub async fn lock_many(on: &Transaction, ids: &[OfferId]) -> Result<HashMap<OfferId, Offer>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let of_offers = if on.engine() == Engine::Postgres { " FOR UPDATE OF o" } else { "" };
    let sql = format!("{SELECT} WHERE o.id IN (SELECT r.id FROM {table}) ORDER BY o.id{of_offers}");
    let rows = query_all(on, &sql, values).await?;
    rows.iter().map(|row| read(row).map(|offer| (offer.id, offer))).collect()
}

/// Locks an offer and reads it.
pub async fn lock(on: &Transaction, id: OfferId) -> Result<Option<Offer>, StoreError> {
    Ok(lock_many(on, &[id]).await?.remove(&id))
}

/// Offers of a city in one status, in id order, beginning after an id. Those of merchants whom the city has
/// stopped are left out.
pub async fn page<C: Connected>(
    on: &C,
    city: CityId,
    status: OfferStatus,
    after: Option<OfferId>,
    limit: i64,
) -> Result<Vec<Offer>, StoreError> {
    let sql = format!(
        "{SELECT} WHERE o.city_id = $1 AND o.status = $2 AND o.id > $3 AND NOT o.halted
         ORDER BY o.id LIMIT $4"
    );
    let after = after.map_or(Uuid::nil(), OfferId::get);
    let values = [city.get().into(), status.word().into(), after.into(), limit.into()];
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// Offers of a merchant in id order, beginning after an id.
pub async fn page_of_merchant<C: Connected>(
    on: &C,
    merchant: MerchantId,
    after: Option<OfferId>,
    limit: i64,
) -> Result<Vec<Offer>, StoreError> {
    let sql = format!("{SELECT} WHERE o.merchant_id = $1 AND o.id > $2 ORDER BY o.id LIMIT $3");
    let after = after.map_or(Uuid::nil(), OfferId::get);
    query_all(on, &sql, [merchant.get().into(), after.into(), limit.into()]).await?.iter().map(read).collect()
}

/// A new offer.
pub async fn insert(on: &Transaction, offer: &Offer, at: DateTime<Utc>) -> Result<(), StoreError> {
    let fixed: [(&str, Value); 5] = [
        ("id", offer.id.get().into()),
        ("city_id", offer.city.get().into()),
        ("merchant_id", offer.merchant.get().into()),
        ("created_at_us", micros(at).into()),
        ("halted", offer.halted.into()),
    ];
    let (names, values): (Vec<&str>, Vec<Value>) = fixed.into_iter().chain(changing(offer)?).unzip();
    let places: Vec<String> = (1..=names.len()).map(|place| format!("${place}")).collect();
    let sql = format!("INSERT INTO offers ({}) VALUES ({})", names.join(", "), places.join(", "));
    execute(on, &sql, values).await.map(|_| ())
}

/// Writes a locked offer as it is now.
pub async fn update(on: &Transaction, offer: &Offer) -> Result<(), StoreError> {
    let (sets, mut values): (Vec<String>, Vec<Value>) = (2..)
        .zip(changing(offer)?)
        .map(|(place, (name, value)): (usize, _)| (format!("{name} = ${place}"), value))
        .unzip();
    values.insert(0, offer.id.get().into());
    let sql = format!("UPDATE offers SET {} WHERE id = $1", sets.join(", "));
    expect_rows(execute(on, &sql, values).await?, 1, "an offer is missing")
}

/// Halts or frees the offers of a merchant, wherever they are in their life. Whoever holds one locked is
/// waited for.
pub async fn halt(on: &Transaction, merchant: MerchantId, halted: bool) -> Result<(), StoreError> {
    let sql = "UPDATE offers SET halted = $2 WHERE merchant_id = $1";
    execute(on, sql, [merchant.get().into(), halted.into()]).await.map(|_| ())
}

/// Throws a draft away; false when it was none. What was handed in once stays.
pub async fn delete_draft(on: &Transaction, id: OfferId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM offers WHERE id = $1 AND status = 'draft'
               AND NOT EXISTS (SELECT 1 FROM offer_steps s WHERE s.offer_id = offers.id)";
    Ok(execute(on, sql, [id.get().into()]).await? == 1)
}

/// Keeps who took an offer where it now is.
pub async fn log_step(
    on: &Transaction,
    offer: &Offer,
    by: By,
    note: Option<&str>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO offer_steps (offer_id, version, status, taken_by, taken_at_us, note)
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        offer.id.get().into(),
        offer.version.into(),
        offer.status.word().into(),
        by.person().get().into(),
        micros(at).into(),
        note.into(),
    ];
    execute(on, sql, values).await.map(|_| ())
}

/// Whether a person took an offer to a version at one instant.
pub async fn was_taken_at<C: Connected>(
    on: &C,
    offer: &Offer,
    by: By,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM offer_steps WHERE offer_id = $1 AND version = $2 AND taken_by = $3
               AND taken_at_us = $4";
    let values = [offer.id.get().into(), offer.version.into(), by.person().get().into(), micros(at).into()];
    Ok(query_one(on, sql, values).await?.is_some())
}

/// What leaves a shelf, or comes back to it when below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShelfMove {
    /// Whose.
    pub offer: OfferId,
    /// How many.
    pub quantity: i64,
    /// What of the city's budget.
    pub budget: Fen,
}

/// Moves shelves, each once; the database refuses less than nothing and more than all.
pub async fn move_shelves(on: &Transaction, moves: &[ShelfMove]) -> Result<(), StoreError> {
    if moves.is_empty() { Ok(()) } else { moving(moves).run(on).await }
}

/// Moves shelves, not yet run.
pub(crate) fn moving(moves: &[ShelfMove]) -> Write {
    let columns = Columns::new()
        .uuid("id", moves.iter().map(|one| one.offer.get()))
        .bigint("quantity", moves.iter().map(|one| one.quantity))
        .bigint("budget", moves.iter().map(|one| one.budget.get()));
    let update = Write::new(columns, |table| {
        format!(
            "UPDATE offers SET stock_left = stock_left - r.quantity,
               budget_left_fen = budget_left_fen - r.budget FROM {table} WHERE offers.id = r.id"
        )
    });
    update.touching(moves.len(), "an offer is missing")
}

/// What left a shelf on a civil day, or comes back to that day when below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayMove {
    /// Whose.
    pub offer: OfferId,
    /// When.
    pub day: NaiveDate,
    /// How many.
    pub quantity: i64,
}

fn of_days(moves: &[DayMove]) -> Columns {
    Columns::new()
        .uuid("offer_id", moves.iter().map(|one| one.offer.get()))
        .int("day", moves.iter().map(|one| day_number(one.day)))
        .bigint("quantity", moves.iter().map(|one| one.quantity))
}

/// Counts what is taken, each offer and day once; not yet run.
pub(crate) fn counting(moves: &[DayMove]) -> Write {
    Write::new(of_days(moves), |table| {
        format!(
            "INSERT INTO offer_days (offer_id, day, taken) SELECT offer_id, day, quantity FROM {table}
             WHERE true
             ON CONFLICT (offer_id, day) DO UPDATE SET taken = offer_days.taken + excluded.taken"
        )
    })
}

/// Moves counts of days on which something was taken, each once.
pub async fn move_days(on: &Transaction, moves: &[DayMove]) -> Result<(), StoreError> {
    if moves.is_empty() {
        return Ok(());
    }
    let update = Write::new(of_days(moves), |table| {
        format!(
            "UPDATE offer_days SET taken = taken + r.quantity FROM {table}
             WHERE offer_days.offer_id = r.offer_id AND offer_days.day = r.day"
        )
    });
    update.touching(moves.len(), "a day of an offer is missing").run(on).await
}

/// How many of some offers were taken on a civil day and not given back; absent where none was.
pub async fn taken_on<C: Connected>(
    on: &C,
    offers: &[(OfferId, NaiveDate)],
) -> Result<HashMap<OfferId, i64>, StoreError> {
    let (table, values) = Columns::new()
        .uuid("offer_id", offers.iter().map(|(offer, _)| offer.get()))
        .int("day", offers.iter().map(|(_, day)| day_number(*day)))
        .table(on.engine());
    let sql = format!(
        "SELECT d.offer_id, d.taken FROM {table} JOIN offer_days d
         ON d.offer_id = r.offer_id AND d.day = r.day"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter().map(|row| Ok((OfferId::new(row.uuid(0)?), row.bigint(1)?))).collect()
}

/// How many of which offers citizens have and have not given back, in all and since an instant; absent where
/// none.
pub async fn had<C: Connected>(
    on: &C,
    asked: &[(CitizenId, OfferId, DateTime<Utc>)],
) -> Result<HashMap<(CitizenId, OfferId), Had>, StoreError> {
    let (table, values) = Columns::new()
        .uuid("citizen_id", asked.iter().map(|(citizen, ..)| citizen.get()))
        .uuid("offer_id", asked.iter().map(|(_, offer, _)| offer.get()))
        .bigint("week_us", asked.iter().map(|(.., week)| micros(*week)))
        .table(on.engine());
    let sql = format!(
        "SELECT d.citizen_id, d.offer_id, CAST(SUM(d.quantity - d.returned) AS BIGINT),
           CAST(SUM(CASE WHEN d.redeemed_at_us >= r.week_us THEN d.quantity - d.returned ELSE 0 END)
             AS BIGINT)
         FROM {table} JOIN redemptions d ON d.citizen_id = r.citizen_id AND d.offer_id = r.offer_id
         GROUP BY d.citizen_id, d.offer_id"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter()
        .map(|row| {
            let key = (CitizenId::new(row.uuid(0)?), OfferId::new(row.uuid(1)?));
            Ok((key, Had { ever: row.bigint(2)?, this_week: row.bigint(3)? }))
        })
        .collect()
}

/// Everything about an offer that may change, by column.
fn changing(offer: &Offer) -> Result<Vec<(&'static str, Value)>, StoreError> {
    let Offer { about, conditions, budget, .. } = offer;
    let pictures = serde_json::to_string(&about.pictures);
    let pictures = pictures.map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(vec![
        ("kind", offer.kind.word().into()),
        ("project_id", offer.kind.project().map(ProjectId::get).into()),
        ("title_zh", offer.title.zh.clone().into()),
        ("title_en", offer.title.en.clone().into()),
        ("text_zh", about.text.zh.clone().into()),
        ("text_en", about.text.en.clone().into()),
        ("terms_zh", about.terms.zh.clone().into()),
        ("terms_en", about.terms.en.clone().into()),
        ("pictures", pictures.into()),
        ("face_value_fen", about.face_value.get().into()),
        ("price_points", offer.price.get().into()),
        ("payout_fen", offer.payout.get().into()),
        ("stock_total", offer.stock_total.into()),
        ("stock_left", offer.stock_left.into()),
        ("per_person", offer.per_person.into()),
        ("per_person_week", conditions.per_person_week.into()),
        ("stock_per_day", conditions.stock_per_day.into()),
        ("opens_at_us", conditions.opens_at.map(micros).into()),
        ("closes_at_us", conditions.closes_at.map(micros).into()),
        ("district", conditions.district.clone().into()),
        ("level", conditions.level.clone().into()),
        ("refund_expired", i32::from(conditions.refund_expired).into()),
        ("budget_fen", budget.map(|budget| budget.all.get()).into()),
        ("budget_left_fen", budget.map(|budget| budget.left.get()).into()),
        ("status", offer.status.word().into()),
        ("voucher_days", offer.voucher_days.into()),
        ("version", offer.version.into()),
        ("submitted_by", offer.submitted_by.map(CitizenId::get).into()),
        ("approved_by", offer.approved_by.map(CitizenId::get).into()),
        ("note", offer.note.clone().into()),
    ])
}

fn read(row: &Row) -> Result<Offer, StoreError> {
    let project = row.get::<Option<Uuid>>(5)?.map(ProjectId::new);
    let budget = row.get::<Option<i64>>(26)?.zip(row.get::<Option<i64>>(27)?);
    let pictures = row.text(12)?;
    Ok(Offer {
        id: OfferId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        merchant: MerchantId::new(row.uuid(2)?),
        merchant_name: row.text(3)?,
        kind: row.known(4, |word| OfferKind::from_word(word, project))?,
        title: text(row, 6)?,
        about: About {
            text: text(row, 8)?,
            terms: text(row, 10)?,
            pictures: serde_json::from_str(&pictures)
                .map_err(|error| StoreError::Corrupt(format!("pictures of an offer: {error}")))?,
            face_value: Fen::new(row.bigint(13)?),
        },
        price: Points::new(row.bigint(14)?),
        payout: Fen::new(row.bigint(15)?),
        stock_total: row.bigint(16)?,
        stock_left: row.bigint(17)?,
        per_person: row.get(18)?,
        conditions: Conditions {
            per_person_week: row.get(19)?,
            stock_per_day: row.get(20)?,
            opens_at: row.maybe_instant(21)?,
            closes_at: row.maybe_instant(22)?,
            district: row.get(23)?,
            level: row.get(24)?,
            refund_expired: row.get::<i32>(25)? != 0,
        },
        budget: budget.map(|(all, left)| Budget { all: Fen::new(all), left: Fen::new(left) }),
        status: row.known(28, OfferStatus::from_word)?,
        voucher_days: row.get(29)?,
        version: row.bigint(30)?,
        submitted_by: row.get::<Option<Uuid>>(31)?.map(CitizenId::new),
        approved_by: row.get::<Option<Uuid>>(32)?.map(CitizenId::new),
        note: row.get(33)?,
        halted: row.get::<i32>(34)? != 0,
    })
}

fn text(row: &Row, column: usize) -> Result<Text, StoreError> {
    Ok(Text::new(row.text(column)?, row.text(column.saturating_add(1))?))
}
