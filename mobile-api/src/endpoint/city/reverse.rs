//! `POST /v1/city/activities/{id}/reverse`: undoes one credited activity of the city.

use axum::extract::State;
use serde::Serialize;
use tanhui_domain::activity::Activity;
use tanhui_domain::id::ActivityId;
use tanhui_domain::office::Actor;
use tanhui_service::reversal;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ReasonRequest, reversal_problem};
use crate::http::extract::{AsCityApprover, Json, Path};
use crate::http::problem::Problem;
use crate::state::AppState;

/// An activity that was undone.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReversedActivity {
    /// The activity.
    activity_id: Uuid,
    /// Always `reversed`.
    #[schema(example = "reversed")]
    status: &'static str,
    /// Points that it had given.
    #[schema(example = 46)]
    points: i64,
    /// Milligrams of CO2e that it had given.
    #[schema(example = 467_000)]
    reduction_mg: i64,
}

impl From<Activity> for ReversedActivity {
    fn from(activity: Activity) -> Self {
        Self {
            activity_id: activity.id.get(),
            status: activity.status.word(),
            points: activity.points.get(),
            reduction_mg: activity.reduction.get(),
        }
    }
}

/// Undoes an activity: points and CO2e together, its share of caps and boards. Once. Points that were spent
/// leave a balance below zero, or are owed, as the city's rules say. Needs the role `city_approver`.
#[utoipa::path(
    post, path = "/v1/city/activities/{id}/reverse", tag = "city", security(("bearer" = [])),
    request_body = ReasonRequest, params(("id" = Uuid, Path, description = "The activity")),
    responses(
        (status = 200, body = ReversedActivity),
        (status = 404, description = "`not_found`: no such activity in my city"),
        (status = 409, description = "`already_reversed`, `not_credited`, `insufficient_reduction`"),
    )
)]
pub async fn reverse(
    State(state): State<AppState>,
    officer: AsCityApprover,
    Path(id): Path<ActivityId>,
    Json(request): Json<ReasonRequest>,
) -> Result<Json<ReversedActivity>, Problem> {
    let city = state.services.city(officer.city()).await?;
    let actor = Actor::Person(officer.citizen());
    let reason = request.reason.into();
    let undone = reversal::reverse(&state.services, &city, id, actor, &reason).await;
    Ok(Json(undone.map_err(reversal_problem)?.into()))
}
