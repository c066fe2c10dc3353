//! The life of offers and projects: merchants write and submit, the city approves, anyone sees the projects.

mod of_city;
mod of_merchant;
mod projects;
mod step;
#[cfg(test)]
mod tests;
mod wish;

use axum::http::HeaderValue;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::id::ProjectId;
use tanhui_domain::offer::{Offer, OfferStepError, REASON_BYTES_MAX};
use tanhui_domain::text::Text;
use tanhui_service::offering::OfferingError;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::extract::{Json, etag};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(of_merchant::merchant_offers, of_merchant::write_offer))
        .routes(routes!(of_merchant::merchant_offer, of_merchant::rewrite_offer, of_merchant::discard_offer))
        .routes(routes!(step::step_merchant_offer))
        .routes(routes!(of_city::city_offers))
        .routes(routes!(of_city::city_offer))
        .routes(routes!(step::approve_offer))
        .routes(routes!(step::return_offer))
        .routes(routes!(step::end_city_offer))
        .routes(routes!(projects::open_project))
        .routes(routes!(projects::projects))
}

/// The same words in both languages.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// In Chinese.
    #[schema(example = "咖啡一杯")]
    zh: String,
    /// In English.
    #[schema(example = "A cup of coffee")]
    en: String,
}

impl From<Words> for Text {
    fn from(words: Words) -> Self {
        Self::new(words.zh, words.en)
    }
}

impl From<Text> for Words {
    fn from(text: Text) -> Self {
        Self { zh: text.zh, en: text.en }
    }
}

/// An offer, as its merchant and the city see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferDocument {
    /// The offer.
    id: Uuid,
    /// Who gives it.
    merchant_id: Uuid,
    /// Its name.
    #[schema(example = "Corner shop")]
    merchant_name: String,
    /// `coupon`, `goods`, `transit_top_up` or `donation`.
    #[schema(example = "coupon")]
    kind: &'static str,
    /// The project that a donation is for; null for the other kinds.
    project_id: Option<Uuid>,
    /// What it is.
    title: Words,
    /// More about it.
    text: Words,
    /// What goes for it.
    terms: Words,
    /// Addresses of pictures.
    pictures: Vec<String>,
    /// Price of one, in points.
    #[schema(example = 100)]
    price_points: i64,
    /// What one is worth, in fen.
    #[schema(example = 800)]
    face_value_fen: i64,
    /// What the city owes for each use, in fen.
    #[schema(example = 500)]
    payout_fen: i64,
    /// How many there are in all.
    #[schema(example = 100)]
    stock_total: i64,
    /// How many are left.
    #[schema(example = 42)]
    stock_left: i64,
    /// How many there are on one day; null without a limit.
    stock_per_day: Option<i64>,
    /// How many one citizen may have; null without a limit.
    #[schema(example = 2)]
    per_person: Option<i64>,
    /// How many one citizen may have in one week; null without a limit.
    per_person_week: Option<i64>,
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
    /// What the city pays for it at most, in fen; null: whatever the stock comes to.
    budget_fen: Option<i64>,
    /// What is left of that.
    budget_left_fen: Option<i64>,
    /// `draft`, `submitted`, `approved`, `live`, `paused` or `ended`.
    #[schema(example = "live")]
    status: &'static str,
    /// Counts edits and steps; the same as in the `ETag`.
    #[schema(example = 4)]
    version: i64,
    /// Who submitted it last.
    submitted_by: Option<Uuid>,
    /// Who approved it.
    approved_by: Option<Uuid>,
    /// Why it was sent back last.
    note: Option<String>,
}

impl From<Offer> for OfferDocument {
    fn from(offer: Offer) -> Self {
        let (about, conditions) = (offer.about, offer.conditions);
        Self {
            id: offer.id.get(),
            merchant_id: offer.merchant.get(),
            merchant_name: offer.merchant_name,
            kind: offer.kind.word(),
            project_id: offer.kind.project().map(ProjectId::get),
            title: offer.title.into(),
            text: about.text.into(),
            terms: about.terms.into(),
            pictures: about.pictures,
            price_points: offer.price.get(),
            face_value_fen: about.face_value.get(),
            payout_fen: offer.payout.get(),
            stock_total: offer.stock_total,
            stock_left: offer.stock_left,
            stock_per_day: conditions.stock_per_day,
            per_person: offer.per_person,
            per_person_week: conditions.per_person_week,
            opens_at: conditions.opens_at,
            closes_at: conditions.closes_at,
            district: conditions.district,
            level: conditions.level,
            voucher_days: offer.voucher_days,
            refund_expired: conditions.refund_expired,
            budget_fen: offer.budget.map(|budget| budget.all.get()),
            budget_left_fen: offer.budget.map(|budget| budget.left.get()),
            status: offer.status.word(),
            version: offer.version,
            submitted_by: offer.submitted_by.map(tanhui_domain::id::CitizenId::get),
            approved_by: offer.approved_by.map(tanhui_domain::id::CitizenId::get),
            note: offer.note,
        }
    }
}

/// The document with its version as the `ETag`.
fn tagged(offer: Offer) -> Result<Response, Problem> {
    let tag = HeaderValue::try_from(etag(offer.version)).map_err(Problem::internal)?;
    Ok(([(ETAG, tag)], Json(OfferDocument::from(offer))).into_response())
}

fn problem(error: OfferingError) -> Problem {
    match error {
        OfferingError::NoOffer => Problem::new(Code::NotFound),
        OfferingError::NoProject => Problem::new(Code::InvalidBody)
            .field("/project_id", Text::new("本市没有这个项目", "No such project in this city")),
        OfferingError::Draft(fault) => {
            Problem::new(Code::InvalidBody).field(format!("/{}", fault.field), fault.detail)
        }
        OfferingError::Step(error) => step_problem(&error),
        OfferingError::Changed { version } => Problem::new(Code::PreconditionFailed)
            .detail(format!("当前版本为 {version}。"), format!("It is at version {version}.")),
        OfferingError::Store(error) => error.into(),
    }
}

fn step_problem(error: &OfferStepError) -> Problem {
    match error {
        OfferStepError::OutOfOrder { status } => {
            let word = status.word();
            Problem::new(Code::OfferOutOfOrder)
                .detail(format!("商品当前状态为 {word}。"), format!("The offer is {word}."))
        }
        OfferStepError::OtherSide => Problem::new(Code::Forbidden),
        OfferStepError::SamePerson => Problem::new(Code::SamePerson).detail(
            "提交人不能批准自己提交的商品，请由另一人批准。",
            "Whoever submitted an offer cannot approve it: ask someone else.",
        ),
        OfferStepError::Reason => Problem::new(Code::InvalidBody).field(
            "/reason",
            Text::new(
                format!("请填写 1 至 {REASON_BYTES_MAX} 字节的原因，不含控制字符"),
                format!("1 to {REASON_BYTES_MAX} bytes without control characters"),
            ),
        ),
        OfferStepError::Budget => Problem::new(Code::InvalidBody).field(
            "/budget_fen",
            Text::new("至少为 0；捐赠没有预算", "At least 0; a donation has no budget"),
        ),
    }
}
