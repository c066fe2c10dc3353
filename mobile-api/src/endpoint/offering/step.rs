//! `POST /v1/merchant/offers/{id}/{step}` and `POST /v1/city/offers/{id}/approve`, `/return`, `/end`: from a
//! draft to its end, by both sides.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use tanhui_domain::amount::Fen;
use tanhui_domain::id::OfferId;
use tanhui_domain::offer::{By, OfferStep};
use tanhui_service::offering::{self, Of};
use utoipa::ToSchema;

use super::{OfferDocument, problem, tagged};
use crate::http::extract::{AsCityApprover, AsMerchantOwner, Caller, IfMatch, Json, Path};
use crate::http::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// What a merchant does with its offer.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MerchantStep {
    /// Hands a draft to the city.
    Submit,
    /// Opens what the city approved.
    Publish,
    /// Halts it; vouchers stay good.
    Pause,
    /// Goes on.
    Resume,
    /// Ends it for good; vouchers stay good.
    End,
}

impl From<MerchantStep> for OfferStep {
    fn from(step: MerchantStep) -> Self {
        match step {
            MerchantStep::Submit => Self::Submit,
            MerchantStep::Publish => Self::Publish,
            MerchantStep::Pause => Self::Pause,
            MerchantStep::Resume => Self::Resume,
            MerchantStep::End => Self::End,
        }
    }
}

/// What the city sets aside.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// What the city pays for it at most, in fen; absent: whatever the stock comes to.
    #[schema(minimum = 0, example = 50_000)]
    budget_fen: Option<i64>,
}

/// Why an offer is sent back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnReason {
    /// What to change, 1 to 500 bytes.
    #[schema(example = "Say in the terms on which days it can be used")]
    reason: String,
}

/// Takes a step with an offer of my merchant: `submit` a draft, `publish` what was approved, `pause`,
/// `resume`, `end`. Needs to be its owner.
#[utoipa::path(post, path = "/v1/merchant/offers/{id}/{step}", tag = "merchant", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The offer"), ("step" = inline(MerchantStep), Path),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that you saw")),
    responses((status = 200, body = OfferDocument),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`offer_out_of_order`"),
        (status = 412, body = ProblemDocument, content_type = "application/problem+json",
            description = "`precondition_failed`: it was changed meanwhile")))]
pub async fn step_merchant_offer(
    State(state): State<AppState>,
    staff: AsMerchantOwner,
    Path((id, step)): Path<(OfferId, MerchantStep)>,
    seen: Option<IfMatch>,
) -> Result<Response, Problem> {
    let by = By::Merchant(staff.caller().citizen());
    take(&state, Of::Merchant(staff.merchant()), id, (step.into(), by), seen).await
}

/// Lets an offer be that a merchant submitted, with what the city sets aside for it. Needs the role
/// `city_approver`.
#[utoipa::path(post, path = "/v1/city/offers/{id}/approve", tag = "city", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The offer"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that you saw")),
    request_body = Approval,
    responses((status = 200, body = OfferDocument),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`offer_out_of_order`: it is not `submitted`; `same_person`: I submitted it")))]
pub async fn approve_offer(
    State(state): State<AppState>,
    approver: AsCityApprover,
    Path(id): Path<OfferId>,
    seen: Option<IfMatch>,
    Json(approval): Json<Approval>,
) -> Result<Response, Problem> {
    let step = OfferStep::Approve(approval.budget_fen.map(Fen::new));
    of_city(&state, &approver, id, step, seen).await
}

/// Sends an offer back to its merchant, with a reason. Needs the role `city_approver`.
#[utoipa::path(post, path = "/v1/city/offers/{id}/return", tag = "city", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The offer")), request_body = ReturnReason,
    responses((status = 200, body = OfferDocument),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`offer_out_of_order`: it is neither `submitted` nor `approved`")))]
pub async fn return_offer(
    State(state): State<AppState>,
    approver: AsCityApprover,
    Path(id): Path<OfferId>,
    seen: Option<IfMatch>,
    Json(ReturnReason { reason }): Json<ReturnReason>,
) -> Result<Response, Problem> {
    of_city(&state, &approver, id, OfferStep::Return(reason), seen).await
}

/// Ends an offer for good; its vouchers stay good. Needs the role `city_approver`.
#[utoipa::path(post, path = "/v1/city/offers/{id}/end", tag = "city", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The offer")),
    responses((status = 200, body = OfferDocument),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`offer_out_of_order`: it is not `approved`, `live` or `paused`")))]
pub async fn end_city_offer(
    State(state): State<AppState>,
    approver: AsCityApprover,
    Path(id): Path<OfferId>,
    seen: Option<IfMatch>,
) -> Result<Response, Problem> {
    of_city(&state, &approver, id, OfferStep::End, seen).await
}

async fn of_city(
    state: &AppState,
    caller: &Caller,
    id: OfferId,
    step: OfferStep,
    seen: Option<IfMatch>,
) -> Result<Response, Problem> {
    take(state, Of::City(caller.city()), id, (step, By::City(caller.citizen())), seen).await
}

async fn take(
    state: &AppState,
    of: Of,
    id: OfferId,
    (step, by): (OfferStep, By),
    seen: Option<IfMatch>,
) -> Result<Response, Problem> {
    let version = seen.map(|IfMatch(version)| version);
    tagged(offering::step(&state.services, of, id, (&step, by), version).await.map_err(problem)?)
}
