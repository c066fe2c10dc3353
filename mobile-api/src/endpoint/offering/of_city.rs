//! `GET /v1/city/offers` and `/v1/city/offers/{id}`: merchants' offers, for the city office.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use tanhui_domain::id::OfferId;
use tanhui_domain::offer::OfferStatus;
use tanhui_domain::text::Text;
use tanhui_service::offering::{self, Of};
use utoipa::IntoParams;

use super::{OfferDocument, tagged};
use crate::http::extract::{AsCityViewer, Json, Path, Query};
use crate::http::page::{Cursor, Limit, Page};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::state::AppState;

const LIST: &str = "city-offers";

/// Which offers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OffersParams {
    /// `draft`, `submitted`, `approved`, `live`, `paused` or `ended`.
    #[param(example = "submitted")]
    status: String,
    /// Most items on the page.
    #[serde(default)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
}

/// Merchants' offers of one status. Needs a role of the city office.
#[utoipa::path(get, path = "/v1/city/offers", tag = "city", params(OffersParams),
    security(("bearer" = [])), responses((status = 200, body = Page<OfferDocument>)))]
pub async fn city_offers(
    State(state): State<AppState>,
    viewer: AsCityViewer,
    Query(params): Query<OffersParams>,
) -> Result<Json<Page<OfferDocument>>, Problem> {
    let status = OfferStatus::from_word(&params.status).ok_or_else(|| {
        let known = OfferStatus::ALL.map(OfferStatus::word).join(", ");
        let detail = Text::new(format!("应为 {known} 之一"), format!("One of {known}"));
        Problem::new(Code::InvalidQuery).field("/status", detail)
    })?;
    let sealer = state.services.keys.cursor();
    let after: Option<OfferId> =
        params.cursor.as_ref().map(|cursor| cursor.read(sealer, LIST)).transpose()?;
    let rows = i64::from(params.limit.get()).saturating_add(1);
    let found = offering::of_city(&state.services, viewer.city(), status, after, rows).await?;
    let page = Page::cut(found, params.limit, (sealer, LIST), |offer| offer.id)?;
    Ok(Json(page.map(OfferDocument::from)))
}

/// One offer of a merchant; its version is the `ETag`. Needs a role of the city office.
#[utoipa::path(get, path = "/v1/city/offers/{id}", tag = "city", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The offer")),
    responses((status = 200, body = OfferDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "`not_found`")))]
pub async fn city_offer(
    State(state): State<AppState>,
    viewer: AsCityViewer,
    Path(id): Path<OfferId>,
) -> Result<Response, Problem> {
    let found = offering::find(&state.services, Of::City(viewer.city()), id).await?;
    tagged(found.ok_or_else(|| Problem::new(Code::NotFound))?)
}
