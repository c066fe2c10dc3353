//! Puts the layers around the endpoints, in one fixed order.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tanhui_service::cache::Quota;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use super::client::ClientAddress;
use super::context;
use super::extract::EVENTS_BYTES_MAX;
use super::guard::{self, Gate};
use super::problem::{Code, Problem};
use super::rate_limit::{self, ByAddress, BySource, RateLimiter};
use crate::config::HttpLimits;
use crate::endpoint;
use crate::state::AppState;

/// The whole application. Fails only if the OpenAPI document cannot be written, which a test rules out.
pub fn application(state: AppState, limits: &HttpLimits) -> Result<Router, serde_json::Error> {
    let (api, _) = endpoint::api().split_for_parts();
    let (partners, _) = endpoint::partners().split_for_parts();
    let (probes, _) = endpoint::probes().split_for_parts();
    let api = api.merge(endpoint::docs::router(&endpoint::document())?);
    Ok(layered(api, partners, probes, &state, limits).with_state(state))
}

/// Layers around the API and what partners send, and the few around the probes, which must answer even when
/// the API is full.
pub fn layered(
    api: Router<AppState>,
    partners: Router<AppState>,
    probes: Router<AppState>,
    state: &AppState,
    limits: &HttpLimits,
) -> Router<AppState> {
    let by_address = ByAddress {
        limiter: RateLimiter::new(
            state.services.cache.clone(),
            "address",
            Quota { limit: limits.requests_per_minute, window: Duration::from_mins(1) },
        ),
        address: ClientAddress { proxy_header: limits.client_address_header.clone() },
    };
    let by_source = BySource {
        limiter: RateLimiter::new(
            state.services.cache.clone(),
            "source",
            Quota { limit: limits.partner_requests_per_minute, window: Duration::from_mins(1) },
        ),
        strangers: by_address.clone(),
        state: state.clone(),
    };
    let partners = partners
        .layer(DefaultBodyLimit::max(limits.body_bytes_max.max(EVENTS_BYTES_MAX)))
        .layer(from_fn_with_state(by_source, rate_limit::by_source));
    let guarded = api
        .fallback(async || Problem::new(Code::NotFound))
        .layer(DefaultBodyLimit::max(limits.body_bytes_max))
        .layer(from_fn_with_state(by_address, rate_limit::by_address))
        .merge(partners)
        .layer(from_fn_with_state(Gate::new(limits.requests_in_flight_max), guard::shed));
    let all = guarded
        .merge(probes)
        .layer(from_fn_with_state(limits.request_timeout, guard::time_out))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn(context::with_context));
    if limits.gzip { all.layer(CompressionLayer::new().gzip(true)) } else { all }
}
