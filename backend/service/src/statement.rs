//! What a citizen has: balance, what will expire, and a statement that adds up.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::amount::Points;
use tanhui_domain::id::{CitizenId, CityId};
use tanhui_domain::ledger::{Amounts, Debt, Lot, LotKey, LotState, LotTally};
use tanhui_domain::time::{civil_day, day_start, to_micros};
pub use tanhui_store::account::StatementLine as Entry;
use tanhui_store::{StoreError, account, lot, waiting_points};

use crate::Services;

/// What a citizen has at one instant.
#[derive(Debug, Clone)]
pub struct Balance {
    /// Points and grams on the account, those points among them that cannot be spent yet.
    pub amounts: Amounts,
    /// Points that cannot be spent yet.
    pub pending: Points,
    /// Points that wait for a budget and are not on the account yet.
    pub waiting: Points,
    /// What later points have to make up for.
    pub debt: Debt,
    /// What is left of every lot, earliest expiry first.
    pub lots: Vec<Lot>,
    /// The civil day of `as_of`.
    pub today: NaiveDate,
    /// As of when.
    pub as_of: DateTime<Utc>,
}

/// One end of a statement as asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A civil day of the city.
    Day(NaiveDate),
    /// An instant.
    Instant(DateTime<Utc>),
}

impl Bound {
    /// Reads `2026-03-01` or RFC 3339 with a zone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() == 10 {
            return NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Self::Day);
        }
        let instant = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self::Instant(to_micros(instant.with_timezone(&Utc))))
    }
}

/// Half-open instants of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// First instant inside; none from the beginning.
    pub from: Option<DateTime<Utc>>,
    /// First instant after.
    pub until: DateTime<Utc>,
}

/// Why a range cannot stand.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RangeError {
    /// It ends before it begins.
    #[error("the range ends before it begins")]
    Backwards,
    /// It is not the one that the list began with.
    #[error("the range differs from that of the cursor")]
    OtherCursor,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A range of a statement, and where to go on.
#[derive(Debug, Clone, Copy)]
pub struct StatementQuery {
    /// The range.
    pub range: Range,
    /// Begin after this line of the account.
    pub after: i64,
    /// Most lines.
    pub limit: i64,
}

/// The range of two ends: a day counts in full at either end; without ends all until now. `begun` is the
/// range of the list that goes on.
pub async fn range(
    services: &Services,
    city: CityId,
    from: Option<Bound>,
    to: Option<Bound>,
    begun: Option<Range>,
) -> Result<Range, RangeError> {
    let zone = services.city(city).await?.timezone;
    let from = from.map(|from| match from {
        Bound::Day(day) => day_start(day, zone),
        Bound::Instant(instant) => instant,
    });
    let until = to.map(|to| match to {
        Bound::Day(day) => day_start(day.succ_opt().unwrap_or(NaiveDate::MAX), zone),
        Bound::Instant(instant) => instant,
    });
    if let Some(begun) = begun {
        let same = from.is_none_or(|from| begun.from == Some(from));
        let same = same && until.is_none_or(|until| begun.until == until);
        return if same { Ok(begun) } else { Err(RangeError::OtherCursor) };
    }
    let just_now = services.clock.now().checked_add_signed(TimeDelta::microseconds(1));
    let until = until.or(just_now.max(from)).unwrap_or(DateTime::<Utc>::MAX_UTC);
    if from.is_some_and(|from| from > until) {
        return Err(RangeError::Backwards);
    }
    Ok(Range { from, until })
}

/// Opening balance, lines, closing balance of the whole range; the lines of one page of it.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Just before `from`.
    pub opening: Amounts,
    /// This page's lines.
    pub lines: Vec<Entry>,
    /// Just before `until`.
    pub closing: Amounts,
    /// Whether lines follow.
    pub more: bool,
}

/// What a citizen of a city has now.
pub async fn balance(services: &Services, citizen: CitizenId) -> Result<Balance, StoreError> {
    let as_of = services.clock.now();
    let snapshot = services.database.snapshot().await?;
    let account = account::find(&snapshot, citizen.into()).await?;
    let lots = lot::open(&snapshot, citizen).await?;
    let waiting = waiting_points::of_citizen(&snapshot, citizen).await?;
    drop(snapshot);
    let today = match &account {
        Some(account) => civil_day(as_of, services.city(account.city).await?.timezone),
        None => as_of.date_naive(),
    };
    let pending = sum(&lots, LotState::Pending, today);
    let (amounts, debt) = account.map(|account| (account.balance, account.debt)).unwrap_or_default();
    Ok(Balance { amounts, pending, waiting, debt, lots, today, as_of })
}

/// The points of a balance that can be spent now. What is owed comes off first.
#[must_use]
pub fn spendable(balance: &Balance) -> Points {
    let active = sum(&balance.lots, LotState::Active, balance.today).get();
    let debt = balance.debt.overdrawn.get().saturating_add(balance.debt.owed.get());
    Points::new(active.saturating_sub(debt).max(0))
}

fn sum(lots: &[Lot], state: LotState, today: NaiveDate) -> Points {
    let of_state = lots.iter().filter(|lot| lot.key.state(today) == state).map(|lot| lot.left);
    Points::total(of_state).unwrap_or_default()
}

/// A citizen's lots with all that became of them, the last to expire first, beginning after one.
pub async fn lots(
    services: &Services,
    citizen: CitizenId,
    after: Option<LotKey>,
    limit: i64,
) -> Result<Vec<LotTally>, StoreError> {
    lot::page(&services.database, citizen, after, limit).await
}

/// One page of a statement.
pub async fn statement(
    services: &Services,
    citizen: CitizenId,
    query: StatementQuery,
) -> Result<Statement, StoreError> {
    let snapshot = services.database.snapshot().await?;
    let from = query.range.from.unwrap_or(DateTime::UNIX_EPOCH);
    let until = query.range.until;
    let opening = account::balance_before(&snapshot, citizen.into(), from).await?;
    let closing = account::balance_before(&snapshot, citizen.into(), until).await?;
    let one_more = query.limit.saturating_add(1);
    let mut lines = account::lines(&snapshot, citizen.into(), from, until, query.after, one_more).await?;
    let limit = usize::try_from(query.limit).unwrap_or(0);
    let more = lines.len() > limit;
    lines.truncate(limit);
    Ok(Statement { opening, lines, closing, more })
}

/// The range of everything.
#[must_use]
pub fn everything() -> Range {
    Range { from: None, until: DateTime::<Utc>::MAX_UTC }
}
