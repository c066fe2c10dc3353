//! `/v1/me/merchants`: what I applied for, and what the city said.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tanhui_domain::id::MerchantId;
use tanhui_service::merchant;
use utoipa::ToSchema;

use super::{About, MerchantAnswer, merchant_problem};
use crate::endpoint::city::Reason;
use crate::http::extract::{Json, Me, Path};
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::state::AppState;

/// A merchant that I applied for.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyMerchant {
    /// The merchant.
    #[serde(flatten)]
    merchant: MerchantAnswer,
    /// What the city said last; null while it has said nothing.
    reason: Option<Reason>,
}

/// Merchants that I applied for, the first first.
#[utoipa::path(get, path = "/v1/me/merchants", tag = "me", security(("bearer" = [])),
    responses((status = 200, body = Page<MyMerchant>)))]
pub async fn my_merchants(State(state): State<AppState>, me: Me) -> Result<Json<Page<MyMerchant>>, Problem> {
    let found = merchant::mine(&state.services, me.id).await?;
    let items = found
        .into_iter()
        .map(|(merchant, reason)| MyMerchant { merchant: merchant.into(), reason: reason.map(Reason::from) })
        .collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// Asks the city to admit a merchant. Once admitted I am its owner.
#[utoipa::path(
    post, path = "/v1/me/merchants", tag = "me", security(("bearer" = [])), request_body = About,
    responses(
        (status = 201, body = MerchantAnswer),
        (status = 409, description = "`too_many_applications`"),
        (status = 422, description = "`invalid_body`"),
    )
)]
pub async fn apply(
    State(state): State<AppState>,
    me: Me,
    Json(about): Json<About>,
) -> Result<(StatusCode, Json<MerchantAnswer>), Problem> {
    let applied = merchant::apply(&state.services, &me, about.into()).await.map_err(merchant_problem)?;
    Ok((StatusCode::CREATED, Json(applied.into())))
}

/// Amends an application that the city sent back, and hands it in again.
#[utoipa::path(
    put, path = "/v1/me/merchants/{id}", tag = "me", security(("bearer" = [])), request_body = About,
    params(("id" = Uuid, Path, description = "The merchant")),
    responses(
        (status = 200, body = MerchantAnswer),
        (status = 404, description = "`not_found`: not one that I applied for"),
        (status = 409, description = "`merchant_out_of_order`: it is not `returned`"),
    )
)]
pub async fn amend(
    State(state): State<AppState>,
    me: Me,
    Path(id): Path<MerchantId>,
    Json(about): Json<About>,
) -> Result<Json<MerchantAnswer>, Problem> {
    let amended = merchant::amend(&state.services, me.id, id, about.into()).await;
    Ok(Json(amended.map_err(merchant_problem)?.into()))
}
