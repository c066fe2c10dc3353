//! Somebody earns points and spends nearly all of them before what earned them is undone: debts, and points
//! that make up for them later.

use super::{CARDS, Life};
use crate::command::{Act, Command, Deed, Opening, Wish};

/// Whatever somebody has below sixty vouchers' worth, these leave less than the price of one.
const DOWN_TO_NOTHING: [i64; 8] = [20, 20, 10, 5, 3, 1, 1, 1];

impl Life {
    /// Begins with a newcomer whose card is nobody else's.
    pub(super) fn spree(&mut self) -> Command {
        self.citizens += 1;
        let citizen = self.citizens;
        let card = CARDS + citizen;
        self.cards.push((0, card));
        let earned = self.rides_of(card, 1);
        let offer = self.cheap_offer();
        self.report_later(&earned);
        for quantity in DOWN_TO_NOTHING {
            let command = self.redeem_as(Wish { citizen, offer, quantity, key: None });
            self.ahead.push_back(command);
        }
        let process = self.process();
        self.ahead.extend(earned.iter().map(|act| Command::Reverse { process, act: act.key() }));
        if self.dice.percent(70) {
            let later = self.rides_of(card, 2);
            self.report_later(&later);
            self.ahead.push_back(Command::Expire { process });
        }
        Command::Enrol { citizen, source: 0, card }
    }

    fn rides_of(&mut self, card: u32, count: usize) -> Vec<Act> {
        let ride = Act {
            source: 0,
            id: 0,
            card,
            deed: Deed::Ride,
            size: self.dice.within(2_000, 20_000),
            minutes: 1,
            mark: 0,
            at: self.now,
        };
        (0..count).map(|_| self.new_act(ride)).collect()
    }

    fn report_later(&mut self, acts: &[Act]) {
        let process = self.process();
        self.ahead.push_back(Command::Report { process, acts: acts.to_vec() });
    }

    fn cheap_offer(&mut self) -> u32 {
        let opening = Opening { price: self.dice.within(1, 2), stock: 200, per_person: None, ..self.plain() };
        self.offers += 1;
        self.ahead.push_back(Command::Open { offer: self.offers, opening });
        self.offers
    }
}
