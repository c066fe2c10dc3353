//! The citizen who calls, read anew with each request: an erased one is nobody, however young the token.

use std::ops::Deref;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use tanhui_domain::city::Citizen;
use tanhui_service::citizen;

use super::AsCitizen;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// A citizen, for their own things. In an `Option`, none where nobody signed in.
#[derive(Debug, Clone)]
pub struct Me(Citizen);

impl Deref for Me {
    type Target = Citizen;

    fn deref(&self) -> &Citizen {
        &self.0
    }
}

impl<S> FromRequestParts<S> for Me
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = <AsCitizen as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let services = AppState::from_ref(state).services;
        let citizen = citizen::find(&services, caller.citizen()).await?;
        citizen.map(Self).ok_or_else(|| Problem::new(Code::Unauthorized))
    }
}

impl<S> OptionalFromRequestParts<S> for Me
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}
