//! `POST /v1/me/activities`: I say what I did.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderValue};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::event::DATA_MEMBERS_MAX;
use tanhui_domain::id::ActivityId;
use tanhui_domain::text::{Language, Text};
use tanhui_service::activity::{self, Declaration, DeclareError, Declared};
use tanhui_service::crediting::{CreditError, EventStatus};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::context::RequestContext;
use crate::http::extract::{IDEMPOTENCY_REPLAYED, IdempotencyKey, Json, Me};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// When to come back to a full queue.
const QUEUE_RETRY_SECONDS: u64 = 1;

/// An act of mine.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareRequest {
    /// Action of the rule file; `/v1/actions` lists those that take a citizen's own word.
    #[schema(example = "own_cup")]
    action: String,
    /// When it happened, RFC 3339 with a zone.
    occurred_at: DateTime<Utc>,
    /// The action's inputs, with their unit in the name: `{"distance_km": 7.2}`.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    inputs: BTreeMap<String, Box<RawValue>>,
    /// Only `self`, which is also the default: nothing that proves more is taken yet.
    #[schema(example = "self")]
    evidence: Option<String>,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeclareAnswer {
    /// The activity; null where it could not be read at all.
    id: Option<Uuid>,
    /// `credited`, or `rejected` with a 422.
    status: EventStatusWord,
    /// Points granted, when credited.
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<i64>,
    /// CO2e avoided in milligrams, when credited.
    #[serde(skip_serializing_if = "Option::is_none")]
    reduction_mg: Option<i64>,
    /// `capped`, or why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The same for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The word of a status.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "credited")]
pub struct EventStatusWord(EventStatus);

/// Declares an act of mine.
///
/// Credited at the share of the points that the rules give to a citizen's own word; an action that
/// does not take it answers 422 with `evidence_not_accepted`.
///
/// With an `Idempotency-Key` the same body is credited once and answered the same again, with
/// `Idempotency-Replayed`.
#[utoipa::path(post, path = "/v1/me/activities", tag = "me", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A UUID of yours for this act")),
    request_body = DeclareRequest,
    responses((status = 201, body = DeclareAnswer), (status = 422, body = DeclareAnswer)))]
pub async fn declare(
    State(state): State<AppState>,
    me: Me,
    key: Option<IdempotencyKey>,
    context: RequestContext,
    Json(request): Json<DeclareRequest>,
) -> Result<(StatusCode, HeaderMap, Json<DeclareAnswer>), Problem> {
    check(&request)?;
    let declaration = Declaration {
        action: request.action,
        occurred_at: request.occurred_at,
        inputs: request.inputs,
        key: key.map(|key| key.as_str().to_owned()),
    };
    let declared = activity::declare(&state.services, &me, declaration).await.map_err(problem)?;
    Ok(answer(declared, context.language))
}

fn check(request: &DeclareRequest) -> Result<(), Problem> {
    if request.evidence.as_deref().is_some_and(|grade| grade != "self") {
        let detail = Text::new("目前只接受 self（自行申报）", "only self is taken so far");
        return Err(Problem::new(Code::InvalidBody).field("/evidence", detail));
    }
    if request.inputs.len() > DATA_MEMBERS_MAX {
        let detail =
            Text::new(format!("最多 {DATA_MEMBERS_MAX} 项"), format!("at most {DATA_MEMBERS_MAX} members"));
        return Err(Problem::new(Code::InvalidBody).field("/inputs", detail));
    }
    Ok(())
}

fn answer(declared: Declared, language: Language) -> (StatusCode, HeaderMap, Json<DeclareAnswer>) {
    let Declared { result, replayed } = declared;
    let status = match result.status {
        EventStatus::Credited | EventStatus::Duplicate => StatusCode::CREATED,
        EventStatus::Pending | EventStatus::Held => StatusCode::ACCEPTED,
        EventStatus::Rejected => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut headers = HeaderMap::new();
    if replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    let body = DeclareAnswer {
        id: result.activity.map(ActivityId::get),
        status: EventStatusWord(result.status),
        points: result.points.map(Points::get),
        reduction_mg: result.reduction.map(ReductionMg::get),
        code: result.code,
        detail: result.detail.map(|detail| detail.in_language(language).to_owned()),
    };
    (status, headers, Json(body))
}

fn problem(error: DeclareError) -> Problem {
    match error {
        DeclareError::KeyReused => Problem::new(Code::IdempotencyKeyReused),
        DeclareError::Credit(CreditError::Busy | CreditError::Stopping) => {
            Problem::new(Code::Overloaded).retry_after(QUEUE_RETRY_SECONDS)
        }
        DeclareError::Credit(CreditError::Store(error)) | DeclareError::Store(error) => error.into(),
        error @ DeclareError::Credit(CreditError::TooMany(_)) => Problem::internal(error),
    }
}
