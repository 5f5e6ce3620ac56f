//! What this process answers over HTTP: whether it lives, whether it is ready, and what platforms call.

use std::sync::Arc;

use adjutant_gateway_slack::{Gateway, Health};
use anyhow::{Context, Result, bail};
use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    config::{Config, Ingress},
    supervise::Supervisor,
};

/// Starts to listen, if that is configured.
///
/// # Errors
/// The address cannot be used, or none is configured where one is needed.
pub(super) async fn start(
    supervisor: &mut Supervisor,
    config: &Config,
    slack: Option<&Arc<Gateway>>,
    stop: &CancellationToken,
) -> Result<()> {
    let address = &config.http.listen;
    if address.is_empty() {
        if slack.is_some() && config.slack.ingress == Ingress::Http {
            bail!("slack.ingress is \"http\", so http.listen must say where: such as \"0.0.0.0:8080\"");
        }
        return Ok(());
    }
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("http.listen: {address} cannot be used"))?;
    info!(address = %listener.local_addr()?, "answering HTTP");
    let health = slack.map(|slack| slack.health());
    let routes = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(move || ready(health.clone())))
        .merge(slack.and_then(|slack| slack.router()).unwrap_or_default());
    let stop = stop.clone();
    let listener = Arc::new(parking_lot::Mutex::new(Some(listener)));
    supervisor.start("HTTP", move || {
        let (routes, stop, listener) = (routes.clone(), stop.clone(), listener.lock().take());
        async move {
            let listener = listener.context("the listener is gone")?;
            Ok(axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await?)
        }
    });
    Ok(())
}

/// What is ready and what is not, by part; 503 if anything is not.
async fn ready(health: Option<Health>) -> impl IntoResponse {
    let (ready, slack) = health.map_or((true, None), |health| {
        let (ready, told) = health.ready();
        (ready, Some(json!({ "ready": ready, "detail": told })))
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "slack": slack })))
}
