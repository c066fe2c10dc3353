//! `GET /readyz`: whether requests can be served now, and on what.

use axum::extract::State;
use serde::Serialize;
use tanhui_service::cache::CacheHealth;
use utoipa::ToSchema;

use crate::http::extract::Json;
use crate::state::AppState;

/// State of what the process leans on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Always `ready` on a 200.
    #[schema(example = "ready")]
    status: &'static str,
    /// The cache: `in_process`, `redis`, or `redis_unreachable`, in which case requests are served without
    /// it.
    #[schema(example = "in_process")]
    cache: &'static str,
}

/// Whether requests can be served now.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses((status = 200, body = Readiness)))]
pub async fn readyz(State(state): State<AppState>) -> Json<Readiness> {
    let cache = match state.services.cache.health().await {
        CacheHealth::InProcess => "in_process",
        CacheHealth::Redis => "redis",
        CacheHealth::RedisUnreachable => "redis_unreachable",
    };
    Json(Readiness { status: "ready", cache })
}
