//! The merchant's side: its till, what it has taken. Answers are for a cashier with a queue.

mod redemptions;
#[cfg(test)]
mod tests;
mod till;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(till::check))
        .routes(routes!(till::use_voucher))
        .routes(routes!(till::void_voucher))
        .routes(routes!(redemptions::redemptions))
}
