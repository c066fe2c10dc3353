//! Undoing a credit whose points may be spent or expired by now, and making up for what was spent.
//!
//! The points of a reversed activity are first those left in its own lot, then those of it that expired
//! (their expiry is undone with them), then any others, earliest expiry first. What then is still missing
//! was spent.

use super::Debt;
use super::lot::{Lot, LotKey, LotTake, LotTally, take_up_to};
use crate::amount::{AmountOverflow, Points};
use crate::rule::SpentPoints;

/// How a credit is undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// Expired points of the activity's own lot that come back, to be taken with the rest.
    pub revived: Points,
    /// What is taken from lots, after those points came back.
    pub takes: Vec<LotTake>,
    /// What is posted against the citizen now.
    pub posted: Points,
    /// What later points have to make up for.
    pub debt: Debt,
}

/// Decides how points granted by one activity are undone. `own` is the lot they went into, `others` the
/// citizen's remaining lots.
pub fn undo_credit(
    granted: Points,
    own: Option<&LotTally>,
    others: &[Lot],
    policy: SpentPoints,
) -> Result<Undone, AmountOverflow> {
    let mut takes = Vec::new();
    let mut missing = granted;
    let mut revived = Points::ZERO;
    if let Some(own) = own {
        let left = own.left.min(missing);
        missing = missing.minus(left)?;
        revived = own.expired.min(missing);
        missing = missing.minus(revived)?;
        takes.extend(some(own.key, left.plus(revived)?));
    }
    let others = others.iter().filter(|lot| own.is_none_or(|own| own.key != lot.key));
    let (more, spent) = take_up_to(others, missing);
    takes.extend(more);
    let (posted, debt) = match policy {
        SpentPoints::AllowNegative => (granted, Debt { overdrawn: spent, ..Debt::default() }),
        SpentPoints::ClawBack => (granted.minus(spent)?, Debt { owed: spent, ..Debt::default() }),
    };
    Ok(Undone { revived, takes, posted, debt })
}

fn some(key: LotKey, points: Points) -> Option<LotTake> {
    (points > Points::ZERO).then_some(LotTake { key, points })
}

/// What lots make up for of a debt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// What is taken from lots.
    pub takes: Vec<LotTake>,
    /// What of it is posted: the part that was owed.
    pub posted: Points,
    /// What still is to be made up for.
    pub debt: Debt,
}

/// Makes up for a debt as far as lots reach, earliest expiry first, the overdrawn part before the owed one.
pub fn settle_debt(debt: Debt, lots: &[Lot]) -> Result<Settled, AmountOverflow> {
    let wanted = debt.overdrawn.plus(debt.owed)?;
    let (takes, missing) = take_up_to(lots.iter(), wanted);
    let owed = missing.min(debt.owed);
    let overdrawn = missing.minus(owed)?;
    Ok(Settled { takes, posted: debt.owed.minus(owed)?, debt: Debt { overdrawn, owed } })
}

/// Lots after takes, without those that are empty.
#[must_use]
pub fn lots_after(lots: &[Lot], takes: &[LotTake]) -> Vec<Lot> {
    lots.iter()
        .map(|lot| {
            let less = takes.iter().filter(|take| take.key == lot.key).map(|take| take.points.get());
            let left = less.fold(lot.left.get(), i64::saturating_sub);
            Lot { left: Points::new(left), ..*lot }
        })
        .filter(|lot| lot.left > Points::ZERO)
        .collect()
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers that the tests themselves choose")]
mod tests {
    use chrono::{Days, NaiveDate};
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::AT_ONCE;

    fn key(offset: u64) -> LotKey {
        LotKey::until(AT_ONCE.checked_add_days(Days::new(offset)).unwrap_or(NaiveDate::MAX))
    }

    fn lot(offset: u64, left: i64) -> Lot {
        Lot { key: key(offset), left: Points::new(left) }
    }

    fn own(left: i64, expired: i64) -> LotTally {
        let points = Points::new;
        LotTally {
            key: key(5),
            granted: points(100),
            left: points(left),
            expired: points(expired),
            refunded: Points::ZERO,
        }
    }

    fn sum(takes: &[LotTake]) -> i64 {
        takes.iter().map(|take| take.points.get()).sum()
    }

    #[test]
    fn its_own_lot_pays_first_then_what_expired_then_the_others() {
        let others = [lot(9, 3), lot(5, 4), lot(2, 1)];
        let undone =
            undo_credit(Points::new(10), Some(&own(4, 2)), &others, SpentPoints::AllowNegative).unwrap();
        let takes: Vec<_> = undone.takes.iter().map(|take| (take.key, take.points.get())).collect();
        assert_eq!(takes, [(key(5), 6), (key(2), 1), (key(9), 3)]);
        assert_eq!((undone.revived, undone.posted), (Points::new(2), Points::new(10)));
        assert_eq!(undone.debt, Debt::default());
    }

    #[test]
    fn what_was_spent_is_overdrawn_or_owed() {
        for (policy, posted, overdrawn, owed) in
            [(SpentPoints::AllowNegative, 10, 6, 0), (SpentPoints::ClawBack, 4, 0, 6)]
        {
            let undone = undo_credit(Points::new(10), Some(&own(4, 0)), &[], policy).unwrap();
            let debt = Debt { overdrawn: Points::new(overdrawn), owed: Points::new(owed) };
            assert_eq!((undone.posted, undone.debt, sum(&undone.takes)), (Points::new(posted), debt, 4));
        }
    }

    #[test]
    fn later_points_make_up_for_a_debt_once() {
        let debt = Debt { overdrawn: Points::new(3), owed: Points::new(4) };
        let left = |overdrawn, owed| Debt { overdrawn: Points::new(overdrawn), owed: Points::new(owed) };
        for (points, posted, after) in [
            (0, 0, left(3, 4)),
            (2, 0, left(1, 4)),
            (3, 0, left(0, 4)),
            (5, 2, left(0, 2)),
            (9, 4, left(0, 0)),
        ] {
            let settled = settle_debt(debt, &[lot(1, points)]).unwrap();
            assert_eq!((settled.posted.get(), settled.debt), (posted, after), "{points}");
        }
    }

    #[test]
    fn nothing_is_taken_from_a_lot_that_gives_nothing() {
        let undone =
            undo_credit(Points::new(3), Some(&own(0, 0)), &[lot(9, 3)], SpentPoints::ClawBack).unwrap();
        assert_eq!(undone.takes, [LotTake { key: key(9), points: Points::new(3) }]);
        assert_eq!(
            undo_credit(Points::ZERO, Some(&own(4, 4)), &[], SpentPoints::ClawBack).unwrap().takes,
            []
        );
    }

    #[test]
    fn lots_that_are_taken_whole_are_gone() {
        let take = |offset, points| LotTake { key: key(offset), points: Points::new(points) };
        let after = lots_after(&[lot(1, 5), lot(2, 5), lot(3, 5)], &[take(1, 5), take(2, 2), take(2, 1)]);
        assert_eq!(after, [lot(2, 2), lot(3, 5)]);
    }

    proptest! {
        /// Balance = lots - overdrawn before and after, whatever was spent or expired, under both policies.
        #[test]
        fn the_balance_stays_the_lots_less_what_is_overdrawn(
            granted in 0_i64..60, left in 0_i64..60, expired in 0_i64..60,
            others in proptest::collection::vec(0_i64..20, 0..4), claw_back: bool,
        ) {
            let policy = if claw_back { SpentPoints::ClawBack } else { SpentPoints::AllowNegative };
            let own = own(left, expired);
            let others: Vec<Lot> = others.iter().zip(10..).map(|(&points, day)| lot(day, points)).collect();
            let all: i64 = left + others.iter().map(|lot| lot.left.get()).sum::<i64>();
            let undone = undo_credit(Points::new(granted), Some(&own), &others, policy).unwrap();
            let balance = all + undone.revived.get() - undone.posted.get();
            let lots = all + undone.revived.get() - sum(&undone.takes);
            prop_assert_eq!(balance, lots - undone.debt.overdrawn.get());
            prop_assert_eq!(undone.posted.get() + undone.debt.owed.get(), granted);
            prop_assert!(undone.revived <= own.expired && (balance >= 0 || !claw_back));
            prop_assert!(undone.debt.is_none() || lots == 0, "a debt while there are points");
        }
    }
}
