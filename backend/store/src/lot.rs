//! Lots of points by their days, and what was taken from them for what.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use tanhui_domain::amount::Points;
use tanhui_domain::id::{CitizenId, CityId};
use tanhui_domain::ledger::{Lot, LotGrant, LotKey, LotTake, LotTally};
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, day_number, execute, expect_rows, query_all, query_one};
use crate::write::Write;

/// A citizen's lots with something left, earliest expiry first.
pub async fn open<C: Connected>(on: &C, citizen: CitizenId) -> Result<Vec<Lot>, StoreError> {
    let sql = "SELECT expires_day, spendable_day, points_left FROM lots
               WHERE citizen_id = $1 AND points_left > 0 ORDER BY expires_day, spendable_day";
    let rows = query_all(on, sql, [citizen.get().into()]).await?;
    rows.iter().map(|row| Ok(Lot { key: key(row, 0)?, left: Points::new(row.bigint(2)?) })).collect()
}

/// One lot with all that became of it.
pub async fn find<C: Connected>(
    on: &C,
    citizen: CitizenId,
    key: LotKey,
) -> Result<Option<LotTally>, StoreError> {
    let sql = format!("{TALLY} AND l.expires_day = $2 AND l.spendable_day = $3");
    let days = [day_number(key.expires_on).into(), day_number(key.spendable_from).into()];
    let row = query_one(on, &sql, [citizen.get().into()].into_iter().chain(days)).await?;
    row.as_ref().map(tally).transpose()
}

/// A citizen's lots with all that became of them, the last to expire first, beginning after one.
pub async fn page<C: Connected>(
    on: &C,
    citizen: CitizenId,
    after: Option<LotKey>,
    limit: i64,
) -> Result<Vec<LotTally>, StoreError> {
    // Later than every lot.
    let after = after.unwrap_or(LotKey { expires_on: NaiveDate::MAX, spendable_from: NaiveDate::MAX });
    let sql = format!(
        "{TALLY} AND (l.expires_day, l.spendable_day) < ($2, $3)
         ORDER BY l.expires_day DESC, l.spendable_day DESC LIMIT $4"
    );
    let values = [
        citizen.get().into(),
        day_number(after.expires_on).into(),
        day_number(after.spendable_from).into(),
        limit.into(),
    ];
    query_all(on, &sql, values).await?.iter().map(tally).collect()
}

const TALLY: &str =
    "SELECT l.expires_day, l.spendable_day, l.points_granted, l.points_left, l.points_expired,
        CAST(COALESCE((SELECT SUM(t.points) FROM redemptions r JOIN lot_takes t
           ON t.citizen_id = r.citizen_id AND t.cause = r.id
           AND t.expires_day = l.expires_day AND t.spendable_day = l.spendable_day
           WHERE r.citizen_id = l.citizen_id AND r.cancelled_at_us IS NOT NULL), 0) AS BIGINT)
    FROM lots l WHERE l.citizen_id = $1";

fn tally(row: &Row) -> Result<LotTally, StoreError> {
    Ok(LotTally {
        key: key(row, 0)?,
        granted: Points::new(row.bigint(2)?),
        left: Points::new(row.bigint(3)?),
        expired: Points::new(row.bigint(4)?),
        refunded: Points::new(row.bigint(5)?),
    })
}

fn key(row: &Row, column: usize) -> Result<LotKey, StoreError> {
    Ok(LotKey { expires_on: row.day(column)?, spendable_from: row.day(column.saturating_add(1))? })
}

/// Adds granted points.
pub async fn grant(on: &Transaction, grants: &[LotGrant]) -> Result<(), StoreError> {
    granting(grants).run(on).await
}

/// Adds granted points, not yet run.
pub(crate) fn granting(grants: &[LotGrant]) -> Write {
    let columns = Columns::new()
        .uuid("citizen_id", grants.iter().map(|grant| grant.citizen.get()))
        .int("expires_day", grants.iter().map(|grant| day_number(grant.key.expires_on)))
        .int("spendable_day", grants.iter().map(|grant| day_number(grant.key.spendable_from)))
        .bigint("points", grants.iter().map(|grant| grant.points.get()));
    Write::new(columns, |table| {
        format!(
            "INSERT INTO lots
               (citizen_id, expires_day, spendable_day, points_granted, points_left, points_expired)
             SELECT citizen_id, expires_day, spendable_day, points, points, 0 FROM {table} WHERE true
             ON CONFLICT (citizen_id, expires_day, spendable_day) DO UPDATE SET
               points_granted = lots.points_granted + excluded.points_granted,
               points_left = lots.points_left + excluded.points_left"
        )
    })
}

/// Takes points from a citizen's lots and records from which and for what. The account must be locked.
pub async fn take(
    on: &Transaction,
    citizen: CitizenId,
    cause: Uuid,
    takes: &[LotTake],
) -> Result<(), StoreError> {
    if takes.is_empty() {
        return Ok(());
    }
    change(on, citizen, takes, "points_left = lots.points_left - r.points").await?;
    let (table, values) =
        of_citizen(citizen, takes).uuid("cause", takes.iter().map(|_| cause)).table(on.engine());
    let names = "citizen_id, cause, expires_day, spendable_day, points";
    let sql = format!(
        "INSERT INTO lot_takes ({names}) SELECT {names} FROM {table} WHERE true
         ON CONFLICT (citizen_id, cause, expires_day, spendable_day)
         DO UPDATE SET points = lot_takes.points + excluded.points"
    );
    execute(on, &sql, values).await.map(|_| ())
}

/// Gives points back to the lots they were taken from. The account must be locked.
pub async fn give_back(on: &Transaction, citizen: CitizenId, takes: &[LotTake]) -> Result<(), StoreError> {
    change(on, citizen, takes, "points_left = lots.points_left + r.points").await
}

/// Gives points back to lots whose last day is over, where they expire at once. The account must be locked.
pub async fn give_back_expired(
    on: &Transaction,
    citizen: CitizenId,
    takes: &[LotTake],
) -> Result<(), StoreError> {
    change(on, citizen, takes, "points_expired = lots.points_expired + r.points").await
}

/// Lets points be left again that had expired. The account must be locked.
pub async fn revive(on: &Transaction, citizen: CitizenId, takes: &[LotTake]) -> Result<(), StoreError> {
    let set = "points_expired = lots.points_expired - r.points, points_left = lots.points_left + r.points";
    change(on, citizen, takes, set).await
}

fn of_citizen(citizen: CitizenId, takes: &[LotTake]) -> Columns {
    Columns::new()
        .uuid("citizen_id", takes.iter().map(|_| citizen.get()))
        .int("expires_day", takes.iter().map(|take| day_number(take.key.expires_on)))
        .int("spendable_day", takes.iter().map(|take| day_number(take.key.spendable_from)))
        .bigint("points", takes.iter().map(|take| take.points.get()))
}

async fn change(
    on: &Transaction,
    citizen: CitizenId,
    takes: &[LotTake],
    set: &str,
) -> Result<(), StoreError> {
    let (table, values) = of_citizen(citizen, takes).table(on.engine());
    let sql = format!(
        "UPDATE lots SET {set} FROM {table} WHERE lots.citizen_id = r.citizen_id
         AND lots.expires_day = r.expires_day AND lots.spendable_day = r.spendable_day"
    );
    expect_rows(execute(on, &sql, values).await?, takes.len(), "a lot is missing")
}

/// What was taken for a cause.
pub async fn taken<C: Connected>(
    on: &C,
    citizen: CitizenId,
    cause: Uuid,
) -> Result<Vec<LotTake>, StoreError> {
    let sql = "SELECT expires_day, spendable_day, points FROM lot_takes
               WHERE citizen_id = $1 AND cause = $2 ORDER BY expires_day, spendable_day";
    let rows = query_all(on, sql, [citizen.get().into(), cause.into()]).await?;
    rows.iter().map(|row| Ok(LotTake { key: key(row, 0)?, points: Points::new(row.bigint(2)?) })).collect()
}

/// Citizens of a city, in id order and beginning after one, with points left whose last day lies in a
/// half-open range.
pub async fn citizens_with_past<C: Connected>(
    on: &C,
    city: CityId,
    (from, until): (NaiveDate, NaiveDate),
    after: CitizenId,
    limit: i64,
) -> Result<Vec<CitizenId>, StoreError> {
    let sql = "SELECT DISTINCT l.citizen_id FROM lots l JOIN accounts a ON a.owner_id = l.citizen_id
               WHERE a.city_id = $1 AND l.expires_day >= $2 AND l.expires_day < $3 AND l.points_left > 0
               AND l.citizen_id > $4 ORDER BY l.citizen_id LIMIT $5";
    let values = [
        city.get().into(),
        day_number(from).into(),
        day_number(until).into(),
        after.get().into(),
        limit.into(),
    ];
    let rows = query_all(on, sql, values).await?;
    rows.iter().map(|row| Ok(CitizenId::new(row.uuid(0)?))).collect()
}

/// Lets everything expire that is left of citizens' lots past their last day; gives how many points of whom.
/// The accounts must be locked.
pub async fn expire(
    on: &Transaction,
    citizens: &[CitizenId],
    today: NaiveDate,
) -> Result<BTreeMap<CitizenId, Points>, StoreError> {
    let (table, mut values) =
        Columns::new().uuid("id", citizens.iter().map(|citizen| citizen.get())).table(on.engine());
    values.push(day_number(today).into());
    let past = format!(
        "citizen_id IN (SELECT r.id FROM {table}) AND expires_day < ${} AND points_left > 0",
        values.len()
    );
    let sums = format!(
        "SELECT citizen_id, CAST(SUM(points_left) AS BIGINT) FROM lots WHERE {past} GROUP BY citizen_id"
    );
    let rows = query_all(on, &sums, values.clone()).await?;
    let sql = format!(
        "UPDATE lots SET points_expired = points_expired + points_left, points_left = 0 WHERE {past}"
    );
    execute(on, &sql, values).await?;
    rows.iter().map(|row| Ok((CitizenId::new(row.uuid(0)?), Points::new(row.bigint(1)?)))).collect()
}
