//! At the till: vouchers are used once, uses are undone soon after, scans are told late.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

use super::Oracle;
use super::merchant::Kind;
use super::offer::Issued;
use super::spend::Voucher;

/// How long after a use it can be undone.
const VOID_WITHIN: TimeDelta = TimeDelta::hours(24);
/// How late a scan can be told.
const SCANS_WITHIN: TimeDelta = TimeDelta::days(7);
/// How far a till's clock may be ahead.
const SCANS_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// A redemption and one of its vouchers.
pub type VoucherKey = (u32, usize);

/// A scan that a till told of.
#[derive(Debug, Clone, Copy)]
pub struct Scan {
    pub merchant: usize,
    pub arrived_at: DateTime<Utc>,
    /// None where it used its voucher.
    pub conflict: Option<&'static str>,
}

impl Oracle {
    pub(super) fn use_voucher(&mut self, merchant: usize, key: VoucherKey) -> String {
        let Some(offers_merchant) = self.merchant_of(key) else { return "no voucher".to_owned() };
        if offers_merchant != merchant {
            return "no voucher".to_owned();
        }
        match self.usable(key, self.now).and_then(|()| self.works(merchant)) {
            Ok(()) => {
                self.mark_used(key);
                "used"
            }
            Err((_, word)) => word,
        }
        .to_owned()
    }

    pub(super) fn void(&mut self, merchant: usize, key: VoucherKey) -> String {
        let now = self.now;
        if self.merchant_of(key) != Some(merchant) {
            return "no voucher".to_owned();
        }
        let used_at = match *self.voucher(key) {
            Voucher::Used(used_at) => used_at,
            Voucher::Live | Voucher::Cancelled | Voucher::Expired | Voucher::Refunded => {
                return "not used".to_owned();
            }
        };
        if now - used_at > VOID_WITHIN {
            return "too late".to_owned();
        }
        if let Err((_, word)) = self.works(merchant) {
            return word.to_owned();
        }
        *self.voucher(key) = Voucher::Live;
        let payout = self.payout(key);
        self.merchants[merchant].add(now, Kind::Void, -payout);
        "undone".to_owned()
    }

    /// What arrives first has the voucher; what was in time counts.
    pub(super) fn scan(&mut self, merchant: usize, key: VoucherKey, scanned_at: DateTime<Utc>) -> String {
        let now = self.now;
        if self.merchant_of(key).is_none() {
            return "no voucher".to_owned();
        }
        if scanned_at - now > SCANS_AHEAD {
            return "ahead".to_owned();
        }
        if now - scanned_at > SCANS_WITHIN {
            return "too old".to_owned();
        }
        if self.merchant_of(key) != Some(merchant) {
            return "elsewhere".to_owned();
        }
        // The code says whole seconds.
        if self.redemptions[&key.0].good_until.trunc_subsecs(0) <= scanned_at {
            return "expired".to_owned();
        }
        if self.scans.get(&(key, scanned_at)).is_some_and(|known| known.conflict.is_none()) {
            return "told before".to_owned();
        }
        let outcome = self.usable(key, scanned_at).and_then(|()| self.works(merchant));
        if outcome.is_ok() {
            self.mark_used(key);
        }
        let conflict = outcome.err();
        let scan = Scan { merchant, arrived_at: now, conflict: conflict.map(|(code, _)| code) };
        self.scans.insert((key, scanned_at), scan);
        conflict.map_or("used", |(_, word)| word).to_owned()
    }

    /// The code of a conflict, and the word for it.
    fn usable(
        &mut self,
        key: VoucherKey,
        read_at: DateTime<Utc>,
    ) -> Result<(), (&'static str, &'static str)> {
        let in_time = read_at < self.redemptions[&key.0].good_until;
        match *self.voucher(key) {
            Voucher::Live if in_time => Ok(()),
            Voucher::Used(_) => Err(("voucher_used", "used before")),
            Voucher::Live | Voucher::Expired => Err(("voucher_expired", "expired")),
            Voucher::Refunded if !in_time => Err(("voucher_expired", "expired")),
            Voucher::Cancelled | Voucher::Refunded => Err(("voucher_cancelled", "was cancelled")),
        }
    }

    fn works(&self, merchant: usize) -> Result<(), (&'static str, &'static str)> {
        let works = self.merchants[merchant].issued == Issued::Work;
        if works { Ok(()) } else { Err(("merchant_stopped", "stopped")) }
    }

    fn mark_used(&mut self, key: VoucherKey) {
        let now = self.now;
        *self.voucher(key) = Voucher::Used(now);
        let (merchant, payout) = (self.merchant_of(key).expect("asked before"), self.payout(key));
        self.merchants[merchant].add(now, Kind::Use, payout);
    }

    /// At whose tills a voucher can be used; none where there is no such voucher.
    fn merchant_of(&self, (redemption, voucher): VoucherKey) -> Option<usize> {
        let redemption = self.redemptions.get(&redemption)?;
        redemption.vouchers.get(voucher)?;
        Some(self.offers[&redemption.wish.offer].opening.merchant)
    }

    fn payout(&self, (redemption, _): VoucherKey) -> i64 {
        self.offers[&self.redemptions[&redemption].wish.offer].payout()
    }

    fn voucher(&mut self, (redemption, voucher): VoucherKey) -> &mut Voucher {
        &mut self.redemptions.get_mut(&redemption).expect("asked before").vouchers[voucher]
    }

    /// Conflicts of a merchant, in the order of their words.
    pub(super) fn conflicts(&self, merchant: usize) -> Vec<&'static str> {
        let of_merchant = self.scans.values().filter(|scan| scan.merchant == merchant);
        let mut words: Vec<&str> = of_merchant.filter_map(|scan| scan.conflict).collect();
        words.sort_unstable();
        words
    }
}
