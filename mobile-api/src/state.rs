//! What every handler may reach. Cheap to clone; holds no request's data.

use metrics_exporter_prometheus::PrometheusHandle;
use tanhui_service::cache::Cache;

/// Shared by all requests of one process.
#[derive(Clone)]
pub struct AppState {
    /// Rate limits, one-time codes, boards.
    pub cache: Cache,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
}
