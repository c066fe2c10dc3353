//! `POST /v1/merchant/vouchers/check`, `/use` and `/void`: one clear answer at the till.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::city::City;
use tanhui_domain::id::BranchId;
use tanhui_domain::settlement::VOID_WITHIN;
use tanhui_domain::text::Language;
use tanhui_service::till::{self, Checked, TillError};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::context::RequestContext;
use crate::http::extract::{AsMerchantStaff, Json};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// What the till read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TillRequest {
    /// The voucher's code, or what its QR code says; blanks, hyphens and small letters do not matter.
    #[schema(example = "7K3M9QXR2T8WZ4HN")]
    code: String,
    /// At which branch; none: where I work, or nowhere in particular.
    branch_id: Option<Uuid>,
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
        (status = 404, description = "`voucher_not_found`, `voucher_elsewhere`: not of my merchant"),
        (status = 409, description =
            "`voucher_used` with when and where, `voucher_cancelled`, `voucher_expired`, `merchant_stopped`"),
        (status = 422, description = "`voucher_unreadable`, `voucher_forged`"),
    )
)]
pub async fn check(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Json(request): Json<TillRequest>,
) -> Result<Json<TillAnswer>, Problem> {
    let found = till::check(&state.services, staff.merchant(), &request.code).await;
    answer(&state, &staff, &context, found).await
}

/// Uses a voucher: 200 once, for whoever is first. Needs the role `merchant_staff`.
#[utoipa::path(
    post, path = "/v1/merchant/vouchers/use", tag = "merchant", security(("bearer" = [])),
    request_body = TillRequest,
    responses(
        (status = 200, body = TillAnswer),
        (status = 404, description = "`voucher_not_found`, `voucher_elsewhere`, `branch_not_found`"),
        (status = 409, description =
            "`voucher_used` with when and where, `voucher_cancelled`, `voucher_expired`, `merchant_stopped`"),
        (status = 422, description = "`voucher_unreadable`, `voucher_forged`"),
    )
)]
pub async fn use_voucher(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Json(request): Json<TillRequest>,
) -> Result<Json<TillAnswer>, Problem> {
    let city = state.services.city(staff.of().city).await?;
    let used = match till::at(&state.services, staff.staff(), request.branch_id.map(BranchId::new)).await {
        Ok(at) => till::use_voucher(&state.services, &city, &at, &request.code).await,
        Err(error) => Err(error),
    };
    answer(&state, &staff, &context, used).await
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
        (status = 404, description = "`voucher_not_found`, `voucher_elsewhere`, `branch_not_found`"),
        (status = 409, description = "`voucher_not_used`, `void_too_late`, `merchant_stopped`"),
        (status = 422, description = "`voucher_unreadable`, `voucher_forged`"),
    )
)]
pub async fn void_voucher(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Json(request): Json<TillRequest>,
) -> Result<Json<TillAnswer>, Problem> {
    let city = state.services.city(staff.of().city).await?;
    let voided = match till::at(&state.services, staff.staff(), request.branch_id.map(BranchId::new)).await {
        Ok(at) => till::void(&state.services, &city, &at, &request.code).await,
        Err(error) => Err(error),
    };
    answer(&state, &staff, &context, voided).await
}

async fn answer(
    state: &AppState,
    staff: &AsMerchantStaff,
    context: &RequestContext,
    outcome: Result<Checked, TillError>,
) -> Result<Json<TillAnswer>, Problem> {
    match outcome {
        Ok(found) => Ok(Json(TillAnswer::of(found, context.language))),
        Err(error) => {
            let city = state.services.city(staff.of().city).await?;
            Err(till_problem(error, &Place { city: &city, shop: &staff.of().about.name }))
        }
    }
}

/// Whose clock the cashier reads, and the merchant's name.
pub struct Place<'a> {
    /// The city.
    pub city: &'a City,
    /// The merchant's name.
    pub shop: &'a str,
}

impl Place<'_> {
    fn local(&self, instant: DateTime<Utc>) -> String {
        instant.with_timezone(&self.city.timezone).format("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}

/// A refusal as a cashier understands it.
pub fn till_problem(error: TillError, place: &Place<'_>) -> Problem {
    match error {
        TillError::NoVoucher => Problem::new(Code::VoucherNotFound).detail(
            "请核对券码是否为 16 位，以及该券是否属于本店。",
            "Check that the code has 16 letters and digits, and that the voucher is for this shop.",
        ),
        TillError::Elsewhere => Problem::new(Code::VoucherElsewhere).detail(
            "请持券人到券面所示的商户使用。",
            "Ask the holder to go to the shop that the voucher names.",
        ),
        TillError::Unreadable => Problem::new(Code::VoucherUnreadable),
        TillError::Forged => Problem::new(Code::VoucherForged).detail(
            "请持券人在应用中刷新券码后重试；仍不正确则不要交付。",
            "Ask the holder to open the voucher again in the app; if it still fails, hand nothing over.",
        ),
        TillError::NoBranch => Problem::new(Code::BranchNotFound),
        TillError::Stopped => Problem::new(Code::MerchantStopped),
        TillError::Used { used_at, branch } => used_problem(used_at, branch.as_deref(), place),
        TillError::Cancelled => Problem::new(Code::VoucherCancelled).detail(
            "积分已退还给持券人，请勿核销。",
            "The holder has the points back. Do not hand anything over.",
        ),
        TillError::Expired { expires_at } => {
            let when = place.local(expires_at);
            Problem::new(Code::VoucherExpired)
                .detail(format!("已于 {when} 过期。"), format!("It expired on {when}."))
        }
        TillError::NotUsed => Problem::new(Code::VoucherNotUsed),
        TillError::TooLate { used_at } => {
            let (when, hours) = (place.local(used_at), VOID_WITHIN.num_hours());
            Problem::new(Code::VoidTooLate).detail(
                format!("该券已于 {when} 核销，超过 {hours} 小时不能撤销，请联系城市运营方更正。"),
                format!("It was used on {when}; after {hours} hours only the city office can correct it."),
            )
        }
        TillError::Store(error) => error.into(),
    }
}

fn used_problem(used_at: DateTime<Utc>, branch: Option<&str>, place: &Place<'_>) -> Problem {
    let (when, shop) = (place.local(used_at), place.shop);
    let (zh, en) = match branch {
        Some(branch) => (format!("“{shop}”{branch}"), format!("\"{shop}\", {branch}")),
        None => (format!("“{shop}”"), format!("\"{shop}\"")),
    };
    Problem::new(Code::VoucherUsed).detail(
        format!("已于 {when} 在{zh}使用，请勿再次核销。"),
        format!("It was used on {when} at {en}. Do not hand anything over again."),
    )
}
