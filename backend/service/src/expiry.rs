//! Points whose last day is over in their city go back to its programme; points in debt are made up for.
//!
//! May run anywhere, any number of times, in several processes at once: what is left of a lot is read under
//! its owner's lock, so it is posted once. A day that was missed is caught up with.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use tanhui_domain::amount::Points;
use tanhui_domain::city::City;
use tanhui_domain::id::{CitizenId, OwnerId};
use tanhui_domain::ledger::{Account, Amounts, JournalKind};
use tanhui_domain::time::civil_day;
use tanhui_store::{StoreError, account, city, lot, setting};
use uuid::Uuid;

use crate::Services;
use crate::draft::{Draft, overflow, unpostable, write_batch};
use crate::retry::retrying;

/// Most citizens in one transaction.
const CITIZENS_PER_BATCH: i64 = 500;
/// How far behind the last finished day is looked again, for a credit that was written across midnight.
const LOOK_BACK: Days = Days::new(31);

/// What one round posted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Citizens whose points ended.
    pub citizens: u64,
    /// How many points ended.
    pub points: Points,
}

/// Posts everything that ended in every city, and makes up for debts with points that have come since.
pub async fn expire(services: &Services) -> Result<Expired, StoreError> {
    let mut expired = Expired::default();
    for city in city::list(&services.database).await? {
        settle_debts(services, &city).await?;
        let of_city = expire_city(services, &city).await?;
        expired.citizens = expired.citizens.saturating_add(of_city.citizens);
        expired.points = expired.points.plus(of_city.points).map_err(overflow)?;
    }
    Ok(expired)
}

/// One city, unless its last finished day is done already.
async fn expire_city(services: &Services, city: &City) -> Result<Expired, StoreError> {
    let today = civil_day(services.clock.now(), city.timezone);
    let name = format!("expired_until:{}", city.id);
    let done = setting::find(&services.database, &name).await?;
    let done: Option<NaiveDate> = done.and_then(|day| day.parse().ok());
    if done.is_some_and(|done| done >= today) {
        return Ok(Expired::default());
    }
    let from = done.and_then(|done| done.checked_sub_days(LOOK_BACK)).unwrap_or(NaiveDate::MIN);
    let mut expired = Expired::default();
    let mut after = CitizenId::new(Uuid::nil());
    loop {
        let past =
            lot::citizens_with_past(&services.database, city.id, (from, today), after, CITIZENS_PER_BATCH);
        let citizens = past.await?;
        let Some(last) = citizens.last() else { break };
        after = *last;
        for points in retrying(|_| expire_batch(services, city, &citizens, today)).await?.into_values() {
            expired.citizens = expired.citizens.saturating_add(1);
            expired.points = expired.points.plus(points).map_err(overflow)?;
        }
    }
    let transaction = services.database.begin().await?;
    setting::set(&transaction, &name, &today.to_string()).await?;
    transaction.commit().await?;
    count(expired);
    Ok(expired)
}

async fn expire_batch(
    services: &Services,
    city: &City,
    citizens: &[CitizenId],
    today: NaiveDate,
) -> Result<BTreeMap<CitizenId, Points>, StoreError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;

    // 1. Lock. Who is in debt makes up for that first, which is done one by one.
    let owners: Vec<OwnerId> = citizens.iter().copied().map(OwnerId::from).collect();
    let accounts = account::lock_many(&transaction, &owners).await?;
    let (accounts, debtors): (Vec<Account>, Vec<Account>) =
        accounts.into_iter().partition(|account| account.debt.is_none());
    let free: Vec<CitizenId> = accounts.iter().map(|account| CitizenId::new(account.owner.get())).collect();

    // 2. Write.
    let expired = lot::expire(&transaction, &free, today).await?;
    let mut postings = Vec::with_capacity(expired.len());
    for mut account in accounts {
        let Some(points) = expired.get(&CitizenId::new(account.owner.get())) else { continue };
        let ended = Amounts::points(points.negated().map_err(overflow)?);
        postings.push(account.post(ended, None).map_err(unpostable)?);
    }
    write_batch(&transaction, city, JournalKind::Expire, postings, now).await?;
    transaction.commit().await?;

    for debtor in debtors {
        tidy(services, city, CitizenId::new(debtor.owner.get())).await?;
    }
    Ok(expired)
}

/// Makes up for debts of citizens who have points again.
async fn settle_debts(services: &Services, city: &City) -> Result<(), StoreError> {
    let mut after = OwnerId::new(Uuid::nil());
    loop {
        let debtors =
            account::solvent_debtors(&services.database, city.id, after, CITIZENS_PER_BATCH).await?;
        let Some(last) = debtors.last() else {
            return Ok(());
        };
        after = *last;
        for debtor in debtors {
            retrying(|_| tidy(services, city, CitizenId::new(debtor.get()))).await?;
        }
    }
}

/// One citizen: debts first, then what ended.
async fn tidy(services: &Services, city: &City, citizen: CitizenId) -> Result<(), StoreError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let Some(mut draft) = Draft::open(&transaction, citizen).await? else {
        return Ok(());
    };
    draft.tidy(&transaction, civil_day(now, city.timezone)).await?;
    draft.write(&transaction, city, now).await?;
    transaction.commit().await
}

fn count(expired: Expired) {
    if expired.citizens > 0 {
        tracing::info!(citizens = expired.citizens, points = expired.points.get(), "points ended");
    }
    let points = u64::try_from(expired.points.get()).unwrap_or(0);
    metrics::counter!("tanhui_points_expired_total").increment(points);
}
