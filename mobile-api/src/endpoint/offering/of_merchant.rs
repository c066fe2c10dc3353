//! `/v1/merchant/offers`: the merchant's own offers of every status, written and rewritten while drafts.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tanhui_domain::id::OfferId;
use tanhui_service::offering::{self, Of};

use super::wish::OfferWish;
use super::{OfferDocument, problem, tagged};
use crate::http::extract::{AsMerchantStaff, IfMatch, Json, Path, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::state::AppState;

const LIST: &str = "merchant-offers";

/// Offers of my merchant, of every status. Needs the role `merchant_staff`.
#[utoipa::path(get, path = "/v1/merchant/offers", tag = "merchant", params(Listing),
    security(("bearer" = [])), responses((status = 200, body = Page<OfferDocument>)))]
pub async fn merchant_offers(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<OfferDocument>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<OfferId> = listing.after(sealer, LIST)?;
    let found = offering::of_merchant(&state.services, staff.merchant(), after, listing.rows()).await?;
    let page = Page::cut(found, listing.limit, (sealer, LIST), |offer| offer.id)?;
    Ok(Json(page.map(OfferDocument::from)))
}

/// A new offer, as a draft. Needs the role `merchant_staff`.
#[utoipa::path(post, path = "/v1/merchant/offers", tag = "merchant", security(("bearer" = [])),
    request_body = OfferWish,
    responses((status = 201, body = OfferDocument),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json",
            description = "`invalid_body` with the member that does not fit")))]
pub async fn write_offer(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    Json(wish): Json<OfferWish>,
) -> Result<Response, Problem> {
    let offer = offering::write(&state.services, staff.merchant(), wish.draft()?).await.map_err(problem)?;
    Ok((StatusCode::CREATED, tagged(offer)?).into_response())
}

/// One offer of my merchant; its version is the `ETag`. Needs the role `merchant_staff`.
#[utoipa::path(get, path = "/v1/merchant/offers/{id}", tag = "merchant", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The offer")),
    responses((status = 200, body = OfferDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`not_found`")))]
pub async fn merchant_offer(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    Path(id): Path<OfferId>,
) -> Result<Response, Problem> {
    let found = offering::find(&state.services, Of::Merchant(staff.merchant()), id).await?;
    tagged(found.ok_or_else(|| Problem::new(Code::NotFound))?)
}

/// Writes a draft anew. Send the `ETag` that you saw as `If-Match`. Needs the role `merchant_staff`.
#[utoipa::path(put, path = "/v1/merchant/offers/{id}", tag = "merchant", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The offer"),
        ("If-Match" = String, Header, description = "The `ETag` of the version that you saw")),
    request_body = OfferWish,
    responses((status = 200, body = OfferDocument),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`offer_out_of_order`: it is no draft"),
        (status = 412, body = ProblemDocument, content_type = "application/problem+json",
            description = "`precondition_failed`: it was changed meanwhile"),
        (status = 428, body = ProblemDocument, content_type = "application/problem+json",
            description = "`precondition_required`")))]
pub async fn rewrite_offer(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    Path(id): Path<OfferId>,
    IfMatch(version): IfMatch,
    Json(wish): Json<OfferWish>,
) -> Result<Response, Problem> {
    let draft = wish.draft()?;
    let offer = offering::rewrite(&state.services, staff.merchant(), id, &draft, version).await;
    tagged(offer.map_err(problem)?)
}

/// Throws a draft away that was never submitted. Needs the role `merchant_staff`.
#[utoipa::path(delete, path = "/v1/merchant/offers/{id}", tag = "merchant", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The offer")),
    responses((status = 204),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "`offer_out_of_order`: it was submitted once; what was stays on record")))]
pub async fn discard_offer(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    Path(id): Path<OfferId>,
) -> Result<StatusCode, Problem> {
    offering::discard(&state.services, staff.merchant(), id).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}
