//! `tanhui serve`

use std::sync::Arc;

use tanhui_service::webhook::Courier;
use tanhui_service::{Services, worker};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{CommandError, open};
use crate::config::Settings;
use crate::courier::HttpCourier;
use crate::http::{metrics, router, server};
use crate::state::AppState;

/// Serves until told to stop.
pub async fn run(settings: Settings) -> Result<(), CommandError> {
    let stop = server::stop_signal()?;
    let services = open::services(&settings).await?;
    let listener = listen(&settings).await?;
    // Port 0 becomes a real port here; whoever started us reads it from this line.
    tracing::info!(address = %listener.local_addr()?, demo = settings.demo, "listening");
    if settings.demo {
        tracing::warn!("演示模式：任何人的验证码都是 000000 / demo mode: everyone's one-time code is 000000");
    }
    serve(&settings, services, listener, stop).await
}

/// Binds the address of the settings.
pub async fn listen(settings: &Settings) -> Result<TcpListener, CommandError> {
    let address = settings.listen;
    TcpListener::bind(address).await.map_err(|cause| CommandError::Listen { address, cause })
}

/// Serves on a bound address with the workers beside, until told to stop; then finishes what is under way.
pub async fn serve(
    settings: &Settings,
    services: Arc<Services>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), CommandError> {
    let courier: Arc<dyn Courier> = Arc::new(HttpCourier::new(settings.demo));
    let state = AppState {
        services: Arc::clone(&services),
        courier: Arc::clone(&courier),
        metrics: metrics::install()?,
    };
    let recorded = state.metrics.clone();
    let application = router::application(state, &settings.http)?;
    let workers = TaskTracker::new();
    let stop_workers = CancellationToken::new();
    workers.spawn(worker::credit_waiting_forever(Arc::clone(&services), stop_workers.clone()));
    workers.spawn(worker::expire_forever(Arc::clone(&services), stop_workers.clone()));
    let stop_carrying = stop_workers.clone();
    workers.spawn(worker::deliver_webhooks_forever(Arc::clone(&services), courier, stop_carrying));
    workers.spawn(worker::refresh_passes_forever(Arc::clone(&services), stop_workers.clone()));
    workers.spawn(worker::pay_forever(Arc::clone(&services), stop_workers.clone()));
    workers.spawn(worker::keep_up_forever(Arc::clone(&services), stop_workers.clone()));
    workers.spawn(worker::recompute_nightly(Arc::clone(&services), stop_workers.clone()));
    workers.spawn(metrics::fold_forever(recorded, stop_workers.clone()));
    workers.close();
    if !server::serve(listener, application, settings.serve_limits(), stop).await {
        tracing::warn!("some requests were still running and are cut off");
    }
    stop_workers.cancel();
    workers.wait().await;
    services.stop().await?;
    tracing::info!("stopped");
    Ok(())
}
