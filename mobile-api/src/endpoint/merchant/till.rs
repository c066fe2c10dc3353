//! `POST /v1/merchant/vouchers/check`, `/use` and `/void`: one clear answer at the till.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::city::City;
use tanhui_domain::settlement::VOID_WITHIN;
use tanhui_domain::text::Language;
use tanhui_service::till::{self, Checked, TillError};
use tanhui_service::{StoreError, office};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::context::RequestContext;
use crate::http::extract::{AsMerchantStaff, Json};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::state::AppState;

/// What the till read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TillRequest {
    /// The voucher's code; blanks, hyphens and small letters do not matter.
    #[schema(example = "7K3M9QXR2T8WZ4HN")]
    code: String,
}

/// A voucher at the till.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillAnswer {
    /// The voucher's code.
    #[schema(example = "7K3M9QXR2T8WZ4HN")]
    code: String,
    /// `live` when it was only checked or its use was voided, `used` when it was used just now.
    #[schema(example = "used")]
    status: &'static str,
    /// What to hand over.
    offer_id: Uuid,
    /// The same in words, in the caller's language.
    #[schema(example = "Coffee")]
    title: String,
    /// What the city owes for it, in fen.
    #[schema(example = 500)]
    payout_fen: i64,
    /// First instant at which it can no longer be used.
    expires_at: DateTime<Utc>,
    /// When it was used; null when it was only checked.
    used_at: Option<DateTime<Utc>>,
}

impl TillAnswer {
    fn of(found: Checked, language: Language) -> Self {
        let Checked { voucher, offer } = found;
        Self {
            status: voucher.status.word(),
            offer_id: offer.id.get(),
            title: offer.title.in_language(language).to_owned(),
            payout_fen: offer.payout.get(),
            expires_at: voucher.expires_at,
            used_at: voucher.used_at,
            code: voucher.code,
        }
    }
}

/// Says what a voucher is for and that it can be used now. Changes nothing. Needs the role `merchant_staff`.
#[utoipa::path(
    post, path = "/v1/merchant/vouchers/check", tag = "merchant", security(("bearer" = [])),
    request_body = TillRequest,
    responses(
        (status = 200, body = TillAnswer),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`voucher_not_found`: no such voucher at my merchant"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`voucher_used`, `voucher_cancelled`, `voucher_expired`"),
    )
)]
pub async fn check(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Json(request): Json<TillRequest>,
) -> Result<Json<TillAnswer>, Problem> {
    match till::check(&state.services, staff.merchant(), &request.code).await {
        Ok(found) => Ok(Json(TillAnswer::of(found, context.language))),
        Err(error) => Err(refusal(&state, &staff, error).await),
    }
}

/// Uses a voucher: 200 once, for whoever is first. Needs the role `merchant_staff`.
#[utoipa::path(
    post, path = "/v1/merchant/vouchers/use", tag = "merchant", security(("bearer" = [])),
    request_body = TillRequest,
    responses(
        (status = 200, body = TillAnswer),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`voucher_not_found`: no such voucher at my merchant"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`voucher_used` with when and where, `voucher_cancelled`, `voucher_expired`"),
    )
)]
pub async fn use_voucher(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Json(request): Json<TillRequest>,
) -> Result<Json<TillAnswer>, Problem> {
    let city = state.services.city(staff.caller().city()).await?;
    let person = staff.caller().citizen();
    match till::use_voucher(&state.services, &city, staff.merchant(), person, &request.code).await {
        Ok(found) => Ok(Json(TillAnswer::of(found, context.language))),
        Err(error) => Err(refusal(&state, &staff, error).await),
    }
}

/// Undoes a use that was a mistake, within 24 hours; the voucher is live again. Needs the role
/// `merchant_staff`.
///
/// In a statement closed meanwhile nothing changes: the void lands in the next one.
#[utoipa::path(
    post, path = "/v1/merchant/vouchers/void", tag = "merchant", security(("bearer" = [])),
    request_body = TillRequest,
    responses(
        (status = 200, body = TillAnswer),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`voucher_not_found`: no such voucher at my merchant"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`voucher_not_used`, `void_too_late`"),
    )
)]
pub async fn void_voucher(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Json(request): Json<TillRequest>,
) -> Result<Json<TillAnswer>, Problem> {
    let city = state.services.city(staff.caller().city()).await?;
    match till::void(&state.services, &city, staff.merchant(), &request.code).await {
        Ok(found) => Ok(Json(TillAnswer::of(found, context.language))),
        Err(error) => Err(refusal(&state, &staff, error).await),
    }
}

async fn refusal(state: &AppState, staff: &AsMerchantStaff, error: TillError) -> Problem {
    match place(state, staff).await {
        Ok((city, shop)) => problem(error, &city, &shop),
        Err(error) => error.into(),
    }
}

/// Whose clock the cashier reads, and the merchant's name.
async fn place(state: &AppState, staff: &AsMerchantStaff) -> Result<(City, String), StoreError> {
    let city = state.services.city(staff.caller().city()).await?;
    let merchant = office::merchant(&state.services, staff.merchant()).await?;
    Ok((city, merchant.map(|merchant| merchant.name).unwrap_or_default()))
}

fn problem(error: TillError, city: &City, shop: &str) -> Problem {
    let local =
        |instant: DateTime<Utc>| instant.with_timezone(&city.timezone).format("%Y-%m-%d %H:%M:%S %:z");
    match error {
        TillError::NoVoucher => Problem::new(Code::VoucherNotFound).detail(
            "请核对券码是否为 16 位，以及该券是否属于本店。",
            "Check that the code has 16 letters and digits, and that the voucher is for this shop.",
        ),
        TillError::Used { used_at } => {
            let when = local(used_at);
            Problem::new(Code::VoucherUsed).detail(
                format!("已于 {when} 在“{shop}”使用，请勿再次核销。"),
                format!("It was used on {when} at \"{shop}\". Do not hand anything over again."),
            )
        }
        TillError::Cancelled => Problem::new(Code::VoucherCancelled).detail(
            "积分已退还给持券人，请勿核销。",
            "The holder has the points back. Do not hand anything over.",
        ),
        TillError::Expired { expires_at } => {
            let when = local(expires_at);
            Problem::new(Code::VoucherExpired)
                .detail(format!("已于 {when} 过期。"), format!("It expired on {when}."))
        }
        TillError::NotUsed => Problem::new(Code::VoucherNotUsed),
        TillError::TooLate { used_at } => {
            let (when, hours) = (local(used_at), VOID_WITHIN.num_hours());
            Problem::new(Code::VoidTooLate).detail(
                format!("该券已于 {when} 核销，超过 {hours} 小时不能撤销，请联系城市运营方更正。"),
                format!("It was used on {when}; after {hours} hours only the city office can correct it."),
            )
        }
        TillError::Store(error) => error.into(),
    }
}
