//! All that can be seen of a city, as lines of text.

use std::cmp::Reverse;

use chrono::{DateTime, NaiveDate, Utc};

use super::Oracle;
use super::merchant::Merchant;
use super::person::{LotDays, Person, Span};
use crate::watch::{self, Purse};

impl Oracle {
    pub fn look(&self, day: NaiveDate, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<String> {
        let mut lines = Vec::new();
        let today = self.today();
        for (number, person) in &self.citizens {
            let good = person.good(today) - person.overdrawn - person.owed;
            let purse = Purse {
                balance: person.balance(),
                debts: (person.overdrawn, person.owed),
                pending: person.pending(today),
                spendable: good.max(0),
                waiting: self.waits_for(*number),
                lots: open(person),
                statement: (person.balance_before(from), person.balance_before(until)),
            };
            lines.push(watch::citizen(*number, &purse));
        }
        for (number, offer) in &self.offers {
            let left = (offer.left, offer.taken_on(today), offer.budget_left);
            lines.push(watch::offer(*number, left, offer.life.word()));
        }
        for (number, redemption) in &self.redemptions {
            lines.push(watch::redemption(*number, &redemption.words_at(self.now)));
        }
        for (number, merchant) in self.merchants.iter().enumerate() {
            let conflicts = self.conflicts(number).join(" ");
            let standing = (merchant.standing.word(), merchant.issued.word());
            let account = (merchant.owed(), merchant.statements());
            lines.push(watch::merchant(number, standing, &account, &conflicts));
        }
        lines.push(watch::project(self.given));
        lines.push(self.programme());
        lines.push(watch::waiting(self.waiting.len()));
        for (key, decided) in self.decided.iter().step_by(watch::ACTIVITIES_STEP) {
            let granted = (decided.paid, decided.granted.milligrams);
            lines.push(watch::activity(*key, decided.status, granted));
        }
        for span in Span::ALL {
            for by_points in [true, false] {
                lines.push(self.board(span, by_points, day));
            }
        }
        lines
    }

    /// What the city gave, with the other sign.
    fn programme(&self) -> String {
        let held = self.citizens.values().map(Person::balance);
        let (points, milligrams) =
            held.fold((0, 0), |sum, (points, milligrams)| (sum.0 - points, sum.1 - milligrams));
        watch::programme(
            points - self.given,
            milligrams,
            -self.merchants.iter().map(Merchant::owed).sum::<i64>(),
        )
    }

    fn board(&self, span: Span, by_points: bool, day: NaiveDate) -> String {
        let mut places: Vec<(i64, Option<DateTime<Utc>>, u32)> = Vec::new();
        for (number, person) in &self.citizens {
            let (points, milligrams, reached_at) = person.score(span, day);
            let score = if by_points { points } else { milligrams };
            if score > 0 {
                places.push((score, reached_at, *number));
            }
        }
        places.sort_by_key(|(score, reached_at, number)| (Reverse(*score), *reached_at, self.ids[number]));
        let shown: Vec<(u32, i64)> = places.into_iter().map(|(score, _, number)| (number, score)).collect();
        watch::board(span, by_points, &shown)
    }
}

fn open(person: &Person) -> Vec<(LotDays, i64)> {
    person.lots.iter().filter(|(_, lot)| lot.left > 0).map(|(days, lot)| (*days, lot.left)).collect()
}
