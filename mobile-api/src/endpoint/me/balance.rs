//! `GET /v1/me/balance`: what I have now.

use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use tanhui_domain::crediting::NEVER;
use tanhui_service::statement;
use utoipa::ToSchema;

use crate::http::extract::{Json, Me};
use crate::http::problem::Problem;
use crate::state::AppState;

/// A balance at one instant.
#[derive(Debug, Serialize, ToSchema)]
pub struct BalanceAnswer {
    /// Points on the account.
    #[schema(example = 46)]
    points: i64,
    /// Points that will be credited when their waiting time is over. Nothing waits yet, so 0.
    #[schema(example = 0)]
    pending_points: i64,
    /// CO2e avoided since ever, in milligrams.
    #[schema(example = 467_000)]
    reduction_mg: i64,
    /// What ends when, earliest first. Points that never end are not listed.
    expiring: Vec<Expiring>,
    /// The instant of these figures.
    as_of: DateTime<Utc>,
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
    let ending = balance.expiring.iter().filter(|lot| lot.expires_on < NEVER);
    Ok(Json(BalanceAnswer {
        points: balance.amounts.points.get(),
        pending_points: 0,
        reduction_mg: balance.amounts.reduction.get(),
        expiring: ending.map(|lot| Expiring { points: lot.left.get(), expires_on: lot.expires_on }).collect(),
        as_of: balance.as_of,
    }))
}
