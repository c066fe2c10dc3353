//! Settling: what merchants are owed, and the two people of the city office who see that it is paid.

mod close;
mod file;
mod of_city;
mod of_merchant;
mod step;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::settlement::{MerchantStatement, NOTE_BYTES_MAX, StepError};
use tanhui_domain::text::Text;
use tanhui_service::settlement::SettlementError;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(of_merchant::merchant_statements))
        .routes(routes!(of_merchant::merchant_statement))
        .routes(routes!(file::statement_file))
        .routes(routes!(of_city::city_statements))
        .routes(routes!(close::close_statements))
        .routes(routes!(step::submit_statement))
        .routes(routes!(step::approve_statement))
        .routes(routes!(step::return_statement))
        .routes(routes!(step::pay_statement))
}

/// A merchant's statement without its lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantStatementAnswer {
    /// The statement.
    id: Uuid,
    /// Whose.
    merchant_id: Uuid,
    /// Its number among the merchant's statements, from 1 without gaps.
    #[schema(example = 7)]
    number: i64,
    /// `closed`, `submitted`, `approved` or `paid`.
    #[schema(example = "approved")]
    status: &'static str,
    /// Number of its first line on the merchant's account.
    first_line: i64,
    /// Number of its last line.
    last_line: i64,
    /// Vouchers used.
    #[schema(example = 120)]
    uses: i64,
    /// Uses undone by the merchant.
    #[schema(example = 1)]
    voids: i64,
    /// Corrections by the city.
    adjustments: i64,
    /// What the city owes for all of them, in fen; below zero when the merchant owes.
    #[schema(example = 59_500)]
    due_fen: i64,
    /// When its lines were fixed.
    closed_at: DateTime<Utc>,
    /// When it was paid; null until then.
    paid_at: Option<DateTime<Utc>>,
    /// The bank's reference when paid, or why it was sent back last.
    note: Option<String>,
}

impl From<&MerchantStatement> for MerchantStatementAnswer {
    fn from(statement: &MerchantStatement) -> Self {
        Self {
            id: statement.id.get(),
            merchant_id: statement.merchant.get(),
            number: statement.number,
            status: statement.status.word(),
            first_line: statement.after_line.saturating_add(1),
            last_line: statement.last_line,
            uses: statement.due.uses,
            voids: statement.due.voids,
            adjustments: statement.due.adjustments,
            due_fen: statement.due.fen.get(),
            closed_at: statement.closed_at,
            paid_at: statement.paid_at,
            note: statement.note.clone(),
        }
    }
}

fn problem(error: SettlementError) -> Problem {
    match error {
        SettlementError::NoStatement => Problem::new(Code::NotFound),
        SettlementError::Step(StepError::OutOfOrder { status }) => {
            let word = status.word();
            Problem::new(Code::StatementOutOfOrder)
                .detail(format!("结算单当前状态为 {word}。"), format!("The statement is {word}."))
        }
        SettlementError::Step(StepError::SamePerson) => Problem::new(Code::SamePerson).detail(
            "提交人不能批准自己提交的结算单，请由另一人批准。",
            "Whoever submitted a statement cannot approve it: ask someone else.",
        ),
        SettlementError::Step(StepError::Note) => Problem::new(Code::InvalidBody).field(
            "/note",
            Text::new(
                format!("请填写 1 至 {NOTE_BYTES_MAX} 字节的说明，不含控制字符"),
                format!("1 to {NOTE_BYTES_MAX} bytes without control characters"),
            ),
        ),
        SettlementError::Store(error) => error.into(),
    }
}
