//! Corrections of citizens' balances. One changes from proposed to approved or refused in one guarded update.

use chrono::{DateTime, Utc};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::id::{AdjustmentId, CitizenId, CityId};
use tanhui_domain::office::{Adjustment, AdjustmentStatus};
use tanhui_domain::text::Text;

use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_one};

const COLUMNS: &str = "id, city_id, citizen_id, status, points, reduction_mg, reason_zh, reason_en,
    proposed_by, proposed_at_us, decided_by, decided_at_us";

/// A new proposal.
pub async fn insert(on: &Transaction, adjustment: &Adjustment) -> Result<(), StoreError> {
    execute(
        on,
        "INSERT INTO adjustments (id, city_id, citizen_id, status, points, reduction_mg, reason_zh,
            reason_en, proposed_by, proposed_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [
            adjustment.id.get().into(),
            adjustment.city.get().into(),
            adjustment.citizen.get().into(),
            status_number(adjustment.status).into(),
            adjustment.points.get().into(),
            adjustment.reduction.get().into(),
            adjustment.reason.zh.clone().into(),
            adjustment.reason.en.clone().into(),
            adjustment.proposed_by.get().into(),
            micros(adjustment.proposed_at).into(),
        ],
    )
    .await
    .map(|_| ())
}

/// One adjustment of a city.
pub async fn find<C: Connected>(
    on: &C,
    city: CityId,
    id: AdjustmentId,
) -> Result<Option<Adjustment>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM adjustments WHERE id = $1 AND city_id = $2");
    query_one(on, &sql, [id.get().into(), city.get().into()]).await?.as_ref().map(read).transpose()
}

/// Adjustments of a city, the last proposed first, beginning before one.
pub async fn page<C: Connected>(
    on: &C,
    city: CityId,
    before: Option<AdjustmentId>,
    limit: i64,
) -> Result<Vec<Adjustment>, StoreError> {
    let before = before.map_or(uuid::Uuid::max(), AdjustmentId::get);
    let sql =
        format!("SELECT {COLUMNS} FROM adjustments WHERE city_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    let values = [city.get().into(), before.into(), limit.into()];
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// Decides a proposal; false when it was decided before.
pub async fn decide(
    on: &Transaction,
    id: AdjustmentId,
    status: AdjustmentStatus,
    by: CitizenId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE adjustments SET status = $2, decided_by = $3, decided_at_us = $4
               WHERE id = $1 AND status = $5";
    let values = [
        id.get().into(),
        status_number(status).into(),
        by.get().into(),
        micros(at).into(),
        status_number(AdjustmentStatus::Proposed).into(),
    ];
    Ok(execute(on, sql, values).await? == 1)
}

fn read(row: &Row) -> Result<Adjustment, StoreError> {
    Ok(Adjustment {
        id: AdjustmentId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        citizen: CitizenId::new(row.uuid(2)?),
        status: status(row.get(3)?)?,
        points: Points::new(row.bigint(4)?),
        reduction: ReductionMg::new(row.bigint(5)?),
        reason: Text::new(row.text(6)?, row.text(7)?),
        proposed_by: CitizenId::new(row.uuid(8)?),
        proposed_at: row.instant(9)?,
        decided_by: row.get::<Option<uuid::Uuid>>(10)?.map(CitizenId::new),
        decided_at: row.maybe_instant(11)?,
    })
}

fn status_number(status: AdjustmentStatus) -> i32 {
    match status {
        AdjustmentStatus::Proposed => 1,
        AdjustmentStatus::Approved => 2,
        AdjustmentStatus::Refused => 3,
    }
}

fn status(number: i32) -> Result<AdjustmentStatus, StoreError> {
    AdjustmentStatus::ALL
        .into_iter()
        .find(|status| status_number(*status) == number)
        .ok_or_else(|| StoreError::Corrupt(format!("adjustment status {number}")))
}
