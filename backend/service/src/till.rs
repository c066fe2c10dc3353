//! At the till: what a voucher is, and using it once.

use chrono::{DateTime, Utc};
use tanhui_domain::city::City;
use tanhui_domain::id::{BranchId, CitizenId, MerchantId, OfferId, VoucherId};
use tanhui_domain::ledger::{JournalKind, PostingError};
use tanhui_domain::merchant::{Issued, Staff};
use tanhui_domain::offer::Offer;
use tanhui_domain::pass::{PassError, is_pass, spelled_code};
use tanhui_domain::redemption::{Voucher, VoucherStatus};
use tanhui_domain::settlement::VOID_WITHIN;
use tanhui_domain::webhook::EventKind;
use tanhui_store::voucher::Use;
use tanhui_store::{StoreError, Transaction, account, merchant, offer, voucher};

use crate::draft::unpostable;
use crate::retry::{Repeatable, retrying};
use crate::settlement::post_payable;
use crate::{Services, pass, webhook};

/// A voucher and what it is for.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The voucher.
    pub voucher: Voucher,
    /// What it is for.
    pub offer: Offer,
}

/// Why a voucher cannot be used here and now.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TillError {
    /// No voucher of this code at this merchant.
    #[error("no such voucher at this merchant")]
    NoVoucher,
    /// Not a QR code of ours, or one that was read badly.
    #[error("not a voucher")]
    Unreadable,
    /// Its signature is nobody's.
    #[error("a signature of no known key")]
    Forged,
    /// It is another merchant's.
    #[error("for another merchant")]
    Elsewhere,
    /// No such branch, a closed one, or not the one at which this person works.
    #[error("no such branch")]
    NoBranch,
    /// The city has stopped the merchant and gives its vouchers back.
    #[error("the merchant's vouchers are given back")]
    Stopped,
    /// It was used before.
    #[error("used at {used_at}")]
    Used {
        /// When.
        used_at: DateTime<Utc>,
        /// At which branch, where one was named.
        branch: Option<String>,
    },
    /// It was given back.
    #[error("given back")]
    Cancelled,
    /// It is past its time.
    #[error("expired at {expires_at}")]
    Expired {
        /// Since when.
        expires_at: DateTime<Utc>,
    },
    /// It was not used, so there is nothing to void.
    #[error("not used")]
    NotUsed,
    /// Its use is too long ago to be voided.
    #[error("used at {used_at}, too long ago")]
    TooLate {
        /// When it was used.
        used_at: DateTime<Utc>,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PassError> for TillError {
    fn from(error: PassError) -> Self {
        match error {
            PassError::Unreadable => Self::Unreadable,
            PassError::Forged(_) => Self::Forged,
            PassError::Elsewhere(_) => Self::Elsewhere,
            PassError::Expired(expires_at) => Self::Expired { expires_at },
        }
    }
}

impl Repeatable for TillError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_repeatable())
    }
}

/// Tells what a code is for and whether it could be used now; changes nothing.
pub async fn check(services: &Services, merchant: MerchantId, read: &str) -> Result<Checked, TillError> {
    let code = code_of(services, merchant, read).await?;
    let found = find(services, merchant, &code).await?;
    match usable(&found.voucher, services.clock.now()) {
        Ok(()) if merchant::issued(&services.database, merchant).await? != Issued::Work => {
            Err(TillError::Stopped)
        }
        Ok(()) => Ok(found),
        Err(refused) => Err(with_place(services, &code, refused).await?),
    }
}

/// A voucher of a merchant by its code, whatever has become of it.
pub(crate) async fn find(
    services: &Services,
    merchant: MerchantId,
    code: &str,
) -> Result<Checked, TillError> {
    let voucher = of_merchant(voucher::find_by_code(&services.database, code).await?, merchant)?;
    let offer = offer::find(&services.database, voucher.offer).await?.ok_or(TillError::NoVoucher)?;
    Ok(Checked { voucher, offer })
}

/// A merchant's used vouchers with what they were for, the last used first, beginning after a (use, voucher).
pub async fn used(
    services: &Services,
    merchant: MerchantId,
    after: Option<(DateTime<Utc>, VoucherId)>,
    limit: i64,
) -> Result<Vec<Checked>, StoreError> {
    let vouchers = voucher::page_of_used(&services.database, merchant, after, limit).await?;
    with_offers(services, vouchers).await
}

/// Vouchers with what they are for.
pub(crate) async fn with_offers(
    services: &Services,
    vouchers: Vec<Voucher>,
) -> Result<Vec<Checked>, StoreError> {
    let ids: Vec<OfferId> = vouchers.iter().map(|voucher| voucher.offer).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let offers = offer::find_many(&services.database, &ids).await?;
    vouchers
        .into_iter()
        .map(|voucher| {
            let offer = offers.get(&voucher.offer).cloned();
            let offer = offer.ok_or_else(|| StoreError::Corrupt("a voucher without an offer".to_owned()))?;
            Ok(Checked { voucher, offer })
        })
        .collect()
}

/// Who stands at which till.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Till {
    /// Whose till.
    pub merchant: MerchantId,
    /// Who works at it.
    pub staff: CitizenId,
    /// Where it stands, where that is told.
    pub branch: Option<BranchId>,
}

/// The till of one of a merchant's people: at their own branch, or at an open one that they name.
pub async fn at(services: &Services, staff: &Staff, named: Option<BranchId>) -> Result<Till, TillError> {
    let branch = match (staff.branch, named) {
        (Some(own), Some(named)) if own != named => return Err(TillError::NoBranch),
        (own, named) => own.or(named),
    };
    if let Some(id) = branch {
        let found = merchant::branch(&services.database, staff.merchant, id).await?;
        found.filter(|branch| branch.open).ok_or(TillError::NoBranch)?;
    }
    Ok(Till { merchant: staff.merchant, staff: staff.citizen, branch })
}

/// What is done with a voucher at a till.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TillAct {
    /// It is used; the city then owes the merchant the offer's payout.
    Use {
        /// When it was scanned, where the till had no network then.
        scanned_at: Option<DateTime<Utc>>,
    },
    /// Its use was a mistake; the city no longer owes it.
    Void,
}

/// Uses a voucher once; the city then owes the merchant the offer's payout.
pub async fn use_voucher(
    services: &Services,
    city: &City,
    till: &Till,
    read: &str,
) -> Result<Checked, TillError> {
    act(services, city, till, read, TillAct::Use { scanned_at: None }).await
}

/// Undoes a use that was a mistake, soon after it; the voucher can then be used again until its last day.
///
/// What the city owes shrinks by a line of its own: in a statement closed meanwhile nothing changes.
pub async fn void(services: &Services, city: &City, till: &Till, read: &str) -> Result<Checked, TillError> {
    act(services, city, till, read, TillAct::Void).await
}

async fn act(
    services: &Services,
    city: &City,
    till: &Till,
    read: &str,
    act: TillAct,
) -> Result<Checked, TillError> {
    let now = services.clock.now();
    let code = code_of(services, till.merchant, read).await?;
    let outcome = retrying(|again| try_act(services, city, till, (&code, act), (now, again))).await;
    match outcome {
        Err(refused @ TillError::Used { .. }) => Err(with_place(services, &code, refused).await?),
        outcome => outcome,
    }
}

async fn try_act(
    services: &Services,
    city: &City,
    till: &Till,
    act: (&str, TillAct),
    at: (DateTime<Utc>, bool),
) -> Result<Checked, TillError> {
    let transaction = services.database.begin().await?;
    let done = act_in(&transaction, city, till, act, at).await?;
    transaction.commit().await?;
    Ok(done)
}

/// One act in a transaction of the caller's, who commits it.
pub(crate) async fn act_in(
    on: &Transaction,
    city: &City,
    till: &Till,
    (code, act): (&str, TillAct),
    (now, again): (DateTime<Utc>, bool),
) -> Result<Checked, TillError> {
    // 1. Load.
    let voucher = of_merchant(voucher::find_by_code(on, code).await?, till.merchant)?;
    let offer = offer::find(on, voucher.offer).await?.ok_or(TillError::NoVoucher)?;
    let cause = (till.merchant, voucher.id.get());
    // An earlier try at this very instant was committed and its answer lost.
    if again && account::has_line(on, cause.0.into(), cause.1, now).await? {
        return Ok(Checked { voucher, offer });
    }

    // 2. The guarded update decides against another till and against a cancellation.
    let (kind, owed, voucher) = match act {
        TillAct::Use { scanned_at } => {
            let voucher = take(on, voucher, till, (now, scanned_at)).await?;
            (JournalKind::Use, offer.payout, voucher)
        }
        TillAct::Void => {
            let less = offer.payout.negated().map_err(PostingError::from).map_err(unpostable)?;
            (JournalKind::Void, less, give_back(on, voucher, now).await?)
        }
    };

    // 3. Write what the city owes. Under the merchant's lock it shows whether the city has stopped it.
    post_payable(on, city, cause, (kind, owed), now).await?;
    if merchant::issued(on, till.merchant).await? != Issued::Work {
        return Err(TillError::Stopped);
    }
    let kind = match act {
        TillAct::Use { .. } => EventKind::VoucherUsed,
        TillAct::Void => EventKind::VoucherVoided,
    };
    webhook::announce_voucher(on, kind, (&voucher, &offer), now).await?;
    match act {
        TillAct::Use { .. } => metrics::counter!("tanhui_voucher_uses_total").increment(1),
        TillAct::Void => metrics::counter!("tanhui_voucher_voids_total").increment(1),
    }
    Ok(Checked { voucher, offer })
}

async fn take(
    on: &Transaction,
    voucher: Voucher,
    till: &Till,
    (now, scanned_at): (DateTime<Utc>, Option<DateTime<Utc>>),
) -> Result<Voucher, TillError> {
    let read_at = scanned_at.unwrap_or(now);
    usable(&voucher, read_at)?;
    let used = Use { at: now, scanned_at, branch: till.branch };
    if !voucher::mark_used(on, voucher.id, till.staff, used).await? {
        let rival = of_merchant(voucher::find_by_code(on, &voucher.code).await?, till.merchant)?;
        usable(&rival, read_at)?;
        return Err(StoreError::Corrupt("a live voucher could not be used".to_owned()).into());
    }
    Ok(Voucher { status: VoucherStatus::Used, used_at: Some(now), ..voucher })
}

/// The guarded update decides against another void.
async fn give_back(on: &Transaction, voucher: Voucher, now: DateTime<Utc>) -> Result<Voucher, TillError> {
    let used_at = voidable(&voucher, now)?;
    if !voucher::mark_unused(on, voucher.id, used_at).await? {
        return Err(TillError::NotUsed);
    }
    Ok(Voucher { status: VoucherStatus::Live, used_at: None, ..voucher })
}

/// A refusal with the branch at which the voucher was used before.
pub(crate) async fn with_place(
    services: &Services,
    code: &str,
    refused: TillError,
) -> Result<TillError, StoreError> {
    let TillError::Used { used_at, .. } = refused else {
        return Ok(refused);
    };
    let branch = voucher::place_of_use(&services.database, code).await?;
    Ok(TillError::Used { used_at, branch })
}

fn voidable(voucher: &Voucher, now: DateTime<Utc>) -> Result<DateTime<Utc>, TillError> {
    match (voucher.status, voucher.used_at) {
        (VoucherStatus::Used, Some(used_at)) if now.signed_duration_since(used_at) > VOID_WITHIN => {
            Err(TillError::TooLate { used_at })
        }
        (VoucherStatus::Used, Some(used_at)) => Ok(used_at),
        (VoucherStatus::Used, None)
        | (
            VoucherStatus::Live | VoucherStatus::Cancelled | VoucherStatus::Expired | VoucherStatus::Refunded,
            _,
        ) => Err(TillError::NotUsed),
    }
}

fn of_merchant(voucher: Option<Voucher>, merchant: MerchantId) -> Result<Voucher, TillError> {
    let voucher = voucher.ok_or(TillError::NoVoucher)?;
    if voucher.merchant == merchant { Ok(voucher) } else { Err(TillError::Elsewhere) }
}

fn usable(voucher: &Voucher, now: DateTime<Utc>) -> Result<(), TillError> {
    match voucher.status {
        VoucherStatus::Used => Err(TillError::Used { used_at: voucher.used_at.unwrap_or(now), branch: None }),
        VoucherStatus::Live if now < voucher.expires_at => Ok(()),
        // Expired also for a scan that was in time: its stock is free again.
        VoucherStatus::Live | VoucherStatus::Expired => {
            Err(TillError::Expired { expires_at: voucher.expires_at })
        }
        VoucherStatus::Refunded if voucher.expires_at <= now => {
            Err(TillError::Expired { expires_at: voucher.expires_at })
        }
        // The points came back.
        VoucherStatus::Cancelled | VoucherStatus::Refunded => Err(TillError::Cancelled),
    }
}

/// The code of what a till read: typed letters, or a signed voucher of this merchant.
async fn code_of(services: &Services, merchant: MerchantId, read: &str) -> Result<String, TillError> {
    if !is_pass(read) {
        return spelled_code(read).ok_or(TillError::NoVoucher);
    }
    let pass = pass::read(services, read).await??;
    // Whether it is past its time, the books know better.
    if pass.merchant == merchant { Ok(pass.code) } else { Err(TillError::Elsewhere) }
}
