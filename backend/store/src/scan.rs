//! Scans that tills made without a network, as they were answered when they arrived.

use chrono::{DateTime, Utc};
use tanhui_domain::id::{BranchId, CitizenId, MerchantId, VoucherId};
use uuid::Uuid;

use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_one};

/// The outcome of a scan that used its voucher.
pub const USED: &str = "used";
const NO_BRANCH: Uuid = Uuid::nil();

/// One scan. The same voucher, instant and branch are the same scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Of which voucher.
    pub voucher: VoucherId,
    /// When the till read it.
    pub scanned_at: DateTime<Utc>,
    /// At which branch, where one is named.
    pub branch: Option<BranchId>,
    /// At whose till.
    pub merchant: MerchantId,
    /// By whom it was sent.
    pub staff: CitizenId,
    /// When it arrived.
    pub arrived_at: DateTime<Utc>,
    /// [`USED`], or the code of the problem.
    pub outcome: String,
}

/// A scan that did not use its voucher, and what had become of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The scan.
    pub scan: Scan,
    /// The voucher's code.
    pub code: String,
    /// When the voucher was used instead.
    pub used_at: Option<DateTime<Utc>>,
    /// At which branch.
    pub used_branch: Option<BranchId>,
}

/// What was answered to a scan.
pub async fn outcome(on: &Transaction, scan: &Scan) -> Result<Option<String>, StoreError> {
    let sql = "SELECT outcome FROM voucher_scans
               WHERE voucher_id = $1 AND scanned_at_us = $2 AND branch_id = $3";
    let values = [scan.voucher.get().into(), micros(scan.scanned_at).into(), branch(scan).into()];
    query_one(on, sql, values).await?.map(|row| row.text(0)).transpose()
}

/// Writes what is answered to a scan. A scan that used its voucher stays so.
pub async fn put(on: &Transaction, scan: &Scan) -> Result<(), StoreError> {
    let sql = "INSERT INTO voucher_scans
                 (voucher_id, scanned_at_us, branch_id, merchant_id, staff_id, arrived_at_us, outcome)
               VALUES ($1, $2, $3, $4, $5, $6, $7)
               ON CONFLICT (voucher_id, scanned_at_us, branch_id) DO UPDATE SET
                 staff_id = excluded.staff_id, arrived_at_us = excluded.arrived_at_us,
                 outcome = excluded.outcome WHERE voucher_scans.outcome <> 'used'";
    let values = [
        scan.voucher.get().into(),
        micros(scan.scanned_at).into(),
        branch(scan).into(),
        scan.merchant.get().into(),
        scan.staff.get().into(),
        micros(scan.arrived_at).into(),
        scan.outcome.clone().into(),
    ];
    execute(on, sql, values).await.map(|_| ())
}

/// A merchant's scans that used nothing, the last to arrive first, beginning after an (arrival, voucher).
pub async fn conflicts<C: Connected>(
    on: &C,
    merchant: MerchantId,
    after: Option<(DateTime<Utc>, VoucherId)>,
    limit: i64,
) -> Result<Vec<Conflict>, StoreError> {
    let sql = "SELECT s.voucher_id, s.scanned_at_us, s.branch_id, s.merchant_id, s.staff_id, s.arrived_at_us,
                 s.outcome, v.code, v.used_at_us, v.used_branch
               FROM voucher_scans s JOIN vouchers v ON v.id = s.voucher_id
               WHERE s.merchant_id = $1 AND s.outcome <> 'used' AND (s.arrived_at_us, s.voucher_id) < ($2, $3)
               ORDER BY s.arrived_at_us DESC, s.voucher_id DESC LIMIT $4";
    let (at, id) = after.map_or((i64::MAX, Uuid::max()), |(at, id)| (micros(at), id.get()));
    let values = [merchant.get().into(), at.into(), id.into(), limit.into()];
    query_all(on, sql, values).await?.iter().map(read).collect()
}

/// Forgets scans that arrived before an instant.
pub async fn delete_before(on: &Transaction, before: DateTime<Utc>) -> Result<u64, StoreError> {
    execute(on, "DELETE FROM voucher_scans WHERE arrived_at_us < $1", [micros(before).into()]).await
}

fn branch(scan: &Scan) -> Uuid {
    scan.branch.map_or(NO_BRANCH, BranchId::get)
}

fn read(row: &Row) -> Result<Conflict, StoreError> {
    Ok(Conflict {
        scan: Scan {
            voucher: VoucherId::new(row.uuid(0)?),
            scanned_at: row.instant(1)?,
            branch: Some(row.uuid(2)?).filter(|id| *id != NO_BRANCH).map(BranchId::new),
            merchant: MerchantId::new(row.uuid(3)?),
            staff: CitizenId::new(row.uuid(4)?),
            arrived_at: row.instant(5)?,
            outcome: row.text(6)?,
        },
        code: row.text(7)?,
        used_at: row.maybe_instant(8)?,
        used_branch: row.get::<Option<Uuid>>(9)?.map(BranchId::new),
    })
}
