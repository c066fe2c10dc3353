//! Scans that a till made without a network, told to the platform later.
//!
//! The rule: a voucher belongs to whatever reaches the platform first. A scan that comes after another use, a
//! cancellation or a refund is a conflict: nothing is owed for it, and it is kept for the merchant and the
//! city
//! to look at. A scan that was in time counts although the voucher has ended since, unless the points have
//! gone back.

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::city::City;
use tanhui_domain::id::{BranchId, MerchantId, VoucherId};
use tanhui_domain::merchant::Staff;
use tanhui_domain::pass::Pass;
pub use tanhui_store::scan::Conflict;
use tanhui_store::scan::{self, Scan};
use tanhui_store::{StoreError, voucher};

use crate::retry::{Repeatable, retrying};
use crate::till::{self, Checked, Till, TillAct, TillError};
use crate::{Services, pass};

/// Most scans in one call.
pub const SCANS_MAX: usize = 100;
/// How long after it was made a scan is taken.
pub const WITHIN: TimeDelta = TimeDelta::days(7);
/// How far a till's clock may be ahead.
pub const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// A scan as a till tells of it.
#[derive(Debug, Clone)]
pub struct Told {
    /// What was read.
    pub read: String,
    /// When.
    pub scanned_at: DateTime<Utc>,
    /// At which branch, where one is named.
    pub branch: Option<BranchId>,
}

/// What came of a scan.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The voucher and what it was for.
    pub checked: Checked,
    /// Whether the scan was told before.
    pub again: bool,
}

/// Why a scan did not use its voucher.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ScanError {
    /// It says that it was made later than now.
    #[error("scanned in the future")]
    Ahead,
    /// It was made too long ago.
    #[error("scanned too long ago")]
    TooOld,
    /// As at the till.
    #[error(transparent)]
    Till(#[from] TillError),
}

impl Repeatable for ScanError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Till(error) if error.is_repeatable())
    }
}

impl From<StoreError> for ScanError {
    fn from(error: StoreError) -> Self {
        Self::Till(error.into())
    }
}

/// Takes one scan. The same scan told again is answered the same and moves nothing.
pub async fn reconcile(
    services: &Services,
    city: &City,
    staff: &Staff,
    told: &Told,
) -> Result<Taken, ScanError> {
    let now = services.clock.now();
    if told.scanned_at.signed_duration_since(now) > AHEAD {
        return Err(ScanError::Ahead);
    }
    if now.signed_duration_since(told.scanned_at) > WITHIN {
        return Err(ScanError::TooOld);
    }
    let read = pass::read(services, &told.read).await?.map_err(TillError::from)?;
    read.honoured_by(staff.merchant, told.scanned_at).map_err(TillError::from)?;
    let till = till::at(services, staff, told.branch).await?;
    let found = voucher::find_by_code(&services.database, &read.code).await?.ok_or(TillError::NoVoucher)?;
    let scan = Scan {
        voucher: found.id,
        scanned_at: told.scanned_at,
        branch: till.branch,
        merchant: till.merchant,
        staff: till.staff,
        arrived_at: now,
        outcome: scan::USED.to_owned(),
    };
    retrying(|again| try_scan(services, city, &till, (&read, &scan), again)).await
}

async fn try_scan(
    services: &Services,
    city: &City,
    till: &Till,
    (read, scan): (&Pass, &Scan),
    again: bool,
) -> Result<Taken, ScanError> {
    let transaction = services.database.begin().await?;
    if scan::outcome(&transaction, scan).await?.as_deref() == Some(scan::USED) {
        return taken_before(services, till.merchant, &read.code).await;
    }
    let act = TillAct::Use { scanned_at: Some(scan.scanned_at) };
    let at = (scan.arrived_at, again);
    match till::act_in(&transaction, city, till, (&read.code, act), at).await {
        Ok(checked) => {
            scan::put(&transaction, scan).await?;
            transaction.commit().await?;
            Ok(Taken { checked, again: false })
        }
        Err(refused) => {
            drop(transaction);
            refuse(services, till.merchant, (&read.code, scan), refused).await
        }
    }
}

/// The same scan, told twice at once, is answered the same; another is kept as a conflict.
async fn refuse(
    services: &Services,
    merchant: MerchantId,
    (code, scan): (&str, &Scan),
    refused: TillError,
) -> Result<Taken, ScanError> {
    let Some(outcome) = outcome(&refused) else {
        return Err(refused.into());
    };
    let transaction = services.database.begin().await?;
    if scan::outcome(&transaction, scan).await?.as_deref() == Some(scan::USED) {
        return taken_before(services, merchant, code).await;
    }
    scan::put(&transaction, &Scan { outcome: outcome.to_owned(), ..scan.clone() }).await?;
    transaction.commit().await?;
    metrics::counter!("tanhui_scan_conflicts_total").increment(1);
    Err(till::with_place(services, code, refused).await?.into())
}

async fn taken_before(services: &Services, merchant: MerchantId, code: &str) -> Result<Taken, ScanError> {
    Ok(Taken { checked: till::find(services, merchant, code).await?, again: true })
}

/// The word under which a conflict is kept; none for what is no conflict.
fn outcome(refused: &TillError) -> Option<&'static str> {
    match refused {
        TillError::Used { .. } => Some("voucher_used"),
        TillError::Cancelled => Some("voucher_cancelled"),
        TillError::Expired { .. } => Some("voucher_expired"),
        TillError::Stopped => Some("merchant_stopped"),
        TillError::NoVoucher
        | TillError::Unreadable
        | TillError::Forged
        | TillError::Elsewhere
        | TillError::NoBranch
        | TillError::NotUsed
        | TillError::TooLate { .. }
        | TillError::Store(_) => None,
    }
}

/// A merchant's conflicts, the last to arrive first, beginning after an (arrival, voucher).
pub async fn conflicts(
    services: &Services,
    merchant: MerchantId,
    after: Option<(DateTime<Utc>, VoucherId)>,
    limit: i64,
) -> Result<Vec<Conflict>, StoreError> {
    scan::conflicts(&services.database, merchant, after, limit).await
}
