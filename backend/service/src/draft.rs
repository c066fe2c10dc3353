//! What moves one citizen's books in one transaction: decided first, written together.
//!
//! Everyone locks in one order: the citizen first, the programme last. So lines are drafted on the locked
//! account, and the programme is locked only when they are written.

use chrono::{DateTime, NaiveDate, Utc};
use tanhui_domain::amount::{AmountOverflow, Points};
use tanhui_domain::city::City;
use tanhui_domain::id::CitizenId;
use tanhui_domain::ledger::{
    Account, Amounts, Debt, Journal, JournalKind, Lot, Posting, PostingError, lots_after, settle_debt,
};
use tanhui_store::{StoreError, Transaction, account, lot};
use uuid::Uuid;

/// A citizen's locked account and the lines to be written on it.
#[derive(Debug)]
pub(crate) struct Draft {
    citizen: CitizenId,
    account: Account,
    debt_before: Debt,
    lines: Vec<(JournalKind, Posting)>,
}

impl Draft {
    /// Locks a citizen's account; none where there is none.
    pub(crate) async fn open(on: &Transaction, citizen: CitizenId) -> Result<Option<Self>, StoreError> {
        let account = account::lock(on, citizen.into()).await?;
        Ok(account.map(|account| Self::of(citizen, account)))
    }

    /// On an account that this transaction has locked.
    pub(crate) fn of(citizen: CitizenId, account: Account) -> Self {
        Self { citizen, debt_before: account.debt, account, lines: Vec::new() }
    }

    /// The account as it will be.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Moves the balance.
    pub(crate) fn post(
        &mut self,
        kind: JournalKind,
        amounts: Amounts,
        cause: Option<Uuid>,
    ) -> Result<(), PostingError> {
        let posting = self.account.post(amounts, cause)?;
        self.lines.push((kind, posting));
        Ok(())
    }

    /// Whether nothing on the balance moves.
    pub(crate) fn is_still(&self) -> bool {
        self.lines.is_empty()
    }

    /// Takes points off the balance, if any.
    pub(crate) fn take(
        &mut self,
        kind: JournalKind,
        points: Points,
        cause: Option<Uuid>,
    ) -> Result<(), StoreError> {
        if points == Points::ZERO {
            return Ok(());
        }
        let taken = points.negated().map_err(PostingError::from).map_err(unpostable)?;
        self.post(kind, Amounts::points(taken), cause).map_err(unpostable)
    }

    /// Adds to what later points have to make up for.
    pub(crate) fn owe(&mut self, debt: Debt) -> Result<(), AmountOverflow> {
        let before = self.account.debt;
        let (overdrawn, owed) = (before.overdrawn.plus(debt.overdrawn)?, before.owed.plus(debt.owed)?);
        self.account.debt = Debt { overdrawn, owed };
        Ok(())
    }

    /// Makes up for a debt with the lots that are there; gives the lots after it.
    pub(crate) async fn settle(&mut self, on: &Transaction, lots: Vec<Lot>) -> Result<Vec<Lot>, StoreError> {
        if self.account.debt.is_none() || lots.is_empty() {
            return Ok(lots);
        }
        let settled = settle_debt(self.account.debt, &lots).map_err(overflow)?;
        lot::take(on, self.citizen, self.citizen.get(), &settled.takes).await?;
        self.take(JournalKind::Reverse, settled.posted, None)?;
        self.account.debt = settled.debt;
        Ok(lots_after(&lots, &settled.takes))
    }

    /// Makes up for a debt, then lets expire what is past its last day: the lots that then are open.
    pub(crate) async fn tidy(&mut self, on: &Transaction, today: NaiveDate) -> Result<Vec<Lot>, StoreError> {
        let lots = lot::open(on, self.citizen).await?;
        let lots = self.settle(on, lots).await?;
        if lots.iter().all(|lot| lot.key.expires_on >= today) {
            return Ok(lots);
        }
        let expired = lot::expire(on, &[self.citizen], today).await?;
        for points in expired.into_values() {
            self.take(JournalKind::Expire, points, None)?;
        }
        Ok(lots.into_iter().filter(|lot| lot.key.expires_on >= today).collect())
    }

    /// Writes the lines, each as a journal with the programme on the other side. Locks the programme.
    pub(crate) async fn write(
        self,
        on: &Transaction,
        city: &City,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // What is allowed below zero is written before the line that goes there, and taken back after it.
        let allows_more = self.account.debt.overdrawn > self.debt_before.overdrawn;
        if allows_more {
            account::write_debt(on, &self.account).await?;
        }
        if !self.lines.is_empty() {
            let mut programme = lock_programme(on, city).await?;
            for (kind, posting) in self.lines {
                write_line(on, city, &mut programme, (kind, posting), now).await?;
            }
        }
        if !allows_more && self.account.debt != self.debt_before {
            account::write_debt(on, &self.account).await?;
        }
        Ok(())
    }
}

async fn write_line(
    on: &Transaction,
    city: &City,
    programme: &mut Account,
    (kind, posting): (JournalKind, Posting),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let cause = posting.cause;
    let opposite = posting.amounts.negated().map_err(PostingError::from).map_err(unpostable)?;
    let postings = vec![posting, programme.post(opposite, cause).map_err(unpostable)?];
    let journal = Journal { city: city.id, kind, cause, occurred_at: now, recorded_at: now, postings };
    account::write(on, &journal).await.map(|_| ())
}

/// Writes lines of many citizens as one journal with the programme on the other side; none without lines.
/// The citizens must be locked. Locks the programme.
pub(crate) async fn write_batch(
    on: &Transaction,
    city: &City,
    kind: JournalKind,
    mut postings: Vec<Posting>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if postings.is_empty() {
        return Ok(());
    }
    let mut amounts = postings.iter().map(|posting| posting.amounts);
    let total = amounts.try_fold(Amounts::default(), Amounts::plus).map_err(overflow)?;
    let mut programme = lock_programme(on, city).await?;
    let opposite = total.negated().map_err(overflow)?;
    postings.push(programme.post(opposite, None).map_err(unpostable)?);
    let journal = Journal { city: city.id, kind, cause: None, occurred_at: now, recorded_at: now, postings };
    account::write(on, &journal).await.map(|_| ())
}

async fn lock_programme(on: &Transaction, city: &City) -> Result<Account, StoreError> {
    let programme = account::lock(on, city.programme).await?;
    programme.ok_or_else(|| StoreError::Corrupt("a city without a programme account".to_owned()))
}

pub(crate) fn unpostable(error: PostingError) -> StoreError {
    StoreError::Corrupt(format!("cannot post: {error}"))
}

pub(crate) fn overflow(error: AmountOverflow) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
