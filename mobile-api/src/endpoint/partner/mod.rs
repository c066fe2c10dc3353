//! What data partners send, and what became of it. An API key speaks for one source.

mod event;
mod report;
mod reverse;
#[cfg(test)]
mod tests;

use serde::Serialize;
use tanhui_domain::activity::ActivityStatus;
use tanhui_service::crediting::EventStatus;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(report::report))
        .routes(routes!(event::event))
        .routes(routes!(reverse::reverse))
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EventStatus)]
pub enum Status {
    /// Posted to the citizen's account, also when a cap trimmed it.
    Credited,
    /// Sent before; nothing was done.
    Duplicate,
    /// Kept until a citizen binds the subject.
    Pending,
    /// Kept for a person to decide.
    Held,
    /// Refused; `code` says why.
    Rejected,
    /// Credited once and undone later.
    Reversed,
}

impl From<EventStatus> for Status {
    fn from(status: EventStatus) -> Self {
        match status {
            EventStatus::Credited => Self::Credited,
            EventStatus::Duplicate => Self::Duplicate,
            EventStatus::Pending => Self::Pending,
            EventStatus::Held => Self::Held,
            EventStatus::Rejected => Self::Rejected,
        }
    }
}

impl From<ActivityStatus> for Status {
    fn from(status: ActivityStatus) -> Self {
        match status {
            ActivityStatus::Credited => Self::Credited,
            ActivityStatus::Held => Self::Held,
            ActivityStatus::Rejected => Self::Rejected,
            ActivityStatus::Reversed => Self::Reversed,
        }
    }
}
