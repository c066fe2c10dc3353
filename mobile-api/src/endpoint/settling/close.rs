//! `POST /v1/city/statements`: closes statements before the month does so by itself.

use axum::extract::State;
use serde::Serialize;
use tanhui_service::settlement;
use utoipa::ToSchema;

use crate::http::extract::{AsCityEditor, Json};
use crate::http::problem::Problem;
use crate::state::AppState;

/// What was closed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Closed {
    /// How many statements.
    #[schema(example = 12)]
    closed: usize,
}

/// Closes a statement for each merchant of my city that has unsettled lines until now. Done again it closes
/// nothing. Needs the role `city_editor`.
#[utoipa::path(post, path = "/v1/city/statements", tag = "city", security(("bearer" = [])),
    responses((status = 200, body = Closed)))]
pub async fn close_statements(
    State(state): State<AppState>,
    editor: AsCityEditor,
) -> Result<Json<Closed>, Problem> {
    let city = state.services.city(editor.city()).await?;
    let closed = settlement::close(&state.services, &city, state.services.clock.now()).await?;
    Ok(Json(Closed { closed }))
}
