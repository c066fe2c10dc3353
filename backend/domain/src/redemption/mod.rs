//! Redemptions and their vouchers: what is taken for an offer, and what comes back.

mod take;

use chrono::{DateTime, Utc};

use crate::amount::{AmountOverflow, Points};
use crate::id::{CitizenId, CityId, MerchantId, OfferId, ProjectId, RedemptionId, VoucherId};

pub use take::{Buyer, Had, Moment, Refusal, Shelf, Taken, Want, take};

/// Most vouchers in one redemption.
pub const QUANTITY_MAX: i64 = 20;

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
    /// The project that the points were given to; such a redemption has no vouchers.
    pub project: Option<ProjectId>,
    /// When.
    pub redeemed_at: DateTime<Utc>,
    /// For how many of its vouchers the points came back.
    pub returned: i64,
    /// When the citizen gave it back.
    pub cancelled_at: Option<DateTime<Utc>>,
}

impl Redemption {
    /// The points of so many of its vouchers.
    pub fn points_of(&self, vouchers: i64) -> Result<Points, AmountOverflow> {
        let price = self.points.get().checked_div(self.quantity).ok_or(AmountOverflow)?;
        Points::new(price).times(vouchers)
    }
}

/// A redemption with its vouchers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redeemed {
    /// The redemption.
    pub redemption: Redemption,
    /// Its vouchers.
    pub vouchers: Vec<Voucher>,
}

impl Redeemed {
    /// What it was when it was made, whatever became of it since: the answer to the same request again.
    #[must_use]
    pub fn as_made(self) -> Self {
        let live = |voucher| Voucher { status: VoucherStatus::Live, used_at: None, ..voucher };
        Self {
            redemption: Redemption { returned: 0, cancelled_at: None, ..self.redemption },
            vouchers: self.vouchers.into_iter().map(live).collect(),
        }
    }
}

/// Where a voucher is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VoucherStatus {
    /// Can be used.
    Live,
    /// Was used, once.
    Used,
    /// Was given back by the citizen.
    Cancelled,
    /// Its time ran out; the points are spent.
    Expired,
    /// The points came back without the citizen's doing: its time ran out under an offer that refunds.
    Refunded,
}

impl VoucherStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Live, Self::Used, Self::Cancelled, Self::Expired, Self::Refunded];

    /// The word used in answers and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Used => "used",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }

    /// The status of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
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
            VoucherStatus::Live
            | VoucherStatus::Used
            | VoucherStatus::Cancelled
            | VoucherStatus::Expired
            | VoucherStatus::Refunded => self.status.word(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn redemption() -> Redemption {
        Redemption {
            id: RedemptionId::new(Uuid::from_u128(1)),
            city: CityId::new(1),
            citizen: CitizenId::new(Uuid::from_u128(2)),
            offer: OfferId::new(Uuid::from_u128(3)),
            quantity: 3,
            points: Points::new(60),
            project: None,
            redeemed_at: at(0),
            returned: 0,
            cancelled_at: None,
        }
    }

    fn voucher(status: VoucherStatus) -> Voucher {
        Voucher {
            id: VoucherId::new(Uuid::from_u128(4)),
            redemption: redemption().id,
            offer: redemption().offer,
            merchant: MerchantId::new(Uuid::from_u128(5)),
            code: "0123456789ABCDEF".to_owned(),
            status,
            expires_at: at(9),
            used_at: None,
        }
    }

    #[test]
    fn each_voucher_has_its_part_of_the_points() {
        for (vouchers, points) in [(0, 0), (1, 20), (2, 40), (3, 60)] {
            assert_eq!(redemption().points_of(vouchers), Ok(Points::new(points)));
        }
    }

    #[test]
    fn what_was_made_is_told_again_whatever_became_of_it() {
        let used = Voucher { used_at: Some(at(5)), ..voucher(VoucherStatus::Used) };
        let now = Redeemed {
            redemption: Redemption { returned: 2, cancelled_at: Some(at(6)), ..redemption() },
            vouchers: vec![used, voucher(VoucherStatus::Refunded)],
        };
        let live = vec![voucher(VoucherStatus::Live); 2];
        assert_eq!(now.as_made(), Redeemed { redemption: redemption(), vouchers: live });
    }

    #[test]
    fn words_are_those_of_rows() {
        let words = ["live", "used", "cancelled", "expired", "refunded"];
        assert_eq!(VoucherStatus::ALL.map(VoucherStatus::word), words);
        assert_eq!(words.map(VoucherStatus::from_word), VoucherStatus::ALL.map(Some));
        assert_eq!(VoucherStatus::from_word("lost"), None);
    }

    #[test]
    fn a_live_voucher_is_called_expired_from_its_end_on() {
        for (seconds, word) in [(8, "live"), (9, "expired"), (10, "expired")] {
            assert_eq!(voucher(VoucherStatus::Live).word_at(at(seconds)), word, "{seconds}");
        }
        for status in VoucherStatus::ALL.into_iter().skip(1) {
            assert_eq!([8, 10].map(|seconds| voucher(status).word_at(at(seconds))), [status.word(); 2]);
        }
    }
}
