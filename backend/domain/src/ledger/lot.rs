//! Lots: points of one citizen that become spendable on the same day and end on the same day.
//!
//! Must never lose a point: what is granted is left, expired or taken, and every take says for what.

use chrono::NaiveDate;

use crate::amount::{AmountOverflow, Points};
use crate::id::CitizenId;

/// Last day of points that do not expire.
pub const NEVER: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// First day of points that never were pending: a day before all others, so that they share one lot.
pub const AT_ONCE: NaiveDate = match NaiveDate::from_ymd_opt(1970, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// Names a lot of a citizen. In order of which is spent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LotKey {
    /// Last civil day on which the points can be spent.
    pub expires_on: NaiveDate,
    /// First civil day on which they can be spent; [`AT_ONCE`] where they were never pending.
    pub spendable_from: NaiveDate,
}

impl LotKey {
    /// Points that can be spent from the start until the end of a day.
    #[must_use]
    pub const fn until(expires_on: NaiveDate) -> Self {
        Self { expires_on, spendable_from: AT_ONCE }
    }

    /// Where the lot is in its life on a day.
    #[must_use]
    pub fn state(self, today: NaiveDate) -> LotState {
        if self.expires_on < today {
            LotState::Expired
        } else if self.spendable_from > today {
            LotState::Pending
        } else {
            LotState::Active
        }
    }
}

/// Where a lot is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LotState {
    /// Not to be spent yet.
    Pending,
    /// Can be spent.
    Active,
    /// Past its last day.
    Expired,
}

impl LotState {
    /// The word used in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

/// A lot with what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    /// Which.
    pub key: LotKey,
    /// What is left.
    pub left: Points,
}

/// A lot with all that became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LotTally {
    /// Which.
    pub key: LotKey,
    /// All that was ever granted in it.
    pub granted: Points,
    /// What is left.
    pub left: Points,
    /// What ran out of time.
    pub expired: Points,
    /// What redemptions had taken and gave back.
    pub refunded: Points,
}

impl LotTally {
    /// What was spent, or taken by a reversal or an adjustment, and not given back.
    pub fn taken(&self) -> Result<Points, AmountOverflow> {
        self.granted.minus(self.left)?.minus(self.expired)
    }
}

/// Points granted to a citizen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LotGrant {
    /// Whose.
    pub citizen: CitizenId,
    /// Into which lot.
    pub key: LotKey,
    /// How many.
    pub points: Points,
}

/// What was taken from one lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LotTake {
    /// Which.
    pub key: LotKey,
    /// Points taken, more than zero.
    pub points: Points,
}

/// The lots hold less than was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("needs {wanted} points, has {available}")]
pub struct InsufficientPoints {
    /// What was asked for.
    pub wanted: Points,
    /// What can be spent.
    pub available: Points,
}

/// Takes points from lots that can be spent today, earliest expiry first, or takes nothing.
pub fn take_from_lots(
    lots: &[Lot],
    wanted: Points,
    today: NaiveDate,
) -> Result<Vec<LotTake>, InsufficientPoints> {
    let active = lots.iter().filter(|lot| lot.key.state(today) == LotState::Active);
    let (takes, missing) = take_up_to(active, wanted);
    if missing > Points::ZERO {
        let available = Points::new(wanted.get().saturating_sub(missing.get()));
        return Err(InsufficientPoints { wanted, available });
    }
    Ok(takes)
}

/// Takes what is there, earliest expiry first; gives what is missing too.
pub(super) fn take_up_to<'a>(lots: impl Iterator<Item = &'a Lot>, wanted: Points) -> (Vec<LotTake>, Points) {
    let mut lots: Vec<&Lot> = lots.collect();
    lots.sort_by_key(|lot| lot.key);
    let mut missing = wanted.get();
    let mut takes = Vec::new();
    for lot in lots {
        let take = missing.min(lot.left.get());
        if take > 0 {
            takes.push(LotTake { key: lot.key, points: Points::new(take) });
            missing = missing.saturating_sub(take);
        }
    }
    (takes, Points::new(missing))
}

/// Chooses where points come back to, of what still is taken: those taken last first, so that what stays
/// taken is what a smaller take would have taken.
#[must_use]
pub fn give_back_to_lots(taken: &[LotTake], wanted: Points) -> Vec<LotTake> {
    let mut taken: Vec<&LotTake> = taken.iter().collect();
    taken.sort_by_key(|take| std::cmp::Reverse(take.key));
    let mut missing = wanted.get();
    let mut backs = Vec::new();
    for take in taken {
        let back = missing.min(take.points.get());
        if back > 0 {
            backs.push(LotTake { key: take.key, points: Points::new(back) });
            missing = missing.saturating_sub(back);
        }
    }
    backs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(offset: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().checked_add_days(chrono::Days::new(offset)).unwrap()
    }

    fn lot(from: u64, until: u64, left: i64) -> Lot {
        let key = LotKey { expires_on: day(until), spendable_from: day(from) };
        Lot { key, left: Points::new(left) }
    }

    fn taken(takes: &[LotTake]) -> Vec<(NaiveDate, i64)> {
        takes.iter().map(|take| (take.key.expires_on, take.points.get())).collect()
    }

    #[test]
    fn the_lot_that_ends_first_is_spent_first_and_ended_lots_never() {
        let lots = [lot(0, 9, 5), lot(0, 3, 4), lot(0, 1, 100)];
        let takes = take_from_lots(&lots, Points::new(6), day(3)).unwrap();
        assert_eq!(taken(&takes), [(day(3), 4), (day(9), 2)]);
        assert_eq!(
            take_from_lots(&lots, Points::new(10), day(3)),
            Err(InsufficientPoints { wanted: Points::new(10), available: Points::new(9) })
        );
    }

    #[test]
    fn pending_points_are_spent_from_their_first_day_to_their_last() {
        let lots = [lot(5, 9, 7)];
        for (today, spendable) in [(4, false), (5, true), (9, true), (10, false)] {
            let takes = take_from_lots(&lots, Points::new(7), day(today));
            assert_eq!(takes.is_ok(), spendable, "day {today}");
        }
        let states = [4, 5, 9, 10].map(|today| lots[0].key.state(day(today)).word());
        assert_eq!(states, ["pending", "active", "active", "expired"]);
        assert_eq!(LotKey::until(NEVER).state(AT_ONCE), LotState::Active);
    }

    #[test]
    fn points_come_back_as_if_less_had_been_taken() {
        let lots = [lot(0, 3, 4), lot(0, 6, 5), lot(0, 9, 5)];
        for (bought, kept) in [(12, 3), (12, 4), (12, 5), (12, 0), (12, 12)] {
            let takes = take_from_lots(&lots, Points::new(bought), day(1)).unwrap();
            let backs = give_back_to_lots(&takes, Points::new(bought - kept));
            let less = take_from_lots(&lots, Points::new(kept), day(1)).unwrap();
            assert!(backs.iter().all(|back| back.points > Points::ZERO), "nothing comes back to no lot");
            for take in &takes {
                let of = |all: &[LotTake]| {
                    all.iter().find(|other| other.key == take.key).map_or(0, |other| other.points.get())
                };
                assert_eq!(take.points.get() - of(&backs), of(&less), "{kept} of {bought}");
            }
        }
    }

    #[test]
    fn what_was_taken_is_neither_left_nor_expired() {
        let points = Points::new;
        let (key, refunded) = (LotKey::until(day(1)), points(3));
        let tally = LotTally { key, granted: points(10), left: points(4), expired: points(1), refunded };
        assert_eq!(tally.taken(), Ok(points(5)));
    }

    proptest! {
        #[test]
        fn a_take_adds_up_and_never_exceeds_a_lot(
            left in proptest::collection::vec((0_i64..50, 0_u64..3), 0..12),
            wanted in 0_i64..300,
        ) {
            let lots: Vec<Lot> =
                left.iter().zip(1..).map(|(&(points, from), day)| lot(from, day.max(from), points)).collect();
            let today = day(1);
            let total: i64 =
                lots.iter().filter(|lot| lot.key.spendable_from <= today).map(|lot| lot.left.get()).sum();
            match take_from_lots(&lots, Points::new(wanted), today) {
                Ok(takes) => {
                    prop_assert_eq!(takes.iter().map(|t| t.points.get()).sum::<i64>(), wanted);
                    for take in &takes {
                        let lot = lots.iter().find(|lot| lot.key == take.key).unwrap();
                        prop_assert!(take.points <= lot.left && take.points > Points::ZERO);
                    }
                }
                Err(error) => {
                    prop_assert!(total < wanted);
                    prop_assert_eq!(error.available, Points::new(total));
                }
            }
        }
    }
}
