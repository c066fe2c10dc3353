//! `GET /v1/me/balance`: what I have now.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use tanhui_domain::ledger::{Lot, LotState, NEVER};
use tanhui_service::statement::{self, Balance};
use utoipa::ToSchema;

use crate::http::extract::{Json, Me};
use crate::http::problem::Problem;
use crate::state::AppState;

/// A balance at one instant.
#[derive(Debug, Serialize, ToSchema)]
pub struct BalanceAnswer {
    /// Points on the account, without those that are pending. Less than 0 when points were spent whose
    /// activity was reversed later.
    #[schema(example = 46)]
    points: i64,
    /// Points that are posted and cannot be spent yet. With `points` they are the balance of the statement.
    #[schema(example = 0)]
    pending_points: i64,
    /// Points that wait for a budget of the programme. They come onto the account when it pays them.
    #[schema(example = 0)]
    waiting_points: i64,
    /// When pending points can be spent, earliest first.
    pending: Vec<Pending>,
    /// Points that can be spent now.
    #[schema(example = 46)]
    spendable_points: i64,
    /// Points that will be taken from the next ones, since an activity was reversed whose points were spent.
    #[schema(example = 0)]
    owed_points: i64,
    /// CO2e avoided since ever, in milligrams.
    #[schema(example = 467_000)]
    reduction_mg: i64,
    /// What ends when, earliest first. Points that never end are not listed.
    expiring: Vec<Expiring>,
    /// The instant of these figures.
    as_of: DateTime<Utc>,
}

/// Points that cannot be spent yet.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pending {
    /// How many.
    points: i64,
    /// The first civil day of the city on which they can be spent.
    spendable_from: NaiveDate,
}

/// Points with the same last day.
#[derive(Debug, Serialize, ToSchema)]
pub struct Expiring {
    /// How many.
    points: i64,
    /// The last civil day of the city on which they can be spent.
    expires_on: NaiveDate,
}

/// My balance.
#[utoipa::path(get, path = "/v1/me/balance", tag = "me", security(("bearer" = [])),
    responses((status = 200, body = BalanceAnswer)))]
pub async fn show(State(state): State<AppState>, me: Me) -> Result<Json<BalanceAnswer>, Problem> {
    let balance = statement::balance(&state.services, me.id).await?;
    Ok(Json(BalanceAnswer::of(&balance)))
}

impl BalanceAnswer {
    fn of(balance: &Balance) -> Self {
        let pending_points = balance.pending.get();
        Self {
            points: balance.amounts.points.get().saturating_sub(pending_points),
            pending_points,
            waiting_points: balance.waiting.get(),
            pending: pending(balance),
            spendable_points: statement::spendable(balance).get(),
            owed_points: balance.debt.owed.get(),
            reduction_mg: balance.amounts.reduction.get(),
            expiring: expiring(balance),
            as_of: balance.as_of,
        }
    }
}

/// Sums of lots by a day of theirs, in order of the day.
fn by_day<'a>(lots: impl Iterator<Item = &'a Lot>, day: fn(&Lot) -> NaiveDate) -> BTreeMap<NaiveDate, i64> {
    lots.fold(BTreeMap::new(), |mut sums, lot| {
        let sum: &mut i64 = sums.entry(day(lot)).or_default();
        *sum = sum.saturating_add(lot.left.get());
        sums
    })
}

fn pending(balance: &Balance) -> Vec<Pending> {
    let lots = balance.lots.iter().filter(|lot| lot.key.state(balance.today) == LotState::Pending);
    let days = by_day(lots, |lot| lot.key.spendable_from);
    days.into_iter().map(|(spendable_from, points)| Pending { points, spendable_from }).collect()
}

fn expiring(balance: &Balance) -> Vec<Expiring> {
    let lots = balance.lots.iter().filter(|lot| lot.key.expires_on < NEVER);
    let days = by_day(lots, |lot| lot.key.expires_on);
    days.into_iter().map(|(expires_on, points)| Expiring { points, expires_on }).collect()
}
