//! Prizes: when the period of a board is over, its first ranks are written down as the board then stands, and
//! given. Once.
//!
//! May run anywhere, any number of times, in several processes at once. A period that was missed is caught up
//! with; what happens to the board later changes no prize.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tanhui_domain::amount::Points;
use tanhui_domain::city::City;
use tanhui_domain::id::{AwardId, CitizenId, OwnerId};
use tanhui_domain::leaderboard::Scope;
use tanhui_domain::ledger::{Amounts, JournalKind, LotGrant, LotKey, NEVER};
use tanhui_domain::prize::Award;
use tanhui_domain::rule::{BoardOf, Prize};
use tanhui_domain::text::Text;
use tanhui_domain::time::{civil_day, day_start};
use tanhui_store::{StoreError, Transaction, account, city, lot, prize, setting};

use crate::Services;
use crate::board::{BoardQuery, ranking};
use crate::draft::{unpostable, write_batch};
use crate::random::Random as _;
use crate::retry::retrying;
use crate::rule_book::PublishedRuleSet;

/// Most prizes given in one transaction.
const PRIZES_PER_BATCH: i64 = 500;

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Given {
    /// Prizes given.
    pub prizes: u64,
    /// Points that went with them.
    pub points: Points,
}

/// A prize as its winner sees it.
#[derive(Debug, Clone)]
pub struct Won {
    /// Which, on which rank.
    pub award: Award,
    /// What it is called.
    pub name: Text,
    /// Why it was won.
    pub reason: Text,
}

/// Writes down the winners of all periods that are over in every city, and gives them their prizes.
pub async fn give(services: &Services) -> Result<Given, StoreError> {
    services.rules.refresh(&services.database).await?;
    let mut given = Given::default();
    for city in city::list(&services.database).await? {
        award_past(services, &city).await?;
        pay(services, &city, &mut given).await?;
    }
    metrics::counter!("tanhui_prizes_given_total").increment(given.prizes);
    Ok(given)
}

/// A citizen's prizes, the last first, beginning after one.
pub async fn page(
    services: &Services,
    citizen: CitizenId,
    after: Option<AwardId>,
    limit: i64,
) -> Result<Vec<Won>, StoreError> {
    let awards = prize::page(&services.database, citizen, after, limit).await?;
    services.rules.refresh(&services.database).await?;
    let won = |award: Award| {
        let rules = services.rules.by_id(award.rule_set);
        let found = rules.as_ref().and_then(|rules| prize_of(rules, &award.prize));
        let missing = || StoreError::Corrupt(format!("prize {}: not in its rule set", award.prize));
        let found = found.ok_or_else(missing)?;
        Ok(Won { name: found.name().clone(), reason: award.told(found), award })
    };
    awards.into_iter().map(won).collect()
}

fn prize_of<'a>(rules: &'a PublishedRuleSet, id: &str) -> Option<&'a Prize> {
    rules.rules.prizes().iter().find(|prize| prize.id() == id)
}

/// The winners of every period that ended since the last time, by the rules in force at its end.
async fn award_past(services: &Services, city: &City) -> Result<(), StoreError> {
    let name = format!("prizes_until:{}", city.id);
    let today = civil_day(services.clock.now(), city.timezone);
    let done = setting::find(&services.database, &name).await?.and_then(|day| day.parse().ok());
    let first = services.rules.first_in_force(city.id).map(|at| civil_day(at, city.timezone));
    let Some(done): Option<NaiveDate> = done.or(first).filter(|done| *done < today) else {
        return Ok(());
    };
    for (last, next) in done.iter_days().zip(done.iter_days().skip(1)).take_while(|(_, next)| *next <= today)
    {
        let last_instant = day_start(next, city.timezone).checked_sub_signed(TimeDelta::microseconds(1));
        let rules = last_instant.and_then(|at| services.rules.in_force(city.id, at));
        let Some(rules) = rules else { continue };
        for prize in rules.rules.prizes().iter().filter(|prize| prize.period().range(last).until == next) {
            award(services, city, (&rules, prize), last).await?;
        }
    }
    let on = services.database.begin().await?;
    setting::set(&on, &name, &today.to_string()).await?;
    on.commit().await
}

/// The winners of a prize over the period of a day, on each board that it is for.
async fn award(
    services: &Services,
    city: &City,
    (rules, prize): (&PublishedRuleSet, &Prize),
    on: NaiveDate,
) -> Result<(), StoreError> {
    let scopes = match prize.board() {
        BoardOf::City => vec![Scope::City],
        BoardOf::District => rules.rules.districts().iter().cloned().map(Scope::District).collect(),
        // Refused at publishing.
        BoardOf::Team => Vec::new(),
    };
    for scope in scopes {
        let (period, metric) = (prize.period(), prize.metric());
        let query = BoardQuery { city: city.clone(), period, on, scope, metric };
        match retrying(|_| award_board(services, &query, (rules, prize))).await {
            // Another process was faster.
            Ok(()) | Err(StoreError::Exists(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn award_board(
    services: &Services,
    query: &BoardQuery,
    (rules, of): (&PublishedRuleSet, &Prize),
) -> Result<(), StoreError> {
    let (now, days) = (services.clock.now(), query.period.range(query.on));
    let district = match &query.scope {
        Scope::City => None,
        Scope::District(name) => Some(name.clone()),
    };
    let on = services.database.begin().await?;
    if prize::is_awarded(&on, query.city.id, of.id(), days.from, district.as_deref()).await? {
        return Ok(());
    }
    let board: Vec<_> = ranking(&on, query)
        .await?
        .into_iter()
        .map(|entry| ((entry.citizen, entry.score), entry.score))
        .collect();
    let award = |(rank, (citizen, score)): (u32, &(CitizenId, i64))| Award {
        id: AwardId::new(services.random.uuid_at(now)),
        city: query.city.id,
        citizen: *citizen,
        rule_set: rules.id,
        prize: of.id().to_owned(),
        district: district.clone(),
        days,
        rank,
        score: *score,
        points: of.points().unwrap_or_default(),
        awarded_at: now,
        paid_at: None,
    };
    let awards: Vec<Award> = (of.ranks().0..).zip(of.winners(&board)).map(award).collect();
    if !awards.is_empty() {
        prize::insert_many(&on, &awards).await?;
    }
    on.commit().await
}

async fn pay(services: &Services, city: &City, given: &mut Given) -> Result<(), StoreError> {
    loop {
        let awards = prize::unpaid(&services.database, city.id, PRIZES_PER_BATCH).await?;
        if awards.is_empty() {
            return Ok(());
        }
        for award in retrying(|_| pay_batch(services, city, &awards)).await? {
            given.prizes = given.prizes.saturating_add(1);
            given.points = Points::new(given.points.get().saturating_add(award.points.get()));
        }
    }
}

async fn pay_batch(services: &Services, city: &City, awards: &[Award]) -> Result<Vec<Award>, StoreError> {
    let now = services.clock.now();
    let on = services.database.begin().await?;

    // 1. Lock, then read again which are to be given.
    let owners: Vec<OwnerId> = awards.iter().map(|award| award.citizen.into()).collect();
    let accounts = account::lock_many(&on, &owners).await?;
    let ids: Vec<AwardId> = awards.iter().map(|award| award.id).collect();
    let awards = prize::still_unpaid(&on, &ids).await?;
    if awards.is_empty() {
        return Ok(awards);
    }

    // 2. Write.
    prize::mark_paid(&on, &awards, now).await?;
    let mut accounts: BTreeMap<OwnerId, _> =
        accounts.into_iter().map(|account| (account.owner, account)).collect();
    let mut postings = Vec::with_capacity(awards.len());
    for award in awards.iter().filter(|award| award.points > Points::ZERO) {
        let no_account = || StoreError::Corrupt(format!("citizen {} has no account", award.citizen));
        let account = accounts.get_mut(&award.citizen.into()).ok_or_else(no_account)?;
        let posting = account.post(Amounts::points(award.points), Some(award.id.get()));
        postings.push(posting.map_err(unpostable)?);
    }
    grant_lots(services, city, &on, &awards, now).await?;
    write_batch(&on, city, JournalKind::Prize, postings, now).await?;

    // 3. Commit.
    on.commit().await?;
    Ok(awards)
}

/// Their points end counted from today, by the rules that announced them.
async fn grant_lots(
    services: &Services,
    city: &City,
    on: &Transaction,
    awards: &[Award],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let today = civil_day(now, city.timezone);
    let mut lots: BTreeMap<(CitizenId, LotKey), Points> = BTreeMap::new();
    for award in awards.iter().filter(|award| award.points > Points::ZERO) {
        let rules = services.rules.by_id(award.rule_set);
        let expires_on = rules.and_then(|rules| rules.rules.expires_on(today)).unwrap_or(NEVER);
        let lot = lots.entry((award.citizen, LotKey::until(expires_on))).or_default();
        *lot = lot.plus(award.points).map_err(crate::draft::overflow)?;
    }
    if lots.is_empty() {
        return Ok(());
    }
    let grants: Vec<LotGrant> =
        lots.into_iter().map(|((citizen, key), points)| LotGrant { citizen, key, points }).collect();
    lot::grant(on, &grants).await
}
