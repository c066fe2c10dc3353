//! What a citizen has: balance, what will expire, and a statement that adds up.

use chrono::{DateTime, NaiveDate, Utc};
use tanhui_domain::amount::Points;
use tanhui_domain::id::CitizenId;
use tanhui_domain::ledger::{Amounts, Lot};
use tanhui_store::account::StatementLine;
use tanhui_store::{StoreError, account, lot};

use crate::Services;

/// What a citizen has at one instant.
#[derive(Debug, Clone)]
pub struct Balance {
    /// Points and grams.
    pub amounts: Amounts,
    /// Every coming last day, earliest first.
    pub expiring: Vec<Lot>,
    /// As of when.
    pub as_of: DateTime<Utc>,
}

/// Half-open instants, and where to go on.
#[derive(Debug, Clone, Copy)]
pub struct StatementQuery {
    /// First instant inside.
    pub from: DateTime<Utc>,
    /// First instant after.
    pub until: DateTime<Utc>,
    /// Begin after this line of the account.
    pub after: i64,
    /// Most lines.
    pub limit: i64,
}

/// Opening balance, lines, closing balance of the whole range; the lines of one page of it.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Just before `from`.
    pub opening: Amounts,
    /// This page's lines.
    pub lines: Vec<StatementLine>,
    /// Just before `until`.
    pub closing: Amounts,
    /// Whether lines follow.
    pub more: bool,
}

/// What a citizen has now.
pub async fn balance(services: &Services, citizen: CitizenId) -> Result<Balance, StoreError> {
    let as_of = services.clock.now();
    let snapshot = services.database.snapshot().await?;
    let account = account::find(&snapshot, citizen.into()).await?;
    let expiring = lot::open(&snapshot, citizen).await?;
    Ok(Balance { amounts: account.map(|account| account.balance).unwrap_or_default(), expiring, as_of })
}

/// The points of a balance that can be spent on a civil day.
#[must_use]
pub fn spendable(balance: &Balance, today: NaiveDate) -> Points {
    let good = balance.expiring.iter().filter(|lot| lot.expires_on >= today).map(|lot| lot.left);
    Points::total(good).unwrap_or_default()
}

/// One page of a statement.
pub async fn statement(
    services: &Services,
    citizen: CitizenId,
    query: StatementQuery,
) -> Result<Statement, StoreError> {
    let snapshot = services.database.snapshot().await?;
    let opening = account::balance_before(&snapshot, citizen.into(), query.from).await?;
    let closing = account::balance_before(&snapshot, citizen.into(), query.until).await?;
    let one_more = query.limit.saturating_add(1);
    let mut lines =
        account::lines(&snapshot, citizen.into(), query.from, query.until, query.after, one_more).await?;
    let limit = usize::try_from(query.limit).unwrap_or(0);
    let more = lines.len() > limit;
    lines.truncate(limit);
    Ok(Statement { opening, lines, closing, more })
}
