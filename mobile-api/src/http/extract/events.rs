//! Bodies of events, in the three shapes that partners may send. What is inside, the service reads.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use tanhui_service::ingest::Format;

use super::json::{content_type, read_body, wrong_type};
use crate::http::problem::Problem;

/// Largest body of events, in bytes.
pub const EVENTS_BYTES_MAX: usize = 32 << 20;

const ONE: &str = "application/cloudevents+json";
const ARRAY: &str = "application/cloudevents-batch+json";
const LINES: &str = "application/x-ndjson";

/// Events as they came.
#[derive(Debug)]
pub struct EventsBody {
    /// How they lie in the body.
    pub format: Format,
    /// The body.
    pub bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for EventsBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let wanted = || wrong_type(&format!("{ONE} | {ARRAY} | {LINES}"));
        let kind = content_type(request.headers())?.ok_or_else(wanted)?;
        let format = match kind.as_str() {
            ONE => Format::One,
            ARRAY => Format::Array,
            LINES => Format::Lines,
            _ => return Err(wanted()),
        };
        Ok(Self { format, bytes: read_body(request, state).await? })
    }
}
