//! Where a citizen stands by the rules in force: level, days in a row, badges. Moves no point.

use chrono::NaiveDate;
use tanhui_domain::amount::{AmountOverflow, Points, ReductionMg};
use tanhui_domain::city::Citizen;
use tanhui_domain::rule::{DayTotal, Level, Reach, RuleSet, Streaks};
use tanhui_domain::text::Text;
use tanhui_domain::time::civil_day;
use tanhui_store::{StoreError, usage};

use crate::Services;
use crate::draft::overflow;

/// Most days of one action that are looked at, the earliest first: a dozen actions a day for twenty years.
pub const DAYS_MAX: i64 = 100_000;

/// What a citizen has reached.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// All points ever granted, those that wait for a budget among them.
    pub points: Points,
    /// All grams ever avoided.
    pub reduction: ReductionMg,
    /// The level that they reach; none where the city has no levels.
    pub level: Option<Step>,
    /// The one after it.
    pub next: Option<Step>,
    /// Days in a row.
    pub streaks: Streaks,
    /// Every badge of the city.
    pub badges: Vec<BadgeStanding>,
}

/// A level.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its id in the rules.
    pub id: String,
    /// Its name.
    pub name: Text,
    /// From which total it holds.
    pub from: Reach,
}

/// A badge, and whether it was earned.
#[derive(Debug, Clone)]
pub struct BadgeStanding {
    /// Its id in the rules.
    pub id: String,
    /// Its name.
    pub name: Text,
    /// What it is for.
    pub description: Option<Text>,
    /// What must be reached.
    pub reach: Reach,
    /// The first civil day on which it was.
    pub earned_on: Option<NaiveDate>,
}

/// Where a citizen stands now.
pub async fn of(services: &Services, citizen: &Citizen) -> Result<Standing, StoreError> {
    let now = services.clock.now();
    let Some(rules) = services.rules.in_force(citizen.city, now) else { return Ok(Standing::default()) };
    let days = usage::of_citizen(&services.database, citizen.id, DAYS_MAX).await?;
    let totals: Vec<DayTotal<'_>> =
        days.iter().map(|day| DayTotal { day: day.day, action: &day.action, granted: day.granted }).collect();
    standing(&rules.rules, &totals, civil_day(now, rules.rules.timezone())).map_err(overflow)
}

fn standing(rules: &RuleSet, days: &[DayTotal<'_>], today: NaiveDate) -> Result<Standing, AmountOverflow> {
    let points = Points::total(days.iter().map(|day| day.granted.points))?;
    let reduction = ReductionMg::total(days.iter().map(|day| day.granted.reduction))?;
    let level = rules.level(points, reduction);
    let next = match level {
        Some(level) => rules.levels().iter().skip_while(|known| *known != level).nth(1),
        None => rules.levels().first(),
    };
    let earned = rules.badges_earned(days);
    let badge = |badge: &tanhui_domain::rule::Badge| BadgeStanding {
        id: badge.id().to_owned(),
        name: badge.name().clone(),
        description: badge.description().cloned(),
        reach: badge.reach(),
        earned_on: earned.iter().find(|earned| earned.badge.id() == badge.id()).map(|earned| earned.on),
    };
    let streaks = Streaks::of(days, today);
    let badges = rules.badges().iter().map(badge).collect();
    Ok(Standing { points, reduction, level: level.map(step), next: next.map(step), streaks, badges })
}

fn step(level: &Level) -> Step {
    Step { id: level.id().to_owned(), name: level.name().clone(), from: level.from() }
}
