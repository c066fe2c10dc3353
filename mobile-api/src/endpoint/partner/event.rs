//! `GET /v1/partner/events/{id}`: what became of an event that was sent before.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::id::ActivityId;
use tanhui_service::ingest::{self, Known};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Status;
use crate::http::extract::{AsPartner, Json, Path};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::state::AppState;

/// An event that was sent before.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventState {
    /// The event's own id.
    #[schema(example = "ride-20260302-0001")]
    id: String,
    /// `credited`, `held`, `rejected` or `reversed`; `pending` while its subject is not bound.
    status: Status,
    /// The activity it is or will be.
    activity_id: Uuid,
    /// Action of the rule file; like all that follows, absent while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "metro_ride")]
    action: Option<String>,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<DateTime<Utc>>,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_at: Option<DateTime<Utc>>,
    /// Points granted, when credited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 33)]
    points: Option<i64>,
    /// CO2e avoided in milligrams, when credited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 336_240)]
    reduction_mg: Option<i64>,
    /// `capped`, or why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// What became of an event of the key's own source. Needs a partner key.
///
/// `not_found` for an id that was never sent, or was refused unread: such an event can be mended and sent
/// again.
#[utoipa::path(
    get, path = "/v1/partner/events/{id}", tag = "partner", security(("partner_key" = [])),
    params(("id" = String, Path, description = "The event's own id")),
    responses(
        (status = 200, body = EventState),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`not_found`"),
    )
)]
pub async fn event(
    State(state): State<AppState>,
    partner: AsPartner,
    Path(id): Path<String>,
) -> Result<Json<EventState>, Problem> {
    let known = ingest::find(&state.services, partner.source(), &id).await?;
    match known.ok_or_else(|| Problem::new(Code::NotFound))? {
        Known::Waiting(activity) => Ok(Json(EventState::waiting(id, activity))),
        Known::Decided(activity) => Ok(Json(EventState::decided(*activity))),
    }
}

impl EventState {
    fn waiting(id: String, activity: ActivityId) -> Self {
        Self {
            id,
            status: Status::Pending,
            activity_id: activity.get(),
            action: None,
            occurred_at: None,
            recorded_at: None,
            points: None,
            reduction_mg: None,
            code: None,
        }
    }

    fn decided(activity: Activity) -> Self {
        let credited = activity.status == ActivityStatus::Credited;
        Self {
            id: activity.external_id,
            status: activity.status.into(),
            activity_id: activity.id.get(),
            action: Some(activity.action),
            occurred_at: Some(activity.occurred_at),
            recorded_at: Some(activity.recorded_at),
            points: credited.then_some(activity.points.get()),
            reduction_mg: credited.then_some(activity.reduction.get()),
            code: activity.code,
        }
    }
}
