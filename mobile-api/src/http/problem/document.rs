//! The problem document on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use super::Code;

/// Media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Where the docs page explains a code.
#[must_use]
pub fn type_uri(code: Code) -> String {
    format!("/docs#problem-{}", code.as_str())
}

/// An error, as RFC 9457 writes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Where this kind of problem is explained.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference", example = "/docs#problem-not_found")]
    pub kind: String,
    /// The kind of problem, in the caller's language.
    pub title: String,
    /// The HTTP status, once more.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What to change. Absent when the title says it all, and on every 5xx.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Stable code to match on.
    #[schema(example = "not_found")]
    pub code: String,
    /// Quote this when you ask for help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The fields at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldDocument>,
}

/// One field that does not fit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemField)]
pub struct FieldDocument {
    /// JSON pointer into the body; `/name` for a query or path parameter.
    pub pointer: String,
    /// What is wrong, in the caller's language.
    pub detail: String,
}

impl ProblemDocument {
    /// The document as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and small numbers only: this cannot fail, and an empty object would still carry the status.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}
