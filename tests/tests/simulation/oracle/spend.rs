//! Redemptions, what is given back, and the keys of repeated requests.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::Oracle;
use super::offer::Issued;
use super::person::{LotDays, Span};
use crate::command::Wish;

const QUANTITY_MAX: i64 = 20;
/// How long after its end a voucher waits for a till that tells late of a scan.
const SCANS_WITHIN: TimeDelta = TimeDelta::days(7);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voucher {
    Live,
    Used(DateTime<Utc>),
    Cancelled,
    Expired,
    Refunded,
}

#[derive(Debug, Clone)]
pub struct Redemption {
    pub wish: Wish,
    points: i64,
    /// Of what was taken, what did not come back.
    took: BTreeMap<LotDays, i64>,
    pub vouchers: Vec<Voucher>,
    pub good_until: DateTime<Utc>,
    day: NaiveDate,
    /// For how many of its vouchers the points came back.
    returned: i64,
    cancelled: bool,
}

impl Redemption {
    pub fn words_at(&self, now: DateTime<Utc>) -> String {
        let word = |voucher: &Voucher| match voucher {
            Voucher::Live if self.good_until <= now => "expired",
            Voucher::Live => "live",
            Voucher::Used(_) => "used",
            Voucher::Cancelled => "cancelled",
            Voucher::Expired => "expired",
            Voucher::Refunded => "refunded",
        };
        self.vouchers.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    /// Points of so many vouchers leave it, those that end last before others.
    fn give_up(&mut self, vouchers: i64) -> Vec<LotDays> {
        let mut points = vec![];
        for _ in 0..self.points / self.wish.quantity * vouchers {
            let mut last = self.took.last_entry().expect("as much was taken");
            points.push(*last.key());
            *last.get_mut() -= 1;
            if *last.get() == 0 {
                last.remove();
            }
        }
        self.returned += vouchers;
        points
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
        let Wish { citizen, offer, quantity, key } = wish;
        let (now, today) = (self.now, self.today());
        let found = self.offers.get(&offer).ok_or("no offer")?;
        found.refuses(self.is_halted(found.opening.merchant), &self.asking(citizen, offer, quantity))?;
        let opening = found.opening;
        let points = opening.price * quantity;
        let known = self.citizens.get_mut(&citizen).expect("asked before");
        let mut person = known.clone();
        person.settle(now);
        let took = person.take(points, today).map_err(|good| format!("points {good} of {points}"))?;
        person.post(now, -points, 0);
        *known = person;
        self.offers.get_mut(&offer).expect("found before").give(quantity, today);
        let good_until = now + Days::new(u64::from(opening.days.unsigned_abs()));
        let is_gift = opening.payout.is_none();
        let vouchers = if is_gift { 0 } else { usize::try_from(quantity).expect("a small number") };
        let vouchers = vec![Voucher::Live; vouchers];
        let (day, returned, cancelled) = (today, 0, false);
        let made = Redemption { wish, points, took, vouchers, good_until, day, returned, cancelled };
        self.redemptions.insert(number, made);
        if let Some(key) = key {
            self.keys.insert((citizen, key), Key { offer, quantity, redemption: number, made_at: now });
        }
        if is_gift {
            self.given += points;
            return Ok(format!("donated {points}"));
        }
        Ok(format!("redeemed for {points}, good until {good_until}"))
    }

    /// Of one offer and not given back: in all, and of this week.
    pub(super) fn had(&self, citizen: u32, offer: u32) -> (i64, i64) {
        let (monday, _) = Span::Week.around(self.today());
        let own = self
            .redemptions
            .values()
            .filter(|redemption| (redemption.wish.citizen, redemption.wish.offer) == (citizen, offer));
        own.fold((0, 0), |(ever, week), redemption| {
            let kept = redemption.wish.quantity - redemption.returned;
            (ever + kept, if redemption.day >= monday { week + kept } else { week })
        })
    }

    pub(super) fn cancel(&mut self, number: u32, citizen: u32) -> String {
        if !self.citizens.contains_key(&citizen) {
            return "nobody".to_owned();
        }
        let own = |redemption: &&mut Redemption| redemption.wish.citizen == citizen;
        let Some(redemption) = self.redemptions.get_mut(&number).filter(own) else {
            return "no redemption".to_owned();
        };
        if redemption.vouchers.is_empty() {
            return "a donation".to_owned();
        }
        if redemption.cancelled {
            return "cancelled before".to_owned();
        }
        let is_live = redemption.vouchers.iter().all(|voucher| *voucher == Voucher::Live);
        if !is_live || redemption.good_until <= self.now {
            let used = redemption.vouchers.iter().any(|voucher| matches!(voucher, Voucher::Used(_)));
            return if used { "a voucher was used" } else { "a voucher has expired" }.to_owned();
        }
        redemption.cancelled = true;
        redemption.vouchers.fill(Voucher::Cancelled);
        let (points, quantity) = (redemption.points, redemption.wish.quantity);
        self.put_back(number, quantity);
        self.refund(number, quantity);
        format!("gave back {points}")
    }

    /// Vouchers go back on their shelf.
    fn put_back(&mut self, number: u32, vouchers: i64) {
        let redemption = &self.redemptions[&number];
        let offer = self.offers.get_mut(&redemption.wish.offer).expect("redemptions are of offers");
        offer.give(-vouchers, redemption.day);
    }

    /// The points of vouchers go back to the lots that they are of; what is over by now ends at once.
    fn refund(&mut self, number: u32, vouchers: i64) {
        let (now, today) = (self.now, self.today());
        let redemption = self.redemptions.get_mut(&number).expect("a redemption");
        let points = redemption.give_up(vouchers);
        let person = self.citizens.get_mut(&redemption.wish.citizen).expect("redemptions are of citizens");
        person.post(now, i64::try_from(points.len()).expect("a small number"), 0);
        for days in points {
            person.grant(days, 1);
            if days.0 < today {
                person.end(days, 1, now);
            }
        }
    }

    /// Vouchers that no till can tell of any more end; those of a stopped merchant are given back.
    pub(super) fn end_vouchers(&mut self) {
        let overdue = self.now - SCANS_WITHIN;
        self.end_where(|redemption, _| redemption.good_until <= overdue, false);
        self.end_where(|_, issued| issued == Issued::Refunding, true);
        for merchant in &mut self.merchants {
            if merchant.issued == Issued::Refunding {
                merchant.issued = Issued::Refunded;
            }
        }
    }

    fn end_where(&mut self, ends: impl Fn(&Redemption, Issued) -> bool, always_refund: bool) {
        let numbers: Vec<u32> = self.redemptions.keys().copied().collect();
        for number in numbers {
            let redemption = self.redemptions.get_mut(&number).expect("a redemption");
            let opening = self.offers[&redemption.wish.offer].opening;
            if !ends(redemption, self.merchants[opening.merchant].issued) {
                continue;
            }
            let refunds = always_refund || opening.refund_expired;
            let word = if refunds { Voucher::Refunded } else { Voucher::Expired };
            let mut ended = 0;
            for voucher in redemption.vouchers.iter_mut().filter(|voucher| **voucher == Voucher::Live) {
                *voucher = word;
                ended += 1;
            }
            self.put_back(number, ended);
            if refunds && ended > 0 {
                self.refund(number, ended);
            }
        }
    }
}
