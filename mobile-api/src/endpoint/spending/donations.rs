//! `GET /v1/me/donations`: what I gave to public projects, each with the number of its certificate.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::id::RedemptionId;
use tanhui_service::offering::{self, Donation};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::context::RequestContext;
use crate::http::extract::{Json, Me, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::Problem;
use crate::state::AppState;

const LIST: &str = "my-donations";

/// Points that I gave to a project.
#[derive(Debug, Serialize, ToSchema)]
pub struct DonationAnswer {
    /// The number of its certificate, which is the redemption.
    certificate_id: Uuid,
    /// To which project.
    project_id: Uuid,
    /// What it is called, in the caller's language.
    #[schema(example = "A wood on the south shore")]
    project_title: String,
    /// Through which offer.
    offer_id: Uuid,
    /// How many points.
    #[schema(example = 100)]
    points: i64,
    /// When.
    given_at: DateTime<Utc>,
}

/// My donations, the last first. They are final: nothing of them is given back.
#[utoipa::path(get, path = "/v1/me/donations", tag = "spending", params(Listing), security(("bearer" = [])),
    responses((status = 200, body = Page<DonationAnswer>)))]
pub async fn donations(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<DonationAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let before: Option<RedemptionId> = listing.after(sealer, LIST)?;
    let found = offering::donations(&state.services, me.id, before, listing.rows()).await?;
    let page = Page::cut(found, listing.limit, (sealer, LIST), |donation| donation.id)?;
    let answer = |donation: Donation| DonationAnswer {
        certificate_id: donation.id.get(),
        project_id: donation.project.get(),
        project_title: donation.title.in_language(context.language).to_owned(),
        offer_id: donation.offer.get(),
        points: donation.points.get(),
        given_at: donation.given_at,
    };
    Ok(Json(page.map(answer)))
}
