//! What anyone may read without signing in.

mod actions;
mod factors;
mod voucher_keys;

pub use self::voucher_keys::{VoucherKey, VoucherKeys};

use tanhui_domain::city::{Citizen, City};
use tanhui_service::{Services, office};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::city_problem;
use crate::http::problem::Problem;
use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(actions::list))
        .routes(routes!(factors::list))
        .routes(routes!(voucher_keys::voucher_keys))
}

/// The city asked about: the one named, the caller's own, or the only one.
async fn city_of(
    services: &Services,
    named: Option<&str>,
    caller: Option<&Citizen>,
) -> Result<City, Problem> {
    match (named, caller) {
        (None, Some(citizen)) => Ok(services.city(citizen.city).await?),
        (code, _) => office::city(services, code).await.map_err(city_problem),
    }
}
