//! Offers, redemptions, vouchers and the keys of repeated requests.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, TimeDelta, Utc};

use super::Oracle;
use super::merchant::Kind;
use super::person::LotDays;
use crate::command::{Opening, Wish};

const QUANTITY_MAX: i64 = 20;
/// How long after a use it can be undone.
const VOID_WITHIN: TimeDelta = TimeDelta::hours(24);

#[derive(Debug, Clone, Copy)]
pub struct Offer {
    pub opening: Opening,
    pub left: i64,
    pub live: bool,
}

impl Offer {
    pub fn new(opening: Opening) -> Self {
        Self { opening, left: opening.stock, live: true }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voucher {
    Live,
    Used(DateTime<Utc>),
    Cancelled,
}

#[derive(Debug)]
pub struct Redemption {
    wish: Wish,
    points: i64,
    took: BTreeMap<LotDays, i64>,
    vouchers: Vec<Voucher>,
    good_until: DateTime<Utc>,
    cancelled: bool,
}

impl Redemption {
    pub fn words_at(&self, now: DateTime<Utc>) -> String {
        let word = |voucher: &Voucher| match voucher {
            Voucher::Live if self.good_until <= now => "expired",
            Voucher::Live => "live",
            Voucher::Used(_) => "used",
            Voucher::Cancelled => "cancelled",
        };
        self.vouchers.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// A key that was used.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    offer: u32,
    quantity: i64,
    redemption: u32,
    pub made_at: DateTime<Utc>,
}

impl Oracle {
    pub(super) fn end(&mut self, offer: u32) -> String {
        let ended =
            self.offers.get_mut(&offer).is_some_and(|offer| std::mem::replace(&mut offer.live, false));
        format!("ended {ended}")
    }

    pub(super) fn redeem(&mut self, number: u32, wish: Wish) -> String {
        if !self.citizens.contains_key(&wish.citizen) {
            return "nobody".to_owned();
        }
        if !(1..=QUANTITY_MAX).contains(&wish.quantity) {
            return "quantity".to_owned();
        }
        if let Some(known) = wish.key.and_then(|key| self.keys.get(&(wish.citizen, key))) {
            let same = (known.offer, known.quantity) == (wish.offer, wish.quantity);
            return if same { format!("as before {}", known.redemption) } else { "key reused".to_owned() };
        }
        self.redeem_now(number, wish).unwrap_or_else(|refusal| refusal)
    }

    fn redeem_now(&mut self, number: u32, wish: Wish) -> Result<String, String> {
        let had = self.had(wish.citizen, wish.offer);
        let today = self.today();
        let offer = self.offers.get_mut(&wish.offer).ok_or("no offer")?;
        if !offer.live {
            return Err("closed".to_owned());
        }
        if offer.opening.per_person.is_some_and(|allowed| had + wish.quantity > allowed) {
            return Err(format!("limit, had {had}"));
        }
        if offer.left < wish.quantity {
            return Err(format!("stock {}", offer.left));
        }
        let points = offer.opening.price * wish.quantity;
        let known = self.citizens.get_mut(&wish.citizen).expect("asked before");
        let mut person = known.clone();
        person.settle(self.now);
        let took = person.take(points, today).map_err(|good| format!("points {good} of {points}"))?;
        person.post(self.now, -points, 0);
        *known = person;
        offer.left -= wish.quantity;
        let good_until = self.now + Days::new(u64::from(offer.opening.days.unsigned_abs()));
        let vouchers = vec![Voucher::Live; usize::try_from(wish.quantity).expect("a small number")];
        let redemption = Redemption { wish, points, took, vouchers, good_until, cancelled: false };
        self.redemptions.insert(number, redemption);
        if let Some(key) = wish.key {
            let (offer, quantity, made_at) = (wish.offer, wish.quantity, self.now);
            self.keys.insert((wish.citizen, key), Key { offer, quantity, redemption: number, made_at });
        }
        Ok(format!("redeemed for {points}, good until {good_until}"))
    }

    /// Of one offer and not given back.
    fn had(&self, citizen: u32, offer: u32) -> i64 {
        let own = |redemption: &&Redemption| {
            (redemption.wish.citizen, redemption.wish.offer) == (citizen, offer) && !redemption.cancelled
        };
        self.redemptions.values().filter(own).map(|redemption| redemption.wish.quantity).sum()
    }

    pub(super) fn cancel(&mut self, number: u32, citizen: u32) -> String {
        let today = self.today();
        if !self.citizens.contains_key(&citizen) {
            return "nobody".to_owned();
        }
        let own = |redemption: &&mut Redemption| redemption.wish.citizen == citizen;
        let Some(redemption) = self.redemptions.get_mut(&number).filter(own) else {
            return "no redemption".to_owned();
        };
        if redemption.cancelled {
            return "cancelled before".to_owned();
        }
        if redemption.vouchers.iter().any(|voucher| matches!(voucher, Voucher::Used(_))) {
            return "a voucher was used".to_owned();
        }
        if redemption.good_until <= self.now {
            return "a voucher has expired".to_owned();
        }
        redemption.cancelled = true;
        redemption.vouchers.fill(Voucher::Cancelled);
        let offer = self.offers.get_mut(&redemption.wish.offer).expect("redemptions are of offers");
        offer.left += redemption.wish.quantity;
        let person = self.citizens.get_mut(&citizen).expect("asked before");
        person.post(self.now, redemption.points, 0);
        for (days, points) in &redemption.took {
            person.grant(*days, *points);
            // What is over by now ends at once.
            if days.0 < today {
                person.end(*days, *points, self.now);
            }
        }
        format!("gave back {}", redemption.points)
    }

    pub(super) fn use_voucher(&mut self, merchant: usize, redemption: u32, voucher: usize) -> String {
        let now = self.now;
        let Some((voucher, good_until, payout)) = self.voucher(merchant, redemption, voucher) else {
            return "no voucher".to_owned();
        };
        match voucher {
            Voucher::Used(_) => "used before",
            Voucher::Cancelled => "was cancelled",
            Voucher::Live if good_until <= now => "expired",
            Voucher::Live => {
                *voucher = Voucher::Used(now);
                self.merchants[merchant].add(now, Kind::Use, payout);
                "used"
            }
        }
        .to_owned()
    }

    pub(super) fn void(&mut self, merchant: usize, redemption: u32, voucher: usize) -> String {
        let now = self.now;
        let Some((voucher, _, payout)) = self.voucher(merchant, redemption, voucher) else {
            return "no voucher".to_owned();
        };
        match *voucher {
            Voucher::Used(used_at) if now - used_at > VOID_WITHIN => "too late",
            Voucher::Used(_) => {
                *voucher = Voucher::Live;
                self.merchants[merchant].add(now, Kind::Void, -payout);
                "undone"
            }
            Voucher::Live | Voucher::Cancelled => "not used",
        }
        .to_owned()
    }

    /// A merchant's voucher, until when it is good and what it pays.
    fn voucher(
        &mut self,
        merchant: usize,
        redemption: u32,
        voucher: usize,
    ) -> Option<(&mut Voucher, DateTime<Utc>, i64)> {
        let redemption = self.redemptions.get_mut(&redemption)?;
        let offer = self.offers[&redemption.wish.offer].opening;
        let voucher = redemption.vouchers.get_mut(voucher).filter(|_| offer.merchant == merchant)?;
        Some((voucher, redemption.good_until, offer.payout))
    }
}
