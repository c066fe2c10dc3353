//! What a crediting batch reads and writes, in as few statements as there are things to wait for. Decides
//! nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use tanhui_domain::crediting::Outcome;
use tanhui_domain::id::{CitizenId, CityId, JournalId, OwnerId, SourceId};
use tanhui_domain::ledger::{Account, Amounts, Journal, JournalKind};

use crate::binding::{SubjectHash, subject};
use crate::columns::Columns;
use crate::database::{Connected, Engine, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, expect_rows, micros, query_all};
use crate::write::write_together;
use crate::{account, activity, lot, tally, usage, waiting_points};

/// Whose events a batch holds.
#[derive(Debug, Default)]
pub struct Owners {
    /// The citizen of each subject that is bound.
    pub bound: Bound,
    /// Their accounts, locked.
    pub accounts: BTreeMap<CitizenId, Account>,
}

/// The citizens of subjects that are bound.
pub type Bound = HashMap<(SourceId, SubjectHash), CitizenId>;

/// To whom subjects are bound just now.
pub async fn owners<C: Connected>(on: &C, subjects: &[(SourceId, SubjectHash)]) -> Result<Bound, StoreError> {
    let (table, values) = Columns::new()
        .int("n", (0..).take(subjects.len()))
        .bigint("source_id", subjects.iter().map(|(source, _)| source.get()))
        .bytes("subject_hash", subjects.iter().map(|(_, hash)| hash.to_vec()))
        .table(on.engine());
    let sql = format!(
        "SELECT r.n, b.citizen_id FROM {table} JOIN bindings b ON b.source_id = r.source_id
         AND b.subject_hash = r.subject_hash AND b.ended_at_us IS NULL"
    );
    let foreign = || StoreError::Corrupt("a subject that was not asked for".to_owned());
    let owner = |row: &Row| {
        let subject = usize::try_from(row.get::<i32>(0)?).ok().and_then(|place| subjects.get(place));
        Ok((*subject.ok_or_else(foreign)?, CitizenId::new(row.uuid(1)?)))
    };
    query_all(on, &sql, values).await?.iter().map(owner).collect()
}

/// Locks the accounts of citizens whose subjects were looked up a moment ago, and of some others, in id
/// order.
pub async fn lock_known(
    on: &Transaction,
    bound: Bound,
    citizens: impl IntoIterator<Item = CitizenId>,
) -> Result<Owners, StoreError> {
    let all: HashSet<CitizenId> = bound.values().copied().chain(citizens).collect();
    let ids: Vec<OwnerId> = all.into_iter().map(OwnerId::from).collect();
    let accounts = account::lock_many(on, &ids).await?;
    let accounts = accounts.into_iter().map(|account| (CitizenId::new(account.owner.get()), account));
    Ok(Owners { bound, accounts: accounts.collect() })
}

/// Finds out to whom subjects are bound and locks the accounts of those citizens and of some others, in id
/// order, which is the order in which everyone locks them.
pub async fn lock_owners(
    on: &Transaction,
    subjects: &[(SourceId, SubjectHash)],
    citizens: &[CitizenId],
) -> Result<Owners, StoreError> {
    // A citizen who is named rather than bound comes without source and subject.
    let (nowhere, nobody) = (|_| (0, Vec::new()), |_| None);
    let keys = subjects.iter().map(|(source, hash)| (source.get(), hash.to_vec()));
    let (sources, hashes): (Vec<i64>, Vec<Vec<u8>>) = keys.chain(citizens.iter().map(nowhere)).unzip();
    let named = citizens.iter().map(|citizen| Some(citizen.get()));
    let (table, values) = Columns::new()
        .bigint("source_id", sources)
        .bytes("subject_hash", hashes)
        .maybe_uuid("citizen_id", subjects.iter().map(nobody).chain(named))
        .table(on.engine());
    let sql = format!(
        "SELECT {}, r.source_id, r.subject_hash FROM {table}
         LEFT JOIN bindings b ON b.source_id = r.source_id AND b.subject_hash = r.subject_hash
           AND b.ended_at_us IS NULL
         JOIN accounts ON accounts.owner_id = COALESCE(r.citizen_id, b.citizen_id)
         ORDER BY accounts.owner_id{}",
        account::COLUMNS,
        if on.engine() == Engine::Postgres { " FOR UPDATE OF accounts" } else { "" }
    );
    let mut owners = Owners::default();
    for row in query_all(on, &sql, values).await? {
        let account = account::read(&row)?;
        let citizen = CitizenId::new(account.owner.get());
        let source = row.bigint(account::COLUMN_COUNT)?;
        if source != 0 {
            let subject = subject(&row, account::COLUMN_COUNT.saturating_add(1))?;
            owners.bound.insert((SourceId::new(source), subject), citizen);
        }
        owners.accounts.insert(citizen, account);
    }
    if owners.bound.len() < subjects.len() {
        refuse_bound_without_account(on, subjects).await?;
    }
    Ok(owners)
}

/// An event of a citizen without an account is not one that waits for its subject to be bound.
async fn refuse_bound_without_account(
    on: &Transaction,
    subjects: &[(SourceId, SubjectHash)],
) -> Result<(), StoreError> {
    let (table, values) = Columns::new()
        .bigint("source_id", subjects.iter().map(|(source, _)| source.get()))
        .bytes("subject_hash", subjects.iter().map(|(_, hash)| hash.to_vec()))
        .table(on.engine());
    let sql = format!(
        "SELECT b.citizen_id FROM {table} JOIN bindings b ON b.source_id = r.source_id
           AND b.subject_hash = r.subject_hash AND b.ended_at_us IS NULL
         WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.owner_id = b.citizen_id) LIMIT 1"
    );
    match query_all(on, &sql, values).await?.first() {
        None => Ok(()),
        Some(row) => {
            Err(StoreError::Corrupt(format!("citizen {} has no account", CitizenId::new(row.uuid(0)?))))
        }
    }
}

/// Writes a city's batch: the activities, which are their own lines in the books, and all that follows from
/// them. The citizens' accounts must be locked by this transaction; the programme's is locked here, last, and
/// its side is one posting for the whole batch.
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
        activity::insert_many(on, JournalId::new(0), &rows).await?;
        return if outcome.tallies.is_empty() { Ok(()) } else { tally::add(on, &outcome.tallies).await };
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
    let mut writes = vec![activity::inserting(&rows), usage::adding(&outcome.granted, recorded_at)];
    if !outcome.lots.is_empty() {
        writes.push(lot::granting(&outcome.lots));
    }
    if !outcome.tallies.is_empty() {
        writes.push(tally::adding(&outcome.tallies));
    }
    if !outcome.waiting.is_empty() {
        writes.push(waiting_points::promising(&outcome.waiting));
    }
    writes.push(account::balancing(postings()));
    let id = write_together(on, &journal, writes).await?;
    post_opposite(on, city, id, outcome.total, recorded_at).await
}

/// Posts the other side of a journal on the programme's account, which is locked last.
pub(crate) async fn post_opposite(
    on: &Transaction,
    city: CityId,
    journal: JournalId,
    total: Amounts,
    recorded_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let opposite = total.negated().map_err(unpostable)?;
    match on.engine() {
        Engine::Postgres => post_at_once(on, city, journal, opposite, recorded_at).await,
        Engine::Sqlite => {
            let mut programme = account::lock_programme(on, city).await?;
            let posting = programme.post(opposite, None).map_err(unpostable)?;
            account::insert_postings(on, journal, recorded_at, std::slice::from_ref(&posting)).await?;
            account::balancing(std::iter::once(&posting)).run(on).await
        }
    }
}

async fn post_at_once(
    on: &Transaction,
    city: CityId,
    journal: JournalId,
    amounts: Amounts,
    recorded_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "WITH programme AS (
          UPDATE accounts SET version = version + 1, points = points + $2, reduction_mg = reduction_mg + $3,
              payable_fen = payable_fen + $4
          WHERE owner_id = (SELECT programme_id FROM cities WHERE id = $1)
          RETURNING owner_id, version, points, reduction_mg, payable_fen)
        INSERT INTO postings (owner_id, version, journal_id, recorded_at_us, points, reduction_mg,
            payable_fen, points_after, reduction_after_mg, payable_after_fen)
        SELECT owner_id, version, $5, $6, $2, $3, $4, points, reduction_mg, payable_fen FROM programme";
    let values = [
        city.get().into(),
        amounts.points.get().into(),
        amounts.reduction.get().into(),
        amounts.payable.get().into(),
        journal.get().into(),
        micros(recorded_at).into(),
    ];
    expect_rows(execute(on, sql, values).await?, 1, "a city's programme has no account")
}

fn unpostable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("cannot post a batch: {error}"))
}
