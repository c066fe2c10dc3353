//! `GET /v1/merchant/statements[/{id}]`: what my merchant is owed, statement by statement and line by line.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::id::{MerchantId, StatementId};
use tanhui_domain::settlement::MerchantStatement;
use tanhui_domain::text::Language;
use tanhui_service::Services;
use tanhui_service::settlement::{self, SettledLine};
use utoipa::ToSchema;
use uuid::Uuid;

use super::MerchantStatementAnswer;
use crate::http::context::RequestContext;
use crate::http::extract::{AsMerchantStaff, Json, Path, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

const LIST: &str = "merchant-statements";
const LINES: &str = "merchant-statement-lines";

/// One line of a merchant's statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettledLineAnswer {
    /// Its number on the merchant's account, from 1 without gaps.
    number: i64,
    /// `use`, `void`, `adjust`, `reverse`, or `settle` for a payment of an earlier statement.
    #[schema(example = "use")]
    kind: &'static str,
    /// When it was written.
    recorded_at: DateTime<Utc>,
    /// The voucher's code, where one is behind it.
    #[schema(example = "7K3M9QXR2T8WZ4HN")]
    code: Option<String>,
    /// What it was for, in the caller's language.
    #[schema(example = "Coffee")]
    title: Option<String>,
    /// What the city owes more for it, in fen.
    #[schema(example = 500)]
    payable_fen: i64,
    /// What the city owed in all after it, in fen.
    #[schema(example = 59_500)]
    payable_after_fen: i64,
}

/// A statement with a page of its lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantStatementLines {
    /// The statement.
    #[serde(flatten)]
    statement: MerchantStatementAnswer,
    /// This page's lines, in order.
    items: Vec<SettledLineAnswer>,
    /// Send this back for the next page; null on the last.
    next_cursor: Option<String>,
}

impl SettledLineAnswer {
    fn of(line: SettledLine, language: Language) -> Self {
        Self {
            number: line.number,
            kind: line.kind.word(),
            recorded_at: line.recorded_at,
            code: line.code,
            title: line.offer.map(|(title, _)| title.in_language(language).to_owned()),
            payable_fen: line.payable.get(),
            payable_after_fen: line.payable_after.get(),
        }
    }
}

/// Statements of my merchant, the last one first. Needs the role `merchant_staff`.
#[utoipa::path(get, path = "/v1/merchant/statements", tag = "merchant", params(Listing),
    security(("bearer" = [])), responses((status = 200, body = Page<MerchantStatementAnswer>)))]
pub async fn merchant_statements(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<MerchantStatementAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let before: Option<i64> = listing.after(sealer, LIST)?;
    let found = settlement::of_merchant(&state.services, staff.merchant(), before, listing.rows()).await?;
    let page = Page::cut(found, listing.limit, (sealer, LIST), |statement| statement.number)?;
    Ok(Json(page.map(|statement| MerchantStatementAnswer::from(&statement))))
}

/// One statement of my merchant with its lines. Needs the role `merchant_staff`.
#[utoipa::path(get, path = "/v1/merchant/statements/{id}", tag = "merchant",
    params(("id" = Uuid, Path, description = "The statement"), Listing), security(("bearer" = [])),
    responses((status = 200, body = MerchantStatementLines)))]
pub async fn merchant_statement(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Path(id): Path<Uuid>,
    Query(listing): Query<Listing>,
) -> Result<Json<MerchantStatementLines>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<i64> = listing.after(sealer, LINES)?;
    let statement = own(&state.services, staff.merchant(), id).await?;
    let found = settlement::lines(&state.services, &statement, after, listing.rows()).await?;
    let page = Page::cut(found, listing.limit, (sealer, LINES), |line| line.number)?;
    let page = page.map(|line| SettledLineAnswer::of(line, context.language));
    Ok(Json(MerchantStatementLines {
        statement: MerchantStatementAnswer::from(&statement),
        items: page.items,
        next_cursor: page.next_cursor,
    }))
}

/// A statement of a merchant; another's is answered like one that does not exist.
pub(super) async fn own(
    services: &Services,
    merchant: MerchantId,
    id: Uuid,
) -> Result<MerchantStatement, Problem> {
    let found = settlement::find(services, merchant, StatementId::new(id)).await?;
    found.ok_or_else(|| Problem::new(Code::NotFound))
}
