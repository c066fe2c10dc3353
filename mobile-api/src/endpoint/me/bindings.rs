//! `GET`, `POST /v1/me/bindings`, `DELETE /v1/me/bindings/{id}`: cards, meters and accounts that are mine.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::city::Binding;
use tanhui_domain::event::{SOURCE_BYTES_MAX, SUBJECT_BYTES_MAX};
use tanhui_domain::id::BindingId;
use tanhui_domain::text::Text;
use tanhui_service::binding::{self, BINDINGS_MAX, BindError};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::extract::{Json, Me, Path};
use crate::http::page::Page;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// What to bind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindingRequest {
    /// URI of the source that knows the subject.
    #[schema(example = "urn:jiaxing:metro")]
    source: String,
    /// The card, meter or account number as the source sends it. Kept as a keyed hash only.
    #[schema(example = "3301000012345678")]
    subject: String,
}

/// A live binding.
#[derive(Debug, Serialize, ToSchema)]
pub struct BindingAnswer {
    /// Its id.
    id: Uuid,
    /// URI of the source.
    source: String,
    /// Last characters of the subject.
    #[schema(example = "…5678")]
    subject_hint: String,
    /// Since when.
    bound_at: DateTime<Utc>,
}

impl From<Binding> for BindingAnswer {
    fn from(binding: Binding) -> Self {
        Self {
            id: binding.id.get(),
            source: binding.source,
            subject_hint: binding.subject_hint,
            bound_at: binding.bound_at,
        }
    }
}

/// My live bindings, oldest first; at most 50.
#[utoipa::path(get, path = "/v1/me/bindings", tag = "me", security(("bearer" = [])),
    responses((status = 200, body = Page<BindingAnswer>)))]
pub async fn list(State(state): State<AppState>, me: Me) -> Result<Json<Page<BindingAnswer>>, Problem> {
    let bindings = binding::list(&state.services, me.id).await?;
    Ok(Json(Page { items: bindings.into_iter().map(BindingAnswer::from).collect(), next_cursor: None }))
}

/// Binds a subject and records the consent to use its source.
///
/// What waited for it is credited within seconds. Binding
/// my own subject again answers the same binding.
#[utoipa::path(post, path = "/v1/me/bindings", tag = "me", security(("bearer" = [])),
    request_body = BindingRequest, responses((status = 201, body = BindingAnswer)))]
pub async fn bind(
    State(state): State<AppState>,
    me: Me,
    Json(request): Json<BindingRequest>,
) -> Result<(StatusCode, Json<BindingAnswer>), Problem> {
    bounded("/source", &request.source, SOURCE_BYTES_MAX)?;
    bounded("/subject", &request.subject, SUBJECT_BYTES_MAX)?;
    let binding = binding::bind(&state.services, &me, &request.source, &request.subject).await;
    Ok((StatusCode::CREATED, Json(binding.map_err(problem)?.into())))
}

/// Ends a binding of mine.
///
/// What it gave stays; what comes later waits for its next owner.
#[utoipa::path(delete, path = "/v1/me/bindings/{id}", tag = "me", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn unbind(
    State(state): State<AppState>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let ended = binding::unbind(&state.services, me.id, BindingId::new(id)).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::new(Code::NotFound)) }
}

fn bounded(pointer: &str, text: &str, bytes_max: usize) -> Result<(), Problem> {
    if (1..=bytes_max).contains(&text.len()) && !text.contains(char::is_control) {
        return Ok(());
    }
    let detail = Text::new(
        format!("应为 1 至 {bytes_max} 字节的可见字符"),
        format!("send 1 to {bytes_max} bytes without control characters"),
    );
    Err(Problem::new(Code::InvalidBody).field(pointer, detail))
}

fn problem(error: BindError) -> Problem {
    match error {
        BindError::NoSource => Problem::new(Code::UnknownSource),
        BindError::Taken => Problem::new(Code::SubjectTaken),
        BindError::TooMany => Problem::new(Code::TooManyBindings)
            .detail(format!("最多 {BINDINGS_MAX} 个。"), format!("At most {BINDINGS_MAX}.")),
        BindError::Store(error) => error.into(),
    }
}
