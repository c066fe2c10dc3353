//! `GET /v1/me/prizes`: what I won on boards whose period is over, and why.

use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use tanhui_domain::id::AwardId;
use tanhui_domain::text::Language;
use tanhui_service::prize::{self, Won};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::context::RequestContext;
use crate::http::extract::{Json, Me, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::Problem;
use crate::state::AppState;

const LIST: &str = "prizes";

/// One prize of mine.
#[derive(Debug, Serialize, ToSchema)]
pub struct PrizeAnswer {
    /// Its id, as `award_id` of my statement names it.
    id: Uuid,
    /// The prize's id in the rules.
    #[schema(example = "month_first")]
    prize: String,
    /// What it is called.
    name: String,
    /// Why I won it.
    reason: String,
    /// My place on the board, from 1. Among equals it is the one who got there first.
    rank: u32,
    /// What was compared, in milligrams or points.
    score: i64,
    /// First civil day of the board.
    from: NaiveDate,
    /// Last civil day of the board.
    to: NaiveDate,
    /// Of which district's board; null for the city's.
    district: Option<String>,
    /// Points that go with it; 0 where the prize is a thing.
    points: i64,
    /// When the board was closed for it.
    awarded_at: DateTime<Utc>,
    /// When its points came onto my account.
    paid_at: Option<DateTime<Utc>>,
}

impl PrizeAnswer {
    /// A prize in a caller's language.
    pub fn new(won: Won, language: Language) -> Self {
        let Won { award, name, reason } = won;
        Self {
            id: award.id.get(),
            prize: award.prize,
            name: name.in_language(language).to_owned(),
            reason: reason.in_language(language).to_owned(),
            rank: award.rank,
            score: award.score,
            from: award.days.from,
            to: award.days.until.pred_opt().unwrap_or(award.days.until),
            district: award.district,
            points: award.points.get(),
            awarded_at: award.awarded_at,
            paid_at: award.paid_at,
        }
    }
}

/// My prizes, the last first.
#[utoipa::path(get, path = "/v1/me/prizes", tag = "me", security(("bearer" = [])), params(Listing),
    responses((status = 200, body = Page<PrizeAnswer>)))]
pub async fn prizes(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<PrizeAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<Uuid> = listing.after(sealer, LIST)?;
    let found = prize::page(&state.services, me.id, after.map(AwardId::new), listing.rows()).await?;
    let items = found.into_iter().map(|won| PrizeAnswer::new(won, context.language)).collect();
    Page::cut(items, listing.limit, (sealer, LIST), |last: &PrizeAnswer| last.id).map(Json)
}
