//! `POST /v1/city/statements/{id}/submit`, `/approve`, `/return`, `/pay`: from a closed statement to its
//! payment, by two people.

use axum::extract::State;
use serde::Deserialize;
use tanhui_domain::id::StatementId;
use tanhui_domain::settlement::Step;
use tanhui_service::settlement;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MerchantStatementAnswer, problem};
use crate::http::extract::{AsCityApprover, AsCityEditor, Caller, Json, Path};
use crate::http::problem::Problem;
use crate::state::AppState;

/// Words that go with a step.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepNote {
    /// Why it is sent back, or the bank's reference of the payment.
    #[schema(example = "Line 3 was handed out twice")]
    note: String,
}

/// Hands a checked statement to a second person. Needs the role `city_editor`.
#[utoipa::path(
    post, path = "/v1/city/statements/{id}/submit", tag = "city", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The statement")),
    responses(
        (status = 200, body = MerchantStatementAnswer),
        (status = 409, description = "`statement_out_of_order`: it is not `closed`"),
    )
)]
pub async fn submit_statement(
    State(state): State<AppState>,
    editor: AsCityEditor,
    Path(id): Path<Uuid>,
) -> Result<Json<MerchantStatementAnswer>, Problem> {
    take(&state, &editor, id, Step::Submit).await
}

/// Approves a statement that someone else submitted. Needs the role `city_approver`.
#[utoipa::path(
    post, path = "/v1/city/statements/{id}/approve", tag = "city", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The statement")),
    responses(
        (status = 200, body = MerchantStatementAnswer),
        (status = 409, description =
            "`statement_out_of_order`: it is not `submitted`; `same_person`: I submitted it"),
    )
)]
pub async fn approve_statement(
    State(state): State<AppState>,
    approver: AsCityApprover,
    Path(id): Path<Uuid>,
) -> Result<Json<MerchantStatementAnswer>, Problem> {
    take(&state, &approver, id, Step::Approve).await
}

/// Sends a statement back to be checked again. Needs the role `city_approver`.
#[utoipa::path(
    post, path = "/v1/city/statements/{id}/return", tag = "city", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The statement")), request_body = StepNote,
    responses(
        (status = 200, body = MerchantStatementAnswer),
        (status = 409, description = "`statement_out_of_order`: it is neither `submitted` nor `approved`"),
    )
)]
pub async fn return_statement(
    State(state): State<AppState>,
    approver: AsCityApprover,
    Path(id): Path<Uuid>,
    Json(note): Json<StepNote>,
) -> Result<Json<MerchantStatementAnswer>, Problem> {
    take(&state, &approver, id, Step::Return(note.note)).await
}

/// Says that an approved statement was paid, with the bank's reference. Needs the role `city_editor`.
#[utoipa::path(
    post, path = "/v1/city/statements/{id}/pay", tag = "city", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The statement")), request_body = StepNote,
    responses(
        (status = 200, body = MerchantStatementAnswer),
        (status = 409, description = "`statement_out_of_order`: it is not `approved`"),
    )
)]
pub async fn pay_statement(
    State(state): State<AppState>,
    editor: AsCityEditor,
    Path(id): Path<Uuid>,
    Json(note): Json<StepNote>,
) -> Result<Json<MerchantStatementAnswer>, Problem> {
    take(&state, &editor, id, Step::Pay(note.note)).await
}

async fn take(
    state: &AppState,
    caller: &Caller,
    id: Uuid,
    step: Step,
) -> Result<Json<MerchantStatementAnswer>, Problem> {
    let city = state.services.city(caller.city()).await?;
    let id = StatementId::new(id);
    let statement = settlement::step(&state.services, &city, id, &step, caller.citizen()).await;
    statement.map(|statement| Json(MerchantStatementAnswer::from(&statement))).map_err(problem)
}
