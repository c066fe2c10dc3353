//! Two things that meet: the last item, the last points, two tills, a use and whatever undoes it.

use super::Life;
use crate::command::{Command, Rein, Step, Turn, Wish};

impl Life {
    pub(super) fn race(&mut self) -> Command {
        match self.dice.within(1, 20) {
            1..=4 => self.rival_wishes(),
            5..=9 => self.rival_tills(),
            10 | 11 => self.rival_voids(),
            12..=14 => self.rival_reports(),
            15..=17 => self.rival_officers(),
            18 => self.city_against_till(),
            _ => self.end_against_wish(),
        }
    }

    /// The same wish twice, of one citizen or of two, perhaps under one key.
    fn rival_wishes(&mut self) -> Command {
        let wish = self.wish();
        let citizen = if self.dice.percent(50) { wish.citizen } else { self.citizen() };
        let (one, other) = (self.redeem_as(wish), self.redeem_as(Wish { citizen, ..wish }));
        at_once(one, other)
    }

    fn rival_tills(&mut self) -> Command {
        let (merchant, redemption, voucher) = self.voucher(20);
        self.last_use = (merchant, redemption, voucher);
        let one = Command::Use { process: 0, merchant, redemption, voucher };
        let other = match self.dice.within(1, 6) {
            1 => one.clone(),
            2..=4 => self.cancel_of(redemption),
            _ => {
                let scanned_at = self.scanned_at();
                Command::Scan { process: 1, merchant, redemption, voucher, scanned_at }
            }
        };
        at_once(one, other)
    }

    fn cancel_of(&mut self, redemption: u32) -> Command {
        let known = self.redemptions.iter().find(|(number, _)| *number == redemption);
        let citizen = known.map_or(1, |(_, wish)| wish.citizen);
        Command::Cancel { process: 1, redemption, citizen }
    }

    fn rival_voids(&mut self) -> Command {
        let (merchant, redemption, voucher) = self.last_use;
        let one = Command::Void { process: 0, merchant, redemption, voucher };
        let (_, number, _) = self.at_work;
        let other = match self.dice.within(1, 3) {
            1 => one.clone(),
            2 => Command::Close { process: 1 },
            _ => Command::Settle { process: 1, merchant, number, step: Step::Approve, other: true },
        };
        at_once(one, other)
    }

    /// One act told twice, perhaps not quite the same.
    fn rival_reports(&mut self) -> Command {
        let act = self.act();
        let told = if self.dice.percent(60) { act } else { self.again(act) };
        let report = |process, act| Command::Report { process, acts: vec![act] };
        at_once(report(0, act), report(1, told))
    }

    fn rival_officers(&mut self) -> Command {
        match self.dice.within(1, 3) {
            1 => {
                let (one, other) = (self.decide(), self.dice.percent(50));
                let Command::Decide { process, adjustment, .. } = one else { return one };
                at_once(one, Command::Decide { process, adjustment, approve: other, other: true })
            }
            2 => {
                let one = self.review();
                let Command::Review { process, act, release } = one else { return one };
                at_once(one, Command::Review { process, act, release: !release })
            }
            _ => {
                let (one, wish) = (self.reverse(), self.wish());
                let other = if self.dice.percent(50) { one.clone() } else { self.redeem_as(wish) };
                at_once(one, other)
            }
        }
    }

    fn city_against_till(&mut self) -> Command {
        let (merchant, redemption, voucher) = self.voucher(50);
        let stop = Command::Rein { process: 0, merchant, rein: Rein::Suspend { refund: true } };
        self.ahead.push_back(Command::Expire { process: 1 });
        self.ahead.push_back(Command::Rein { process: 1, merchant, rein: Rein::Reinstate });
        at_once(stop, Command::Use { process: 1, merchant, redemption, voucher })
    }

    fn end_against_wish(&mut self) -> Command {
        let wish = self.wish();
        let other = self.redeem_as(wish);
        at_once(Command::Turn { process: 0, offer: wish.offer, turn: Turn::Pause }, other)
    }
}

/// One on each process.
fn at_once(mut one: Command, mut other: Command) -> Command {
    one.process_mut().into_iter().for_each(|process| *process = 0);
    other.process_mut().into_iter().for_each(|process| *process = 1);
    Command::AtOnce(Box::new([one, other]))
}
