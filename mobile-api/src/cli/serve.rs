//! `tanhui serve`

use std::sync::Arc;

use tanhui_service::cache::Cache;
use tanhui_service::clock::SystemClock;
use tanhui_service::identity::keys::Keys;
use tokio::net::TcpListener;

use super::CommandError;
use crate::config::Settings;
use crate::http::{metrics, router, server};
use crate::state::AppState;

/// Serves until told to stop.
pub async fn run(settings: Settings) -> Result<(), CommandError> {
    let stop = server::stop_signal()?;
    let cache = match &settings.redis_url {
        Some(url) => Cache::connect(url)?,
        None => Cache::memory(),
    };
    let keys = Arc::new(Keys::derive(&settings.secret.load()?)?);
    let state = AppState { cache, metrics: metrics::install()?, keys, clock: Arc::new(SystemClock) };
    let application = router::application(state, &settings.http)?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|cause| CommandError::Listen { address: settings.listen, cause })?;
    // Port 0 becomes a real port here; whoever started us reads it from this line.
    tracing::info!(address = %listener.local_addr()?, demo = settings.demo, "listening");
    if settings.demo {
        tracing::warn!("演示模式：任何人的验证码都是 000000 / demo mode: everyone's one-time code is 000000");
    }
    if !server::serve(listener, application, settings.serve_limits(), stop).await {
        tracing::warn!("some requests were still running and are cut off");
    }
    tracing::info!("stopped");
    Ok(())
}
