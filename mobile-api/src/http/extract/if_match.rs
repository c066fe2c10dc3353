//! `If-Match`: the version that a caller has seen, as the `ETag` of an answer named it.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderValue;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;

use crate::http::problem::{Code, Problem};

/// The version seen. Required, or in an `Option` where it is only recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub i64);

impl IfMatch {
    fn parse(value: &HeaderValue) -> Option<Self> {
        let digits = value.to_str().ok()?.trim().strip_prefix('"')?.strip_suffix('"')?;
        let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse().ok().filter(|_| plain).map(Self)
    }
}

/// The `ETag` of a version.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IF_MATCH).iter();
        let Some(value) = values.next() else { return Err(Problem::new(Code::PreconditionRequired)) };
        // What is none of our tags matches nothing.
        let seen = Self::parse(value).filter(|_| values.next().is_none());
        seen.ok_or_else(|| Problem::new(Code::PreconditionFailed))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(IF_MATCH) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_tags_are_versions() {
        assert_eq!(IfMatch::parse(&HeaderValue::from_static("\"7\"")), Some(IfMatch(7)));
        for foreign in
            ["7", "W/\"7\"", "\"\"", "\"-7\"", "\"+7\"", "*", "\"7\", \"8\"", "\"9223372036854775808\""]
        {
            assert_eq!(IfMatch::parse(&HeaderValue::from_static(foreign)), None, "{foreign}");
        }
        let parsed = HeaderValue::from_str(&etag(12)).map(|value| IfMatch::parse(&value));
        assert_eq!(parsed.ok().flatten(), Some(IfMatch(12)));
    }
}
