//! Settling with merchants: closing their statements, and the steps of two people that lead to payment.
//!
//! Locks are taken in one order by everyone: statement, merchant, programme.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use tanhui_domain::amount::Fen;
use tanhui_domain::city::City;
use tanhui_domain::id::{CitizenId, CityId, MerchantId, StatementId};
use tanhui_domain::ledger::{Amounts, Journal, JournalKind, PostingError};
use tanhui_domain::settlement::{MerchantStatement, StatementStatus, Step, StepError};
use tanhui_domain::time::{civil_day, day_start};
use tanhui_domain::webhook::EventKind;
pub use tanhui_store::settlement::SettledLine;
use tanhui_store::{StoreError, Transaction, account, city, settlement};
use uuid::Uuid;

use crate::Services;
use crate::draft::unpostable;
use crate::random::Random;
use crate::retry::{Repeatable, retrying};
use crate::webhook::announce_statement;

/// Merchants closed per query.
const MERCHANTS_PER_PAGE: i64 = 500;

/// Why a statement did not move.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SettlementError {
    /// No such statement in this city.
    #[error("no such statement")]
    NoStatement,
    /// The step cannot be taken.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Repeatable for SettlementError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_repeatable())
    }
}

/// Closes the statements of the months that are over, in every city; gives how many. Done again it finds
/// nothing.
pub async fn close_past_months(services: &Services) -> Result<usize, StoreError> {
    let mut closed = 0_usize;
    for city in city::list(&services.database).await? {
        let until = month_start(services.clock.now(), &city);
        closed = closed.saturating_add(close(services, &city, until).await?);
    }
    Ok(closed)
}

/// Closes a statement for every merchant of a city that has unsettled lines written before an instant.
pub async fn close(services: &Services, city: &City, until: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut after = MerchantId::new(Uuid::nil());
    let mut closed = 0_usize;
    loop {
        let page =
            settlement::merchants_with_open_lines(&services.database, city.id, after, MERCHANTS_PER_PAGE)
                .await?;
        let Some(last) = page.last() else {
            return Ok(closed);
        };
        after = *last;
        for merchant in page {
            let statement = retrying(|_| close_one(services, city, merchant, until)).await?;
            closed = closed.saturating_add(usize::from(statement.is_some()));
        }
    }
}

async fn close_one(
    services: &Services,
    city: &City,
    merchant: MerchantId,
    until: DateTime<Utc>,
) -> Result<Option<MerchantStatement>, StoreError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;

    // 1. The merchant's lock keeps lines from being added and a second closer from starting.
    account::lock(&transaction, merchant.into()).await?;
    let before = settlement::last(&transaction, merchant).await?;
    let (number, after_line) = before.map_or((0, 0), |last| (last.number, last.last_line));
    let last_line = settlement::last_line_before(&transaction, merchant, until).await?;
    if last_line <= after_line {
        return Ok(None);
    }

    // 2. What the lines come to.
    let due = settlement::due(&transaction, merchant, after_line, last_line).await?;
    let statement = MerchantStatement {
        id: StatementId::new(services.random.uuid_at(now)),
        city: city.id,
        merchant,
        number: number.saturating_add(1),
        after_line,
        last_line,
        due,
        status: StatementStatus::Closed,
        closed_at: now,
        submitted_by: None,
        approved_by: None,
        paid_at: None,
        note: None,
    };

    // 3. Write, commit.
    settlement::insert(&transaction, &statement).await?;
    announce_statement(&transaction, EventKind::StatementClosed, &statement, now).await?;
    transaction.commit().await?;
    metrics::counter!("tanhui_merchant_statements_closed_total").increment(1);
    Ok(Some(statement))
}

/// Takes a step with a statement; paying also posts the payment.
pub async fn step(
    services: &Services,
    city: &City,
    id: StatementId,
    step: &Step,
    by: CitizenId,
) -> Result<MerchantStatement, SettlementError> {
    let now = services.clock.now();
    retrying(|again| try_step(services, city, id, step, (by, now, again))).await
}

async fn try_step(
    services: &Services,
    city: &City,
    id: StatementId,
    step: &Step,
    (by, now, again): (CitizenId, DateTime<Utc>, bool),
) -> Result<MerchantStatement, SettlementError> {
    let transaction = services.database.begin().await?;
    let mut statement =
        settlement::lock(&transaction, city.id, id).await?.ok_or(SettlementError::NoStatement)?;
    // An earlier try at this very instant was committed and its answer lost.
    if again && settlement::was_taken_at(&transaction, id, by, now).await? {
        return Ok(statement);
    }
    statement.step(step.clone(), by, now)?;
    settlement::write_step(&transaction, &statement, by, now).await?;
    if statement.status == StatementStatus::Paid {
        pay(&transaction, city, &statement, now).await?;
        announce_statement(&transaction, EventKind::StatementPaid, &statement, now).await?;
    }
    transaction.commit().await?;
    Ok(statement)
}

/// After a payment the account stands at what came later than the statement. A due below zero is a payment by
/// the merchant.
async fn pay(
    on: &Transaction,
    city: &City,
    statement: &MerchantStatement,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if statement.due.fen.get() == 0 {
        return Ok(());
    }
    let paid = statement.due.fen.negated().map_err(PostingError::from).map_err(unpostable)?;
    post_payable(on, city, (statement.merchant, statement.id.get()), (JournalKind::Settle, paid), now).await
}

/// Changes what the city owes a merchant, for a cause. The programme is locked last.
pub(crate) async fn post_payable(
    on: &Transaction,
    city: &City,
    (merchant, cause): (MerchantId, Uuid),
    (kind, more): (JournalKind, Fen),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let missing = || StoreError::Corrupt("a merchant or programme without an account".to_owned());
    let mut merchant = account::lock(on, merchant.into()).await?.ok_or_else(missing)?;
    let mut programme = account::lock(on, city.programme).await?.ok_or_else(missing)?;
    let (owed, cause) = (Amounts::payable(more), Some(cause));
    let opposite = owed.negated().map_err(PostingError::from).map_err(unpostable)?;
    let postings = vec![
        merchant.post(owed, cause).map_err(unpostable)?,
        programme.post(opposite, cause).map_err(unpostable)?,
    ];
    let journal = Journal { city: city.id, kind, cause, occurred_at: now, recorded_at: now, postings };
    account::write(on, &journal).await.map(|_| ())
}

/// A merchant's statements, the last first, beginning before a number.
pub async fn of_merchant(
    services: &Services,
    merchant: MerchantId,
    before_number: Option<i64>,
    limit: i64,
) -> Result<Vec<MerchantStatement>, StoreError> {
    settlement::page_of_merchant(&services.database, merchant, before_number.unwrap_or(i64::MAX), limit).await
}

/// One statement of a merchant.
pub async fn find(
    services: &Services,
    merchant: MerchantId,
    id: StatementId,
) -> Result<Option<MerchantStatement>, StoreError> {
    settlement::find_of_merchant(&services.database, merchant, id).await
}

/// A city's statements of one status with the merchants' names, beginning after one.
pub async fn of_city(
    services: &Services,
    city: CityId,
    status: StatementStatus,
    after: Option<StatementId>,
    limit: i64,
) -> Result<Vec<(MerchantStatement, String)>, StoreError> {
    settlement::page_of_city(&services.database, city, status, after, limit).await
}

/// Lines of a statement in order, beginning after a line's number.
pub async fn lines(
    services: &Services,
    statement: &MerchantStatement,
    after_line: Option<i64>,
    limit: i64,
) -> Result<Vec<SettledLine>, StoreError> {
    let after = after_line.unwrap_or(statement.after_line).max(statement.after_line);
    settlement::lines(&services.database, statement.merchant, after, statement.last_line, limit).await
}

fn month_start(now: DateTime<Utc>, city: &City) -> DateTime<Utc> {
    let today = civil_day(now, city.timezone);
    let first = NaiveDate::from_ymd_opt(today.year(), today.month(), 1).unwrap_or(today);
    day_start(first, city.timezone)
}
