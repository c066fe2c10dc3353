//! Double entry: accounts, postings, journals, lots. Every journal sums to zero per asset, nothing is edited.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::amount::{AmountOverflow, Fen, Points, ReductionMg};
use crate::id::{CitizenId, CityId, OwnerId};

/// Signed amounts of every asset in one posting, or the balances of one account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Asset `POINTS`.
    pub points: Points,
    /// Asset `CO2E`.
    pub reduction: ReductionMg,
    /// Asset `CNY`: fen owed to merchants.
    pub payable: Fen,
}

impl Amounts {
    /// Sum per asset.
    pub fn plus(self, other: Self) -> Result<Self, AmountOverflow> {
        Ok(Self {
            points: self.points.plus(other.points)?,
            reduction: self.reduction.plus(other.reduction)?,
            payable: self.payable.plus(other.payable)?,
        })
    }

    /// The opposite per asset.
    pub fn negated(self) -> Result<Self, AmountOverflow> {
        Ok(Self {
            points: self.points.negated()?,
            reduction: self.reduction.negated()?,
            payable: self.payable.negated()?,
        })
    }

    /// Points and grams, as a credit gives them.
    #[must_use]
    pub const fn credit(points: Points, reduction: ReductionMg) -> Self {
        Self { points, reduction, payable: Fen::ZERO }
    }

    /// Points only, as a redemption moves them.
    #[must_use]
    pub const fn points(points: Points) -> Self {
        Self { points, reduction: ReductionMg::ZERO, payable: Fen::ZERO }
    }

    /// Fen only, as a use at the till moves them.
    #[must_use]
    pub const fn payable(payable: Fen) -> Self {
        Self { points: Points::ZERO, reduction: ReductionMg::ZERO, payable }
    }
}

/// Whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OwnerKind {
    /// A person; never below zero.
    Citizen,
    /// A city's programme: what it has issued stands here with the other sign.
    Programme,
    /// A merchant: what the city owes it.
    Merchant,
}

/// A posting that must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PostingError {
    /// A citizen's balance would fall below zero.
    #[error("balance would fall below zero")]
    BelowZero,
    /// A balance would leave `i64`.
    #[error(transparent)]
    Overflow(#[from] AmountOverflow),
}

/// One owner's account: a balance per asset, and how many postings it has had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who owns it.
    pub owner: OwnerId,
    /// The city it belongs to.
    pub city: CityId,
    /// Whose account it is.
    pub kind: OwnerKind,
    /// Number of postings so far, without gaps.
    pub version: i64,
    /// Balance per asset.
    pub balance: Amounts,
}

impl Account {
    /// Moves the balance and gives the posting that says so.
    pub fn post(&mut self, amounts: Amounts, cause: Option<Uuid>) -> Result<Posting, PostingError> {
        let after = self.balance.plus(amounts)?;
        let version = self.version.checked_add(1).ok_or(AmountOverflow)?;
        let below_zero = after.points < Points::ZERO || after.reduction < ReductionMg::ZERO;
        if self.kind == OwnerKind::Citizen && below_zero {
            return Err(PostingError::BelowZero);
        }
        self.balance = after;
        self.version = version;
        Ok(Posting { owner: self.owner, version, cause, amounts, after })
    }
}

/// One line of a journal on one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The account.
    pub owner: OwnerId,
    /// Its number on the account, from 1 without gaps.
    pub version: i64,
    /// The activity or redemption behind it; none on the programme's side of a batch.
    pub cause: Option<Uuid>,
    /// Signed amounts.
    pub amounts: Amounts,
    /// Balances after it.
    pub after: Amounts,
}

/// Why a journal was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JournalKind {
    /// Activities earned points and grams.
    Credit,
    /// Points were spent on an offer.
    Redeem,
    /// A redemption was undone before use.
    Cancel,
    /// A voucher was used: the city owes the merchant.
    Use,
    /// Points ran out of time.
    Expire,
    /// A correction by two people.
    Adjust,
    /// An earlier journal was undone.
    Reverse,
    /// The city paid a merchant's statement.
    Settle,
    /// A merchant undid a use.
    Void,
}

impl JournalKind {
    /// The word used in statements.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Redeem => "redeem",
            Self::Cancel => "cancel",
            Self::Use => "use",
            Self::Expire => "expire",
            Self::Adjust => "adjust",
            Self::Reverse => "reverse",
            Self::Settle => "settle",
            Self::Void => "void",
        }
    }
}

/// An atomic group of postings that sums to zero per asset.
#[derive(Debug, Clone)]
pub struct Journal {
    /// The city whose books it is in.
    pub city: CityId,
    /// Why it was written.
    pub kind: JournalKind,
    /// What caused it, where one thing did.
    pub cause: Option<Uuid>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was written.
    pub recorded_at: DateTime<Utc>,
    /// Its lines.
    pub postings: Vec<Posting>,
}

impl Journal {
    /// Sum of all lines; zero in every journal that may be written.
    pub fn sum(&self) -> Result<Amounts, AmountOverflow> {
        self.postings.iter().try_fold(Amounts::default(), |sum, posting| sum.plus(posting.amounts))
    }
}

/// Points of one citizen that are good until the end of the same civil day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    /// Last day on which they can be spent.
    pub expires_on: NaiveDate,
    /// What is left.
    pub left: Points,
}

/// Points granted to a citizen with their last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LotGrant {
    /// Whose.
    pub citizen: CitizenId,
    /// Last day on which they can be spent.
    pub expires_on: NaiveDate,
    /// How many.
    pub points: Points,
}

/// What was taken from one lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LotTake {
    /// Names the lot.
    pub expires_on: NaiveDate,
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

/// Takes points from lots that are still good today, earliest expiry first, or takes nothing.
pub fn take_from_lots(
    lots: &[Lot],
    wanted: Points,
    today: NaiveDate,
) -> Result<Vec<LotTake>, InsufficientPoints> {
    let mut good: Vec<&Lot> =
        lots.iter().filter(|lot| lot.expires_on >= today && lot.left > Points::ZERO).collect();
    good.sort_by_key(|lot| lot.expires_on);
    let mut missing = wanted.get();
    let mut takes = Vec::new();
    for lot in &good {
        let take = missing.min(lot.left.get());
        if take > 0 {
            takes.push(LotTake { expires_on: lot.expires_on, points: Points::new(take) });
            missing = missing.saturating_sub(take);
        }
    }
    if missing > 0 {
        let available = Points::new(wanted.get().saturating_sub(missing));
        return Err(InsufficientPoints { wanted, available });
    }
    Ok(takes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::CitizenId;

    fn day(offset: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().checked_add_days(chrono::Days::new(offset)).unwrap()
    }

    fn account(kind: OwnerKind) -> Account {
        let owner = CitizenId::new(Uuid::nil()).into();
        Account { owner, city: CityId::new(1), kind, version: 0, balance: Amounts::default() }
    }

    #[test]
    fn postings_count_up_and_carry_the_balance_after() {
        let mut citizen = account(OwnerKind::Citizen);
        let earned = Amounts::credit(Points::new(46), ReductionMg::new(467_000));
        assert_eq!(citizen.post(earned, None).unwrap().after, earned);
        let spent = citizen.post(Amounts::points(Points::new(-40)), None).unwrap();
        assert_eq!((spent.version, spent.after.points), (2, Points::new(6)));
        assert_eq!(citizen.post(Amounts::points(Points::new(-7)), None), Err(PostingError::BelowZero));
        assert_eq!(citizen.version, 2, "a refused posting leaves the account alone");
        assert!(account(OwnerKind::Programme).post(Amounts::points(Points::new(-7)), None).is_ok());
    }

    #[test]
    fn the_lot_that_ends_first_is_spent_first_and_ended_lots_never() {
        let lots = [(9, 5), (3, 4), (1, 100)].map(|(d, p)| Lot { expires_on: day(d), left: Points::new(p) });
        let takes = take_from_lots(&lots, Points::new(6), day(3)).unwrap();
        assert_eq!(
            takes.iter().map(|t| (t.expires_on, t.points.get())).collect::<Vec<_>>(),
            [(day(3), 4), (day(9), 2)]
        );
        assert_eq!(
            take_from_lots(&lots, Points::new(10), day(3)),
            Err(InsufficientPoints { wanted: Points::new(10), available: Points::new(9) })
        );
    }

    proptest! {
        #[test]
        fn a_take_adds_up_and_never_exceeds_a_lot(
            left in proptest::collection::vec(0_i64..50, 0..12),
            wanted in 0_i64..300,
        ) {
            let lots: Vec<Lot> = left.iter().zip(0..)
                .map(|(&points, d)| Lot { expires_on: day(d), left: Points::new(points) }).collect();
            let total: i64 = left.iter().sum();
            match take_from_lots(&lots, Points::new(wanted), day(0)) {
                Ok(takes) => {
                    prop_assert_eq!(takes.iter().map(|t| t.points.get()).sum::<i64>(), wanted);
                    for take in &takes {
                        let lot = lots.iter().find(|lot| lot.expires_on == take.expires_on).unwrap();
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
