//! Who won which prize, and whether it was given. The board's order is told, not found here.

use chrono::{DateTime, NaiveDate, Utc};
use tanhui_domain::amount::Points;
use tanhui_domain::id::{AwardId, CitizenId, CityId, RuleSetId};
use tanhui_domain::prize::Award;
use tanhui_domain::time::DayRange;
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, day_number, execute, expect_rows, micros, query_all};

const COLUMNS: &str = "w.id, w.city_id, w.citizen_id, w.rule_set_id, w.prize, w.district, w.from_day,
    w.until_day, w.board_rank, w.score, w.points, w.awarded_at_us, w.paid_at_us";

/// Writes the winners of one board. Fails as existing where that board's were written before.
pub async fn insert_many(on: &Transaction, awards: &[Award]) -> Result<(), StoreError> {
    let (table, values) = Columns::new()
        .uuid("id", awards.iter().map(|award| award.id.get()))
        .bigint("city_id", awards.iter().map(|award| award.city.get()))
        .uuid("citizen_id", awards.iter().map(|award| award.citizen.get()))
        .bigint("rule_set_id", awards.iter().map(|award| award.rule_set.get()))
        .text("prize", awards.iter().map(|award| award.prize.clone()))
        .text("district", awards.iter().map(|award| award.district.clone().unwrap_or_default()))
        .int("from_day", awards.iter().map(|award| day_number(award.days.from)))
        .int("until_day", awards.iter().map(|award| day_number(award.days.until)))
        .int("board_rank", awards.iter().map(|award| i32::try_from(award.rank).unwrap_or(i32::MAX)))
        .bigint("score", awards.iter().map(|award| award.score))
        .bigint("points", awards.iter().map(|award| award.points.get()))
        .bigint("awarded_at_us", awards.iter().map(|award| micros(award.awarded_at)))
        .table(on.engine());
    let names = "id, city_id, citizen_id, rule_set_id, prize, district, from_day, until_day, board_rank,
        score, points, awarded_at_us";
    let sql = format!("INSERT INTO prize_awards ({names}) SELECT {names} FROM {table} WHERE true");
    execute(on, &sql, values).await.map(|_| ())
}

/// Whether the winners of a board are written.
pub async fn is_awarded<C: Connected>(
    on: &C,
    city: CityId,
    prize: &str,
    from: NaiveDate,
    district: Option<&str>,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM prize_awards WHERE city_id = $1 AND prize = $2 AND from_day = $3
               AND district = $4 LIMIT 1";
    let district = district.unwrap_or_default();
    let values = [city.get().into(), prize.into(), day_number(from).into(), district.into()];
    Ok(!query_all(on, sql, values).await?.is_empty())
}

/// Prizes of a city that are not given yet.
pub async fn unpaid<C: Connected>(on: &C, city: CityId, limit: i64) -> Result<Vec<Award>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM prize_awards w WHERE w.city_id = $1 AND w.paid_at_us IS NULL
         ORDER BY w.id LIMIT $2"
    );
    query_all(on, &sql, [city.get().into(), limit.into()]).await?.iter().map(read).collect()
}

/// Those of some prizes that are not given yet, as they are now.
pub async fn still_unpaid(on: &Transaction, ids: &[AwardId]) -> Result<Vec<Award>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!(
        "SELECT {COLUMNS} FROM {table} JOIN prize_awards w ON w.id = r.id WHERE w.paid_at_us IS NULL
         ORDER BY w.id"
    );
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// Marks prizes as given.
pub async fn mark_paid(on: &Transaction, awards: &[Award], now: DateTime<Utc>) -> Result<(), StoreError> {
    let (table, mut values) =
        Columns::new().uuid("id", awards.iter().map(|award| award.id.get())).table(on.engine());
    values.push(micros(now).into());
    let sql = format!(
        "UPDATE prize_awards SET paid_at_us = ${} WHERE paid_at_us IS NULL
         AND id IN (SELECT r.id FROM {table})",
        values.len()
    );
    expect_rows(execute(on, &sql, values).await?, awards.len(), "a prize was given before")
}

/// A citizen's prizes, the last first, beginning after one.
pub async fn page<C: Connected>(
    on: &C,
    citizen: CitizenId,
    after: Option<AwardId>,
    limit: i64,
) -> Result<Vec<Award>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM prize_awards w WHERE w.citizen_id = $1 AND w.id < $2
         ORDER BY w.id DESC LIMIT $3"
    );
    let after = after.map_or(Uuid::max(), AwardId::get);
    let values = [citizen.get().into(), after.into(), limit.into()];
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Award, StoreError> {
    let district = row.text(5)?;
    Ok(Award {
        id: AwardId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        citizen: CitizenId::new(row.uuid(2)?),
        rule_set: RuleSetId::new(row.bigint(3)?),
        prize: row.text(4)?,
        district: (!district.is_empty()).then_some(district),
        days: DayRange { from: row.day(6)?, until: row.day(7)? },
        rank: u32::try_from(row.get::<i32>(8)?).unwrap_or_default(),
        score: row.bigint(9)?,
        points: Points::new(row.bigint(10)?),
        awarded_at: row.instant(11)?,
        paid_at: row.maybe_instant(12)?,
    })
}
