//! Offers, redemptions and vouchers.

use chrono::{DateTime, Utc};

use crate::amount::{Fen, Points};
use crate::id::{CitizenId, CityId, MerchantId, OfferId, RedemptionId, VoucherId};
use crate::text::Text;

/// Most vouchers in one redemption.
pub const QUANTITY_MAX: i64 = 20;

/// Whether an offer can be redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfferStatus {
    /// Can be redeemed while stock lasts.
    Live,
    /// Cannot be redeemed.
    Ended,
}

/// What a merchant gives for points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// Its city.
    pub city: CityId,
    /// Who gives it.
    pub merchant: MerchantId,
    /// The merchant's name.
    pub merchant_name: String,
    /// What it is.
    pub title: Text,
    /// Price of one.
    pub price: Points,
    /// What the city owes the merchant for each use.
    pub payout: Fen,
    /// How many there are in all.
    pub stock_total: i64,
    /// How many are left.
    pub stock_left: i64,
    /// How many one citizen may have.
    pub per_person: Option<i64>,
    /// Whether it can be redeemed.
    pub status: OfferStatus,
    /// For how many days a voucher is good.
    pub voucher_days: i32,
}

/// One purchase of an offer with points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    /// Its id.
    pub id: RedemptionId,
    /// Its city.
    pub city: CityId,
    /// Who redeemed.
    pub citizen: CitizenId,
    /// What.
    pub offer: OfferId,
    /// How many.
    pub quantity: i64,
    /// For how many points in all.
    pub points: Points,
    /// When.
    pub redeemed_at: DateTime<Utc>,
    /// When it was undone.
    pub cancelled_at: Option<DateTime<Utc>>,
}

/// Where a voucher is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VoucherStatus {
    /// Can be used.
    Live,
    /// Was used, once.
    Used,
    /// Was given back.
    Cancelled,
}

impl VoucherStatus {
    /// The word used in answers and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Used => "used",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Live, Self::Used, Self::Cancelled].into_iter().find(|status| status.word() == word)
    }
}

impl OfferStatus {
    /// The word used in answers and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ended => "ended",
        }
    }

    /// The status of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Live, Self::Ended].into_iter().find(|status| status.word() == word)
    }
}

/// One voucher of a redemption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voucher {
    /// Its id.
    pub id: VoucherId,
    /// The redemption it belongs to.
    pub redemption: RedemptionId,
    /// What it is for.
    pub offer: OfferId,
    /// At whose tills.
    pub merchant: MerchantId,
    /// Unguessable; shown to the till.
    pub code: String,
    /// Where it is in its life.
    pub status: VoucherStatus,
    /// First instant at which it can no longer be used.
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    pub used_at: Option<DateTime<Utc>>,
}

impl Voucher {
    /// What it is at an instant: the word of its status, or `expired` when it is live past its time.
    #[must_use]
    pub fn word_at(&self, now: DateTime<Utc>) -> &'static str {
        match self.status {
            VoucherStatus::Live if self.expires_at <= now => "expired",
            VoucherStatus::Live | VoucherStatus::Used | VoucherStatus::Cancelled => self.status.word(),
        }
    }
}
