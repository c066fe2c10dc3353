//! `/v1/city/adjustments`: corrections of citizens' balances, proposed by one person, decided by another.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::id::{AdjustmentId, CitizenId};
use tanhui_domain::office::Adjustment;
use tanhui_domain::text::Text;
use tanhui_service::adjustment::{self, AdjustmentError, POINTS_MAX, Proposal, REDUCTION_MAX_MG, Verdict};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Reason, reason_problem};
use crate::http::extract::{AsCityApprover, AsCityEditor, AsCityViewer, Caller, Json, Path, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

const LIST: &str = "adjustments";

/// What is to be corrected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentRequest {
    /// Whose balances.
    #[schema(value_type = Uuid)]
    citizen_id: CitizenId,
    /// Points up or down.
    #[serde(default)]
    #[schema(minimum = -1_000_000, maximum = 1_000_000, example = -20)]
    points: i64,
    /// Milligrams of CO2e up or down.
    #[serde(default)]
    #[schema(example = 0)]
    reduction_mg: i64,
    /// Why.
    reason: Reason,
}

/// A correction of one citizen's balances.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdjustmentAnswer {
    /// Its id.
    id: Uuid,
    /// Whose balances.
    citizen_id: Uuid,
    /// `proposed`, `approved` (and posted) or `refused`.
    #[schema(example = "proposed")]
    status: &'static str,
    /// Points up or down.
    points: i64,
    /// Milligrams of CO2e up or down.
    reduction_mg: i64,
    /// Why.
    reason: Reason,
    /// Who proposed it.
    proposed_by: Uuid,
    /// When.
    proposed_at: DateTime<Utc>,
    /// Who decided it.
    decided_by: Option<Uuid>,
    /// When.
    decided_at: Option<DateTime<Utc>>,
}

impl From<Adjustment> for AdjustmentAnswer {
    fn from(adjustment: Adjustment) -> Self {
        Self {
            id: adjustment.id.get(),
            citizen_id: adjustment.citizen.get(),
            status: adjustment.status.word(),
            points: adjustment.points.get(),
            reduction_mg: adjustment.reduction.get(),
            reason: adjustment.reason.into(),
            proposed_by: adjustment.proposed_by.get(),
            proposed_at: adjustment.proposed_at,
            decided_by: adjustment.decided_by.map(CitizenId::get),
            decided_at: adjustment.decided_at,
        }
    }
}

/// Adjustments of my city, the last proposed first. Needs any role of a city office.
#[utoipa::path(get, path = "/v1/city/adjustments", tag = "city", security(("bearer" = [])), params(Listing),
    responses((status = 200, body = Page<AdjustmentAnswer>)))]
pub async fn list(
    State(state): State<AppState>,
    officer: AsCityViewer,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<AdjustmentAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let before: Option<AdjustmentId> = listing.after(sealer, LIST)?;
    let city = state.services.city(officer.city()).await?;
    let found = adjustment::page(&state.services, &city, before, listing.rows()).await?;
    let page = Page::cut(found, listing.limit, (sealer, LIST), |last| last.id)?;
    Ok(Json(page.map(AdjustmentAnswer::from)))
}

/// One adjustment of my city. Needs any role of a city office.
#[utoipa::path(get, path = "/v1/city/adjustments/{id}", tag = "city", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 200, body = AdjustmentAnswer)))]
pub async fn show(
    State(state): State<AppState>,
    officer: AsCityViewer,
    Path(id): Path<AdjustmentId>,
) -> Result<Json<AdjustmentAnswer>, Problem> {
    let city = state.services.city(officer.city()).await?;
    let found = adjustment::find(&state.services, &city, id).await?;
    Ok(Json(found.ok_or_else(|| Problem::new(Code::NotFound))?.into()))
}

/// Proposes a correction. Moves nothing until another person approves it. Needs the role `city_editor`.
#[utoipa::path(
    post, path = "/v1/city/adjustments", tag = "city", security(("bearer" = [])),
    request_body = AdjustmentRequest,
    responses(
        (status = 201, body = AdjustmentAnswer),
        (status = 422, description = "`invalid_body`; also for a citizen who is not of my city"),
    )
)]
pub async fn propose(
    State(state): State<AppState>,
    officer: AsCityEditor,
    Json(request): Json<AdjustmentRequest>,
) -> Result<(StatusCode, Json<AdjustmentAnswer>), Problem> {
    let city = state.services.city(officer.city()).await?;
    let proposal = Proposal {
        citizen: request.citizen_id,
        points: Points::new(request.points),
        reduction: ReductionMg::new(request.reduction_mg),
        reason: request.reason.into(),
    };
    let proposed = adjustment::propose(&state.services, &city, officer.citizen(), proposal).await;
    Ok((StatusCode::CREATED, Json(proposed.map_err(problem)?.into())))
}

/// Approves and posts a correction that another person proposed. Once. Needs the role `city_approver`.
#[utoipa::path(
    post, path = "/v1/city/adjustments/{id}/approve", tag = "city", security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = AdjustmentAnswer),
        (status = 409, description =
                "`already_decided`, `same_person`, `insufficient_points`, `insufficient_reduction`"),
    )
)]
pub async fn approve(
    State(state): State<AppState>,
    officer: AsCityApprover,
    Path(id): Path<AdjustmentId>,
) -> Result<Json<AdjustmentAnswer>, Problem> {
    decide(&state, &officer, id, Verdict::Approve).await
}

/// Refuses a correction that another person proposed. Once. Needs the role `city_approver`.
#[utoipa::path(
    post, path = "/v1/city/adjustments/{id}/refuse", tag = "city", security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = AdjustmentAnswer),
        (status = 409, description = "`already_decided`, `same_person`"),
    )
)]
pub async fn refuse(
    State(state): State<AppState>,
    officer: AsCityApprover,
    Path(id): Path<AdjustmentId>,
) -> Result<Json<AdjustmentAnswer>, Problem> {
    decide(&state, &officer, id, Verdict::Refuse).await
}

async fn decide(
    state: &AppState,
    officer: &Caller,
    id: AdjustmentId,
    verdict: Verdict,
) -> Result<Json<AdjustmentAnswer>, Problem> {
    let city = state.services.city(officer.city()).await?;
    let decided = adjustment::decide(&state.services, &city, id, officer.citizen(), verdict).await;
    Ok(Json(decided.map_err(problem)?.into()))
}

fn problem(error: AdjustmentError) -> Problem {
    match error {
        AdjustmentError::NoAdjustment => Problem::new(Code::NotFound),
        AdjustmentError::NoCitizen => Problem::new(Code::InvalidBody)
            .field("/citizen_id", Text::new("本城市没有该居民", "no such citizen in your city")),
        AdjustmentError::Amount => Problem::new(Code::InvalidBody).field(
            "/points",
            Text::new(
                format!("积分与毫克至少一项不为 0，且不超过 ±{POINTS_MAX} 分、±{REDUCTION_MAX_MG} 毫克"),
                format!("not both 0, within ±{POINTS_MAX} points and ±{REDUCTION_MAX_MG} mg"),
            ),
        ),
        AdjustmentError::Reason => reason_problem(),
        AdjustmentError::SamePerson => Problem::new(Code::SamePerson),
        AdjustmentError::Decided(status) => {
            let word = status.word();
            Problem::new(Code::AlreadyDecided).detail(format!("状态是 {word}。"), format!("It is {word}."))
        }
        AdjustmentError::InsufficientPoints(missing) => Problem::new(Code::InsufficientPoints).detail(
            format!("该居民可用 {} 分，需 {} 分。", missing.available, missing.wanted),
            format!("The citizen can spend {} points; {} are needed.", missing.available, missing.wanted),
        ),
        AdjustmentError::InsufficientReduction => Problem::new(Code::InsufficientReduction),
        AdjustmentError::Store(error) => error.into(),
    }
}
