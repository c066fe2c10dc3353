//! `POST /v1/partner/events`: one event, a batch, or lines of events; each gets its own answer.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::text::Language;
use tanhui_service::crediting::{CreditError, EVENTS_PER_CALL_MAX, EventResult};
use tanhui_service::ingest::{self, IngestError, Malformed};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Status;
use crate::http::context::RequestContext;
use crate::http::extract::{AsPartner, EventsBody, Json};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::state::AppState;

/// When to come back to a full queue, in seconds.
const QUEUE_RETRY_SECONDS: u64 = 1;

/// A `CloudEvents` 1.0 event. Other members are allowed and not read.
#[derive(ToSchema)]
#[schema(as = Event)]
#[expect(dead_code, reason = "describes what the service reads element by element")]
pub struct EventSchema {
    /// Always `1.0`.
    #[schema(example = "1.0")]
    specversion: String,
    /// The source's own id of the act, unique within the source for ever; 1 to 200 bytes.
    #[schema(example = "ride-20260302-0001", min_length = 1, max_length = 200)]
    id: String,
    /// URI of the key's source.
    #[schema(example = "urn:jiaxing:metro", min_length = 1, max_length = 200)]
    source: String,
    /// `activity.` and an action of the rule file.
    #[schema(rename = "type", example = "activity.metro_ride", pattern = "^activity\\..+")]
    kind: String,
    /// Card, meter or account number; 1 to 200 bytes. Kept as a keyed hash only.
    #[schema(example = "3300001234567890", min_length = 1, max_length = 200)]
    subject: String,
    /// When it happened, RFC 3339 with a zone.
    #[schema(example = "2026-03-02T08:00:00+08:00")]
    time: DateTime<Utc>,
    /// The action's inputs with their unit in the name; at most 32.
    #[schema(value_type = Object, example = json!({"distance_km": 7.2}))]
    data: serde_json::Value,
}

/// What became of a call: counts, and each event's answer in the order sent.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ReportAnswer {
    /// How many events came.
    #[schema(example = 1)]
    received: usize,
    /// How many were credited.
    #[schema(example = 1)]
    credited: usize,
    /// How many were sent before.
    #[schema(example = 0)]
    duplicate: usize,
    /// How many wait for their subject to be bound.
    #[schema(example = 0)]
    pending: usize,
    /// How many wait for a person to decide.
    #[schema(example = 0)]
    held: usize,
    /// How many were refused.
    #[schema(example = 0)]
    rejected: usize,
    /// One for each event, in the order sent.
    results: Vec<EventAnswer>,
}

/// The answer to one event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventAnswer {
    /// The event's own id; null where it could not be read.
    #[schema(example = "ride-20260302-0001")]
    id: Option<String>,
    /// What became of it.
    status: Status,
    /// The activity it is or will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_id: Option<Uuid>,
    /// Points granted, when credited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 33)]
    points: Option<i64>,
    /// CO2e avoided in milligrams, when credited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 336_240)]
    reduction_mg: Option<i64>,
    /// `capped` on a credited event that a cap trimmed. On a refused one: `malformed_json`, `invalid_utf8`,
    /// `invalid_event`, `invalid_time`, `foreign_source`, `time_in_future`, `time_too_old`, `no_rules`,
    /// `unknown_action`, or a code of the rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The same for a person, in the caller's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Reports what citizens did, as `CloudEvents` 1.0. Needs a partner key.
///
/// The body is one event (`application/cloudevents+json`), an array of events
/// (`application/cloudevents-batch+json`) or an event on each line (`application/x-ndjson`): at most 10,000
/// events and 32 MiB. `type` is `activity.` and an action, `subject` the card or meter number, `data` the
/// action's inputs with their unit in the name. `source` must be the key's own.
///
/// A faulty event is answered as `rejected`; its neighbours are credited. Sending an event again is safe: it
/// is answered as `duplicate`. `too_many_events` and `malformed_json` refuse the whole call, `overloaded`
/// asks to send it again.
#[utoipa::path(
    post, path = "/v1/partner/events", tag = "partner", security(("partner_key" = [])),
    request_body(
        content(
            (EventSchema = "application/cloudevents+json"),
            ([EventSchema] = "application/cloudevents-batch+json"),
            (String = "application/x-ndjson"),
        ),
        description = "One event, an array of events, or an event on each line."
    ),
    responses(
        (status = 200, body = ReportAnswer),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json",
            description = "`malformed_json`: no JSON array at all"),
        (status = 413, body = ProblemDocument, content_type = "application/problem+json",
            description = "`too_many_events`, `body_too_large`"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json",
            description = "`overloaded`: the queue is full, send the same again after `Retry-After`"),
    )
)]
pub async fn report(
    State(state): State<AppState>,
    partner: AsPartner,
    context: RequestContext,
    events: EventsBody,
) -> Result<Json<ReportAnswer>, Problem> {
    let results = ingest::ingest(&state.services, partner.source(), events.format, &events.bytes).await;
    Ok(Json(ReportAnswer::of(results.map_err(problem)?, context.language)))
}

impl ReportAnswer {
    fn of(results: Vec<EventResult>, language: Language) -> Self {
        let results: Vec<_> = results.into_iter().map(|result| EventAnswer::of(result, language)).collect();
        let count = |status| results.iter().filter(|result| result.status == status).count();
        Self {
            received: results.len(),
            credited: count(Status::Credited),
            duplicate: count(Status::Duplicate),
            pending: count(Status::Pending),
            held: count(Status::Held),
            rejected: count(Status::Rejected),
            results,
        }
    }
}

impl EventAnswer {
    fn of(result: EventResult, language: Language) -> Self {
        Self {
            id: Some(result.external_id).filter(|id| !id.is_empty()),
            status: result.status.into(),
            activity_id: result.activity.map(tanhui_domain::id::ActivityId::get),
            points: result.points.map(tanhui_domain::amount::Points::get),
            reduction_mg: result.reduction.map(tanhui_domain::amount::ReductionMg::get),
            code: result.code,
            detail: result.detail.map(|detail| detail.in_language(language).to_owned()),
        }
    }
}

fn problem(error: IngestError) -> Problem {
    match error {
        IngestError::Malformed(Malformed { line, column, reason }) => Problem::new(Code::MalformedJson)
            .detail(
                format!("应为事件的 JSON 数组。第 {line} 行第 {column} 列：{reason}"),
                format!("Send a JSON array of events. Line {line}, column {column}: {reason}"),
            ),
        IngestError::TooMany | IngestError::Credit(CreditError::TooMany(_)) => Problem::new(
            Code::TooManyEvents,
        )
        .detail(
            format!("一次最多 {EVENTS_PER_CALL_MAX} 个事件，请分批发送；本次未处理任何事件。"),
            format!("At most {EVENTS_PER_CALL_MAX} events in one call, send them in parts. None was taken."),
        ),
        IngestError::Credit(CreditError::Busy) => {
            Problem::new(Code::Overloaded).retry_after(QUEUE_RETRY_SECONDS)
        }
        IngestError::Credit(CreditError::Stopping) => {
            Problem::new(Code::Unavailable).retry_after(QUEUE_RETRY_SECONDS)
        }
        IngestError::Credit(CreditError::Store(error)) => error.into(),
    }
}
