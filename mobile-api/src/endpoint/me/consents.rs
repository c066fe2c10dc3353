//! `GET /v1/me/consents`, `GET` and `PUT /v1/me/consents/{purpose}`: separate consent to each use.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_service::citizen::{self, Consent};
use utoipa::ToSchema;

use super::profile::problem;
use crate::http::extract::{Json, Me, Path};
use crate::http::page::Page;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// A consent as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentAnswer {
    /// `leaderboard` (be shown on boards), `aggregation` (count in figures that leave the city), or
    /// `source:` and the URI of a source (use what it reports).
    #[schema(example = "leaderboard")]
    purpose: String,
    /// Whether it is given.
    granted: bool,
    /// When that was said; null while nothing was.
    changed_at: Option<DateTime<Utc>>,
}

impl From<Consent> for ConsentAnswer {
    fn from(consent: Consent) -> Self {
        Self { purpose: consent.purpose, granted: consent.granted, changed_at: consent.changed_at }
    }
}

/// Whether it is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    /// True to give, false to withdraw.
    granted: bool,
}

/// All my consents, by purpose.
#[utoipa::path(get, path = "/v1/me/consents", tag = "me", security(("bearer" = [])),
    responses((status = 200, body = Page<ConsentAnswer>)))]
pub async fn list(State(state): State<AppState>, me: Me) -> Result<Json<Page<ConsentAnswer>>, Problem> {
    let consents = citizen::all_consents(&state.services, &me).await?;
    Ok(Json(Page { items: consents.into_iter().map(ConsentAnswer::from).collect(), next_cursor: None }))
}

/// One of my consents.
#[utoipa::path(get, path = "/v1/me/consents/{purpose}", tag = "me", security(("bearer" = [])),
    params(("purpose" = String, Path, description = "The purpose, percent-encoded")),
    responses((status = 200, body = ConsentAnswer)))]
pub async fn show(
    State(state): State<AppState>,
    me: Me,
    Path(purpose): Path<String>,
) -> Result<Json<ConsentAnswer>, Problem> {
    let consents = citizen::all_consents(&state.services, &me).await?;
    let found = consents.into_iter().find(|consent| consent.purpose == purpose);
    found.map(|consent| Json(consent.into())).ok_or_else(|| Problem::new(Code::NotFound))
}

/// Gives or withdraws a consent.
///
/// Withdrawing that of a source ends the bindings to it; withdrawing `leaderboard` takes
/// me off the boards.
#[utoipa::path(put, path = "/v1/me/consents/{purpose}", tag = "me", security(("bearer" = [])),
    params(("purpose" = String, Path, description = "The purpose, percent-encoded")),
    request_body = ConsentRequest, responses((status = 200, body = ConsentAnswer)))]
pub async fn change(
    State(state): State<AppState>,
    me: Me,
    Path(purpose): Path<String>,
    Json(request): Json<ConsentRequest>,
) -> Result<Json<ConsentAnswer>, Problem> {
    citizen::consent(&state.services, me.id, &purpose, request.granted).await.map_err(problem)?;
    show(State(state), me, Path(purpose)).await
}
