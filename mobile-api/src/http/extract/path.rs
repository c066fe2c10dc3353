//! Parameters in the path.

use axum::extract::FromRequestParts;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use tanhui_domain::text::Text;

use crate::http::problem::{Code, Problem};

/// The path's parameters, read into a type.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => Err(refusal(error.into_kind())),
            Err(error) => Err(Problem::internal(error)),
        }
    }
}

fn refusal(kind: ErrorKind) -> Problem {
    let (pointer, reason) = match kind {
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            (format!("/{key}"), format!("want {expected_type}"))
        }
        ErrorKind::ParseErrorAtIndex { index, expected_type, .. } => {
            (format!("/{index}"), format!("want {expected_type}"))
        }
        ErrorKind::ParseError { expected_type, .. } => (String::new(), format!("want {expected_type}")),
        ErrorKind::InvalidUtf8InPathParam { key } => (format!("/{key}"), "not UTF-8".to_owned()),
        ErrorKind::DeserializeError { key, message, .. } => (format!("/{key}"), message),
        ErrorKind::Message(message) => (String::new(), message),
        // What is left is a handler that asks for what its route does not have: ours to mend, not the
        // caller's.
        other => return Problem::internal(std::io::Error::other(other.to_string())),
    };
    Problem::new(Code::InvalidPath)
        .field(pointer, Text::new(format!("此处不合要求：{reason}"), format!("This does not fit: {reason}")))
}
