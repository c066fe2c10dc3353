//! The outermost layer: gives each request an id and a language, and each answer its last form.
//!
//! Problems are written here and nowhere else; so are the log line and the metrics of a request.

use std::time::Instant;

use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response as HttpResponse, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tanhui_domain::text::Language;
use tracing::Instrument;
use uuid::Uuid;

use super::problem::{Code, PROBLEM_JSON, Problem};
use super::{language, metrics};

/// The answer's header that names the request.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Route of an address that no route takes.
pub const NO_ROUTE: &str = "unmatched";

/// What every handler may know about its request.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Our name for the request.
    pub request_id: String,
    /// The language the caller reads.
    pub language: Language,
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::new(Code::Internal))
    }
}

/// Runs a request inside its context.
pub async fn with_context(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let context = RequestContext {
        request_id: Uuid::new_v4().to_string(),
        language: language::of_headers(request.headers()),
    };
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| NO_ROUTE.to_owned(), |path| path.as_str().to_owned());
    let trace_id = trace_id(request.headers()).unwrap_or_default();
    let span = tracing::info_span!("request", request_id = %context.request_id, trace_id, %method, route);
    request.extensions_mut().insert(context.clone());
    async {
        let response = finish(next.run(request).await, &context);
        let elapsed = started.elapsed();
        metrics::observe(&method, &route, response.status(), elapsed);
        tracing::info!(
            status = response.status().as_u16(),
            elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
        response
    }
    .instrument(span)
    .await
}

fn finish(response: Response, context: &RequestContext) -> Response {
    let mut response = match problem_of(&response) {
        Some(problem) => write_problem(response, &problem, context),
        None => response,
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The problem an answer carries, or the one its bare error status stands for.
fn problem_of(response: &Response) -> Option<Problem> {
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let status = response.status();
    let spoken = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    (!spoken && (status.is_client_error() || status.is_server_error()))
        .then(|| Problem::new(Code::of_status(status)))
}

fn write_problem(response: Response, problem: &Problem, context: &RequestContext) -> Response {
    let code = problem.code();
    let cause = problem.cause_chain();
    if code.status().is_server_error() {
        tracing::error!(code = code.as_str(), cause, "failed");
    } else if let Some(cause) = cause {
        tracing::info!(code = code.as_str(), cause, "refused");
    }
    let document = problem.document(context.language, Some(&context.request_id)).to_json();
    let (mut parts, _) = response.into_parts();
    parts.status = code.status();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    parts.headers.insert(header::CONTENT_LANGUAGE, language_tag(context.language));
    HttpResponse::from_parts(parts, document).into_response()
}

fn language_tag(language: Language) -> HeaderValue {
    HeaderValue::from_static(match language {
        Language::Zh => "zh-CN",
        Language::En => "en",
    })
}

/// The trace id of a W3C `traceparent`, version 00: 32 lower-case hex digits, not all zero.
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = value.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let known = parts.next().is_none() && version == "00";
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let whole = hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    let named = trace.bytes().any(|b| b != b'0') && span.bytes().any(|b| b != b'0');
    (known && whole && named).then(|| trace.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_trace_parents_are_taken() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", value.parse().unwrap());
            trace_id(&headers)
        };
        assert_eq!(of(&format!("00-{trace}-00f067aa0ba902b7-01")).as_deref(), Some(trace));
        for bad in [
            format!("01-{trace}-00f067aa0ba902b7-01"),
            format!("00-{trace}-00f067aa0ba902b7"),
            format!("00-{trace}-00f067aa0ba902b7-01-x"),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            "nonsense".to_owned(),
        ] {
            assert_eq!(of(&bad), None, "{bad}");
        }
    }
}
