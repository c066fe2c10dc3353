//! What a citizen's acts have reached: the level, and the badges of the rule set in force. Moves no point.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::city::City;
use tanhui_domain::id::CitizenId;
use tanhui_domain::rule::DayTotal;
use tanhui_store::usage;

use crate::action::rules_now;
use crate::rule_book::PublishedRuleSet;
use crate::{Services, StoreError};

/// What a citizen has reached.
#[derive(Debug, Clone)]
pub struct Honours {
    /// The rule set that names levels and badges.
    pub rules: Arc<PublishedRuleSet>,
    /// Id of the level; none where the rule set has no levels.
    pub level: Option<String>,
    /// Points granted in all.
    pub points: Points,
    /// CO2e avoided in all.
    pub reduction: ReductionMg,
    /// The day on which each badge was reached, by its id.
    pub badges: BTreeMap<String, NaiveDate>,
}

/// What a citizen of a city has reached by now.
pub async fn of(services: &Services, city: &City, citizen: CitizenId) -> Result<Honours, StoreError> {
    let rules = rules_now(services, city).await?;
    let days = usage::of_citizen(&services.database, citizen).await?;
    let overflow = |_| StoreError::Corrupt(format!("the totals of citizen {citizen} overflow"));
    let points = Points::total(days.iter().map(|day| day.granted.points)).map_err(overflow)?;
    let reduction = ReductionMg::total(days.iter().map(|day| day.granted.reduction)).map_err(overflow)?;
    let totals: Vec<DayTotal<'_>> = days
        .iter()
        .map(|grant| DayTotal { day: grant.day, action: &grant.action, granted: grant.granted })
        .collect();
    let level = rules.rules.level(points, reduction).map(|level| level.id().to_owned());
    let earned = rules.rules.badges_earned(&totals);
    let badges = earned.iter().map(|earned| (earned.badge.id().to_owned(), earned.on)).collect();
    Ok(Honours { level, points, reduction, badges, rules })
}
