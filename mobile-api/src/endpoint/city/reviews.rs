//! `/v1/city/reviews`: acts that wait for a person, and what that person says.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::activity::Activity;
use tanhui_domain::id::ActivityId;
use tanhui_domain::rule::Inputs;
use tanhui_domain::text::Text;
use tanhui_service::StoreError;
use tanhui_service::review::{self, ReviewError, Verdict};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Reason, ReasonRequest, reason_problem};
use crate::http::extract::{AsCityReviewer, Json, Path, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::state::AppState;

const LIST: &str = "reviews";

/// An act that waits for a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldAnswer {
    /// The activity.
    activity_id: Uuid,
    /// Who did it.
    citizen_id: Uuid,
    /// Number of the source that told it.
    source_id: i64,
    /// The source's own id of it.
    external_id: String,
    /// Action of the rule file.
    #[schema(example = "metro_ride")]
    action: String,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// Since when it is held.
    held_at: DateTime<Utc>,
    /// `hold.N`, the rule's own code, or `in_two_places`.
    #[schema(example = "in_two_places")]
    code: String,
    /// Why it is held.
    reason: Reason,
    /// What its source said.
    #[schema(value_type = Object)]
    inputs: Inputs,
}

impl HeldAnswer {
    fn of(activity: Activity, reason: Text, inputs: Inputs) -> Self {
        Self {
            activity_id: activity.id.get(),
            citizen_id: activity.citizen.get(),
            source_id: activity.source.get(),
            external_id: activity.external_id,
            action: activity.action,
            occurred_at: activity.occurred_at,
            held_at: activity.recorded_at,
            code: activity.code.unwrap_or_default(),
            reason: reason.into(),
            inputs,
        }
    }
}

/// A held act after it was decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewedActivity {
    /// The activity.
    activity_id: Uuid,
    /// `credited`, or `rejected` by the reviewer or by the rules.
    #[schema(example = "credited")]
    status: &'static str,
    /// Points granted.
    points: i64,
    /// CO2e avoided, in milligrams.
    reduction_mg: i64,
    /// `capped`, or why it was held or rejected.
    code: Option<String>,
}

/// Acts of my city that wait for a person, the longest held first. Needs the role `city_reviewer`.
#[utoipa::path(get, path = "/v1/city/reviews", tag = "city", security(("bearer" = [])), params(Listing),
    responses((status = 200, body = Page<HeldAnswer>)))]
pub async fn list(
    State(state): State<AppState>,
    officer: AsCityReviewer,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<HeldAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<(DateTime<Utc>, ActivityId)> = listing.after(sealer, LIST)?;
    let city = state.services.city(officer.city()).await?;
    let found = review::page(&state.services, &city, after, listing.rows()).await?;
    let place = |(last, _): &(Activity, Text)| (last.recorded_at, last.id);
    let Page { items, next_cursor } = Page::cut(found, listing.limit, (sealer, LIST), place)?;
    Ok(Json(Page { items: shown(&state, items).await?, next_cursor }))
}

async fn shown(state: &AppState, held: Vec<(Activity, Text)>) -> Result<Vec<HeldAnswer>, StoreError> {
    let mut items = Vec::with_capacity(held.len());
    for (activity, reason) in held {
        let inputs = review::told(&state.services, &activity).await?.inputs;
        items.push(HeldAnswer::of(activity, reason, inputs));
    }
    Ok(items)
}

/// Lets a held act go on to the rules: it is credited under the caps of the day on which it happened. Once.
/// Needs the role `city_reviewer`.
#[utoipa::path(
    post, path = "/v1/city/reviews/{id}/release", tag = "city", security(("bearer" = [])),
    request_body = ReasonRequest, params(("id" = Uuid, Path, description = "The activity")),
    responses(
        (status = 200, body = ReviewedActivity),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`already_decided`"),
    )
)]
pub async fn release(
    State(state): State<AppState>,
    officer: AsCityReviewer,
    Path(id): Path<ActivityId>,
    Json(request): Json<ReasonRequest>,
) -> Result<Json<ReviewedActivity>, Problem> {
    decide(&state, &officer, id, (Verdict::Release, request)).await
}

/// Refuses a held act. Once. Needs the role `city_reviewer`.
#[utoipa::path(
    post, path = "/v1/city/reviews/{id}/reject", tag = "city", security(("bearer" = [])),
    request_body = ReasonRequest, params(("id" = Uuid, Path, description = "The activity")),
    responses(
        (status = 200, body = ReviewedActivity),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`already_decided`"),
    )
)]
pub async fn reject(
    State(state): State<AppState>,
    officer: AsCityReviewer,
    Path(id): Path<ActivityId>,
    Json(request): Json<ReasonRequest>,
) -> Result<Json<ReviewedActivity>, Problem> {
    decide(&state, &officer, id, (Verdict::Reject, request)).await
}

async fn decide(
    state: &AppState,
    officer: &AsCityReviewer,
    id: ActivityId,
    (verdict, request): (Verdict, ReasonRequest),
) -> Result<Json<ReviewedActivity>, Problem> {
    let city = state.services.city(officer.city()).await?;
    let reason = request.reason.into();
    let decided = review::decide(&state.services, &city, id, officer.citizen(), (verdict, &reason)).await;
    let activity = decided.map_err(problem)?;
    Ok(Json(ReviewedActivity {
        activity_id: activity.id.get(),
        status: activity.status.word(),
        points: activity.points.get(),
        reduction_mg: activity.reduction.get(),
        code: activity.code,
    }))
}

fn problem(error: ReviewError) -> Problem {
    match error {
        ReviewError::NoActivity => Problem::new(Code::NotFound),
        ReviewError::NotHeld(status) => {
            let word = status.word();
            Problem::new(Code::AlreadyDecided).detail(format!("状态是 {word}。"), format!("It is {word}."))
        }
        ReviewError::ToldAgain(_) => Problem::new(Code::AlreadyDecided)
            .detail("该行为已另行计入，请驳回。", "This act was counted under another report; reject it."),
        ReviewError::Reason => reason_problem(),
        ReviewError::Store(error) => error.into(),
    }
}
