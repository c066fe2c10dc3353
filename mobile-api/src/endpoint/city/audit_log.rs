//! `GET /v1/city/audit-log`: who did what to whose books and to merchants, and why.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::id::CitizenId;
use tanhui_domain::office::Deed;
use tanhui_service::office;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ActorAnswer, Reason};
use crate::http::extract::{AsCityViewer, Json, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::Problem;
use crate::state::AppState;

const LIST: &str = "audit-log";

/// One line of the record.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeedAnswer {
    /// Its number; grows.
    number: i64,
    /// `activity_reversed`, `adjustment_proposed`, `adjustment_approved`, `adjustment_refused`,
    /// `activity_released`, `activity_rejected`, `merchant_approved`, `merchant_returned`,
    /// `merchant_rejected`, `merchant_suspended`, `merchant_reinstated`, `merchant_closed`, `staff_joined`,
    /// `staff_removed`, `staff_invited`, `invitation_withdrawn`, `branch_opened`, `branch_changed`,
    /// `branch_closed`, `webhook_added`, `webhook_removed`, `webhook_secret_renewed` or `webhook_enabled`.
    #[schema(example = "adjustment_approved")]
    act: &'static str,
    /// The activity, adjustment or merchant.
    subject_id: Uuid,
    /// Whose books, or who joined or left a merchant's staff; null for a merchant as a whole.
    citizen_id: Option<Uuid>,
    /// By whom.
    actor: ActorAnswer,
    /// Why; for what a merchant's people do, what it was.
    reason: Reason,
    /// When.
    done_at: DateTime<Utc>,
}

impl From<(i64, Deed)> for DeedAnswer {
    fn from((number, deed): (i64, Deed)) -> Self {
        Self {
            number,
            act: deed.act.word(),
            subject_id: deed.subject,
            citizen_id: deed.citizen.map(CitizenId::get),
            actor: deed.actor.into(),
            reason: deed.reason.into(),
            done_at: deed.done_at,
        }
    }
}

/// What was done to citizens' books and at merchants in my city, the last first. Needs any role of a city
/// office.
#[utoipa::path(get, path = "/v1/city/audit-log", tag = "city", security(("bearer" = [])), params(Listing),
    responses((status = 200, body = Page<DeedAnswer>)))]
pub async fn list(
    State(state): State<AppState>,
    officer: AsCityViewer,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<DeedAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let before: Option<i64> = listing.after(sealer, LIST)?;
    let found = office::log(&state.services, officer.city(), before, listing.rows()).await?;
    let page = Page::cut(found, listing.limit, (sealer, LIST), |(number, _)| *number)?;
    Ok(Json(page.map(DeedAnswer::from)))
}
