//! Errors as the world sees them: RFC 9457 problem documents.
//!
//! A 4xx says what to change. A 5xx never says what broke inside: its cause goes to the log, once, at the
//! edge.

mod code;
mod document;

use std::error::Error;
use std::sync::Arc;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tanhui_domain::text::{Language, Text};
use tanhui_service::StoreError;

pub use self::code::Code;
pub use self::document::{FieldDocument, PROBLEM_JSON, ProblemDocument, type_uri};

/// When to come back to a database that is away.
const RETRY_SECONDS: u64 = 2;

/// One field that does not fit.
#[derive(Debug, Clone)]
pub struct FieldProblem {
    /// JSON pointer into the body; `/name` for a query or path parameter. Empty: the whole.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: Text,
}

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    detail: Option<Text>,
    errors: Vec<FieldProblem>,
    retry_after_seconds: Option<u64>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// An error on its way out. The outermost layer puts it into the caller's language and adds the request's id.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

impl Problem {
    /// A problem that says no more than its title.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self(Box::new(Parts {
            code,
            detail: None,
            errors: Vec::new(),
            retry_after_seconds: None,
            cause: None,
        }))
    }

    /// Something broke inside: the caller learns nothing but the request's id, the log gets the cause.
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::new(Code::Internal).caused_by(cause)
    }

    /// Says what to change. Not shown on a 5xx other than `unavailable`.
    #[must_use]
    pub fn detail(mut self, zh: impl Into<String>, en: impl Into<String>) -> Self {
        self.0.detail = Some(Text::new(zh, en));
        self
    }

    /// Names a field at fault. Not shown on a 5xx other than `unavailable`.
    #[must_use]
    pub fn field(mut self, pointer: impl Into<String>, detail: Text) -> Self {
        self.0.errors.push(FieldProblem { pointer: pointer.into(), detail });
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// Keeps the cause for the log. It must hold no personal data.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The causes, outermost first, for the log.
    #[must_use]
    pub fn cause_chain(&self) -> Option<String> {
        let cause = self.0.cause.as_deref()?;
        let mut chain = cause.to_string();
        let mut next = cause.source();
        while let Some(error) = next {
            chain.push_str(": ");
            chain.push_str(&error.to_string());
            next = error.source();
        }
        Some(chain)
    }

    /// The document in one language.
    #[must_use]
    pub fn document(&self, language: Language, request_id: Option<&str>) -> ProblemDocument {
        let code = self.0.code;
        // What is unavailable is told by us in words meant for callers; every other 5xx keeps its inside.
        let inside = code.status().is_server_error() && code != Code::Unavailable;
        let errors = if inside { &[] } else { self.0.errors.as_slice() };
        ProblemDocument {
            kind: type_uri(code),
            title: code.title(language).to_owned(),
            status: code.status().as_u16(),
            detail: self
                .0
                .detail
                .as_ref()
                .filter(|_| !inside)
                .map(|detail| detail.in_language(language).to_owned()),
            code: code.as_str().to_owned(),
            request_id: request_id.map(str::to_owned),
            errors: errors
                .iter()
                .map(|error| FieldDocument {
                    pointer: error.pointer.clone(),
                    detail: error.detail.in_language(language).to_owned(),
                })
                .collect(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Repeat(_) => {
                Self::new(Code::Unavailable).retry_after(RETRY_SECONDS).caused_by(error)
            }
            StoreError::Exists(_)
            | StoreError::Constraint(_)
            | StoreError::Corrupt(_)
            | StoreError::Other(_) => Self::internal(error),
        }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = self.document(Language::default(), None);
        let mut response = (self.0.code.status(), document.to_json()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.0.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.code.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_error_says_what_to_change_in_the_callers_language() {
        let problem = Problem::new(Code::InvalidBody)
            .detail("请改正", "Mend this")
            .field("/phone", Text::new("号码不对", "Not a phone number"));
        let en = problem.document(Language::En, Some("r1"));
        assert_eq!(
            (en.status, en.code.as_str(), en.detail.as_deref()),
            (422, "invalid_body", Some("Mend this"))
        );
        assert_eq!(en.errors[0].pointer, "/phone");
        assert_eq!(en.request_id.as_deref(), Some("r1"));
        assert_eq!(problem.document(Language::Zh, None).errors[0].detail, "号码不对");
    }

    #[test]
    fn a_server_error_keeps_its_inside_for_the_log() {
        let problem = Problem::internal(std::io::Error::other("disk of node 7 is full"))
            .detail("内部", "inside")
            .field("/x", Text::new("内部", "inside"));
        let json = problem.document(Language::En, None).to_json();
        assert!(!json.contains("inside") && !json.contains("disk"), "{json}");
        assert_eq!(problem.cause_chain().as_deref(), Some("disk of node 7 is full"));
    }
}
