//! `GET /v1/me/lots`: what became of my points, by the days on which they start and end.

use axum::extract::State;
use chrono::NaiveDate;
use serde::Serialize;
use tanhui_domain::ledger::{AT_ONCE, LotKey, LotTally, NEVER};
use tanhui_domain::time::civil_day;
use tanhui_service::statement;
use utoipa::ToSchema;

use crate::http::extract::{Json, Me, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::Problem;
use crate::state::AppState;

const LIST: &str = "lots";

/// Points that start and end on the same days.
#[derive(Debug, Serialize, ToSchema)]
pub struct LotAnswer {
    /// `pending`, `active` or `expired`.
    #[schema(example = "active")]
    state: &'static str,
    /// First civil day on which they can be spent; null where they never were pending.
    spendable_from: Option<NaiveDate>,
    /// Last civil day on which they can be spent; null where they never end.
    expires_on: Option<NaiveDate>,
    /// All that was granted.
    granted: i64,
    /// What is left.
    left: i64,
    /// What was spent or taken by corrections, and not given back.
    spent: i64,
    /// What ran out of time.
    expired: i64,
    /// What cancelled redemptions gave back.
    refunded: i64,
}

impl LotAnswer {
    fn of(lot: LotTally, today: NaiveDate) -> Self {
        let LotKey { expires_on, spendable_from } = lot.key;
        Self {
            state: lot.key.state(today).word(),
            spendable_from: (spendable_from > AT_ONCE).then_some(spendable_from),
            expires_on: (expires_on < NEVER).then_some(expires_on),
            granted: lot.granted.get(),
            left: lot.left.get(),
            spent: lot.taken().unwrap_or_default().get(),
            expired: lot.expired.get(),
            refunded: lot.refunded.get(),
        }
    }
}

/// My points by their days, the last to end first.
#[utoipa::path(get, path = "/v1/me/lots", tag = "me", security(("bearer" = [])), params(Listing),
    responses((status = 200, body = Page<LotAnswer>)))]
pub async fn list(
    State(state): State<AppState>,
    me: Me,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<LotAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<(NaiveDate, NaiveDate)> = listing.after(sealer, LIST)?;
    let after = after.map(|(expires_on, spendable_from)| LotKey { expires_on, spendable_from });
    let today = civil_day(state.services.clock.now(), state.services.city(me.city).await?.timezone);
    let found = statement::lots(&state.services, me.id, after, listing.rows()).await?;
    let place = |last: &LotTally| (last.key.expires_on, last.key.spendable_from);
    let page = Page::cut(found, listing.limit, (sealer, LIST), place)?;
    Ok(Json(page.map(|lot| LotAnswer::of(lot, today))))
}
