//! Vouchers. A voucher leaves `live` in one guarded update, to used, cancelled, expired or refunded, so only
//! one of them can win.

use chrono::{DateTime, Utc};
use tanhui_domain::id::{BranchId, CitizenId, CityId, MerchantId, OfferId, RedemptionId, VoucherId};
use tanhui_domain::redemption::{Voucher, VoucherStatus};

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_one};
use crate::write::Write;

const COLUMNS: &str =
    "v.id, v.redemption_id, v.offer_id, v.merchant_id, v.code, v.status, v.expires_at_us, v.used_at_us";

/// New vouchers.
pub async fn insert_many(on: &Transaction, vouchers: &[Voucher]) -> Result<(), StoreError> {
    inserting(vouchers).run(on).await
}

/// New vouchers, not yet run.
pub(crate) fn inserting(vouchers: &[Voucher]) -> Write {
    let columns = Columns::new()
        .uuid("id", vouchers.iter().map(|voucher| voucher.id.get()))
        .uuid("redemption_id", vouchers.iter().map(|voucher| voucher.redemption.get()))
        .uuid("offer_id", vouchers.iter().map(|voucher| voucher.offer.get()))
        .uuid("merchant_id", vouchers.iter().map(|voucher| voucher.merchant.get()))
        .text("code", vouchers.iter().map(|voucher| voucher.code.clone()))
        .text("status", vouchers.iter().map(|voucher| voucher.status.word().to_owned()))
        .bigint("expires_at_us", vouchers.iter().map(|voucher| micros(voucher.expires_at)));
    let names = "id, redemption_id, offer_id, merchant_id, code, status, expires_at_us";
    Write::new(columns, move |table| {
        format!("INSERT INTO vouchers ({names}) SELECT {names} FROM {table} WHERE true")
    })
}

/// The voucher of a code.
pub async fn find_by_code<C: Connected>(on: &C, code: &str) -> Result<Option<Voucher>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM vouchers v WHERE v.code = $1");
    query_one(on, &sql, [code.into()]).await?.as_ref().map(read).transpose()
}

/// The vouchers of a redemption.
pub async fn of_redemption<C: Connected>(on: &C, id: RedemptionId) -> Result<Vec<Voucher>, StoreError> {
    of_redemptions(on, &[id]).await
}

/// The vouchers of redemptions, in id order.
pub async fn of_redemptions<C: Connected>(on: &C, ids: &[RedemptionId]) -> Result<Vec<Voucher>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!(
        "SELECT {COLUMNS} FROM vouchers v WHERE v.redemption_id IN (SELECT r.id FROM {table}) ORDER BY v.id"
    );
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// A citizen's vouchers, the newest redemption first, beginning after a (redemption, voucher).
pub async fn page_of_citizen<C: Connected>(
    on: &C,
    citizen: CitizenId,
    after: Option<(RedemptionId, VoucherId)>,
    limit: i64,
) -> Result<Vec<Voucher>, StoreError> {
    let sql = |bound: &str| {
        format!(
            "SELECT {COLUMNS} FROM redemptions r JOIN vouchers v ON v.redemption_id = r.id
             WHERE r.citizen_id = $1 {bound} ORDER BY r.id DESC, v.id DESC LIMIT $2"
        )
    };
    let citizen = citizen.get().into();
    let rows = match after {
        None => query_all(on, &sql(""), [citizen, limit.into()]).await?,
        Some((redemption, voucher)) => {
            let values = [citizen, limit.into(), redemption.get().into(), voucher.get().into()];
            query_all(on, &sql("AND (r.id, v.id) < ($3, $4)"), values).await?
        }
    };
    rows.iter().map(read).collect()
}

/// A merchant's used vouchers, the last used first, beginning after a (use, voucher).
pub async fn page_of_used<C: Connected>(
    on: &C,
    merchant: MerchantId,
    after: Option<(DateTime<Utc>, VoucherId)>,
    limit: i64,
) -> Result<Vec<Voucher>, StoreError> {
    let sql = |bound: &str| {
        format!(
            "SELECT {COLUMNS} FROM vouchers v WHERE v.merchant_id = $1 AND v.used_at_us IS NOT NULL {bound}
             ORDER BY v.used_at_us DESC, v.id DESC LIMIT $2"
        )
    };
    let merchant = merchant.get().into();
    let rows = match after {
        None => query_all(on, &sql(""), [merchant, limit.into()]).await?,
        Some((used_at, voucher)) => {
            let values = [merchant, limit.into(), micros(used_at).into(), voucher.get().into()];
            query_all(on, &sql("AND (v.used_at_us, v.id) < ($3, $4)"), values).await?
        }
    };
    rows.iter().map(read).collect()
}

/// When and where a voucher is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// When the platform learns of it.
    pub at: DateTime<Utc>,
    /// When it was scanned, where the till had no network then.
    pub scanned_at: Option<DateTime<Utc>>,
    /// At which branch, where one is named.
    pub branch: Option<BranchId>,
}

impl From<DateTime<Utc>> for Use {
    fn from(at: DateTime<Utc>) -> Self {
        Self { at, scanned_at: None, branch: None }
    }
}

/// Uses a live voucher that was good when it was scanned; false when another use or a cancellation was first.
pub async fn mark_used(
    on: &Transaction,
    id: VoucherId,
    by: CitizenId,
    used: impl Into<Use>,
) -> Result<bool, StoreError> {
    let used = used.into();
    let sql = "UPDATE vouchers SET status = 'used', used_at_us = $2, used_by = $3, used_branch = $4,
                 scanned_at_us = $5 WHERE id = $1 AND status = 'live' AND expires_at_us > $6";
    let values = [
        id.get().into(),
        micros(used.at).into(),
        by.get().into(),
        used.branch.map(BranchId::get).into(),
        used.scanned_at.map(micros).into(),
        micros(used.scanned_at.unwrap_or(used.at)).into(),
    ];
    Ok(execute(on, sql, values).await? == 1)
}

/// The name of the branch at which a voucher was used, where one was named.
pub async fn place_of_use<C: Connected>(on: &C, code: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT b.name FROM vouchers v JOIN merchant_branches b ON b.id = v.used_branch
               WHERE v.code = $1";
    query_one(on, sql, [code.into()]).await?.map(|row| row.text(0)).transpose()
}

/// Makes a voucher live again whose use at that instant is undone; false when another was first.
pub async fn mark_unused(
    on: &Transaction,
    id: VoucherId,
    used_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE vouchers SET status = 'live', used_at_us = NULL, used_by = NULL, used_branch = NULL,
                 scanned_at_us = NULL WHERE id = $1 AND status = 'used' AND used_at_us = $2";
    Ok(execute(on, sql, [id.get().into(), micros(used_at).into()]).await? == 1)
}

/// Redemptions of a city with live vouchers whose time is over, the longest over first, and perhaps one of
/// them twice.
pub async fn overdue<C: Connected>(
    on: &C,
    city: CityId,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<RedemptionId>, StoreError> {
    let sql = "SELECT v.redemption_id FROM vouchers v JOIN redemptions d ON d.id = v.redemption_id
               WHERE v.status = 'live' AND v.expires_at_us <= $1 AND d.city_id = $2
               ORDER BY v.expires_at_us, v.id LIMIT $3";
    let rows = query_all(on, sql, [micros(now).into(), city.get().into(), limit.into()]).await?;
    rows.iter().map(|row| Ok(RedemptionId::new(row.uuid(0)?))).collect()
}

/// Live vouchers of a merchant with their redemptions, those that end first first, beginning after an (end,
/// voucher).
pub async fn live_of_merchant<C: Connected>(
    on: &C,
    merchant: MerchantId,
    after: Option<(DateTime<Utc>, VoucherId)>,
    limit: i64,
) -> Result<Vec<(DateTime<Utc>, VoucherId, RedemptionId)>, StoreError> {
    let sql = "SELECT v.expires_at_us, v.id, v.redemption_id FROM vouchers v
               WHERE v.status = 'live' AND v.merchant_id = $1 AND (v.expires_at_us, v.id) > ($2, $3)
               ORDER BY v.expires_at_us, v.id LIMIT $4";
    let (end, id) = after.map_or((i64::MIN, uuid::Uuid::nil()), |(end, id)| (micros(end), id.get()));
    let values = [merchant.get().into(), end.into(), id.into(), limit.into()];
    let rows = query_all(on, sql, values).await?;
    rows.iter()
        .map(|row| Ok((row.instant(0)?, VoucherId::new(row.uuid(1)?), RedemptionId::new(row.uuid(2)?))))
        .collect()
}

/// Lets live vouchers of redemptions end whose time is over, each redemption's in the status given for it;
/// gives those that ended. Whoever used or cancelled one first has it.
pub async fn end_overdue(
    on: &Transaction,
    endings: &[(RedemptionId, VoucherStatus)],
    now: DateTime<Utc>,
) -> Result<Vec<Voucher>, StoreError> {
    let (table, mut values) = Columns::new()
        .uuid("id", endings.iter().map(|(id, _)| id.get()))
        .text("status", endings.iter().map(|(_, status)| status.word().to_owned()))
        .table(on.engine());
    values.push(micros(now).into());
    let sql = format!(
        "UPDATE vouchers SET status = r.status FROM {table} WHERE vouchers.redemption_id = r.id
         AND vouchers.status = 'live' AND vouchers.expires_at_us <= ${} RETURNING {}",
        values.len(),
        COLUMNS.replace("v.", "vouchers.")
    );
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// Cancels the live vouchers of a redemption whose time is not over; gives how many there were.
pub async fn mark_cancelled(
    on: &Transaction,
    redemption: RedemptionId,
    at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let sql = "UPDATE vouchers SET status = 'cancelled'
               WHERE redemption_id = $1 AND status = 'live' AND expires_at_us > $2";
    execute(on, sql, [redemption.get().into(), micros(at).into()]).await
}

fn read(row: &Row) -> Result<Voucher, StoreError> {
    Ok(Voucher {
        id: VoucherId::new(row.uuid(0)?),
        redemption: RedemptionId::new(row.uuid(1)?),
        offer: OfferId::new(row.uuid(2)?),
        merchant: MerchantId::new(row.uuid(3)?),
        code: row.text(4)?,
        status: row.known(5, VoucherStatus::from_word)?,
        expires_at: row.instant(6)?,
        used_at: row.maybe_instant(7)?,
    })
}
