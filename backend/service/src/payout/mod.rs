//! Points that wait for a budget are paid: those in a queue in order, as soon as the budget has something
//! left; those that share a budget once its days are over.
//!
//! May run anywhere, any number of times, in several processes at once: what still waits is read under its
//! citizen's lock, and what is left of a budget under the budget's, so that each point is paid once.

mod shares;
mod waiting;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tanhui_domain::amount::Points;
use tanhui_domain::city::City;
use tanhui_domain::crediting::{CountOf, Counter, Tally, WHENEVER, WaitingPoints, added_up, payout_lot};
use tanhui_domain::id::{CitizenId, CityId, OwnerId};
use tanhui_domain::ledger::{Account, Amounts, JournalKind, LotGrant, Posting};
use tanhui_domain::rule::{Budget, Usage, pay_queue};
use tanhui_domain::time::{DayRange, civil_day};
use tanhui_store::waiting_points::Change;
use tanhui_store::{Connected, StoreError, Transaction, account, city, lot, tally, usage, waiting_points};

use crate::Services;
use crate::draft::{overflow, unpostable, write_batch};
use crate::retry::retrying;
pub(crate) use waiting::Waiting;

/// Most acts in one transaction.
const ROWS_PER_BATCH: i64 = 500;

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paid {
    /// Acts of which something was paid or given up.
    pub acts: u64,
    /// Points paid.
    pub points: Points,
    /// Points that a shared budget did not reach.
    pub given_up: Points,
}

impl Paid {
    fn add(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            self.acts = self.acts.saturating_add(1);
            self.points = self.points.plus(change.paid).map_err(overflow)?;
            self.given_up = self.given_up.plus(change.given_up).map_err(overflow)?;
        }
        Ok(())
    }
}

/// Pays all that can be paid in every city.
pub async fn pay(services: &Services) -> Result<Paid, StoreError> {
    services.rules.refresh(&services.database).await?;
    let mut paid = Paid::default();
    for city in city::list(&services.database).await? {
        for budget in tally::waiting_for(&services.database, city.id).await? {
            shares::settle_past(services, &city, &budget).await?;
            pay_shares(services, &city, &budget, &mut paid).await?;
            pay_waiting(services, &city, &budget, &mut paid).await?;
        }
    }
    metrics::counter!("tanhui_points_paid_after_waiting_total")
        .increment(u64::try_from(paid.points.get()).unwrap_or(0));
    Ok(paid)
}

/// Pays the queue of a budget as far as it reaches.
async fn pay_waiting(
    services: &Services,
    city: &City,
    budget: &str,
    paid: &mut Paid,
) -> Result<(), StoreError> {
    let Some(rule) = services.rules.naming_budget(city.id, services.clock.now(), budget) else {
        tracing::error!(budget, "points wait for a budget that no rules name");
        return Ok(());
    };
    loop {
        let now = services.clock.now();
        let days = rule.period().range(civil_day(now, city.timezone));
        if left(&services.database, city.id, &rule, days).await? <= Points::ZERO {
            return Ok(());
        }
        let rows = waiting_points::queue(&services.database, city.id, budget, ROWS_PER_BATCH).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let of = Payer { services, city, now };
        let changes = retrying(|_| of.pay_batch(&rows, Some((&rule, days)))).await?;
        paid.add(&changes)?;
        if changes.len() < rows.len() {
            return Ok(());
        }
    }
}

/// Pays settled shares.
async fn pay_shares(
    services: &Services,
    city: &City,
    budget: &str,
    paid: &mut Paid,
) -> Result<(), StoreError> {
    loop {
        let rows = waiting_points::with_share(&services.database, city.id, budget, ROWS_PER_BATCH).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let of = Payer { services, city, now: services.clock.now() };
        paid.add(&retrying(|_| of.pay_batch(&rows, None)).await?)?;
    }
}

/// What a budget has left in a period.
async fn left<C: Connected>(
    on: &C,
    city: CityId,
    budget: &Budget,
    days: DayRange,
) -> Result<Points, StoreError> {
    let counter = Counter { of: CountOf::Issued(city), name: budget.id() };
    let issued = tally::sums(on, &[(counter, days)]).await?.pop().unwrap_or_default();
    budget.limit().minus(issued.points).map_err(overflow)
}

/// Pays in one city at one instant.
struct Payer<'a> {
    services: &'a Services,
    city: &'a City,
    now: DateTime<Utc>,
}

impl Payer<'_> {
    /// Pays rows of one budget that still wait: from what a queue's budget has left, or else their shares.
    /// Gives what it did.
    async fn pay_batch(
        &self,
        rows: &[WaitingPoints],
        queue: Option<(&Budget, DayRange)>,
    ) -> Result<Vec<Change>, StoreError> {
        let on = self.services.database.begin().await?;

        // 1. Lock: citizens in id order, then the budget; then read again what waits.
        let owners: Vec<OwnerId> = rows.iter().map(|row| row.citizen.into()).collect();
        let accounts = account::lock_many(&on, &owners).await?;
        if let Some((budget, _)) = queue {
            let issued = Counter { of: CountOf::Issued(self.city.id), name: budget.id() };
            tally::lock(&on, &[issued]).await?;
        }
        let places: Vec<i64> = rows.iter().map(|row| row.place).collect();
        let open = waiting_points::still_open(&on, &places).await?;

        // 2. Decide.
        let changes = match queue {
            Some((budget, days)) => from_queue(left(&on, self.city.id, budget, days).await?, &open)?,
            None => from_shares(&open)?,
        };

        // 3. Write.
        if !changes.is_empty() {
            self.write(&on, accounts, &open, &changes).await?;
        }

        // 4. Commit.
        on.commit().await?;
        Ok(changes)
    }

    async fn write(
        &self,
        on: &Transaction,
        accounts: Vec<Account>,
        open: &[WaitingPoints],
        changes: &[Change],
    ) -> Result<(), StoreError> {
        let of_place: BTreeMap<i64, &WaitingPoints> = open.iter().map(|row| (row.place, row)).collect();
        let rows: Vec<(&WaitingPoints, &Change)> =
            changes.iter().filter_map(|change| Some((*of_place.get(&change.place)?, change))).collect();
        waiting_points::change(on, changes).await?;
        let grants = self.lots(&rows)?;
        if !grants.is_empty() {
            lot::grant(on, &grants).await?;
        }
        let mut tallies = self.tallies(&rows)?;
        let (less, given_up) = shares::counts_given_up(self.services, self.city, on, &rows).await?;
        if !less.is_empty() {
            usage::add(on, &less, self.now).await?;
            city::renew_boards(on, self.city.id).await?;
        }
        tallies.extend(given_up);
        tally::add(on, &added_up(tallies).map_err(overflow)?).await?;
        let postings = postings(accounts, &rows)?;
        write_batch(on, self.city, JournalKind::Payout, postings, self.now).await
    }

    fn lots(&self, changed: &[(&WaitingPoints, &Change)]) -> Result<Vec<LotGrant>, StoreError> {
        let mut lots: BTreeMap<_, Points> = BTreeMap::new();
        for (row, change) in changed.iter().filter(|(_, change)| change.paid > Points::ZERO) {
            let rules = self.services.rules.by_id(row.rule_set);
            let action = rules.as_ref().and_then(|rules| Some((rules, rules.rules.action(&row.action)?)));
            let missing = || StoreError::Corrupt(format!("activity {}: no such action", row.activity));
            let (rules, action) = action.ok_or_else(missing)?;
            let key = payout_lot(&rules.rules, action, row.credited_at, self.now);
            let lot = lots.entry((row.citizen, key)).or_default();
            *lot = lot.plus(change.paid).map_err(overflow)?;
        }
        let grants = lots.into_iter();
        Ok(grants.map(|((citizen, key), points)| LotGrant { citizen, key, points }).collect())
    }

    /// What was issued, and what no longer waits.
    fn tallies(&self, changed: &[(&WaitingPoints, &Change)]) -> Result<Vec<Tally>, StoreError> {
        let today = civil_day(self.now, self.city.timezone);
        let mut tallies = Vec::new();
        for (row, change) in changed {
            let tally = |of, day, points| Tally {
                of,
                name: row.budget.clone(),
                day,
                added: Usage { points, ..Usage::NONE },
            };
            let gone = change.paid.plus(change.given_up).and_then(Points::negated).map_err(overflow)?;
            tallies.push(tally(CountOf::Waiting(row.city), WHENEVER, gone));
            tallies.push(tally(CountOf::Issued(row.city), row.issued_on(today), change.paid));
        }
        Ok(tallies)
    }
}

/// The earliest first, as far as the budget reaches; the last one perhaps in part.
fn from_queue(left: Points, open: &[WaitingPoints]) -> Result<Vec<Change>, StoreError> {
    let wanted: Result<Vec<Points>, _> = open.iter().map(WaitingPoints::left).collect();
    let paid = pay_queue(left, &wanted.map_err(overflow)?);
    let change =
        |(row, paid): (&WaitingPoints, Points)| Change { place: row.place, paid, given_up: Points::ZERO };
    Ok(open.iter().zip(paid).filter(|(_, paid)| *paid > Points::ZERO).map(change).collect())
}

/// Each its share; the rest is given up.
fn from_shares(open: &[WaitingPoints]) -> Result<Vec<Change>, StoreError> {
    let change = |row: &WaitingPoints| {
        let due = row.due.unwrap_or_default().minus(row.paid)?;
        Ok(Change { place: row.place, paid: due, given_up: row.left()?.minus(due)? })
    };
    open.iter().map(|row| change(row).map_err(overflow)).collect()
}

fn postings(
    accounts: Vec<Account>,
    changed: &[(&WaitingPoints, &Change)],
) -> Result<Vec<Posting>, StoreError> {
    let mut accounts: BTreeMap<CitizenId, Account> =
        accounts.into_iter().map(|account| (CitizenId::new(account.owner.get()), account)).collect();
    let mut postings = Vec::with_capacity(changed.len());
    for (row, change) in changed.iter().filter(|(_, change)| change.paid > Points::ZERO) {
        let no_account = || StoreError::Corrupt(format!("citizen {} has no account", row.citizen));
        let account = accounts.get_mut(&row.citizen).ok_or_else(no_account)?;
        let cause = Some(row.activity.get());
        postings.push(account.post(Amounts::points(change.paid), cause).map_err(unpostable)?);
    }
    Ok(postings)
}
