//! `Idempotency-Key` of POSTs that move value: required, or in an `Option` where it is only recommended.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderName;
use axum::http::request::Parts;

use crate::http::problem::{Code, Problem};

/// The request header.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The answer's header that marks a replay.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in characters.
pub const KEY_CHARS_MAX: usize = 255;

/// The caller's name for one act: 1 to 255 printable ASCII characters, with or without quotes around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let key = match text.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"')?,
            None => text,
        };
        let printable = key.bytes().all(|b| (b'!'..=b'~').contains(&b) && b != b'"' && b != b'\\');
        ((1..=KEY_CHARS_MAX).contains(&key.len()) && printable).then(|| Self(key.to_owned()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else { return Err(Problem::new(Code::IdempotencyKeyRequired)) };
        let key = value.to_str().ok().and_then(Self::parse);
        key.filter(|_| values.next().is_none()).ok_or_else(|| {
            Problem::new(Code::IdempotencyKeyInvalid).detail(
                format!("只发送一个，1 至 {KEY_CHARS_MAX} 个可打印 ASCII 字符，建议用 UUID。"),
                format!("Send one, of 1 to {KEY_CHARS_MAX} printable ASCII characters; a UUID is best."),
            )
        })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(IDEMPOTENCY_KEY) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bounded_printable_ascii() {
        assert_eq!(IdempotencyKey::parse("\"a-1\""), IdempotencyKey::parse("a-1"));
        for bad in ["", "\"\"", "\"a", "a b", "a\"b", "钥", "a\\b"] {
            assert_eq!(IdempotencyKey::parse(bad), None, "{bad}");
        }
        for (chars, fits) in [(254, true), (255, true), (256, false)] {
            assert_eq!(IdempotencyKey::parse(&"k".repeat(chars)).is_some(), fits);
        }
    }
}
