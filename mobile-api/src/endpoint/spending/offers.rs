//! `GET /v1/offers` and `/v1/offers/{id}`: what points buy, what is left of it, and how many of it for me.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::id::{OfferId, ProjectId};
use tanhui_domain::offer::OfferStatus;
use tanhui_domain::text::Language;
use tanhui_service::offering::{self, Of, Shown};
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
    /// `coupon`, `goods`, `transit_top_up` or `donation`.
    #[schema(example = "coupon")]
    kind: &'static str,
    /// The project that a donation is for; null for the other kinds.
    project_id: Option<Uuid>,
    /// What it is, in the caller's language.
    #[schema(example = "Coffee")]
    title: String,
    /// More about it.
    text: String,
    /// What goes for it.
    terms: String,
    /// Addresses of pictures.
    pictures: Vec<String>,
    /// Who gives it.
    merchant_id: Uuid,
    /// Its name.
    #[schema(example = "Corner shop")]
    merchant_name: String,
    /// Price of one, in points.
    #[schema(example = 100)]
    price_points: i64,
    /// What one is worth, in fen; 0 where nobody said.
    #[schema(example = 800)]
    face_value_fen: i64,
    /// How many are left in stock.
    #[schema(example = 42)]
    stock_left: i64,
    /// How many can still be redeemed today: by stock, by the day's stock and by the city's budget.
    #[schema(example = 10)]
    left: i64,
    /// What is left of the city's budget for it, in fen; null without a budget.
    #[schema(example = 21_000)]
    budget_left_fen: Option<i64>,
    /// How many one citizen may have; null without a limit.
    #[schema(example = 2)]
    per_person: Option<i64>,
    /// How many one citizen may have in one week, from Monday on; null without a limit.
    per_person_week: Option<i64>,
    /// How many more I may have now; null without a limit.
    #[schema(example = 1)]
    remaining_for_me: Option<i64>,
    /// First instant at which it can be redeemed; null: at once.
    opens_at: Option<DateTime<Utc>>,
    /// First instant at which it no longer can; null: while stock lasts.
    closes_at: Option<DateTime<Utc>>,
    /// The only district whose citizens may; null: all.
    district: Option<String>,
    /// The least level that a citizen must have reached; null: any.
    level: Option<String>,
    /// For how many days a voucher is good.
    #[schema(example = 30)]
    voucher_days: i32,
    /// Whether points come back when a voucher expires unused.
    refund_expired: bool,
    /// `live`, `paused` or `ended`.
    #[schema(example = "live")]
    status: &'static str,
}

impl OfferAnswer {
    fn of(shown: Shown, language: Language) -> Self {
        let Shown { offer, left, remaining } = shown;
        let conditions = offer.conditions;
        Self {
            id: offer.id.get(),
            kind: offer.kind.word(),
            project_id: offer.kind.project().map(ProjectId::get),
            title: offer.title.in_language(language).to_owned(),
            text: offer.about.text.in_language(language).to_owned(),
            terms: offer.about.terms.in_language(language).to_owned(),
            pictures: offer.about.pictures,
            merchant_id: offer.merchant.get(),
            merchant_name: offer.merchant_name,
            price_points: offer.price.get(),
            face_value_fen: offer.about.face_value.get(),
            stock_left: offer.stock_left,
            left,
            budget_left_fen: offer.budget.map(|budget| budget.left.get()),
            per_person: offer.per_person,
            per_person_week: conditions.per_person_week,
            remaining_for_me: remaining,
            opens_at: conditions.opens_at,
            closes_at: conditions.closes_at,
            district: conditions.district,
            level: conditions.level,
            voucher_days: offer.voucher_days,
            refund_expired: conditions.refund_expired,
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
    let services = &state.services;
    let sealer = services.keys.cursor();
    let after: Option<OfferId> = listing.after(sealer, LIST)?;
    let city = services.city(me.city).await?;
    let found = office::offers(services, me.city, after, listing.rows()).await?;
    let found = offering::shown(services, found, &me, &city).await?;
    let page = Page::cut(found, listing.limit, (sealer, LIST), |shown| shown.offer.id)?;
    Ok(Json(page.map(|shown| OfferAnswer::of(shown, context.language))))
}

/// One offer of my city that is or was live, also when it has ended.
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
    let services = &state.services;
    let opened = |status| matches!(status, OfferStatus::Live | OfferStatus::Paused | OfferStatus::Ended);
    let found = offering::find(services, Of::City(me.city), id).await?;
    let found = Vec::from_iter(found.filter(|offer| opened(offer.status)));
    let city = services.city(me.city).await?;
    let shown = offering::shown(services, found, &me, &city).await?.into_iter().next();
    let shown = shown.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Json(OfferAnswer::of(shown, context.language)))
}
