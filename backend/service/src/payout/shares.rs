//! Budgets that are shared: once their days are over, each claim's share is written down for good, then paid.

use std::collections::HashMap;

use chrono::TimeDelta;
use tanhui_domain::activity::Activity;
use tanhui_domain::amount::Points;
use tanhui_domain::city::City;
use tanhui_domain::crediting::{CountOf, Counter, DayGrant, Tally, WaitingPoints, give_up};
use tanhui_domain::id::ActivityId;
use tanhui_domain::rule::{Budget, prorate_by_size};
use tanhui_domain::time::{DayRange, civil_day, day_start};
use tanhui_store::waiting_points::Change;
use tanhui_store::{StoreError, Transaction, activity, tally, waiting_points};

use super::left;
use crate::Services;
use crate::activity::{receipt, rule_set};
use crate::draft::overflow;
use crate::retry::retrying;
use crate::review::claim;

/// Settles the shares of all days that are over, by the rules in force on the last of them.
pub(super) async fn settle_past(services: &Services, city: &City, budget: &str) -> Result<(), StoreError> {
    let today = civil_day(services.clock.now(), city.timezone);
    while let Some(days) = waiting_points::unsettled(&services.database, city.id, budget, today).await? {
        let last_instant =
            day_start(days.until, city.timezone).checked_sub_signed(TimeDelta::microseconds(1));
        let at = last_instant.unwrap_or_else(|| services.clock.now());
        let Some(rule) = services.rules.naming_budget(city.id, at, budget) else {
            tracing::error!(budget, "points share a budget that no rules name");
            return Ok(());
        };
        retrying(|_| settle(services, city, &rule, days)).await?;
    }
    Ok(())
}

async fn settle(services: &Services, city: &City, budget: &Budget, days: DayRange) -> Result<(), StoreError> {
    let on = services.database.begin().await?;
    // Nobody who credits waits for this lock: what they promise meanwhile is settled in the next round.
    let settling = Counter { of: CountOf::Waiting(city.id), name: budget.id() };
    tally::lock(&on, &[settling]).await?;
    let claims = waiting_points::claims(&on, city.id, budget.id(), days).await?;
    let free = left(&on, city.id, budget, days).await?.minus(claims.due_to_others).map_err(overflow)?;
    let shares = prorate_by_size(free, &claims.sizes);
    waiting_points::settle(&on, (city.id, budget.id()), days, (claims.last, &shares)).await?;
    on.commit().await
}

/// What caps, boards, cards and devices lose of points that are given up.
pub(super) async fn counts_given_up(
    services: &Services,
    city: &City,
    on: &Transaction,
    changed: &[(&WaitingPoints, &Change)],
) -> Result<(Vec<DayGrant>, Vec<Tally>), StoreError> {
    let given_up: HashMap<ActivityId, Points> = changed
        .iter()
        .filter(|(_, change)| change.given_up > Points::ZERO)
        .map(|(row, change)| (row.activity, change.given_up))
        .collect();
    if given_up.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let ids: Vec<ActivityId> = given_up.keys().copied().collect();
    let (mut grants, mut tallies): (Vec<DayGrant>, Vec<Tally>) = (Vec::new(), Vec::new());
    for activity in activity::find_many(on, &ids).await? {
        let points = given_up.get(&activity.id).copied().unwrap_or_default();
        let (grant, shared) = of_act(services, city, &activity, points).await?;
        let same = |known: &&mut DayGrant| {
            (known.citizen, &known.action, known.day) == (grant.citizen, &grant.action, grant.day)
        };
        match grants.iter_mut().find(same) {
            Some(known) => {
                let sum = known.granted.points.plus(grant.granted.points);
                known.granted.points = sum.map_err(overflow)?;
            }
            None => grants.push(grant),
        }
        tallies.extend(shared);
    }
    Ok((grants, tallies))
}

async fn of_act(
    services: &Services,
    city: &City,
    activity: &Activity,
    points: Points,
) -> Result<(DayGrant, Vec<Tally>), StoreError> {
    let rules = rule_set(services, activity).await?;
    let missing = || StoreError::Corrupt(format!("activity {}: no such action", activity.id));
    let action = rules.rules.action(&activity.action).ok_or_else(missing)?;
    let receipt = receipt(action, activity)?;
    give_up(&claim(city, activity, &rules, action, &receipt), points).map_err(overflow)
}
