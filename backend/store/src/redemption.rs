//! Redemptions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tanhui_domain::amount::Points;
use tanhui_domain::id::{CitizenId, CityId, OfferId, ProjectId, RedemptionId};
use tanhui_domain::redemption::Redemption;
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_one};
use crate::write::Write;

const COLUMNS: &str = "d.id, d.city_id, d.citizen_id, d.offer_id, d.quantity, d.points, d.project_id,
    d.redeemed_at_us, d.returned, d.cancelled_at_us";

/// New redemptions.
pub async fn insert_many(on: &Transaction, redemptions: &[Redemption]) -> Result<(), StoreError> {
    inserting(redemptions).run(on).await
}

/// New redemptions, not yet run.
pub(crate) fn inserting(redemptions: &[Redemption]) -> Write {
    let columns = Columns::new()
        .uuid("id", redemptions.iter().map(|one| one.id.get()))
        .bigint("city_id", redemptions.iter().map(|one| one.city.get()))
        .uuid("citizen_id", redemptions.iter().map(|one| one.citizen.get()))
        .uuid("offer_id", redemptions.iter().map(|one| one.offer.get()))
        .bigint("quantity", redemptions.iter().map(|one| one.quantity))
        .bigint("points", redemptions.iter().map(|one| one.points.get()))
        .maybe_uuid("project_id", redemptions.iter().map(|one| one.project.map(ProjectId::get)))
        .bigint("redeemed_at_us", redemptions.iter().map(|one| micros(one.redeemed_at)));
    let names = "id, city_id, citizen_id, offer_id, quantity, points, project_id, redeemed_at_us";
    Write::new(columns, move |table| {
        format!("INSERT INTO redemptions ({names}) SELECT {names} FROM {table} WHERE true")
    })
}

/// A citizen's own redemption.
pub async fn find<C: Connected>(
    on: &C,
    id: RedemptionId,
    citizen: CitizenId,
) -> Result<Option<Redemption>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM redemptions d WHERE d.id = $1 AND d.citizen_id = $2");
    query_one(on, &sql, [id.get().into(), citizen.get().into()]).await?.as_ref().map(read).transpose()
}

/// Redemptions by id.
pub async fn find_many<C: Connected>(
    on: &C,
    ids: &[RedemptionId],
) -> Result<HashMap<RedemptionId, Redemption>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!("SELECT {COLUMNS} FROM redemptions d WHERE d.id IN (SELECT r.id FROM {table})");
    let rows = query_all(on, &sql, values).await?;
    rows.iter().map(|row| read(row).map(|found| (found.id, found))).collect()
}

/// Marks a redemption as given back; false when it was already.
pub async fn mark_cancelled(
    on: &Transaction,
    id: RedemptionId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE redemptions SET cancelled_at_us = $2 WHERE id = $1 AND cancelled_at_us IS NULL";
    Ok(execute(on, sql, [id.get().into(), micros(at).into()]).await? == 1)
}

/// Counts vouchers whose points came back, each redemption once.
pub async fn add_returned(on: &Transaction, returned: &[(RedemptionId, i64)]) -> Result<(), StoreError> {
    let columns = Columns::new()
        .uuid("id", returned.iter().map(|(id, _)| id.get()))
        .bigint("vouchers", returned.iter().map(|(_, vouchers)| *vouchers));
    let update = Write::new(columns, |table| {
        format!(
            "UPDATE redemptions SET returned = returned + r.vouchers FROM {table}
             WHERE redemptions.id = r.id"
        )
    });
    update.touching(returned.len(), "a redemption is missing").run(on).await
}

fn read(row: &Row) -> Result<Redemption, StoreError> {
    Ok(Redemption {
        id: RedemptionId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        citizen: CitizenId::new(row.uuid(2)?),
        offer: OfferId::new(row.uuid(3)?),
        quantity: row.bigint(4)?,
        points: Points::new(row.bigint(5)?),
        project: row.get::<Option<Uuid>>(6)?.map(ProjectId::new),
        redeemed_at: row.instant(7)?,
        returned: row.bigint(8)?,
        cancelled_at: row.maybe_instant(9)?,
    })
}
