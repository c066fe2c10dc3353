//! What shops, their tills and their customers do.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Life, MOMENT};
use crate::command::{Command, Opening, Rein, Step, Turn, Wish};

/// How far a statement goes when nobody sends it back.
const STEPS_OF_A_STATEMENT: [Step; 3] = [Step::Submit, Step::Approve, Step::Pay];

impl Life {
    pub(super) fn open(&mut self) -> Command {
        let opening = self.opening();
        self.offers += 1;
        Command::Open { offer: self.offers, opening }
    }

    /// Some have no condition, some have several.
    fn opening(&mut self) -> Opening {
        let plain = self.plain();
        match self.dice.within(1, 10) {
            1..=4 => plain,
            5 => Opening { payout: None, refund_expired: false, stock_per_day: self.limit(30, 5), ..plain },
            _ => self.bound(plain),
        }
    }

    pub(super) fn plain(&mut self) -> Opening {
        let price = if self.dice.percent(60) { self.dice.within(1, 8) } else { self.dice.within(9, 30) };
        Opening {
            merchant: merchant_of(self.offers + 1),
            price,
            payout: Some(self.dice.within(0, 900)),
            stock: self.dice.within(0, 25),
            per_person: self.limit(30, 4),
            per_person_week: None,
            stock_per_day: None,
            opens_at: None,
            closes_at: None,
            in_south: false,
            for_trees: false,
            budget: None,
            refund_expired: self.dice.percent(50),
            days: i32::try_from(self.dice.within(1, 40)).unwrap_or(1),
        }
    }

    fn bound(&mut self, plain: Opening) -> Opening {
        let opens_at = if self.dice.percent(25) { Some(self.near()) } else { None };
        let closes_at = if self.dice.percent(25) { Some(self.near() + TimeDelta::days(3)) } else { None };
        Opening {
            per_person_week: self.limit(35, 4),
            stock_per_day: self.limit(35, 6),
            opens_at,
            closes_at: closes_at.filter(|closes_at| opens_at.is_none_or(|opens_at| opens_at < *closes_at)),
            in_south: self.dice.percent(15),
            for_trees: self.dice.percent(15),
            budget: self.limit(35, 6_000),
            ..plain
        }
    }

    /// By that chance a limit up to a greatest one.
    fn limit(&mut self, chance: i64, most: u32) -> Option<i64> {
        if self.dice.percent(chance) { Some(i64::from(self.dice.up_to(most))) } else { None }
    }

    /// A day before or after now, or this very instant, or nearly.
    fn near(&mut self) -> DateTime<Utc> {
        let tick = MOMENT * i32::try_from(self.dice.within(-1, 1)).unwrap_or(0);
        let away = if self.dice.percent(50) { 0 } else { self.dice.within(-86_400, 86_400 * 3) };
        self.now + TimeDelta::seconds(away) + tick
    }

    pub(super) fn turn(&mut self) -> Command {
        let turn = match self.dice.within(1, 5) {
            1 | 2 => Turn::Pause,
            3 | 4 => Turn::Resume,
            _ => Turn::End,
        };
        let latest = self.offers.saturating_sub(3);
        let offer =
            if self.dice.percent(70) { latest + self.dice.up_to(3) } else { self.dice.up_to(self.offers) };
        Command::Turn { process: self.process(), offer, turn }
    }

    /// A merchant who is stopped soon goes on, mostly.
    pub(super) fn rein(&mut self) -> Command {
        let (process, merchant) = (self.process(), usize::from(self.dice.percent(50)));
        let rein = |rein| Command::Rein { process, merchant, rein };
        if self.dice.percent(3) {
            return rein(Rein::Close);
        }
        if self.dice.percent(20) {
            return rein(Rein::Reinstate);
        }
        let refund = self.dice.percent(50);
        if refund && self.dice.percent(80) {
            self.ahead.push_back(Command::Expire { process });
        }
        self.ahead.push_back(rein(Rein::Reinstate));
        rein(Rein::Suspend { refund })
    }

    /// Told lately, at the edge of what is taken, or once more.
    pub(super) fn scan(&mut self) -> Command {
        let ((merchant, redemption, voucher), scanned_at) =
            if self.dice.percent(25) { self.last_scan } else { (self.voucher(20), self.scanned_at()) };
        self.last_scan = ((merchant, redemption, voucher), scanned_at);
        Command::Scan { process: self.process(), merchant, redemption, voucher, scanned_at }
    }

    pub(super) fn scanned_at(&mut self) -> DateTime<Utc> {
        let tick = MOMENT * i32::try_from(self.dice.within(-1, 1)).unwrap_or(0);
        match self.dice.within(1, 20) {
            1 => self.now - TimeDelta::days(7) + tick,
            2 => self.now + TimeDelta::minutes(5) + tick,
            3..=8 => self.now - TimeDelta::seconds(self.dice.within(0, 86_400 * 7)),
            _ => self.now - TimeDelta::seconds(self.dice.within(0, 7_200)),
        }
    }

    /// Now and then the same request comes again, or its key with another one.
    pub(super) fn redeem(&mut self) -> Command {
        let again = self.last_wish.filter(|wish| wish.key.is_some() && self.dice.clone().percent(40));
        let more = i64::from(self.dice.percent(20));
        let again = again.map(|wish| Wish { quantity: wish.quantity + more, ..wish });
        let wish = again.unwrap_or_else(|| self.wish());
        self.last_wish = Some(wish);
        self.redeem_as(wish)
    }

    pub(super) fn redeem_as(&mut self, wish: Wish) -> Command {
        let redemption = u32::try_from(self.redemptions.len() + 1).unwrap_or(u32::MAX);
        self.redemptions.push((redemption, wish));
        Command::Redeem { process: self.process(), redemption, wish }
    }

    pub(super) fn wish(&mut self) -> Wish {
        let quantity = match self.dice.within(1, 20) {
            1 => 0,
            2 => self.dice.within(19, 21),
            3..=7 => self.dice.within(2, 4),
            _ => 1,
        };
        let key = if self.dice.percent(30) { Some(self.dice.up_to(3)) } else { None };
        Wish { citizen: self.citizen(), offer: self.dice.up_to(self.offers + 1), quantity, key }
    }

    pub(super) fn cancel(&mut self) -> Command {
        let known = self.dice.pick(&self.redemptions).copied();
        let (redemption, citizen) = known.map_or((1, 1), |(redemption, wish)| (redemption, wish.citizen));
        let redemption = if self.dice.percent(15) { self.last_use.1 } else { redemption };
        let citizen = if self.dice.percent(8) { self.citizen() } else { citizen };
        Command::Cancel { process: self.process(), redemption, citizen }
    }

    pub(super) fn use_voucher(&mut self) -> Command {
        let (merchant, redemption, voucher) = self.voucher(15);
        self.last_use = (merchant, redemption, voucher);
        Command::Use { process: self.process(), merchant, redemption, voucher }
    }

    pub(super) fn void(&mut self) -> Command {
        let (merchant, redemption, voucher) = self.voucher(80);
        Command::Void { process: self.process(), merchant, redemption, voucher }
    }

    /// By that chance the last that was to be used, else mostly one that was bought lately.
    pub(super) fn voucher(&mut self, last: i64) -> (usize, u32, usize) {
        if self.dice.percent(last) {
            return self.last_use;
        }
        let latest = self.redemptions.len().saturating_sub(8);
        let among = if self.dice.percent(80) { &self.redemptions[latest..] } else { &self.redemptions[..] };
        let Some((redemption, wish)) = self.dice.pick(among).copied() else { return (0, 1, 0) };
        let merchant = merchant_of(wish.offer + u32::from(self.dice.percent(10)));
        (merchant, redemption, usize::from(self.dice.percent(20)))
    }

    /// Somebody begins to work at one of the statements, perhaps with all steps in mind.
    pub(super) fn close(&mut self) -> Command {
        let (merchant, number) = (usize::from(self.dice.percent(50)), i64::from(self.dice.up_to(2)));
        self.at_work = (merchant, number, 0);
        let process = self.process();
        if self.dice.percent(40) {
            let steps = [Step::Submit, Step::Submit, Step::Approve, Step::Approve, Step::Pay, Step::Pay];
            self.ahead.extend(steps.map(|step| {
                let other = step == Step::Approve;
                Command::Settle { process, merchant, number, step, other }
            }));
        }
        Command::Close { process }
    }

    /// Mostly the step that is due of the statement that somebody works at.
    pub(super) fn settle(&mut self) -> Command {
        let (merchant, number, taken) = self.at_work;
        let step = match self.dice.within(1, 20) {
            1 => Step::Return,
            2 => Step::Pay,
            3 => Step::Submit,
            4 => Step::Approve,
            _ => STEPS_OF_A_STATEMENT[taken],
        };
        let other = self.dice.percent(if step == Step::Approve { 85 } else { 15 });
        self.at_work = match taken + 1 {
            next if next < STEPS_OF_A_STATEMENT.len() => (merchant, number, next),
            _ => (merchant, number, 0),
        };
        Command::Settle { process: self.process(), merchant, number, step, other }
    }
}

/// Merchants take turns with their offers.
fn merchant_of(offer: u32) -> usize {
    usize::from(offer.is_multiple_of(2))
}
