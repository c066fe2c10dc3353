//! `GET /v1/redemptions/{id}` and `POST /v1/redemptions/{id}/cancel`: my own redemption, and giving it back.

use axum::extract::State;
use tanhui_domain::id::RedemptionId;
use tanhui_service::redemption;

use super::{RedemptionAnswer, problem};
use crate::http::extract::{Json, Me, Path};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::state::AppState;

/// One redemption of mine, with its vouchers.
#[utoipa::path(get, path = "/v1/redemptions/{id}", tag = "spending", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The redemption")),
    responses((status = 200, body = RedemptionAnswer),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`not_found`")))]
pub async fn redemption(
    State(state): State<AppState>,
    me: Me,
    Path(id): Path<RedemptionId>,
) -> Result<Json<RedemptionAnswer>, Problem> {
    let found = redemption::find(&state.services, me.id, id).await?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Json(RedemptionAnswer::of(&found, &state.services.passes, state.services.clock.now())))
}

/// Gives a redemption back while none of its vouchers is used: the points return as they were, with their
/// dates.
#[utoipa::path(post, path = "/v1/redemptions/{id}/cancel", tag = "spending", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The redemption")),
    responses((status = 200, body = RedemptionAnswer),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`not_found`"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`voucher_used`, `already_cancelled`")))]
pub async fn cancel(
    State(state): State<AppState>,
    me: Me,
    Path(id): Path<RedemptionId>,
) -> Result<Json<RedemptionAnswer>, Problem> {
    let services = &state.services;
    let city = services.city(me.city).await?;
    let cancelled = redemption::cancel(services, me.id, &city, id).await.map_err(problem)?;
    Ok(Json(RedemptionAnswer::of(&cancelled, &services.passes, services.clock.now())))
}
