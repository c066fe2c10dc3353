//! Taking: one decision over points, stock, limits and budget. All of it is taken, or nothing.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::QUANTITY_MAX;
use crate::amount::{Fen, Points};
use crate::id::{OfferId, RedemptionId};
use crate::ledger::{
    Account, Amounts, InsufficientPoints, Lot, LotTake, Posting, PostingError, lots_after, take_from_lots,
};
use crate::offer::{Offer, OfferStatus};
use crate::time::Period;

/// What someone wants.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    /// The redemption that it will be.
    pub redemption: RedemptionId,
    /// How many.
    pub quantity: i64,
}

/// When it is decided.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The instant.
    pub now: DateTime<Utc>,
    /// The city's civil day.
    pub today: NaiveDate,
}

/// An offer that is being taken from.
#[derive(Debug, Clone)]
pub struct Shelf {
    /// The offer with what is left of it.
    pub offer: Offer,
    /// How many of it were taken today and not given back.
    pub taken_today: i64,
}

/// How many of an offer a citizen has and has not given back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Had {
    /// In all.
    pub ever: i64,
    /// Of these in this civil week.
    pub this_week: i64,
}

/// A citizen who is taking.
#[derive(Debug, Clone)]
pub struct Buyer {
    /// The account.
    pub account: Account,
    /// Lots with something left.
    pub lots: Vec<Lot>,
    /// What of which offer.
    pub had: HashMap<OfferId, Had>,
    /// District, where told.
    pub district: Option<String>,
    /// Ids of the levels reached.
    pub levels: HashSet<String>,
}

/// Why nothing was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing, or more than [`QUANTITY_MAX`].
    #[error("quantity must be 1 to {QUANTITY_MAX}")]
    Quantity,
    /// The offer has ended, is paused or was never opened.
    #[error("the offer cannot be redeemed")]
    OfferClosed,
    /// Its time has not come.
    #[error("the offer opens at {opens_at}")]
    NotOpenYet {
        /// When it will.
        opens_at: DateTime<Utc>,
    },
    /// It is for citizens of one district.
    #[error("for citizens of {district}")]
    OtherDistrict {
        /// Which.
        district: String,
    },
    /// It is for citizens who have reached a level.
    #[error("for citizens of level {level}")]
    LevelNotReached {
        /// Its id in the rule file.
        level: String,
    },
    /// The citizen may have no more of it.
    #[error("{allowed} per person, {had} had")]
    LimitReached {
        /// How many one citizen may have.
        allowed: i64,
        /// How many the citizen has.
        had: i64,
        /// In each week, or in all.
        per: Period,
    },
    /// Fewer are left than asked for.
    #[error("{left} left")]
    OutOfStock {
        /// How many are left.
        left: i64,
    },
    /// Fewer are left for this day than asked for.
    #[error("{left} left today")]
    OutOfStockToday {
        /// How many are left.
        left: i64,
    },
    /// The city's budget pays for fewer than asked for.
    #[error("the budget pays for {left}")]
    BudgetExhausted {
        /// For how many it pays.
        left: i64,
    },
    /// The citizen has fewer points than the price.
    #[error(transparent)]
    InsufficientPoints(#[from] InsufficientPoints),
    /// The account cannot carry it.
    #[error(transparent)]
    Unpostable(#[from] PostingError),
}

/// What was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Points in all.
    pub points: Points,
    /// From which lots.
    pub takes: Vec<LotTake>,
    /// Budget in all.
    pub budget: Fen,
    /// The line on the citizen's account.
    pub posting: Posting,
}

/// Takes from the shelf and from the buyer, or from neither.
pub fn take(want: Want, shelf: &mut Shelf, buyer: &mut Buyer, at: Moment) -> Result<Taken, Refusal> {
    let Want { redemption, quantity } = want;
    if !(1..=QUANTITY_MAX).contains(&quantity) {
        return Err(Refusal::Quantity);
    }
    live(&shelf.offer)?;
    // Before all else: who comes to an empty shelf is told so without waiting to be known.
    if shelf.offer.stock_left <= 0 {
        return Err(Refusal::OutOfStock { left: 0 });
    }
    open(&shelf.offer, at.now)?;
    eligible(&shelf.offer, buyer)?;
    let had = buyer.had.get(&shelf.offer.id).copied().unwrap_or_default();
    within_limits(&shelf.offer, had, quantity)?;
    in_stock(shelf, quantity)?;
    let points = shelf.offer.price.times(quantity).map_err(PostingError::from)?;
    let budget = shelf.offer.payout.times(quantity).map_err(PostingError::from)?;
    let takes = take_from_lots(&buyer.lots, points, at.today)?;
    let moved = Amounts::points(points.negated().map_err(PostingError::from)?);
    let posting = buyer.account.post(moved, Some(redemption.get()))?;

    buyer.lots = lots_after(&buyer.lots, &takes);
    let more = |count: i64| count.saturating_add(quantity);
    buyer.had.insert(shelf.offer.id, Had { ever: more(had.ever), this_week: more(had.this_week) });
    shelf.taken_today = more(shelf.taken_today);
    shelf.offer.stock_left = shelf.offer.stock_left.saturating_sub(quantity);
    if let Some(set_aside) = &mut shelf.offer.budget {
        set_aside.left = set_aside.left.minus(budget).map_err(PostingError::from)?;
    }
    Ok(Taken { points, takes, budget, posting })
}

fn live(offer: &Offer) -> Result<(), Refusal> {
    match offer.status {
        OfferStatus::Live if !offer.halted => Ok(()),
        OfferStatus::Live
        | OfferStatus::Draft
        | OfferStatus::Submitted
        | OfferStatus::Approved
        | OfferStatus::Paused
        | OfferStatus::Ended => Err(Refusal::OfferClosed),
    }
}

fn open(offer: &Offer, now: DateTime<Utc>) -> Result<(), Refusal> {
    if let Some(opens_at) = offer.conditions.opens_at.filter(|opens_at| now < *opens_at) {
        return Err(Refusal::NotOpenYet { opens_at });
    }
    let over = offer.conditions.closes_at.is_some_and(|closes_at| closes_at <= now);
    if over { Err(Refusal::OfferClosed) } else { Ok(()) }
}

fn eligible(offer: &Offer, buyer: &Buyer) -> Result<(), Refusal> {
    if let Some(district) = &offer.conditions.district
        && buyer.district.as_ref() != Some(district)
    {
        return Err(Refusal::OtherDistrict { district: district.clone() });
    }
    match &offer.conditions.level {
        Some(level) if !buyer.levels.contains(level) => {
            Err(Refusal::LevelNotReached { level: level.clone() })
        }
        Some(_) | None => Ok(()),
    }
}

fn within_limits(offer: &Offer, had: Had, quantity: i64) -> Result<(), Refusal> {
    let limits = [
        (offer.per_person, had.ever, Period::All),
        (offer.conditions.per_person_week, had.this_week, Period::Week),
    ];
    for (allowed, had, per) in limits {
        if let Some(allowed) = allowed
            && had.saturating_add(quantity) > allowed
        {
            return Err(Refusal::LimitReached { allowed, had, per });
        }
    }
    Ok(())
}

fn in_stock(shelf: &Shelf, quantity: i64) -> Result<(), Refusal> {
    let offer = &shelf.offer;
    if offer.stock_left < quantity {
        return Err(Refusal::OutOfStock { left: offer.stock_left });
    }
    let today = offer.conditions.stock_per_day.map(|most| most.saturating_sub(shelf.taken_today).max(0));
    if let Some(left) = today.filter(|left| *left < quantity) {
        return Err(Refusal::OutOfStockToday { left });
    }
    match offer.budget_pays().filter(|left| *left < quantity) {
        Some(left) => Err(Refusal::BudgetExhausted { left }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::{CitizenId, CityId};
    use crate::ledger::{AT_ONCE, Debt, LotKey, NEVER, OwnerKind};
    use crate::offer::tests::coupon;
    use crate::offer::{Budget, Conditions};

    const AT: Moment = Moment { now: DateTime::UNIX_EPOCH, today: AT_ONCE };

    fn want(quantity: i64) -> Want {
        Want { redemption: RedemptionId::new(Uuid::from_u128(9)), quantity }
    }

    fn buyer(points: i64) -> Buyer {
        let balance = Amounts::points(Points::new(points));
        let owner = CitizenId::new(Uuid::from_u128(3)).into();
        let (kind, debt) = (OwnerKind::Citizen, Debt::default());
        Buyer {
            account: Account { owner, city: CityId::new(1), kind, version: 4, balance, debt },
            lots: vec![Lot { key: LotKey::until(NEVER), left: Points::new(points) }],
            had: HashMap::new(),
            district: None,
            levels: HashSet::new(),
        }
    }

    fn shelf(offer: Offer) -> Shelf {
        Shelf { offer, taken_today: 0 }
    }

    fn outcome(offer: Offer, buyer: &Buyer, quantity: i64) -> Result<Taken, Refusal> {
        take(want(quantity), &mut shelf(offer), &mut buyer.clone(), AT)
    }

    #[test]
    fn all_of_it_is_taken_together() {
        let budget = Some(Budget { all: Fen::new(2_000), left: Fen::new(2_000) });
        let (mut shelf, mut buyer) = (shelf(Offer { budget, ..coupon() }), buyer(100));
        let taken = take(want(3), &mut shelf, &mut buyer, AT).unwrap();
        assert_eq!((taken.points, taken.budget), (Points::new(60), Fen::new(1_500)));
        assert_eq!((taken.posting.version, taken.posting.after.points), (5, Points::new(40)));
        assert_eq!(taken.takes.iter().map(|take| take.points.get()).sum::<i64>(), 60);
        assert_eq!((shelf.offer.stock_left, shelf.taken_today), (7, 3));
        assert_eq!(shelf.offer.budget.unwrap().left, Fen::new(500));
        assert_eq!(buyer.lots.iter().map(|lot| lot.left.get()).sum::<i64>(), 40);
        assert_eq!(buyer.had.get(&shelf.offer.id), Some(&Had { ever: 3, this_week: 3 }));
        let refused = take(want(3), &mut shelf, &mut buyer, AT);
        assert_eq!(refused, Err(Refusal::BudgetExhausted { left: 1 }), "the next sees what is left");
        let refused = take(want(1), &mut shelf, &mut buyer, AT).and_then(|_| {
            shelf.offer.budget = None;
            take(want(2), &mut shelf, &mut buyer, AT)
        });
        assert!(matches!(refused, Err(Refusal::InsufficientPoints(_))), "{refused:?}");
        assert_eq!((shelf.offer.stock_left, buyer.account.version), (6, 6), "a refusal takes nothing");
    }

    #[test]
    fn quantities_are_bounded() {
        let offer = Offer { stock_left: 100, stock_total: 100, ..coupon() };
        for (quantity, fits) in [(i64::MIN, false), (0, false), (1, true), (20, true), (21, false)] {
            let outcome = outcome(offer.clone(), &buyer(1_000), quantity);
            assert_eq!(outcome.is_ok(), fits, "{quantity}");
            assert!(fits || outcome == Err(Refusal::Quantity));
        }
    }

    #[test]
    fn stock_day_budget_and_limits_hold_at_their_edge() {
        let day = |most| Conditions { stock_per_day: Some(most), ..Conditions::default() };
        let week = |most| Conditions { per_person_week: Some(most), ..Conditions::default() };
        let budget = |fen| Some(Budget { all: Fen::new(fen), left: Fen::new(fen) });
        let limit = |allowed, per| Refusal::LimitReached { allowed, had: 0, per };
        let refused = |offer: Offer| outcome(offer, &buyer(1_000), 3).err();
        for (left, refusal) in [(3, None), (2, Some(Refusal::OutOfStock { left: 2 }))] {
            assert_eq!(refused(Offer { stock_left: left, ..coupon() }), refusal);
        }
        for (most, refusal) in [(3, None), (2, Some(Refusal::OutOfStockToday { left: 2 }))] {
            assert_eq!(refused(Offer { conditions: day(most), ..coupon() }), refusal);
        }
        for (fen, refusal) in [(1_500, None), (1_499, Some(Refusal::BudgetExhausted { left: 2 }))] {
            assert_eq!(refused(Offer { budget: budget(fen), ..coupon() }), refusal);
        }
        for (most, refusal) in [(3, None), (2, Some(limit(2, Period::All)))] {
            assert_eq!(refused(Offer { per_person: Some(most), ..coupon() }), refusal);
        }
        for (most, refusal) in [(3, None), (2, Some(limit(2, Period::Week)))] {
            assert_eq!(refused(Offer { conditions: week(most), ..coupon() }), refusal);
        }
    }

    #[test]
    fn an_offer_is_open_within_its_window_and_while_live() {
        for status in OfferStatus::ALL {
            let open = outcome(Offer { status, ..coupon() }, &buyer(99), 1).is_ok();
            assert_eq!(open, status == OfferStatus::Live, "{status:?}");
        }
        assert_eq!(outcome(Offer { halted: true, ..coupon() }, &buyer(99), 1), Err(Refusal::OfferClosed));
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let window = |opens_at, closes_at| {
            let conditions = Conditions { opens_at, closes_at, ..Conditions::default() };
            outcome(Offer { conditions, ..coupon() }, &buyer(99), 1).err()
        };
        assert_eq!(window(at(0), at(1)), None);
        assert_eq!(window(at(1), None), at(1).map(|opens_at| Refusal::NotOpenYet { opens_at }));
        assert_eq!(window(None, at(0)), Some(Refusal::OfferClosed));
    }

    #[test]
    fn an_empty_shelf_is_told_before_who_asks_and_when() {
        let later = DateTime::from_timestamp(9, 0);
        let south = Some("south".to_owned());
        let conditions = Conditions { opens_at: later, district: south, ..Conditions::default() };
        let empty = Offer { stock_left: 0, per_person: Some(1), conditions, ..coupon() };
        let sold_out = Err(Refusal::OutOfStock { left: 0 });
        assert_eq!(outcome(empty.clone(), &buyer(0), 2), sold_out);
        let ended = Offer { status: OfferStatus::Ended, ..empty };
        assert_eq!(outcome(ended, &buyer(0), 2), Err(Refusal::OfferClosed));
    }

    #[test]
    fn districts_and_levels_keep_others_out() {
        let (south, gold) = ("south".to_owned(), "gold".to_owned());
        let of_south = Conditions { district: Some(south.clone()), ..Conditions::default() };
        let of_gold = Conditions { level: Some(gold.clone()), ..Conditions::default() };
        let of = |conditions: &Conditions| Offer { conditions: conditions.clone(), ..coupon() };
        let mut someone = buyer(99);
        assert_eq!(
            outcome(of(&of_south), &someone, 1),
            Err(Refusal::OtherDistrict { district: south.clone() })
        );
        assert_eq!(outcome(of(&of_gold), &someone, 1), Err(Refusal::LevelNotReached { level: gold.clone() }));
        someone.district = Some(south);
        someone.levels.insert(gold);
        assert!(outcome(of(&of_south), &someone, 1).is_ok() && outcome(of(&of_gold), &someone, 1).is_ok());
    }
}
