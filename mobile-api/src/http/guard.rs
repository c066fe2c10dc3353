//! Bounds around every handler: how long it may take, how many may run, and that a panic stays its own.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::problem::{Code, Problem};

/// Answers `timed_out` when the handler takes longer.
pub async fn time_out(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(Code::TimedOut).retry_after(1).into_response(),
    }
}

/// How many requests may be inside at once.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A gate for so many requests.
    #[must_use]
    pub fn new(requests_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(requests_max.min(Semaphore::MAX_PERMITS))))
    }
}

/// Answers `overloaded` at once when the gate is full, instead of queueing without end.
pub async fn shed(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.0.try_acquire() {
        Ok(_inside) => next.run(request).await,
        Err(_) => Problem::new(Code::Overloaded).retry_after(1).into_response(),
    }
}

/// Turns a panic into a 500. Its message goes to the log.
#[expect(clippy::needless_pass_by_value, reason = "the panic layer hands the payload over")]
pub fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("panic without a message");
    Problem::internal(std::io::Error::other(format!("panic: {message}"))).into_response()
}
