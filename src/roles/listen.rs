//! What this process answers over HTTP: whether it lives, whether it is ready, and what platforms call.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    config::{Config, DiscordIngress, Ingress},
    supervise::Supervisor,
};

/// Whether a gateway is ready, and what is known about it.
type Health = Arc<dyn Fn() -> (bool, String) + Send + Sync>;

/// The gateways of chat platforms that run in this process, as far as HTTP has to do with them.
#[derive(Clone, Default)]
pub(super) struct Chats {
    routes: Router,
    health: Vec<(&'static str, Health)>,
    /// The setting by which one of them is called over HTTP.
    called: Option<&'static str>,
}

impl Chats {
    /// With a Slack gateway.
    pub(super) fn slack(mut self, config: &Config, gateway: &adjutant_gateway_slack::Gateway) -> Self {
        let health = gateway.health();
        self.health.push(("slack", Arc::new(move || health.ready())));
        self.routes = self.routes.merge(gateway.router().unwrap_or_default());
        if config.slack.ingress == Ingress::Http {
            self.called = Some("slack.ingress");
        }
        self
    }

    /// With a Discord gateway.
    pub(super) fn discord(mut self, config: &Config, gateway: &adjutant_gateway_discord::Gateway) -> Self {
        let health = gateway.health();
        self.health.push(("discord", Arc::new(move || health.ready())));
        self.routes = self.routes.merge(gateway.router().unwrap_or_default());
        if config.discord.ingress == DiscordIngress::Http {
            self.called = Some("discord.ingress");
        }
        self
    }
}

/// Starts to listen, if that is configured.
///
/// # Errors
/// The address cannot be used, or none is configured where one is needed.
pub(super) async fn start(
    supervisor: &mut Supervisor,
    config: &Config,
    chats: Chats,
    stop: &CancellationToken,
) -> Result<()> {
    let address = &config.http.listen;
    if address.is_empty() {
        if let Some(setting) = chats.called {
            bail!("{setting} is \"http\", so http.listen must say where: such as \"0.0.0.0:8080\"");
        }
        return Ok(());
    }
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("http.listen: {address} cannot be used"))?;
    info!(address = %listener.local_addr()?, "answering HTTP");
    let health = chats.health;
    let routes = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(move || ready(health.clone())))
        .merge(chats.routes);
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
async fn ready(health: Vec<(&'static str, Health)>) -> impl IntoResponse {
    let parts: Vec<(&str, (bool, String))> = health.iter().map(|(name, health)| (*name, health())).collect();
    let ready = parts.iter().all(|(_, (ready, _))| *ready);
    let mut body: Map<String, Value> = parts
        .into_iter()
        .map(|(name, (ready, detail))| (name.to_owned(), json!({ "ready": ready, "detail": detail })))
        .collect();
    body.insert("ready".to_owned(), ready.into());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body))
}
