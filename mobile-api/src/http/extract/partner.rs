//! A data partner, known by its API key: it speaks for one source and for nothing else.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use tanhui_domain::city::Source;
use tanhui_service::identity::api_key::api_key_hash;
use tanhui_service::office;

use super::caller::bearer;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// The partner behind a live API key.
#[derive(Debug, Clone)]
pub struct AsPartner(Arc<Source>);

impl AsPartner {
    /// The source that the key speaks for.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.0
    }
}

impl<S> FromRequestParts<S> for AsPartner
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // The layer that counts by source has looked it up already.
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let hash = bearer(&parts.headers).and_then(api_key_hash).ok_or_else(unknown)?;
        let services = AppState::from_ref(state).services;
        let source = office::source_of_key(&services, hash).await?.ok_or_else(unknown)?;
        Ok(Self(source))
    }
}

fn unknown() -> Problem {
    Problem::new(Code::Unauthorized).detail(
        "请附上有效的合作方密钥：Authorization: Bearer tanhui_pk_…",
        "Send a live partner key: Authorization: Bearer tanhui_pk_...",
    )
}
