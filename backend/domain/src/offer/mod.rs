//! Offers: what points can be redeemed for, under which conditions, and how many are left.
//!
//! Decides nothing about a citizen's points: that is for `redemption`.

mod draft;
mod life;

use chrono::{DateTime, Utc};

use crate::amount::{Fen, Points};
use crate::id::{CitizenId, CityId, MerchantId, OfferId, ProjectId};
use crate::text::Text;

pub use draft::{
    Fault, NAME_BYTES_MAX, OfferDraft, PICTURES_MAX, STOCK_MAX, TEXT_BYTES_MAX, VOUCHER_DAYS_MAX,
};
pub use life::{By, OfferStatus, OfferStep, OfferStepError, REASON_BYTES_MAX};

/// What a redemption gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfferKind {
    /// A coupon for something at the merchant.
    Coupon,
    /// A thing to take away.
    Goods,
    /// Money on a transit card.
    TransitTopUp,
    /// Points for a public project: no voucher, and never given back.
    Donation(ProjectId),
}

impl OfferKind {
    /// The word used in answers and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Coupon => "coupon",
            Self::Goods => "goods",
            Self::TransitTopUp => "transit_top_up",
            Self::Donation(_) => "donation",
        }
    }

    /// The kind of a word, with the project that a donation is for.
    #[must_use]
    pub fn from_word(word: &str, project: Option<ProjectId>) -> Option<Self> {
        match (word, project) {
            ("coupon", None) => Some(Self::Coupon),
            ("goods", None) => Some(Self::Goods),
            ("transit_top_up", None) => Some(Self::TransitTopUp),
            ("donation", Some(project)) => Some(Self::Donation(project)),
            _ => None,
        }
    }

    /// The project that the points go to.
    #[must_use]
    pub const fn project(self) -> Option<ProjectId> {
        match self {
            Self::Donation(project) => Some(project),
            Self::Coupon | Self::Goods | Self::TransitTopUp => None,
        }
    }
}

/// What people read about an offer besides its title.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// What it is.
    pub text: Text,
    /// What goes for it.
    pub terms: Text,
    /// Addresses of pictures.
    pub pictures: Vec<String>,
    /// What it is worth in money.
    pub face_value: Fen,
}

/// When and for whom an offer can be redeemed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// How many there are on one civil day.
    pub stock_per_day: Option<i64>,
    /// How many one citizen may have in one civil week.
    pub per_person_week: Option<i64>,
    /// First instant at which it can be redeemed.
    pub opens_at: Option<DateTime<Utc>>,
    /// First instant at which it no longer can.
    pub closes_at: Option<DateTime<Utc>>,
    /// The only district whose citizens may.
    pub district: Option<String>,
    /// The least level that a citizen must have reached, by its id in the rule file.
    pub level: Option<String>,
    /// Whether the points of a voucher that nobody used come back when its time is over.
    pub refund_expired: bool,
}

/// What the city has set aside for an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// In all.
    pub all: Fen,
    /// What no live or used voucher has taken of it.
    pub left: Fen,
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
    /// What a redemption gives.
    pub kind: OfferKind,
    /// What it is.
    pub title: Text,
    /// What else there is to say.
    pub about: About,
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
    /// When and for whom.
    pub conditions: Conditions,
    /// What the city pays at most; none: whatever the stock comes to.
    pub budget: Option<Budget>,
    /// Where it is in its life.
    pub status: OfferStatus,
    /// For how many days a voucher is good.
    pub voucher_days: i32,
    /// Counts its edits and steps, from 1.
    pub version: i64,
    /// Who submitted it last.
    pub submitted_by: Option<CitizenId>,
    /// Who approved it.
    pub approved_by: Option<CitizenId>,
    /// Why it was sent back last.
    pub note: Option<String>,
    /// Whether the city has stopped its merchant.
    pub halted: bool,
}

impl Offer {
    /// Whether what a citizen had of it before counts.
    #[must_use]
    pub fn limits_each_person(&self) -> bool {
        self.per_person.is_some() || self.conditions.per_person_week.is_some()
    }

    /// How many the budget pays for; none without a limit.
    #[must_use]
    pub fn budget_pays(&self) -> Option<i64> {
        let left = self.budget?.left.get();
        left.checked_div(self.payout.get())
    }

    /// How many can still be redeemed on a day on which so many were.
    #[must_use]
    pub fn left_today(&self, taken_today: i64) -> i64 {
        let today = self.conditions.stock_per_day.map(|most| most.saturating_sub(taken_today));
        let limits = [Some(self.stock_left), today, self.budget_pays()];
        limits.into_iter().flatten().min().unwrap_or(0).max(0)
    }
}

/// A public project that points can be given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its city.
    pub city: CityId,
    /// What it is called.
    pub title: Text,
    /// What it does.
    pub text: Text,
    /// Points given to it so far.
    pub points: Points,
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;

    /// A live coupon of 20 points: ten of them, five yuan each.
    pub(crate) fn coupon() -> Offer {
        Offer {
            id: OfferId::new(Uuid::from_u128(1)),
            city: CityId::new(1),
            merchant: MerchantId::new(Uuid::from_u128(2)),
            merchant_name: "Corner shop".to_owned(),
            kind: OfferKind::Coupon,
            title: Text::new("豆浆", "Soy milk"),
            about: About::default(),
            price: Points::new(20),
            payout: Fen::new(500),
            stock_total: 10,
            stock_left: 10,
            per_person: None,
            conditions: Conditions::default(),
            budget: None,
            status: OfferStatus::Live,
            voucher_days: 30,
            version: 1,
            submitted_by: None,
            approved_by: None,
            note: None,
            halted: false,
        }
    }

    #[test]
    fn what_is_left_is_the_least_of_stock_day_and_budget() {
        let budget = |left| Some(Budget { all: Fen::new(9_999), left: Fen::new(left) });
        for (stock_left, per_day, budget, left) in [
            (10, None, None, 10),
            (10, Some(5), None, 3),
            (2, Some(5), None, 2),
            (10, Some(2), None, 0),
            (10, Some(1), None, 0),
            (10, None, budget(1_499), 2),
            (10, None, budget(1_500), 3),
            (10, Some(4), budget(499), 0),
        ] {
            let conditions = Conditions { stock_per_day: per_day, ..Conditions::default() };
            let offer = Offer { stock_left, conditions, budget, ..coupon() };
            assert_eq!(offer.left_today(2), left, "{stock_left} {per_day:?} {budget:?}");
        }
        let free = Offer { payout: Fen::ZERO, budget: budget(0), ..coupon() };
        assert_eq!(free.left_today(0), 10, "what costs nothing needs no budget");
    }

    #[test]
    fn a_donation_names_its_project_and_nothing_else_does() {
        let project = ProjectId::new(Uuid::from_u128(7));
        for kind in
            [OfferKind::Coupon, OfferKind::Goods, OfferKind::TransitTopUp, OfferKind::Donation(project)]
        {
            assert_eq!(OfferKind::from_word(kind.word(), kind.project()), Some(kind));
        }
        assert_eq!(OfferKind::from_word("donation", None), None);
        assert_eq!(OfferKind::from_word("coupon", Some(project)), None);
        assert_eq!(OfferKind::from_word("lottery", None), None);
    }
}
