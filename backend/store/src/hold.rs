//! Activities that wait for a person to decide.

use chrono::{DateTime, Utc};
use tanhui_domain::activity::Activity;
use tanhui_domain::id::{ActivityId, CityId};
use tanhui_domain::text::Text;
use uuid::Uuid;

use crate::activity::{COLUMNS, read};
use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{execute, micros, query_all};

/// Writes why activities are held. Each must have been written as held.
pub async fn insert_many(
    on: &Transaction,
    city: CityId,
    held: &[(&Activity, &Text)],
) -> Result<(), StoreError> {
    let (table, values) = Columns::new()
        .uuid("activity_id", held.iter().map(|(activity, _)| activity.id.get()))
        .bigint("city_id", held.iter().map(|_| city.get()))
        .uuid("citizen_id", held.iter().map(|(activity, _)| activity.citizen.get()))
        .bigint("held_at_us", held.iter().map(|(activity, _)| micros(activity.recorded_at)))
        .text("reason_zh", held.iter().map(|(_, reason)| reason.zh.clone()))
        .text("reason_en", held.iter().map(|(_, reason)| reason.en.clone()))
        .table(on.engine());
    let names = "activity_id, city_id, citizen_id, held_at_us, reason_zh, reason_en";
    let sql = format!("INSERT INTO holds ({names}) SELECT {names} FROM {table} WHERE true");
    execute(on, &sql, values).await.map(|_| ())
}

/// Held activities of a city with the reason, the longest held first, beginning after an (instant, activity).
pub async fn page<C: Connected>(
    on: &C,
    city: CityId,
    after: Option<(DateTime<Utc>, ActivityId)>,
    limit: i64,
) -> Result<Vec<(Activity, Text)>, StoreError> {
    let (at, id) = after.map_or((i64::MIN, Uuid::nil()), |(at, id)| (micros(at), id.get()));
    let sql = format!(
        "SELECT {COLUMNS}, h.reason_zh, h.reason_en FROM holds h JOIN activities a
           ON a.citizen_id = h.citizen_id AND a.recorded_at_us = h.held_at_us AND a.id = h.activity_id
         WHERE h.city_id = $1 AND (h.held_at_us, h.activity_id) > ($2, $3)
         ORDER BY h.held_at_us, h.activity_id LIMIT $4"
    );
    let rows = query_all(on, &sql, [city.get().into(), at.into(), id.into(), limit.into()]).await?;
    rows.iter().map(|row| Ok((read(row)?, Text::new(row.text(13)?, row.text(14)?)))).collect()
}

/// Why activities are held, of those that are.
pub async fn reasons<C: Connected>(
    on: &C,
    ids: &[ActivityId],
) -> Result<Vec<(ActivityId, Text)>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!(
        "SELECT h.activity_id, h.reason_zh, h.reason_en FROM {table} JOIN holds h ON h.activity_id = r.id"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter()
        .map(|row| Ok((ActivityId::new(row.uuid(0)?), Text::new(row.text(1)?, row.text(2)?))))
        .collect()
}

/// Ends the waiting of an activity; false when somebody else did.
pub async fn delete(on: &Transaction, id: ActivityId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM holds WHERE activity_id = $1";
    Ok(execute(on, sql, [id.get().into()]).await? == 1)
}
