//! What every handler may reach. Cheap to clone; holds no request's data.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tanhui_domain::time::Clock;
use tanhui_service::cache::Cache;
use tanhui_service::identity::keys::Keys;

/// Shared by all requests of one process.
#[derive(Clone)]
pub struct AppState {
    /// Rate limits, one-time codes, boards.
    pub cache: Cache,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Checks access tokens, seals cursors.
    pub keys: Arc<Keys>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}
