//! `GET /readyz`: whether requests can be served now, and on what.

use axum::extract::State;
use serde::Serialize;
use tanhui_service::cache::CacheHealth;
use utoipa::ToSchema;

use crate::http::extract::Json;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// State of what the process leans on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Always `ready` on a 200.
    #[schema(example = "ready")]
    status: &'static str,
    /// Always `ok` on a 200: the database answers.
    #[schema(example = "ok")]
    database: &'static str,
    /// Always `current` on a 200: every migration that this program knows is applied.
    #[schema(example = "current")]
    migrations: &'static str,
    /// The cache: `in_process`, `redis`, or `redis_unreachable`, in which case requests are served without
    /// it.
    #[schema(example = "in_process")]
    cache: &'static str,
}

/// Whether requests can be served now.
///
/// 503 `unavailable` while the database is away or its schema is not this
/// program's.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses((status = 200, body = Readiness)))]
pub async fn readyz(State(state): State<AppState>) -> Result<Json<Readiness>, Problem> {
    match state.services.is_ready().await {
        Ok(true) => {}
        Ok(false) => {
            return Err(Problem::new(Code::Unavailable)
                .detail("数据库结构不是当前版本。", "The database's schema is not current."));
        }
        Err(error) => {
            return Err(Problem::new(Code::Unavailable)
                .detail("数据库不可用。", "The database is away.")
                .caused_by(error));
        }
    }
    let cache = match state.services.cache.health().await {
        CacheHealth::InProcess => "in_process",
        CacheHealth::Redis => "redis",
        CacheHealth::RedisUnreachable => "redis_unreachable",
    };
    Ok(Json(Readiness { status: "ready", database: "ok", migrations: "current", cache }))
}
