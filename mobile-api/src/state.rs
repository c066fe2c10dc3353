//! What every handler may reach. Cheap to clone; holds no request's data.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tanhui_service::Services;
use tanhui_service::webhook::Courier;

/// Shared by all requests of one process.
#[derive(Clone)]
pub struct AppState {
    /// Every use case.
    pub services: Arc<Services>,
    /// Carries webhooks.
    pub courier: Arc<dyn Courier>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
}
