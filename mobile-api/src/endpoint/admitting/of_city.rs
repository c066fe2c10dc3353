//! `/v1/city/merchants`: the city office admits, stops and ends merchants, always with a reason.

use axum::extract::State;
use serde::Deserialize;
use tanhui_domain::id::MerchantId;
use tanhui_domain::merchant::{MerchantStatus, MerchantStep};
use tanhui_domain::text::Text;
use tanhui_service::merchant;
use utoipa::{IntoParams, ToSchema};

use super::{MerchantAnswer, merchant_problem};
use crate::endpoint::city::{Reason, ReasonRequest};
use crate::http::extract::{AsCityApprover, AsCityViewer, Json, Path, Query};
use crate::http::page::{Cursor, Limit, Page};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

const LIST: &str = "city-merchants";

/// Which merchants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MerchantsParams {
    /// `applied`, `returned`, `rejected`, `active`, `suspended` or `closed`.
    #[param(example = "applied")]
    status: String,
    /// Most items on the page.
    #[serde(default)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
}

/// How a merchant is stopped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// Why.
    reason: Reason,
    /// What becomes of vouchers in people's hands.
    vouchers: IssuedVouchers,
}

/// What becomes of vouchers in people's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IssuedVouchers {
    /// They can be used until their last day.
    Work,
    /// Their points go back to their holders.
    Refund,
}

/// Merchants of my city in one state. Needs any role of a city office.
#[utoipa::path(get, path = "/v1/city/merchants", tag = "city", params(MerchantsParams),
    security(("bearer" = [])), responses((status = 200, body = Page<MerchantAnswer>)))]
pub async fn city_merchants(
    State(state): State<AppState>,
    viewer: AsCityViewer,
    Query(params): Query<MerchantsParams>,
) -> Result<Json<Page<MerchantAnswer>>, Problem> {
    let status = MerchantStatus::from_word(&params.status).ok_or_else(|| {
        let known = MerchantStatus::ALL.iter().map(|status| status.word()).collect::<Vec<_>>().join(", ");
        let detail = Text::new(format!("应为 {known} 之一"), format!("One of {known}"));
        Problem::new(Code::InvalidQuery).field("/status", detail)
    })?;
    let sealer = state.services.keys.cursor();
    let after: Option<MerchantId> =
        params.cursor.as_ref().map(|cursor| cursor.read(sealer, LIST)).transpose()?;
    let rows = i64::from(params.limit.get()).saturating_add(1);
    let found = merchant::page(&state.services, viewer.city(), status, after, rows).await?;
    let page = Page::cut(found, params.limit, (sealer, LIST), |last| last.id)?;
    Ok(Json(page.map(MerchantAnswer::from)))
}

/// One merchant of my city. Needs any role of a city office.
#[utoipa::path(get, path = "/v1/city/merchants/{id}", tag = "city", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 200, body = MerchantAnswer)))]
pub async fn city_merchant(
    State(state): State<AppState>,
    viewer: AsCityViewer,
    Path(id): Path<MerchantId>,
) -> Result<Json<MerchantAnswer>, Problem> {
    let found = merchant::find(&state.services, viewer.city(), id).await?;
    Ok(Json(found.ok_or_else(|| Problem::new(Code::NotFound))?.into()))
}

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident $path:literal $refusals:literal $step:expr;)+) => {$(
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "city", security(("bearer" = [])), request_body = ReasonRequest,
            params(("id" = Uuid, Path, description = "The merchant")),
            responses((status = 200, body = MerchantAnswer), (status = 409, description = $refusals))
        )]
        pub async fn $name(
            State(state): State<AppState>,
            officer: AsCityApprover,
            Path(id): Path<MerchantId>,
            Json(request): Json<ReasonRequest>,
        ) -> Result<Json<MerchantAnswer>, Problem> {
            take(&state, &officer, id, $step, request.reason).await
        }
    )+};
}

steps! {
    /// Admits a merchant; whoever applied becomes its owner. Needs the role `city_approver`.
    approve_merchant "/v1/city/merchants/{id}/approve"
        "`merchant_out_of_order`: it is not `applied`; `same_person`: I applied" MerchantStep::Approve;
    /// Sends an application back to be amended. Needs the role `city_approver`.
    return_merchant "/v1/city/merchants/{id}/return"
        "`merchant_out_of_order`: it is not `applied`; `same_person`" MerchantStep::Return;
    /// Turns an application down for good. Needs the role `city_approver`.
    reject_merchant "/v1/city/merchants/{id}/reject"
        "`merchant_out_of_order`: it is neither `applied` nor `returned`; `same_person`" MerchantStep::Reject;
    /// Lets a stopped merchant go on. Needs the role `city_approver`.
    reinstate_merchant "/v1/city/merchants/{id}/reinstate"
        "`merchant_out_of_order`: it is not `suspended`, or its vouchers are still being refunded"
        MerchantStep::Reinstate;
    /// Ends a merchant for good; its vouchers are refunded. Needs the role `city_approver`.
    close_merchant "/v1/city/merchants/{id}/close"
        "`merchant_out_of_order`: it is neither `active` nor `suspended`" MerchantStep::Close;
}

/// Stops a merchant: nothing of it can be redeemed. Vouchers in people's hands work on, or their points go
/// back. Needs the role `city_approver`.
#[utoipa::path(
    post, path = "/v1/city/merchants/{id}/suspend", tag = "city", security(("bearer" = [])),
    request_body = Suspension, params(("id" = Uuid, Path, description = "The merchant")),
    responses(
        (status = 200, body = MerchantAnswer),
        (status = 409, description = "`merchant_out_of_order`: it is not `active`"),
    )
)]
pub async fn suspend_merchant(
    State(state): State<AppState>,
    officer: AsCityApprover,
    Path(id): Path<MerchantId>,
    Json(request): Json<Suspension>,
) -> Result<Json<MerchantAnswer>, Problem> {
    let step = MerchantStep::Suspend { refund: request.vouchers == IssuedVouchers::Refund };
    take(&state, &officer, id, step, request.reason).await
}

async fn take(
    state: &AppState,
    officer: &AsCityApprover,
    id: MerchantId,
    step: MerchantStep,
    reason: Reason,
) -> Result<Json<MerchantAnswer>, Problem> {
    let city = state.services.city(officer.city()).await?;
    let taken = merchant::step(&state.services, &city, id, step, (officer.citizen(), &reason.into())).await;
    Ok(Json(taken.map_err(merchant_problem)?.into()))
}
