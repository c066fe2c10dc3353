//! At the till: what a voucher is, and using it once.

use chrono::{DateTime, Utc};
use tanhui_domain::city::City;
use tanhui_domain::id::{CitizenId, MerchantId, OfferId, VoucherId};
use tanhui_domain::ledger::{JournalKind, PostingError};
use tanhui_domain::offer::Offer;
use tanhui_domain::redemption::{Voucher, VoucherStatus};
use tanhui_domain::settlement::VOID_WITHIN;
use tanhui_store::{StoreError, account, offer, voucher};

use crate::Services;
use crate::draft::unpostable;
use crate::redemption::{CODE_LENGTH, CODE_LETTERS};
use crate::retry::{Repeatable, retrying};
use crate::settlement::post_payable;

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
    /// It was used before.
    #[error("used at {used_at}")]
    Used {
        /// When.
        used_at: DateTime<Utc>,
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

impl Repeatable for TillError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_repeatable())
    }
}

/// Tells what a code is for and whether it could be used now; changes nothing.
pub async fn check(services: &Services, merchant: MerchantId, code: &str) -> Result<Checked, TillError> {
    let code = spelled(code).ok_or(TillError::NoVoucher)?;
    let voucher = of_merchant(voucher::find_by_code(&services.database, &code).await?, merchant)?;
    usable(&voucher, services.clock.now())?;
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

/// Uses a voucher once; the city then owes the merchant the offer's payout.
pub async fn use_voucher(
    services: &Services,
    city: &City,
    merchant: MerchantId,
    staff: CitizenId,
    code: &str,
) -> Result<Checked, TillError> {
    let now = services.clock.now();
    retrying(|again| try_use(services, city, merchant, (staff, code), (now, again))).await
}

async fn try_use(
    services: &Services,
    city: &City,
    merchant: MerchantId,
    (staff, code): (CitizenId, &str),
    (now, again): (DateTime<Utc>, bool),
) -> Result<Checked, TillError> {
    let code = spelled(code).ok_or(TillError::NoVoucher)?;
    let transaction = services.database.begin().await?;

    // 1. Load.
    let voucher = of_merchant(voucher::find_by_code(&transaction, &code).await?, merchant)?;
    let offer = offer::find(&transaction, voucher.offer).await?.ok_or(TillError::NoVoucher)?;
    // An earlier try at this very instant was committed and its answer lost.
    if again && voucher.used_at == Some(now) {
        return Ok(Checked { voucher, offer });
    }
    usable(&voucher, now)?;

    // 2. The guarded update decides against another till and against a cancellation.
    if !voucher::mark_used(&transaction, voucher.id, staff, now).await? {
        let rival = of_merchant(voucher::find_by_code(&transaction, &voucher.code).await?, merchant)?;
        usable(&rival, now)?;
        return Err(StoreError::Corrupt("a live voucher could not be used".to_owned()).into());
    }

    // 3. Write what the city owes.
    let cause = (merchant, voucher.id.get());
    post_payable(&transaction, city, cause, (JournalKind::Use, offer.payout), now).await?;

    // 4. Commit, then answer.
    transaction.commit().await?;
    metrics::counter!("tanhui_voucher_uses_total").increment(1);
    let voucher = Voucher { status: VoucherStatus::Used, used_at: Some(now), ..voucher };
    Ok(Checked { voucher, offer })
}

/// Undoes a use that was a mistake, soon after it; the voucher can then be used again until its last day.
///
/// What the city owes shrinks by a line of its own: in a statement closed meanwhile nothing changes.
pub async fn void(
    services: &Services,
    city: &City,
    merchant: MerchantId,
    code: &str,
) -> Result<Checked, TillError> {
    let now = services.clock.now();
    retrying(|again| try_void(services, city, merchant, code, (now, again))).await
}

async fn try_void(
    services: &Services,
    city: &City,
    merchant: MerchantId,
    code: &str,
    (now, again): (DateTime<Utc>, bool),
) -> Result<Checked, TillError> {
    let code = spelled(code).ok_or(TillError::NoVoucher)?;
    let transaction = services.database.begin().await?;

    // 1. Load.
    let voucher = of_merchant(voucher::find_by_code(&transaction, &code).await?, merchant)?;
    let offer = offer::find(&transaction, voucher.offer).await?.ok_or(TillError::NoVoucher)?;
    // An earlier try at this very instant was committed and its answer lost.
    if again && account::has_line(&transaction, merchant.into(), voucher.id.get(), now).await? {
        return Ok(Checked { voucher, offer });
    }
    let used_at = voidable(&voucher, now)?;

    // 2. The guarded update decides against another void.
    if !voucher::mark_unused(&transaction, voucher.id, used_at).await? {
        return Err(TillError::NotUsed);
    }

    // 3. Write what the city no longer owes.
    let less = offer.payout.negated().map_err(PostingError::from).map_err(unpostable)?;
    let cause = (merchant, voucher.id.get());
    post_payable(&transaction, city, cause, (JournalKind::Void, less), now).await?;

    // 4. Commit, then answer.
    transaction.commit().await?;
    metrics::counter!("tanhui_voucher_voids_total").increment(1);
    let voucher = Voucher { status: VoucherStatus::Live, used_at: None, ..voucher };
    Ok(Checked { voucher, offer })
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

/// Another merchant's voucher is answered like one that does not exist.
fn of_merchant(voucher: Option<Voucher>, merchant: MerchantId) -> Result<Voucher, TillError> {
    voucher.filter(|voucher| voucher.merchant == merchant).ok_or(TillError::NoVoucher)
}

fn usable(voucher: &Voucher, now: DateTime<Utc>) -> Result<(), TillError> {
    match voucher.status {
        VoucherStatus::Used => Err(TillError::Used { used_at: voucher.used_at.unwrap_or(now) }),
        VoucherStatus::Live | VoucherStatus::Expired | VoucherStatus::Refunded
            if voucher.expires_at <= now =>
        {
            Err(TillError::Expired { expires_at: voucher.expires_at })
        }
        VoucherStatus::Live => Ok(()),
        // The points came back before its time was over.
        VoucherStatus::Cancelled | VoucherStatus::Expired | VoucherStatus::Refunded => {
            Err(TillError::Cancelled)
        }
    }
}

/// A code as a person types it: small letters, blanks and hyphens do not matter, nor O for 0 or I and L for
/// 1.
/// None when no code can be meant.
fn spelled(code: &str) -> Option<String> {
    let code: String = code
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .take(CODE_LENGTH.saturating_add(1))
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        })
        .collect();
    let is_code = code.len() == CODE_LENGTH && code.bytes().all(|letter| CODE_LETTERS.contains(&letter));
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        assert_eq!(spelled(" abcd-0oIl-89XY z234 ").as_deref(), Some("ABCD001189XYZ234"));
        for (letters, fits) in [(15, false), (16, true), (17, false)] {
            assert_eq!(spelled(&"A".repeat(letters)).is_some(), fits, "{letters}");
        }
        for bad in ["", "ABCD001189XYZ23\0", "ABCD001189XYZ23U", "券券券券券券"] {
            assert_eq!(spelled(bad), None, "{bad:?}");
        }
    }
}
