//! `GET /v1/city/statements`: merchants' statements of one status, for the city office.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tanhui_domain::id::StatementId;
use tanhui_domain::settlement::StatementStatus;
use tanhui_domain::text::Text;
use tanhui_service::settlement;
use utoipa::{IntoParams, ToSchema};

use super::MerchantStatementAnswer;
use crate::http::extract::{AsCityViewer, Json, Query};
use crate::http::page::{Cursor, Limit, Page};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

const LIST: &str = "city-statements";

/// Which statements.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementsParams {
    /// `closed`, `submitted`, `approved` or `paid`.
    #[param(example = "submitted")]
    status: String,
    /// Most items on the page.
    #[serde(default)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
}

/// A statement and whose it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct CityStatement {
    /// The statement.
    #[serde(flatten)]
    statement: MerchantStatementAnswer,
    /// The merchant's name.
    #[schema(example = "Corner shop")]
    merchant_name: String,
}

/// Merchants' statements of one status. Needs a role of the city office.
#[utoipa::path(get, path = "/v1/city/statements", tag = "city", params(StatementsParams),
    security(("bearer" = [])), responses((status = 200, body = Page<CityStatement>)))]
pub async fn city_statements(
    State(state): State<AppState>,
    viewer: AsCityViewer,
    Query(params): Query<StatementsParams>,
) -> Result<Json<Page<CityStatement>>, Problem> {
    let status = StatementStatus::from_word(&params.status).ok_or_else(|| {
        let known = StatementStatus::ALL.map(StatementStatus::word).join(", ");
        let detail = Text::new(format!("应为 {known} 之一"), format!("One of {known}"));
        Problem::new(Code::InvalidQuery).field("/status", detail)
    })?;
    let sealer = state.services.keys.cursor();
    let after: Option<StatementId> =
        params.cursor.as_ref().map(|cursor| cursor.read(sealer, LIST)).transpose()?;
    let rows = i64::from(params.limit.get()).saturating_add(1);
    let found = settlement::of_city(&state.services, viewer.city(), status, after, rows).await?;
    let page = Page::cut(found, params.limit, (sealer, LIST), |(statement, _)| statement.id)?;
    Ok(Json(page.map(|(statement, merchant_name)| CityStatement {
        statement: MerchantStatementAnswer::from(&statement),
        merchant_name,
    })))
}
