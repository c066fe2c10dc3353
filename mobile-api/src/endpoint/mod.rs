//! One file per endpoint: its error enum, request type, documentation and handler. This file lists them.
//!
//! Routes are registered together with their documentation, so that `/openapi.json` cannot drift from the
//! code.

mod admitting;
mod auth;
mod city;
pub mod docs;
mod healthz;
mod leaderboards;
mod me;
mod merchant;
mod metrics;
mod offering;
mod openapi;
mod partner;
pub mod public;
mod readyz;
mod settling;
mod spending;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod town;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::openapi::complete;
use crate::state::AppState;

/// What citizens, partners, merchants and city offices call.
#[must_use]
pub fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::Description::openapi())
        .merge(auth::routes())
        .merge(me::routes())
        .merge(admitting::routes())
        .merge(public::routes())
        .merge(leaderboards::routes())
        .merge(spending::routes())
        .merge(offering::routes())
        .merge(merchant::routes())
        .merge(city::routes())
        .merge(settling::routes())
}

/// What data partners call. Limited by source instead of by address, and with larger bodies.
#[must_use]
pub fn partners() -> OpenApiRouter<AppState> {
    partner::routes()
}

/// What operators' machines call. Not limited, so that it answers when everything else is full.
#[must_use]
pub fn probes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(healthz::healthz))
        .routes(routes!(readyz::readyz))
        .routes(routes!(metrics::metrics))
}

/// The OpenAPI document of everything.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    complete(api().merge(partners()).merge(probes()).into_openapi())
}
