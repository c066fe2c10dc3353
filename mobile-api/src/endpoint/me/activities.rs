//! `GET /v1/me/activities`, `GET /v1/me/activities/{id}`: what I did and what it gave.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::crediting::WaitingPoints;
use tanhui_domain::id::ActivityId;
use tanhui_domain::text::Language;
use tanhui_service::activity::{self, ActivityCursor, Named};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::context::RequestContext;
use crate::http::extract::{Json, Me, Path, Query};
use crate::http::page::{Cursor, Limit, Page};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

const LIST: &str = "activities";

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// How many, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
}

/// One act of mine.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivityAnswer {
    /// Its id.
    id: Uuid,
    /// Action of the rule file.
    #[schema(example = "metro_ride")]
    action: String,
    /// The action's name.
    #[schema(example = "地铁出行")]
    action_name: String,
    /// `credited`, `held`, `rejected` or `reversed`.
    #[schema(example = "credited")]
    status: &'static str,
    /// URI of the source that reported it.
    source: String,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// When it was written.
    recorded_at: DateTime<Utc>,
    /// Points granted at once.
    #[schema(example = 46)]
    points: i64,
    /// What of its points had to wait for a budget; null where nothing had to.
    waiting: Option<WaitingAnswer>,
    /// CO2e avoided, in milligrams.
    #[schema(example = 467_000)]
    reduction_mg: i64,
    /// `capped`, `queued`, or why it was rejected or is held; null otherwise.
    code: Option<String>,
    /// Why a person must look at it, or why a person undid or refused it; null otherwise.
    reason: Option<String>,
}

/// Points of an act that waited, or wait, for a budget.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingAnswer {
    /// The budget's id.
    #[schema(example = "programme_month")]
    budget: String,
    /// All that had to wait.
    promised: i64,
    /// What was paid since.
    paid: i64,
    /// What still waits.
    waiting: i64,
    /// What never will be paid.
    given_up: i64,
    /// The same for a person.
    detail: String,
}

impl WaitingAnswer {
    /// Points that wait in a caller's language.
    pub fn new(waiting: &WaitingPoints, language: Language) -> Self {
        Self {
            budget: waiting.budget.clone(),
            promised: waiting.promised.get(),
            paid: waiting.paid.get(),
            waiting: waiting.left().unwrap_or_default().get(),
            given_up: waiting.given_up.get(),
            detail: waiting.told().in_language(language).to_owned(),
        }
    }
}

impl ActivityAnswer {
    /// The activity in a caller's language.
    pub fn new(named: Named, language: Language) -> Self {
        let Named { activity, name, source, reason, waiting } = named;
        let action_name = name.map(|name| name.in_language(language).to_owned());
        Self {
            id: activity.id.get(),
            action_name: action_name.unwrap_or_else(|| activity.action.clone()),
            action: activity.action,
            status: activity.status.word(),
            source,
            occurred_at: activity.occurred_at,
            recorded_at: activity.recorded_at,
            points: activity.points.get(),
            waiting: waiting.map(|waiting| WaitingAnswer::new(&waiting, language)),
            reduction_mg: activity.reduction.get(),
            code: activity.code,
            reason: reason.map(|reason| reason.in_language(language).to_owned()),
        }
    }
}

/// My activities, the last recorded first.
#[utoipa::path(get, path = "/v1/me/activities", tag = "me", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<ActivityAnswer>)))]
pub async fn list(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<ActivityAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<(DateTime<Utc>, Uuid)> =
        query.cursor.map(|cursor| cursor.read(sealer, LIST)).transpose()?;
    let after = after.map(|(recorded_at, id)| ActivityCursor { recorded_at, id: ActivityId::new(id) });
    let one_more = i64::from(query.limit.get()).saturating_add(1);
    let found = activity::page(&state.services, me.id, after, one_more).await?;
    let items = found.into_iter().map(|named| ActivityAnswer::new(named, context.language)).collect();
    let place = |last: &ActivityAnswer| (last.recorded_at, last.id);
    Page::cut(items, query.limit, (sealer, LIST), place).map(Json)
}

/// One of my activities.
#[utoipa::path(get, path = "/v1/me/activities/{id}", tag = "me", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 200, body = ActivityAnswer)))]
pub async fn show(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
    Path(id): Path<Uuid>,
) -> Result<Json<ActivityAnswer>, Problem> {
    let found = activity::find(&state.services, me.id, ActivityId::new(id)).await?;
    let named = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Json(ActivityAnswer::new(named, context.language)))
}
