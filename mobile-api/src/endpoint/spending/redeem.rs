//! `POST /v1/redemptions`: points become vouchers.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Deserialize;
use tanhui_domain::id::OfferId;
use tanhui_service::redemption::{self, Answered, RedeemRequest};
use utoipa::ToSchema;

use super::{RedemptionAnswer, problem};
use crate::http::extract::{AsCitizen, IDEMPOTENCY_REPLAYED, IdempotencyKey, Json};
use crate::http::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// What to redeem.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemWish {
    /// The offer.
    #[schema(value_type = uuid::Uuid)]
    offer_id: OfferId,
    /// How many of it.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 20, default = 1)]
    quantity: i64,
}

fn one() -> i64 {
    1
}

/// Redeems an offer for points. Points that expire first are spent first.
///
/// Send an `Idempotency-Key`: the same key and wish, sent again, get the first answer again with
/// `Idempotency-Replayed: true`, and take no points.
#[utoipa::path(
    post, path = "/v1/redemptions", tag = "spending", security(("bearer" = [])), request_body = RedeemWish,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Your name for this act, 1 to 255 printable ASCII characters; a UUID is best")),
    responses(
        (status = 201, body = RedemptionAnswer),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`not_found`: no such offer in my city"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`insufficient_points`; `out_of_stock`, `out_of_stock_today`, `budget_exhausted`; \
                `limit_reached`, `not_eligible`; `offer_closed`, `offer_not_open`"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json",
            description = "`invalid_body`; `idempotency_key_reused`: the key belongs to another wish"),
    )
)]
pub async fn redeem(
    State(state): State<AppState>,
    caller: AsCitizen,
    key: Option<IdempotencyKey>,
    Json(wish): Json<RedeemWish>,
) -> Result<Response, Problem> {
    let services = &state.services;
    let (citizen, RedeemWish { offer_id: offer, quantity }) = (caller.citizen(), wish);
    let city = services.city(caller.city()).await?;
    let key = key.map(|key| redemption::request_key(citizen, key.as_str(), offer, quantity));
    let request = RedeemRequest { citizen, city, offer, quantity, key };
    let (answered, replayed) = match redemption::redeem(services, &request).await.map_err(problem)? {
        Answered::Now(made) => (made, None),
        Answered::Before(made) => (made, Some([(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"))])),
    };
    // As of the act itself: the same key gets the same bytes at any later time.
    let answer = RedemptionAnswer::of(&answered, &services.passes, answered.redemption.redeemed_at);
    Ok((StatusCode::CREATED, replayed.map(AppendHeaders), Json(answer)).into_response())
}
