//! Lots of points by their days, and what was taken from them for what.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use tanhui_domain::amount::Points;
use tanhui_domain::id::{CitizenId, CityId};
use tanhui_domain::ledger::{Lot, LotGrant, LotKey, LotTake, LotTally};
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, day_number, execute, query_all, query_one};
use crate::write::Write;

/// A citizen's lots with something left, earliest expiry first.
pub async fn open<C: Connected>(on: &C, citizen: CitizenId) -> Result<Vec<Lot>, StoreError> {
    Ok(open_many(on, &[citizen]).await?.remove(&citizen).unwrap_or_default())
}

/// Citizens' lots with something left, earliest expiry first; absent where there is none.
pub async fn open_many<C: Connected>(
    on: &C,
    citizens: &[CitizenId],
) -> Result<HashMap<CitizenId, Vec<Lot>>, StoreError> {
    let ids = citizens.iter().map(|citizen| citizen.get());
    let (table, values) = Columns::new().uuid("id", ids).table(on.engine());
    let sql = format!(
        "SELECT citizen_id, expires_day, spendable_day, points_left FROM lots
         WHERE citizen_id IN (SELECT r.id FROM {table}) AND points_left > 0
         ORDER BY citizen_id, expires_day, spendable_day"
    );
    let mut lots: HashMap<CitizenId, Vec<Lot>> = HashMap::new();
    for row in query_all(on, &sql, values).await? {
        let lot = Lot { key: key(&row, 1)?, left: Points::new(row.bigint(3)?) };
        lots.entry(CitizenId::new(row.uuid(0)?)).or_default().push(lot);
    }
    Ok(lots)
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
        CAST(COALESCE((SELECT SUM(b.points) FROM lot_returns b WHERE b.citizen_id = l.citizen_id
           AND b.expires_day = l.expires_day AND b.spendable_day = l.spendable_day), 0) AS BIGINT)
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
    let takes: Vec<_> = takes.iter().map(|take| (citizen, cause, *take)).collect();
    for write in taking(&takes) {
        write.run(on).await?;
    }
    Ok(())
}

/// Takes points of citizens for causes, not yet run.
pub(crate) fn taking(takes: &[(CitizenId, Uuid, LotTake)]) -> [Write; 2] {
    let mut lots: BTreeMap<(CitizenId, LotKey), i64> = BTreeMap::new();
    for (citizen, _, take) in takes {
        let sum = lots.entry((*citizen, take.key)).or_default();
        *sum = sum.saturating_add(take.points.get());
    }
    let columns = of_lots(lots.keys()).bigint("points", lots.values().copied());
    let update = Write::new(columns, |table| {
        format!("UPDATE lots SET points_left = lots.points_left - r.points FROM {table} WHERE {SAME_LOT}")
    });
    let columns = of_causes(takes).bigint("points", takes.iter().map(|(.., take)| take.points.get()));
    let record = Write::new(columns, |table| adding_up("lot_takes", table));
    [update.touching(lots.len(), "a lot is missing"), record]
}

/// Points that come back to the lot they were taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LotReturn {
    /// Whose.
    pub citizen: CitizenId,
    /// For what they had been taken.
    pub cause: Uuid,
    /// From which lot, and how many.
    pub take: LotTake,
    /// Whether its last day is over: they expire at once.
    pub ended: bool,
}

/// Gives points back to the lots they were taken from, each lot of a cause once. The accounts must be locked.
pub async fn give_back(on: &Transaction, returns: &[LotReturn]) -> Result<(), StoreError> {
    if returns.is_empty() {
        return Ok(());
    }
    let mut lots: BTreeMap<(CitizenId, LotKey), (i64, i64)> = BTreeMap::new();
    for LotReturn { citizen, take, ended, .. } in returns {
        let (left, expired) = lots.entry((*citizen, take.key)).or_default();
        let sum = if *ended { expired } else { left };
        *sum = sum.saturating_add(take.points.get());
    }
    let columns = of_lots(lots.keys())
        .bigint("points", lots.values().map(|(left, _)| *left))
        .bigint("ended", lots.values().map(|(_, ended)| *ended));
    let update = Write::new(columns, |table| {
        format!(
            "UPDATE lots SET points_left = lots.points_left + r.points,
               points_expired = lots.points_expired + r.ended FROM {table} WHERE {SAME_LOT}"
        )
    });
    update.touching(lots.len(), "a lot is missing").run(on).await?;
    let causes: Vec<_> = returns.iter().map(|one| (one.citizen, one.cause, one.take)).collect();
    let columns = of_causes(&causes).bigint("points", returns.iter().map(|one| one.take.points.get()));
    Write::new(columns, |table| adding_up("lot_returns", table)).run(on).await
}

const SAME_LOT: &str = "lots.citizen_id = r.citizen_id AND lots.expires_day = r.expires_day
    AND lots.spendable_day = r.spendable_day";

fn of_lots<'a>(lots: impl Iterator<Item = &'a (CitizenId, LotKey)> + Clone) -> Columns {
    Columns::new()
        .uuid("citizen_id", lots.clone().map(|(citizen, _)| citizen.get()))
        .int("expires_day", lots.clone().map(|(_, key)| day_number(key.expires_on)))
        .int("spendable_day", lots.map(|(_, key)| day_number(key.spendable_from)))
}

fn of_causes(takes: &[(CitizenId, Uuid, LotTake)]) -> Columns {
    Columns::new()
        .uuid("citizen_id", takes.iter().map(|(citizen, ..)| citizen.get()))
        .uuid("cause", takes.iter().map(|(_, cause, _)| *cause))
        .int("expires_day", takes.iter().map(|(.., take)| day_number(take.key.expires_on)))
        .int("spendable_day", takes.iter().map(|(.., take)| day_number(take.key.spendable_from)))
}

fn adding_up(into: &str, table: &str) -> String {
    let names = "citizen_id, cause, expires_day, spendable_day, points";
    format!(
        "INSERT INTO {into} ({names}) SELECT {names} FROM {table} WHERE true
         ON CONFLICT (citizen_id, cause, expires_day, spendable_day)
         DO UPDATE SET points = {into}.points + excluded.points"
    )
}

/// Lets points be left again that had expired. The account must be locked.
pub async fn revive(on: &Transaction, citizen: CitizenId, takes: &[LotTake]) -> Result<(), StoreError> {
    let keys: Vec<_> = takes.iter().map(|take| (citizen, take.key)).collect();
    let columns = of_lots(keys.iter()).bigint("points", takes.iter().map(|take| take.points.get()));
    let update = Write::new(columns, |table| {
        format!(
            "UPDATE lots SET points_expired = lots.points_expired - r.points,
               points_left = lots.points_left + r.points FROM {table} WHERE {SAME_LOT}"
        )
    });
    update.touching(takes.len(), "a lot is missing").run(on).await
}

/// What was taken for causes and has not come back; absent where there is nothing.
pub async fn still_taken<C: Connected>(
    on: &C,
    causes: &[(CitizenId, Uuid)],
) -> Result<HashMap<Uuid, Vec<LotTake>>, StoreError> {
    let (table, values) = Columns::new()
        .uuid("citizen_id", causes.iter().map(|(citizen, _)| citizen.get()))
        .uuid("cause", causes.iter().map(|(_, cause)| *cause))
        .table(on.engine());
    let sql = format!(
        "SELECT t.cause, t.expires_day, t.spendable_day, t.points - COALESCE(b.points, 0) FROM {table}
         JOIN lot_takes t ON t.citizen_id = r.citizen_id AND t.cause = r.cause
         LEFT JOIN lot_returns b ON b.citizen_id = t.citizen_id AND b.cause = t.cause
           AND b.expires_day = t.expires_day AND b.spendable_day = t.spendable_day
         WHERE t.points > COALESCE(b.points, 0) ORDER BY t.cause, t.expires_day, t.spendable_day"
    );
    let mut taken: HashMap<Uuid, Vec<LotTake>> = HashMap::new();
    for row in query_all(on, &sql, values).await? {
        let take = LotTake { key: key(&row, 1)?, points: Points::new(row.bigint(3)?) };
        taken.entry(row.uuid(0)?).or_default().push(take);
    }
    Ok(taken)
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
