//! The city office: corrects citizens' books and decides held acts, always with a reason, and sees who did
//! what.

mod adjustments;
mod audit_log;
mod reverse;
mod reviews;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use tanhui_domain::office::Actor;
use tanhui_domain::text::Text;
use tanhui_service::reversal::ReversalError;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub use self::reverse::ReversedActivity;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(reverse::reverse))
        .routes(routes!(adjustments::list, adjustments::propose))
        .routes(routes!(adjustments::show))
        .routes(routes!(adjustments::approve))
        .routes(routes!(adjustments::refuse))
        .routes(routes!(audit_log::list))
        .routes(routes!(reviews::list))
        .routes(routes!(reviews::release))
        .routes(routes!(reviews::reject))
}

/// Why, for the citizen and the record: 1 to 500 bytes in each language.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In Chinese.
    #[schema(example = "数据来源更正")]
    zh: String,
    /// In English.
    #[schema(example = "Corrected by its source")]
    en: String,
}

impl From<Reason> for Text {
    fn from(reason: Reason) -> Self {
        Self::new(reason.zh, reason.en)
    }
}

impl From<Text> for Reason {
    fn from(text: Text) -> Self {
        Self { zh: text.zh, en: text.en }
    }
}

/// A request that needs nothing but a reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// Why.
    pub reason: Reason,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActorAnswer {
    /// `person`, `source` or `operator`: whoever runs the platform, by its command line.
    #[schema(example = "person")]
    kind: &'static str,
    /// The person's id, where it was a person.
    citizen_id: Option<Uuid>,
    /// The number of the source, where it was the source of the activity.
    source_id: Option<i64>,
}

impl From<Actor> for ActorAnswer {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::Person(id) => Self { kind: "person", citizen_id: Some(id.get()), source_id: None },
            Actor::Source(id) => Self { kind: "source", citizen_id: None, source_id: Some(id.get()) },
            Actor::Operator => Self { kind: "operator", citizen_id: None, source_id: None },
        }
    }
}

/// Why an activity was not undone, for whoever asked.
pub fn reversal_problem(error: ReversalError) -> Problem {
    match error {
        ReversalError::NoActivity => Problem::new(Code::NotFound),
        ReversalError::AlreadyReversed => Problem::new(Code::AlreadyReversed),
        ReversalError::NotCredited(status) => {
            let word = status.word();
            Problem::new(Code::NotCredited)
                .detail(format!("该行为的状态是 {word}。"), format!("The activity is {word}."))
        }
        ReversalError::InsufficientReduction => Problem::new(Code::InsufficientReduction),
        ReversalError::Reason => reason_problem(),
        ReversalError::Store(error) => error.into(),
    }
}

/// A reason that cannot stand.
pub fn reason_problem() -> Problem {
    Problem::new(Code::InvalidBody)
        .field("/reason", Text::new("请写中文和英文原因，各 1 至 500 字节", "1 to 500 bytes in zh and in en"))
}
