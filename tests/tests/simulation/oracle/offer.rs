//! Offers: what is left of them, for whom they are, and their merchants' standing.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::Oracle;
use super::person::Span;
use crate::command::{Opening, Rein, Turn};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Live,
    Paused,
    Ended,
}

impl Life {
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Offer {
    pub opening: Opening,
    pub left: i64,
    pub life: Life,
    /// Fen.
    pub budget_left: Option<i64>,
    /// Taken and not given back, by the day of the taking; kept where a day has a limit.
    taken: BTreeMap<NaiveDate, i64>,
}

/// Who wants something, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    pub now: DateTime<Utc>,
    pub today: NaiveDate,
    pub quantity: i64,
    pub in_south: Option<bool>,
    pub is_tree: bool,
    /// What the citizen has and has not given back, in all and of this week.
    pub had: (i64, i64),
}

impl Offer {
    pub fn new(opening: Opening) -> Self {
        let (left, budget_left) = (opening.stock, opening.budget);
        Self { opening, left, life: Life::Live, budget_left, taken: BTreeMap::new() }
    }

    pub fn payout(&self) -> i64 {
        self.opening.payout.unwrap_or(0)
    }

    pub fn taken_on(&self, day: NaiveDate) -> i64 {
        self.taken.get(&day).copied().unwrap_or(0)
    }

    /// So many more leave the shelf on a day, or come back to it when below zero.
    pub fn give(&mut self, quantity: i64, day: NaiveDate) {
        let payout = self.payout();
        self.left -= quantity;
        if let Some(left) = &mut self.budget_left {
            *left -= payout * quantity;
        }
        if self.opening.stock_per_day.is_some() {
            *self.taken.entry(day).or_default() += quantity;
        }
    }

    /// Why somebody cannot have so many, points aside.
    pub fn refuses(&self, halted: bool, asking: &Asking) -> Result<(), String> {
        let Asking { now, quantity, had: (ever, this_week), .. } = *asking;
        let opening = &self.opening;
        if self.life != Life::Live || halted {
            return Err("offer closed".to_owned());
        }
        if self.left == 0 {
            return Err("stock 0".to_owned());
        }
        if opening.opens_at.is_some_and(|opens_at| now < opens_at) {
            return Err("opens later".to_owned());
        }
        if opening.closes_at.is_some_and(|closes_at| now >= closes_at) {
            return Err("offer closed".to_owned());
        }
        if opening.in_south && asking.in_south != Some(true) {
            return Err("other district".to_owned());
        }
        if opening.for_trees && !asking.is_tree {
            return Err("level".to_owned());
        }
        if opening.per_person.is_some_and(|allowed| ever + quantity > allowed) {
            return Err(format!("limit, had {ever}"));
        }
        if opening.per_person_week.is_some_and(|allowed| this_week + quantity > allowed) {
            return Err(format!("limit of the week, had {this_week}"));
        }
        if self.left < quantity {
            return Err(format!("stock {}", self.left));
        }
        let left_today = opening.stock_per_day.map(|most| (most - self.taken_on(asking.today)).max(0));
        if let Some(left) = left_today.filter(|left| *left < quantity) {
            return Err(format!("today {left}"));
        }
        let paid_for = self.budget_left.filter(|_| self.payout() > 0).map(|left| left / self.payout());
        paid_for.filter(|left| *left < quantity).map_or(Ok(()), |left| Err(format!("budget {left}")))
    }

    /// Nothing is ever taken that is not there.
    pub fn check(&self) {
        let days = self.taken.values().all(|taken| *taken >= 0);
        let stock = (0..=self.opening.stock).contains(&self.left);
        assert!(stock && days && self.budget_left.is_none_or(|left| left >= 0), "an offer below zero");
    }
}

/// Where a merchant stands with the city.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Active,
    Suspended,
    Closed,
}

/// What becomes of a merchant's vouchers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Issued {
    #[default]
    Work,
    Refunding,
    Refunded,
}

impl Standing {
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }
}

impl Issued {
    pub fn word(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
        }
    }
}

impl Oracle {
    pub(super) fn turn(&mut self, offer: u32, turn: Turn) -> String {
        let Some(offer) = self.offers.get_mut(&offer) else { return "no offer".to_owned() };
        offer.life = match (turn, offer.life) {
            (Turn::Pause, Life::Live) => Life::Paused,
            (Turn::Resume, Life::Paused) => Life::Live,
            (Turn::End, Life::Live | Life::Paused) => Life::Ended,
            (Turn::Pause | Turn::Resume | Turn::End, life) => return format!("is {}", life.word()),
        };
        offer.life.word().to_owned()
    }

    pub(super) fn rein(&mut self, merchant: usize, rein: Rein) -> String {
        let merchant = &mut self.merchants[merchant];
        (merchant.standing, merchant.issued) = match (rein, merchant.standing) {
            (Rein::Suspend { refund: true }, Standing::Active) => (Standing::Suspended, Issued::Refunding),
            (Rein::Suspend { refund: false }, Standing::Active) => (Standing::Suspended, Issued::Work),
            (Rein::Reinstate, Standing::Suspended) if merchant.issued == Issued::Refunding => {
                return "still refunding".to_owned();
            }
            (Rein::Reinstate, Standing::Suspended) => (Standing::Active, Issued::Work),
            (Rein::Close, Standing::Active | Standing::Suspended) => (Standing::Closed, Issued::Refunding),
            (Rein::Suspend { .. } | Rein::Reinstate | Rein::Close, standing) => {
                return format!("is {}", standing.word());
            }
        };
        format!("{}, {}", merchant.standing.word(), merchant.issued.word())
    }

    /// What a citizen brings when asking for an offer.
    pub(super) fn asking(&self, citizen: u32, offer: u32, quantity: i64) -> Asking {
        let (now, today) = (self.now, self.today());
        let person = &self.citizens[&citizen];
        let ever_given = person.used_of_all(Span::All, today).points;
        let is_tree = ever_given >= self.law_at(now).tree_points;
        let had = self.had(citizen, offer);
        Asking { now, today, quantity, in_south: person.in_south, is_tree, had }
    }
}
