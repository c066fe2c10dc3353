//! Sums over the whole ledger, added up by the database.

use crate::database::Transaction;
use crate::error::StoreError;
use crate::row::{query_all, query_row};

/// Sums over the whole ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Activities per status: credited, held, rejected, reversed.
    pub activities: [i64; 4],
    /// Events that wait for their subject.
    pub waiting: i64,
    /// Points ever given to citizens.
    pub points_issued: i64,
    /// Points that citizens have.
    pub points_held: i64,
    /// Points spent and not given back.
    pub points_spent: i64,
    /// Points that ran out of time.
    pub points_expired: i64,
    /// Milligrams of CO2e ever credited.
    pub reduction_issued_mg: i64,
}

/// Sums over the whole ledger.
pub async fn totals(on: &Transaction) -> Result<Totals, StoreError> {
    super::plan_for_ranges(on).await?;
    let mut totals = Totals { waiting: crate::waiting::count(on).await?, ..Totals::default() };
    for row in query_all(on, "SELECT status, COUNT(*) FROM activities GROUP BY status", []).await? {
        let place = usize::try_from(row.get::<i32>(0)?).ok().and_then(|status| status.checked_sub(1));
        if let Some(count) = place.and_then(|place| totals.activities.get_mut(place)) {
            *count = row.bigint(1)?;
        }
    }
    let row = query_row(
        on,
        "SELECT CAST(COALESCE(SUM(CASE WHEN j.kind IN (1, 6, 7, 12, 13) THEN p.points ELSE 0 END), 0)
                     AS BIGINT),
                CAST(COALESCE(SUM(p.points), 0) AS BIGINT),
                CAST(COALESCE(SUM(CASE WHEN j.kind IN (2, 3) THEN -p.points ELSE 0 END), 0) AS BIGINT),
                CAST(COALESCE(SUM(CASE WHEN j.kind = 5 THEN -p.points ELSE 0 END), 0) AS BIGINT),
                CAST(COALESCE(SUM(p.reduction_mg), 0) AS BIGINT)
         FROM ledger_lines p JOIN journals j ON j.id = p.journal_id JOIN accounts a ON a.owner_id = p.owner_id
         WHERE a.kind = 1",
        [],
    )
    .await?;
    totals.points_issued = row.bigint(0)?;
    totals.points_held = row.bigint(1)?;
    totals.points_spent = row.bigint(2)?;
    totals.points_expired = row.bigint(3)?;
    totals.reduction_issued_mg = row.bigint(4)?;
    Ok(totals)
}
