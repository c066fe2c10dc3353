//! Writes what a crediting batch decided: the activities, which are their own lines in the books, and all
//! that follows from them. Decides nothing.

use chrono::{DateTime, Utc};
use tanhui_domain::crediting::Outcome;
use tanhui_domain::id::{CityId, JournalId};
use tanhui_domain::ledger::{Amounts, Journal, JournalKind};

use crate::database::Transaction;
use crate::error::StoreError;
use crate::{account, activity, city, lot, usage};

/// Writes a city's batch. The citizens' accounts must be locked by this transaction; the programme's is
/// locked here, last, and its side is one posting for the whole batch.
pub async fn write(
    on: &Transaction,
    city: CityId,
    outcome: &Outcome,
    recorded_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows: Vec<_> =
        outcome.decided.iter().map(|decided| (&decided.activity, decided.posting.as_ref())).collect();
    let postings = || rows.iter().filter_map(|(_, posting)| *posting);
    if postings().next().is_none() {
        return activity::insert_many(on, JournalId::new(0), &rows).await;
    }
    let opposite = outcome.total.negated();
    let sum = opposite.and_then(|opposite| postings().try_fold(opposite, |sum, one| sum.plus(one.amounts)));
    account::refuse_unbalanced(sum)?;
    let journal = Journal {
        city,
        kind: JournalKind::Credit,
        cause: None,
        occurred_at: recorded_at,
        recorded_at,
        postings: Vec::new(),
    };
    let id = account::open_journal(on, &journal).await?;
    activity::insert_many(on, id, &rows).await?;
    usage::add(on, &outcome.granted, recorded_at).await?;
    if !outcome.lots.is_empty() {
        lot::grant(on, &outcome.lots).await?;
    }
    account::update_balances(on, postings()).await?;
    write_opposite(on, city, id, outcome.total, recorded_at).await
}

async fn write_opposite(
    on: &Transaction,
    city: CityId,
    journal: JournalId,
    total: Amounts,
    recorded_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let missing = || StoreError::Corrupt(format!("the programme of city {city} has no account"));
    let mut programme = account::lock(on, city::programme(on, city).await?).await?.ok_or_else(missing)?;
    let opposite = total.negated().map_err(unpostable)?;
    let posting = programme.post(opposite, None).map_err(unpostable)?;
    account::insert_postings(on, journal, recorded_at, std::slice::from_ref(&posting)).await?;
    account::update_balances(on, std::iter::once(&posting)).await
}

fn unpostable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("cannot post a batch: {error}"))
}
