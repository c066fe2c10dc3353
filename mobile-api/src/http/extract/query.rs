//! Query strings. Structs that derive `Deserialize` with `deny_unknown_fields` refuse filters we would not
//! honour.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use tanhui_domain::text::Text;

use crate::http::problem::{Code, Problem};

/// The query string, read into a type.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| {
            let detail = Text::new(
                format!("此参数不合要求：{}", error.inner()),
                format!("This parameter does not fit: {}", error.inner()),
            );
            Problem::new(Code::InvalidQuery).field(super::pointer(error.path()), detail)
        })
    }
}
