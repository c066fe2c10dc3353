//! `GET /healthz`: the process lives. Touches nothing, so it stays true when the database is away.

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::extract::Json;

/// Says that the process answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Version of the program.
    version: &'static str,
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, body = Health)))]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
