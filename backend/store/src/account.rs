//! Accounts, journals, postings. Balances change only together with the postings that say why.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tanhui_domain::amount::{AmountOverflow, Fen, Points, ReductionMg};
use tanhui_domain::id::{CityId, JournalId, OwnerId};
use tanhui_domain::ledger::{Account, Amounts, Debt, Journal, JournalKind, OwnerKind, Posting};
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, expect_rows, micros, query_all, query_one, query_row};
use crate::write::Write;

pub(crate) const COLUMNS: &str = "owner_id, city_id, kind, version, points, reduction_mg, payable_fen,
    points_overdrawn, points_owed";
pub(crate) const COLUMN_COUNT: usize = 9;

/// Opens an account with nothing on it.
pub async fn open(on: &Transaction, owner: OwnerId, city: CityId, kind: OwnerKind) -> Result<(), StoreError> {
    open_many(on, std::iter::once((owner, city)), kind).await
}

/// Opens accounts with nothing on them.
pub async fn open_many(
    on: &Transaction,
    owners: impl Iterator<Item = (OwnerId, CityId)>,
    kind: OwnerKind,
) -> Result<(), StoreError> {
    let (ids, cities): (Vec<Uuid>, Vec<i64>) = owners.map(|(owner, city)| (owner.get(), city.get())).unzip();
    let kinds = vec![kind_number(kind); ids.len()];
    let (table, values) =
        Columns::new().uuid("owner_id", ids).bigint("city_id", cities).int("kind", kinds).table(on.engine());
    let sql = format!(
        "INSERT INTO accounts (owner_id, city_id, kind, version, points, reduction_mg, payable_fen)
         SELECT owner_id, city_id, kind, 0, 0, 0, 0 FROM {table} WHERE true"
    );
    execute(on, &sql, values).await.map(|_| ())
}

/// Locks accounts in id order, which is the order in which everyone locks them, and reads them.
pub async fn lock_many(on: &Transaction, owners: &[OwnerId]) -> Result<Vec<Account>, StoreError> {
    let (table, values) =
        Columns::new().uuid("id", owners.iter().map(|owner| owner.get())).table(on.engine());
    let sql = format!(
        "SELECT {COLUMNS} FROM accounts WHERE owner_id IN (SELECT r.id FROM {table}) ORDER BY owner_id{}",
        on.for_update()
    );
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// Locks the account of a city's programme.
pub async fn lock_programme(on: &Transaction, city: CityId) -> Result<Account, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM accounts WHERE owner_id = (SELECT programme_id FROM cities WHERE id = $1){}",
        on.for_update()
    );
    let row = query_one(on, &sql, [city.get().into()]).await?;
    row.as_ref()
        .map(read)
        .transpose()?
        .ok_or_else(|| StoreError::Corrupt(format!("the programme of city {city} has no account")))
}

/// Locks one account.
pub async fn lock(on: &Transaction, owner: OwnerId) -> Result<Option<Account>, StoreError> {
    Ok(lock_many(on, &[owner]).await?.pop())
}

/// Reads one account.
pub async fn find<C: Connected>(on: &C, owner: OwnerId) -> Result<Option<Account>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE owner_id = $1");
    query_one(on, &sql, [owner.get().into()]).await?.as_ref().map(read).transpose()
}

/// Writes a journal with its postings, and the balances after it. The accounts must be locked by this
/// transaction.
///
/// The programme's account is locked last by every writer, so its versions grow in commit order. Journal ids
/// need not: a crediting batch takes its own before that lock.
///
/// A journal that does not sum to zero is refused.
pub async fn write(on: &Transaction, journal: &Journal) -> Result<JournalId, StoreError> {
    refuse_unbalanced(journal.sum())?;
    let id = open_journal(on, journal).await?;
    insert_postings(on, id, journal.recorded_at, &journal.postings).await?;
    balancing(journal.postings.iter()).run(on).await?;
    Ok(id)
}

/// Writes the head of a journal. Its lines must follow in the same transaction.
pub(crate) async fn open_journal(on: &Transaction, journal: &Journal) -> Result<JournalId, StoreError> {
    let row = query_row(on, INSERT_JOURNAL, journal_values(journal)).await?;
    Ok(JournalId::new(row.bigint(0)?))
}

pub(crate) const INSERT_JOURNAL: &str = "INSERT INTO journals
    (city_id, kind, cause, occurred_at_us, recorded_at_us) VALUES ($1, $2, $3, $4, $5) RETURNING id";

pub(crate) fn journal_values(journal: &Journal) -> [sea_orm::Value; 5] {
    [
        journal.city.get().into(),
        journal_kind_number(journal.kind).into(),
        journal.cause.into(),
        micros(journal.occurred_at).into(),
        micros(journal.recorded_at).into(),
    ]
}

/// Writes what an account's later points have to make up for. It must be locked, and a debt that lets the
/// balance fall below zero be written before the journal that does.
pub async fn write_debt(on: &Transaction, account: &Account) -> Result<(), StoreError> {
    let sql = "UPDATE accounts SET points_overdrawn = $2, points_owed = $3 WHERE owner_id = $1";
    let debt = account.debt;
    let values = [account.owner.get().into(), debt.overdrawn.get().into(), debt.owed.get().into()];
    expect_rows(execute(on, sql, values).await?, 1, "an account is missing")
}

/// Citizens of a city in debt who have points to make up for it, in id order and beginning after one.
pub async fn solvent_debtors<C: Connected>(
    on: &C,
    city: CityId,
    after: OwnerId,
    limit: i64,
) -> Result<Vec<OwnerId>, StoreError> {
    let sql = "SELECT a.owner_id FROM accounts a WHERE (a.points_overdrawn > 0 OR a.points_owed > 0)
               AND a.city_id = $1 AND a.owner_id > $2
               AND EXISTS (SELECT 1 FROM lots l WHERE l.citizen_id = a.owner_id AND l.points_left > 0)
               ORDER BY a.owner_id LIMIT $3";
    let rows = query_all(on, sql, [city.get().into(), after.get().into(), limit.into()]).await?;
    rows.iter().map(|row| Ok(OwnerId::new(row.uuid(0)?))).collect()
}

pub(crate) fn refuse_unbalanced(sum: Result<Amounts, AmountOverflow>) -> Result<(), StoreError> {
    if sum == Ok(Amounts::default()) {
        return Ok(());
    }
    Err(StoreError::Corrupt(format!("a journal that does not sum to zero: {sum:?}")))
}

/// Writes lines that no activity stands behind.
pub(crate) async fn insert_postings(
    on: &Transaction,
    journal: JournalId,
    recorded_at: DateTime<Utc>,
    postings: &[Posting],
) -> Result<(), StoreError> {
    posting(recorded_at, postings).in_journal(journal).run(on).await
}

/// Lines that no activity stands behind, not yet run.
pub(crate) fn posting(recorded_at: DateTime<Utc>, postings: &[Posting]) -> Write {
    let columns = Columns::new()
        .uuid("owner_id", postings.iter().map(|posting| posting.owner.get()))
        .bigint("version", postings.iter().map(|posting| posting.version))
        .maybe_uuid("cause", postings.iter().map(|posting| posting.cause))
        .bigint("recorded_at_us", postings.iter().map(|_| micros(recorded_at)))
        .bigint("points", postings.iter().map(|posting| posting.amounts.points.get()))
        .bigint("reduction_mg", postings.iter().map(|posting| posting.amounts.reduction.get()))
        .bigint("payable_fen", postings.iter().map(|posting| posting.amounts.payable.get()))
        .bigint("points_after", postings.iter().map(|posting| posting.after.points.get()))
        .bigint("reduction_after_mg", postings.iter().map(|posting| posting.after.reduction.get()))
        .bigint("payable_after_fen", postings.iter().map(|posting| posting.after.payable.get()));
    let names = "owner_id, version, cause, recorded_at_us, points, reduction_mg, payable_fen,
        points_after, reduction_after_mg, payable_after_fen";
    Write::of_journal(columns, move |table, journal| {
        format!(
            "INSERT INTO postings (journal_id, {names}) SELECT {journal}, {names} FROM {table} WHERE true"
        )
    })
}

/// The last posting of each account tells its balance. An account that is missing or has moved since it was
/// read, as one can that was not locked, fails the write.
pub(crate) fn balancing<'a>(postings: impl Iterator<Item = &'a Posting>) -> Write {
    let mut ends: BTreeMap<OwnerId, (&Posting, &Posting)> = BTreeMap::new();
    for posting in postings {
        ends.entry(posting.owner).and_modify(|(_, last)| *last = posting).or_insert((posting, posting));
    }
    let last = || ends.values().map(|(_, last)| last);
    let columns = Columns::new()
        .uuid("owner_id", ends.keys().map(|owner| owner.get()))
        .bigint("version_before", ends.values().map(|(first, _)| first.version.saturating_sub(1)))
        .bigint("version", last().map(|posting| posting.version))
        .bigint("points", last().map(|posting| posting.after.points.get()))
        .bigint("reduction_mg", last().map(|posting| posting.after.reduction.get()))
        .bigint("payable_fen", last().map(|posting| posting.after.payable.get()));
    let update = Write::new(columns, |table| {
        format!(
            "UPDATE accounts SET version = r.version, points = r.points, reduction_mg = r.reduction_mg,
                payable_fen = r.payable_fen
             FROM {table} WHERE accounts.owner_id = r.owner_id AND accounts.version = r.version_before"
        )
    });
    update.touching(ends.len(), "an account is missing or was not locked")
}

/// One line of a statement.
#[derive(Debug, Clone)]
pub struct StatementLine {
    /// Its number on the account.
    pub version: i64,
    /// Why its journal was written.
    pub kind: JournalKind,
    /// The activity or redemption behind it.
    pub cause: Option<Uuid>,
    /// When it was written.
    pub recorded_at: DateTime<Utc>,
    /// Signed amounts.
    pub amounts: Amounts,
    /// Balances after it.
    pub after: Amounts,
}

/// How far the clocks of those who write may lie apart, or be put back.
const CLOCKS_APART_US: i64 = 86_400_000_000;

/// Lines of an account recorded within half-open instants, oldest first, beginning after a line's number.
///
/// They lie between [`balance_before`] of both instants: where a clock was put back, a line belongs to the
/// lines around it.
pub async fn lines<C: Connected>(
    on: &C,
    owner: OwnerId,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    after_version: i64,
    limit: i64,
) -> Result<Vec<StatementLine>, StoreError> {
    let sql = "SELECT p.version, j.kind, p.cause, p.recorded_at_us, p.points, p.reduction_mg, p.payable_fen,
                      p.points_after, p.reduction_after_mg, p.payable_after_fen
               FROM ledger_lines p JOIN journals j ON j.id = p.journal_id
               WHERE p.owner_id = $1 AND p.version > $4
                 AND p.version > COALESCE((SELECT MAX(b.version) FROM ledger_lines b
                                           WHERE b.owner_id = $1 AND b.recorded_at_us < $2), 0)
                 AND p.version <= COALESCE((SELECT MAX(b.version) FROM ledger_lines b
                                            WHERE b.owner_id = $1 AND b.recorded_at_us < $3), 0)
                 AND p.recorded_at_us >= $6 AND p.recorded_at_us < $7
               ORDER BY p.version LIMIT $5";
    let (from, until) = (micros(from), micros(until));
    let values = [
        owner.get().into(),
        from.into(),
        until.into(),
        after_version.into(),
        limit.into(),
        from.saturating_sub(CLOCKS_APART_US).into(),
        until.saturating_add(CLOCKS_APART_US).into(),
    ];
    let rows = query_all(on, sql, values).await?;
    rows.iter()
        .map(|row| {
            Ok(StatementLine {
                version: row.bigint(0)?,
                kind: journal_kind(row.get(1)?)?,
                cause: row.get(2)?,
                recorded_at: row.instant(3)?,
                amounts: amounts(row, 4)?,
                after: amounts(row, 7)?,
            })
        })
        .collect()
}

/// Whether an account has a line with a cause that was written at one instant.
pub async fn has_line<C: Connected>(
    on: &C,
    owner: OwnerId,
    cause: Uuid,
    recorded_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM postings WHERE owner_id = $1 AND cause = $2 AND recorded_at_us = $3 LIMIT 1";
    Ok(query_one(on, sql, [owner.get().into(), cause.into(), micros(recorded_at).into()]).await?.is_some())
}

/// The balances of an account just before an instant.
pub async fn balance_before<C: Connected>(
    on: &C,
    owner: OwnerId,
    before: DateTime<Utc>,
) -> Result<Amounts, StoreError> {
    let sql = "SELECT points_after, reduction_after_mg, payable_after_fen FROM ledger_lines
               WHERE owner_id = $1 AND recorded_at_us < $2 ORDER BY version DESC LIMIT 1";
    let row = query_one(on, sql, [owner.get().into(), micros(before).into()]).await?;
    row.map_or(Ok(Amounts::default()), |row| amounts(&row, 0))
}

/// Owners of the city's accounts that moved in journals after the one of a programme posting, and perhaps
/// some that did not: journals that were written side by side are told apart by their ids only.
pub async fn moved_since<C: Connected>(
    on: &C,
    city: CityId,
    programme_version: i64,
    limit: i64,
) -> Result<Vec<OwnerId>, StoreError> {
    let sql = "SELECT DISTINCT p.owner_id FROM ledger_lines p JOIN accounts a ON a.owner_id = p.owner_id
               WHERE a.city_id = $1 AND a.kind = 1 AND p.journal_id >= (
                 SELECT MIN(b.journal_id) FROM postings b JOIN cities c ON c.programme_id = b.owner_id
                 WHERE c.id = $1 AND b.version > $2) LIMIT $3";
    let rows = query_all(on, sql, [city.get().into(), programme_version.into(), limit.into()]).await?;
    rows.iter().map(|row| Ok(OwnerId::new(row.uuid(0)?))).collect()
}

pub(crate) fn amounts(row: &Row, column: usize) -> Result<Amounts, StoreError> {
    Ok(Amounts {
        points: Points::new(row.bigint(column)?),
        reduction: ReductionMg::new(row.bigint(column.saturating_add(1))?),
        payable: Fen::new(row.bigint(column.saturating_add(2))?),
    })
}

pub(crate) fn read(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        owner: OwnerId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        kind: kind(row.get(2)?)?,
        version: row.bigint(3)?,
        balance: amounts(row, 4)?,
        debt: Debt { overdrawn: Points::new(row.bigint(7)?), owed: Points::new(row.bigint(8)?) },
    })
}

fn kind_number(kind: OwnerKind) -> i32 {
    match kind {
        OwnerKind::Citizen => 1,
        OwnerKind::Programme => 2,
        OwnerKind::Merchant => 3,
        OwnerKind::Project => 5,
    }
}

fn kind(number: i32) -> Result<OwnerKind, StoreError> {
    [OwnerKind::Citizen, OwnerKind::Programme, OwnerKind::Merchant, OwnerKind::Project]
        .into_iter()
        .find(|kind| kind_number(*kind) == number)
        .ok_or_else(|| StoreError::Corrupt(format!("account kind {number}")))
}

pub(crate) fn journal_kind_number(kind: JournalKind) -> i32 {
    match kind {
        JournalKind::Credit => 1,
        JournalKind::Redeem => 2,
        JournalKind::Cancel => 3,
        JournalKind::Use => 4,
        JournalKind::Expire => 5,
        JournalKind::Adjust => 6,
        JournalKind::Reverse => 7,
        JournalKind::Settle => 8,
        JournalKind::Void => 9,
        JournalKind::Payout => 12,
        JournalKind::Prize => 13,
    }
}

pub(crate) fn journal_kind(number: i32) -> Result<JournalKind, StoreError> {
    use JournalKind::{Adjust, Cancel, Credit, Expire, Payout, Prize, Redeem, Reverse, Settle, Use, Void};
    [Credit, Redeem, Cancel, Use, Expire, Adjust, Reverse, Settle, Void, Payout, Prize]
        .into_iter()
        .find(|kind| journal_kind_number(*kind) == number)
        .ok_or_else(|| StoreError::Corrupt(format!("journal kind {number}")))
}
