//! Double entry: accounts, postings, journals, lots. Every journal sums to zero per asset, nothing is edited.

mod lot;
mod reversal;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::amount::{AmountOverflow, Fen, Points, ReductionMg};
use crate::id::{CityId, OwnerId};

pub use lot::{
    AT_ONCE, InsufficientPoints, Lot, LotGrant, LotKey, LotState, LotTake, LotTally, NEVER,
    give_back_to_lots, take_from_lots,
};
pub use reversal::{Settled, Undone, lots_after, settle_debt, undo_credit};

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
    /// A person; below zero only by a reversal of points that were spent.
    Citizen,
    /// A city's programme: what it has issued stands here with the other sign.
    Programme,
    /// A merchant: what the city owes it.
    Merchant,
    /// A public project: points that citizens gave to it.
    Project,
}

/// A posting that must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PostingError {
    /// A citizen's balance would fall below zero, and no reversal allowed that.
    #[error("balance would fall below zero")]
    BelowZero,
    /// A balance would leave `i64`.
    #[error(transparent)]
    Overflow(#[from] AmountOverflow),
}

/// Points that a citizen had spent when the activity that earned them was reversed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Debt {
    /// Posted already: how far the balance may lie below zero until later lots have made up for it.
    pub overdrawn: Points,
    /// Not posted yet: taken from later lots by a reversal of their own.
    pub owed: Points,
}

impl Debt {
    /// Whether nothing is to be made up for.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
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
    /// What later points have to make up for; of citizens only.
    pub debt: Debt,
}

impl Account {
    /// Moves the balance and gives the posting that says so.
    pub fn post(&mut self, amounts: Amounts, cause: Option<Uuid>) -> Result<Posting, PostingError> {
        let after = self.balance.plus(amounts)?;
        let version = self.version.checked_add(1).ok_or(AmountOverflow)?;
        let floor = self.debt.overdrawn.negated()?;
        let below_zero = after.points < floor || after.reduction < ReductionMg::ZERO;
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
    /// Points that waited for a budget were paid.
    Payout,
    /// A prize was given.
    Prize,
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
            Self::Payout => "payout",
            Self::Prize => "prize",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::CitizenId;

    fn account(kind: OwnerKind) -> Account {
        let owner = CitizenId::new(Uuid::nil()).into();
        Account {
            owner,
            city: CityId::new(1),
            kind,
            version: 0,
            balance: Amounts::default(),
            debt: Debt::default(),
        }
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
    fn a_balance_goes_below_zero_as_far_as_a_reversal_allowed() {
        let overdrawn = |points| {
            let debt = Debt { overdrawn: Points::new(5), owed: Points::ZERO };
            Account { debt, ..account(OwnerKind::Citizen) }.post(Amounts::points(Points::new(points)), None)
        };
        assert_eq!(overdrawn(-4).unwrap().after.points, Points::new(-4));
        assert_eq!(overdrawn(-5).unwrap().after.points, Points::new(-5));
        assert_eq!(overdrawn(-6), Err(PostingError::BelowZero));
    }

    #[test]
    fn grams_never_go_below_zero_and_all_of_them_may_be_taken() {
        let grams = |mg| Amounts::credit(Points::ZERO, ReductionMg::new(mg));
        let mut citizen = account(OwnerKind::Citizen);
        citizen.post(grams(5), None).unwrap();
        assert_eq!(citizen.post(grams(-6), None), Err(PostingError::BelowZero));
        assert_eq!(citizen.post(grams(-5), None).unwrap().after, Amounts::default());
        let most = account(OwnerKind::Merchant).post(Amounts::payable(Fen::new(i64::MAX)), None).unwrap();
        let mut full = Account { balance: most.after, ..account(OwnerKind::Merchant) };
        let more = full.post(Amounts::payable(Fen::new(1)), None);
        assert_eq!(more, Err(PostingError::Overflow(AmountOverflow)));
    }

    #[test]
    fn a_debt_of_either_kind_is_one() {
        let debt = |overdrawn, owed| Debt { overdrawn: Points::new(overdrawn), owed: Points::new(owed) };
        assert!(debt(0, 0).is_none());
        assert!(!debt(1, 0).is_none() && !debt(0, 1).is_none());
    }

    #[test]
    fn a_journal_is_the_sum_of_its_lines_per_asset() {
        let moved = |points, mg, fen| Amounts {
            points: Points::new(points),
            reduction: ReductionMg::new(mg),
            payable: Fen::new(fen),
        };
        assert_eq!(moved(1, -2, 3).negated(), Ok(moved(-1, 2, -3)));
        let lines = [moved(5, 70, 9), moved(-4, -70, 0)];
        let post = |moved| account(OwnerKind::Programme).post(moved, None).unwrap();
        let journal = Journal {
            city: CityId::new(1),
            kind: JournalKind::Credit,
            cause: None,
            occurred_at: DateTime::UNIX_EPOCH,
            recorded_at: DateTime::UNIX_EPOCH,
            postings: lines.map(post).into(),
        };
        assert_eq!(journal.sum(), Ok(moved(1, 0, 9)));
    }

    #[test]
    fn every_kind_of_journal_has_a_word_of_its_own() {
        use JournalKind::{Adjust, Cancel, Credit, Expire, Redeem, Reverse, Settle, Use, Void};
        let kinds = [Credit, Redeem, Cancel, Use, Expire, Adjust, Reverse, Settle, Void];
        let words = ["credit", "redeem", "cancel", "use", "expire", "adjust", "reverse", "settle", "void"];
        assert_eq!(kinds.map(JournalKind::word), words);
    }
}
