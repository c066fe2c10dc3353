//! `POST /v1/partner/events/{id}/reverse`: a source takes back what it reported.

use axum::extract::State;
use tanhui_domain::id::ActivityId;
use tanhui_domain::office::Actor;
use tanhui_service::reversal;

use crate::endpoint::city::{ReasonRequest, ReversedActivity, reversal_problem};
use crate::http::extract::{AsPartner, Json, Path};
use crate::http::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// Undoes an event of the key's own source: points and CO2e together. Once; the event stays known, and
/// sending it again credits nothing. Needs a partner key.
#[utoipa::path(
    post, path = "/v1/partner/events/{id}/reverse", tag = "partner", security(("partner_key" = [])),
    request_body = ReasonRequest, params(("id" = String, Path, description = "The event's own id")),
    responses(
        (status = 200, body = ReversedActivity),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`not_found`"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`already_reversed`, `not_credited`, `insufficient_reduction`"),
    )
)]
pub async fn reverse(
    State(state): State<AppState>,
    partner: AsPartner,
    Path(id): Path<String>,
    Json(request): Json<ReasonRequest>,
) -> Result<Json<ReversedActivity>, Problem> {
    let source = partner.source();
    let city = state.services.city(source.city).await?;
    let (id, actor) = (ActivityId::derive(source.id, &id), Actor::Source(source.id));
    let reason = request.reason.into();
    let undone = reversal::reverse(&state.services, &city, id, actor, &reason).await;
    Ok(Json(undone.map_err(reversal_problem)?.into()))
}
