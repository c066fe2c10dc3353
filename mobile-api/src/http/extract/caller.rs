//! Who calls. A permission is an extractor type: a handler that names it in its arguments cannot forget to
//! check it.
//!
//! No token or a wrong one is 401, a missing role 403. Whose object it is, the service decides, and answers
//! 404.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use tanhui_domain::id::{CitizenId, CityId};
use tanhui_service::identity::role::Role;
use tanhui_service::identity::token::{Claims, TokenError};

use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// Anyone signed in.
#[derive(Debug, Clone)]
pub struct Caller(Claims);

impl Caller {
    /// Who.
    #[must_use]
    pub fn citizen(&self) -> CitizenId {
        self.0.sub
    }

    /// In which city.
    #[must_use]
    pub fn city(&self) -> CityId {
        self.0.city
    }

    /// Whether the caller holds a role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.0.has(role)
    }

    fn needing(self, roles: &[Role]) -> Result<Self, Problem> {
        if roles.iter().any(|role| self.has(*role)) { Ok(self) } else { Err(Problem::new(Code::Forbidden)) }
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let state = AppState::from_ref(state);
        let token = bearer(&parts.headers).ok_or_else(|| Problem::new(Code::Unauthorized))?;
        state.services.keys.token().check(token, state.services.clock.now()).map(Self).map_err(|error| {
            match error {
                TokenError::Expired => Problem::new(Code::TokenExpired),
                TokenError::Invalid | TokenError::Unwritable => Problem::new(Code::Unauthorized),
            }
        })
    }
}

/// What follows `Bearer` in the only `Authorization` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    (values.next().is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

macro_rules! callers {
    ($($(#[$doc:meta])* $name:ident: $($role:ident)|+;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Caller);

        impl std::ops::Deref for $name {
            type Target = Caller;

            fn deref(&self) -> &Caller {
                &self.0
            }
        }

        impl<S> FromRequestParts<S> for $name
        where
            S: Send + Sync,
            AppState: FromRef<S>,
        {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
                let caller = Caller::from_request_parts(parts, state).await?;
                caller.needing(&[$(Role::$role),+]).map(Self)
            }
        }
    )+};
}

callers! {
    /// A citizen, for their own things.
    AsCitizen: Citizen;
    /// Anyone of a city office: sees its dashboard.
    AsCityViewer: CityViewer | CityEditor | CityApprover | CityReviewer;
    /// Drafts rules and offers.
    AsCityEditor: CityEditor;
    /// Approves what others drafted.
    AsCityApprover: CityApprover;
    /// Works the review queue.
    AsCityReviewer: CityReviewer;
    /// Runs the deployment.
    AsAdmin: Admin;
}
