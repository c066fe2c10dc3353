//! `RateLimit-Policy`, `RateLimit` and `Retry-After`: how much a caller may ask, told on every answer.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::RequestExt as _;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tanhui_service::cache::{Cache, Quota, RateDecision};

use super::client::ClientAddress;
use super::extract::AsPartner;
use super::problem::{Code, Problem};
use crate::state::AppState;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// One named policy over one kind of caller.
#[derive(Clone)]
pub struct RateLimiter {
    cache: Cache,
    name: &'static str,
    quota: Quota,
}

impl RateLimiter {
    /// A policy. The name is part of the counters' keys and of the headers.
    #[must_use]
    pub fn new(cache: Cache, name: &'static str, quota: Quota) -> Self {
        Self { cache, name, quota }
    }

    /// Counts one request of this caller. Endpoints use it for limits by citizen, partner or merchant.
    pub async fn count(&self, caller: &str) -> RateVerdict {
        let decision = self.cache.allow(&format!("{}:{caller}", self.name), self.quota).await;
        RateVerdict { name: self.name, quota: self.quota, decision }
    }
}

impl RateVerdict {
    /// A verdict that a use case counted by itself.
    #[must_use]
    pub fn new(name: &'static str, quota: Quota, decision: RateDecision) -> Self {
        Self { name, quota, decision }
    }
}

/// What a caller has left.
#[derive(Debug, Clone, Copy)]
pub struct RateVerdict {
    name: &'static str,
    quota: Quota,
    decision: RateDecision,
}

impl RateVerdict {
    /// The refusal, when the quota is used up.
    #[must_use]
    pub fn refusal(&self) -> Option<Problem> {
        let seconds = self.decision.reset_seconds;
        (!self.decision.allowed).then(|| {
            Problem::new(Code::RateLimited)
                .retry_after(seconds)
                .detail(format!("请在 {seconds} 秒后再试。"), format!("Come back in {seconds} seconds."))
        })
    }

    /// Adds `RateLimit-Policy` and `RateLimit` to an answer.
    pub fn write(&self, headers: &mut HeaderMap) {
        let RateDecision { limit, remaining, reset_seconds, .. } = self.decision;
        let window = self.quota.window.as_secs();
        let policy = format!("\"{}\";q={limit};w={window}", self.name);
        let left = format!("\"{}\";r={remaining};t={reset_seconds}", self.name);
        for (header, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(header, value);
            }
        }
    }
}

/// The layer that counts partners by their source: one partner may send from one address for a whole city.
#[derive(Clone)]
pub struct BySource {
    /// The policy.
    pub limiter: RateLimiter,
    /// What a caller without a live key meets.
    pub strangers: ByAddress,
    /// Where keys are looked up.
    pub state: AppState,
}

/// Refuses a partner whose quota is used up; a caller without a live key is counted by address.
pub async fn by_source(State(layer): State<BySource>, mut request: Request, next: Next) -> Response {
    let Ok(partner) = request.extract_parts_with_state::<AsPartner, _>(&layer.state).await else {
        return by_address(State(layer.strangers), request, next).await;
    };
    let verdict = layer.limiter.count(&partner.source().id.to_string()).await;
    request.extensions_mut().insert(partner);
    let mut response = match verdict.refusal() {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    verdict.write(response.headers_mut());
    response
}

/// The layer that counts by address.
#[derive(Clone)]
pub struct ByAddress {
    /// The policy.
    pub limiter: RateLimiter,
    /// How callers are told apart.
    pub address: ClientAddress,
}

/// Where a request comes from, for limits that an endpoint counts by itself; none when nobody can tell.
#[derive(Debug, Clone, Copy)]
pub struct CallerAddress(pub Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for CallerAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self(None)))
    }
}

/// Refuses a caller whose quota is used up; a caller without an address is not counted.
pub async fn by_address(State(layer): State<ByAddress>, mut request: Request, next: Next) -> Response {
    let Some(address) = layer.address.of(&request) else { return next.run(request).await };
    request.extensions_mut().insert(CallerAddress(Some(address)));
    let verdict = layer.limiter.count(&address.to_string()).await;
    let mut response = match verdict.refusal() {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    verdict.write(response.headers_mut());
    response
}
