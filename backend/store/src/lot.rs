//! Lots of points by their last day, and what redemptions took from them.

use tanhui_domain::amount::Points;
use tanhui_domain::id::{CitizenId, RedemptionId};
use tanhui_domain::ledger::{Lot, LotGrant, LotTake};

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{day_number, execute, expect_rows, query_all};
use crate::write::Write;

/// A citizen's lots with something left, earliest expiry first.
pub async fn open<C: Connected>(on: &C, citizen: CitizenId) -> Result<Vec<Lot>, StoreError> {
    let sql = "SELECT expires_day, points_left FROM lots WHERE citizen_id = $1 AND points_left > 0
               ORDER BY expires_day";
    let rows = query_all(on, sql, [citizen.get().into()]).await?;
    rows.iter().map(|row| Ok(Lot { expires_on: row.day(0)?, left: Points::new(row.bigint(1)?) })).collect()
}

/// Adds granted points.
pub async fn grant(on: &Transaction, grants: &[LotGrant]) -> Result<(), StoreError> {
    granting(grants).run(on).await
}

/// Adds granted points, not yet run.
pub(crate) fn granting(grants: &[LotGrant]) -> Write {
    let columns = Columns::new()
        .uuid("citizen_id", grants.iter().map(|grant| grant.citizen.get()))
        .int("expires_day", grants.iter().map(|grant| day_number(grant.expires_on)))
        .bigint("points", grants.iter().map(|grant| grant.points.get()));
    Write::new(columns, |table| {
        format!(
            "INSERT INTO lots (citizen_id, expires_day, points_granted, points_left)
             SELECT citizen_id, expires_day, points, points FROM {table} WHERE true
             ON CONFLICT (citizen_id, expires_day) DO UPDATE SET
               points_granted = lots.points_granted + excluded.points_granted,
               points_left = lots.points_left + excluded.points_left"
        )
    })
}

/// Takes points from a citizen's lots for a redemption and records from which. The account must be locked.
pub async fn take(
    on: &Transaction,
    citizen: CitizenId,
    redemption: RedemptionId,
    takes: &[LotTake],
) -> Result<(), StoreError> {
    change(on, citizen, takes, "-").await?;
    let (table, values) = Columns::new()
        .uuid("redemption_id", takes.iter().map(|_| redemption.get()))
        .int("expires_day", takes.iter().map(|take| day_number(take.expires_on)))
        .bigint("points", takes.iter().map(|take| take.points.get()))
        .table(on.engine());
    let names = "redemption_id, expires_day, points";
    let sql = format!("INSERT INTO lot_takes ({names}) SELECT {names} FROM {table} WHERE true");
    execute(on, &sql, values).await.map(|_| ())
}

/// Gives points back to the lots they were taken from. The account must be locked.
pub async fn give_back(on: &Transaction, citizen: CitizenId, takes: &[LotTake]) -> Result<(), StoreError> {
    change(on, citizen, takes, "+").await
}

async fn change(
    on: &Transaction,
    citizen: CitizenId,
    takes: &[LotTake],
    sign: &str,
) -> Result<(), StoreError> {
    let (table, values) = Columns::new()
        .uuid("citizen_id", takes.iter().map(|_| citizen.get()))
        .int("expires_day", takes.iter().map(|take| day_number(take.expires_on)))
        .bigint("points", takes.iter().map(|take| take.points.get()))
        .table(on.engine());
    let sql = format!(
        "UPDATE lots SET points_left = lots.points_left {sign} r.points FROM {table}
         WHERE lots.citizen_id = r.citizen_id AND lots.expires_day = r.expires_day"
    );
    expect_rows(execute(on, &sql, values).await?, takes.len(), "a lot is missing")
}

/// What a redemption took.
pub async fn taken<C: Connected>(on: &C, redemption: RedemptionId) -> Result<Vec<LotTake>, StoreError> {
    let sql = "SELECT expires_day, points FROM lot_takes WHERE redemption_id = $1 ORDER BY expires_day";
    let rows = query_all(on, sql, [redemption.get().into()]).await?;
    rows.iter()
        .map(|row| Ok(LotTake { expires_on: row.day(0)?, points: Points::new(row.bigint(1)?) }))
        .collect()
}
