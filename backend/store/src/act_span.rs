//! The acts that have been counted where two reports may be one act: a row for all acts of a citizen and a
//! group that began in one week.

use std::collections::BTreeMap;

use tanhui_domain::id::{ActivityId, CitizenId};
use tanhui_domain::same_act::{CountedAct, WeekOfActs, pack, unpack};
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{execute, query_all, query_one};

/// The counted acts of some weeks. The citizens' accounts must be locked.
pub async fn load(
    on: &Transaction,
    weeks: impl ExactSizeIterator<Item = &WeekOfActs> + Clone,
) -> Result<BTreeMap<WeekOfActs, Vec<CountedAct>>, StoreError> {
    let (table, values) = Columns::new()
        .uuid("citizen_id", weeks.clone().map(|(citizen, _, _)| citizen.get()))
        .text("act_group", weeks.clone().map(|(_, group, _)| group.clone()))
        .int("week", weeks.map(|(_, _, week)| *week))
        .table(on.engine());
    let sql = format!(
        "SELECT a.citizen_id, a.act_group, a.week, a.spans FROM {table} JOIN act_spans a
         ON a.citizen_id = r.citizen_id AND a.act_group = r.act_group AND a.week = r.week"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter()
        .map(|row| {
            let week: i32 = row.get(2)?;
            let acts = unpack(week, &row.get::<Vec<u8>>(3)?);
            let acts = acts.map_err(|error| StoreError::Corrupt(error.to_string()))?;
            Ok(((CitizenId::new(row.uuid(0)?), row.text(1)?, week), acts))
        })
        .collect()
}

/// Writes the counted acts of some weeks, whole.
pub async fn save(on: &Transaction, weeks: &BTreeMap<WeekOfActs, Vec<CountedAct>>) -> Result<(), StoreError> {
    let (table, values) = Columns::new()
        .uuid("citizen_id", weeks.keys().map(|(citizen, _, _)| citizen.get()))
        .text("act_group", weeks.keys().map(|(_, group, _)| group.clone()))
        .int("week", weeks.keys().map(|(_, _, week)| *week))
        .bytes("spans", weeks.values().map(|acts| pack(acts)))
        .table(on.engine());
    let names = "citizen_id, act_group, week, spans";
    let sql = format!(
        "INSERT INTO act_spans ({names}) SELECT {names} FROM {table} WHERE true
         ON CONFLICT (citizen_id, act_group, week) DO UPDATE SET spans = excluded.spans"
    );
    execute(on, &sql, values).await.map(|_| ())
}

/// Forgets acts that began before a week, of a stretch of citizens after one that ends after so many rows;
/// gives where it ended, none at the last citizen.
pub async fn forget_before(
    on: &Transaction,
    week: i32,
    after: CitizenId,
    rows: i64,
) -> Result<Option<CitizenId>, StoreError> {
    let sql = "SELECT citizen_id FROM act_spans WHERE citizen_id > $1 ORDER BY citizen_id LIMIT 1 OFFSET $2";
    let row = query_one(on, sql, [after.get().into(), rows.into()]).await?;
    let last = row.map(|row| row.uuid(0)).transpose()?;
    let sql = "DELETE FROM act_spans WHERE citizen_id > $1 AND citizen_id <= $2 AND week < $3";
    let values = [after.get().into(), last.unwrap_or(Uuid::max()).into(), week.into()];
    execute(on, sql, values).await?;
    Ok(last.map(CitizenId::new))
}

/// The activity of a citizen whose id begins with these eight bytes.
pub async fn activity<C: Connected>(
    on: &C,
    citizen: CitizenId,
    key: u64,
) -> Result<Option<ActivityId>, StoreError> {
    let sql = "SELECT id FROM activity_keys WHERE id >= $2 AND id <= $3 AND citizen_id = $1";
    let (first, last) = (Uuid::from_u64_pair(key, 0), Uuid::from_u64_pair(key, u64::MAX));
    let row = query_one(on, sql, [citizen.get().into(), first.into(), last.into()]).await?;
    row.map(|row| Ok(ActivityId::new(row.uuid(0)?))).transpose()
}
