//! `GET /v1/merchant/offers`: the merchant's own offers, live and ended.

use axum::extract::State;
use serde::Serialize;
use tanhui_domain::id::OfferId;
use tanhui_domain::redemption::Offer;
use tanhui_domain::text::Language;
use tanhui_service::office;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::context::RequestContext;
use crate::http::extract::{AsMerchantStaff, Json, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::Problem;
use crate::state::AppState;

const LIST: &str = "merchant-offers";

/// An offer, as its merchant sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantOffer {
    /// The offer.
    id: Uuid,
    /// What it is, in the caller's language.
    #[schema(example = "Coffee")]
    title: String,
    /// Price of one, in points.
    #[schema(example = 100)]
    price_points: i64,
    /// What the city owes for each use, in fen.
    #[schema(example = 500)]
    payout_fen: i64,
    /// How many there are in all.
    #[schema(example = 100)]
    stock_total: i64,
    /// How many are left.
    #[schema(example = 42)]
    stock_left: i64,
    /// How many one citizen may have; null without a limit.
    #[schema(example = 2)]
    per_person: Option<i64>,
    /// For how many days a voucher is good.
    #[schema(example = 30)]
    voucher_days: i32,
    /// `live` or `ended`.
    #[schema(example = "live")]
    status: &'static str,
}

impl MerchantOffer {
    fn of(offer: &Offer, language: Language) -> Self {
        Self {
            id: offer.id.get(),
            title: offer.title.in_language(language).to_owned(),
            price_points: offer.price.get(),
            payout_fen: offer.payout.get(),
            stock_total: offer.stock_total,
            stock_left: offer.stock_left,
            per_person: offer.per_person,
            voucher_days: offer.voucher_days,
            status: offer.status.word(),
        }
    }
}

/// Offers of my merchant. Needs the role `merchant_staff`.
#[utoipa::path(get, path = "/v1/merchant/offers", tag = "merchant", params(Listing),
    security(("bearer" = [])), responses((status = 200, body = Page<MerchantOffer>)))]
pub async fn offers(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<MerchantOffer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<OfferId> = listing.after(sealer, LIST)?;
    let found = office::offers_of_merchant(&state.services, staff.merchant(), after, listing.rows()).await?;
    let page = Page::cut(found, listing.limit, (sealer, LIST), |offer| offer.id)?;
    Ok(Json(page.map(|offer| MerchantOffer::of(&offer, context.language))))
}
