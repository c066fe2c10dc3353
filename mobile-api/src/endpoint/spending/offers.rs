//! `GET /v1/offers` and `/v1/offers/{id}`: what points buy, what is left of it, and how many of it for me.

use axum::extract::State;
use serde::Serialize;
use tanhui_domain::id::OfferId;
use tanhui_domain::redemption::Offer;
use tanhui_domain::text::Language;
use tanhui_service::office;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::context::RequestContext;
use crate::http::extract::{Json, Me, Path, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::state::AppState;

const LIST: &str = "offers";

/// An offer, as a citizen sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferAnswer {
    /// The offer.
    id: Uuid,
    /// What it is, in the caller's language.
    #[schema(example = "Coffee")]
    title: String,
    /// Who gives it.
    merchant_id: Uuid,
    /// Its name.
    #[schema(example = "Corner shop")]
    merchant_name: String,
    /// Price of one, in points.
    #[schema(example = 100)]
    price_points: i64,
    /// How many are left.
    #[schema(example = 42)]
    stock_left: i64,
    /// How many one citizen may have; null without a limit.
    #[schema(example = 2)]
    per_person: Option<i64>,
    /// How many more I may have; null without a limit.
    #[schema(example = 1)]
    remaining_for_me: Option<i64>,
    /// For how many days a voucher is good.
    #[schema(example = 30)]
    voucher_days: i32,
    /// `live` or `ended`.
    #[schema(example = "live")]
    status: &'static str,
}

impl OfferAnswer {
    fn of((offer, remaining): (Offer, Option<i64>), language: Language) -> Self {
        Self {
            id: offer.id.get(),
            title: offer.title.in_language(language).to_owned(),
            merchant_id: offer.merchant.get(),
            merchant_name: offer.merchant_name,
            price_points: offer.price.get(),
            stock_left: offer.stock_left,
            per_person: offer.per_person,
            remaining_for_me: remaining,
            voucher_days: offer.voucher_days,
            status: offer.status.word(),
        }
    }
}

/// Live offers of my city.
#[utoipa::path(get, path = "/v1/offers", tag = "spending", params(Listing), security(("bearer" = [])),
    responses((status = 200, body = Page<OfferAnswer>)))]
pub async fn offers(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<OfferAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<OfferId> = listing.after(sealer, LIST)?;
    let found = office::offers(&state.services, me.city, after, listing.rows()).await?;
    let found = office::remaining_for(&state.services, found, me.id).await?;
    let page = Page::cut(found, listing.limit, (sealer, LIST), |(offer, _)| offer.id)?;
    Ok(Json(page.map(|found| OfferAnswer::of(found, context.language))))
}

/// One offer of my city, also when it has ended.
#[utoipa::path(get, path = "/v1/offers/{id}", tag = "spending", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The offer")),
    responses((status = 200, body = OfferAnswer),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`not_found`")))]
pub async fn offer(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
    Path(id): Path<OfferId>,
) -> Result<Json<OfferAnswer>, Problem> {
    let found = office::offer(&state.services, id).await?.filter(|offer| offer.city == me.city);
    let found = office::remaining_for(&state.services, Vec::from_iter(found), me.id).await?;
    let found = found.into_iter().next().ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Json(OfferAnswer::of(found, context.language)))
}
