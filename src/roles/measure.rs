//! What this process counts and times, told to Prometheus: a listener of its own, that answers `/metrics` and nothing else.

use std::sync::Arc;

use adjutant_metrics::program::{self, Where};
use anyhow::{Context, Result};
use axum::{Router, http::header, response::IntoResponse, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{config::Config, supervise::Supervisor};

/// The path that Prometheus asks for.
const PATH: &str = "/metrics";

/// Begins to measure as this role, and listens for whoever asks, if that is configured.
///
/// # Errors
/// The address cannot be used.
pub(super) async fn start(
    supervisor: &mut Supervisor,
    config: &Config,
    role: &'static str,
    stop: &CancellationToken,
) -> Result<()> {
    program::started(role, env!("CARGO_PKG_VERSION"));
    count_panics();
    let address = &config.metrics.listen;
    if address.is_empty() {
        return Ok(());
    }
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("metrics.listen: {address} cannot be used"))?;
    info!(address = %listener.local_addr()?, "metrics are served");
    let stop = stop.clone();
    let listener = Arc::new(parking_lot::Mutex::new(Some(listener)));
    supervisor.start("metrics", move || {
        let (stop, listener) = (stop.clone(), listener.lock().take());
        async move {
            let listener = listener.context("the listener is gone")?;
            let routes = Router::new().route(PATH, get(async || figures()));
            Ok(axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await?)
        }
    });
    Ok(())
}

fn figures() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, adjutant_metrics::CONTENT_TYPE)], adjutant_metrics::text())
}

/// Counts every panic, wherever it is caught, and then does what was done before.
fn count_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        program::fault(Where::Panic);
        before(panic);
    }));
}
