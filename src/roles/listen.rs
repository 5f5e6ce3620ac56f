//! What this process answers over HTTP: whether it lives, whether it is ready, and what platforms call.

use std::{sync::Arc, time::Duration};

use adjutant_bus::ports::{Bus, Status};
use adjutant_gateway::canary::Canary;
use adjutant_policies::Policy;
use anyhow::{Context, Result, bail};
use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::specs::Known;
use crate::{
    config::{Config, DiscordIngress, Ingress},
    supervise::Supervisor,
};

/// How long a platform's calls are still taken after a stop: proxies ask for readiness every few seconds.
const CLOSES: Duration = Duration::from_secs(5);

/// Whether a part is ready, and what is known about it.
type Health = Arc<dyn Fn() -> (bool, String) + Send + Sync>;

/// The parts of this process, as far as HTTP has to do with them: what makes it ready, and the gateways that are called.
#[derive(Clone, Default)]
pub(super) struct Parts {
    routes: Router,
    health: Vec<(&'static str, Health)>,
    /// The setting by which one of them is called over HTTP.
    called: Option<&'static str>,
}

impl Parts {
    /// With the connection to the bus.
    pub(super) fn bus(mut self, bus: &Bus) -> Self {
        let status = bus.status.clone();
        self.health.push(("bus", Arc::new(move || connection(&status.borrow()))));
        self
    }

    /// With the policy that this process decides by.
    pub(super) fn policy(mut self, policy: &Arc<Policy>) -> Self {
        let policy = policy.clone();
        self.health.push(("policy", Arc::new(move || decided_by(&policy))));
        self
    }

    /// With a worker.
    pub(super) fn worker(mut self, health: adjutant_workers::Health) -> Self {
        self.health.push(("worker", Arc::new(move || health.ready())));
        self
    }

    /// With the commands that a gateway knows.
    pub(super) fn commands(mut self, name: &'static str, known: Known) -> Self {
        self.health.push((name, Arc::new(move || known.ready())));
        self
    }

    /// With the canary of a platform, if there is one.
    pub(super) fn canary(mut self, name: &'static str, canary: Option<Arc<Canary>>) -> Self {
        if let Some(canary) = canary {
            self.health.push((name, Arc::new(move || canary.ready())));
        }
        self
    }

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

fn connection(status: &Status) -> (bool, String) {
    match status {
        Status::Connected => (true, "connected".to_owned()),
        Status::Disconnected => (false, "not connected; trying again".to_owned()),
    }
}

fn decided_by(policy: &Policy) -> (bool, String) {
    let status = policy.status();
    let Some(version) = status.version else {
        let problem = status.problem.unwrap_or_else(|| "it has not come yet".to_owned());
        return (false, format!("none is in force, so everything is refused: {problem}"));
    };
    if policy.is_stale() {
        return (false, format!("{version}, not confirmed for too long: nothing runs on production"));
    }
    (true, version)
}

/// Starts to listen, if that is configured. While the process stops, `/readyz` says so; where no platform calls, it is
/// answered until the process ends, and where one does, what it sends is taken for a while: a proxy has to notice first.
///
/// # Errors
/// The address cannot be used, or none is configured where one is needed.
pub(super) async fn start(
    supervisor: &mut Supervisor,
    config: &Config,
    parts: Parts,
    stop: &CancellationToken,
) -> Result<()> {
    let address = &config.http.listen;
    if address.is_empty() {
        if let Some(setting) = parts.called {
            bail!("{setting} is \"http\", so http.listen must say where: such as \"0.0.0.0:8080\"");
        }
        return Ok(());
    }
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("http.listen: {address} cannot be used"))?;
    info!(address = %listener.local_addr()?, "answering HTTP");
    let (health, stopping) = (parts.health, stop.clone());
    let routes = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(move || ready(health.clone(), stopping.is_cancelled())))
        .merge(parts.routes);
    if parts.called.is_none() {
        // Only probes ask. It ends with the process, so that they see it drain.
        tokio::spawn(async move {
            if let Err(fault) = axum::serve(listener, routes).await {
                error!(%fault, "HTTP is not answered any more");
            }
        });
        return Ok(());
    }
    let stop = stop.clone();
    let listener = Arc::new(parking_lot::Mutex::new(Some(listener)));
    supervisor.start("HTTP", move || {
        let (routes, stop, listener) = (routes.clone(), stop.clone(), listener.lock().take());
        async move {
            let listener = listener.context("the listener is gone")?;
            let closes = async move {
                stop.cancelled().await;
                tokio::time::sleep(CLOSES).await;
            };
            Ok(axum::serve(listener, routes).with_graceful_shutdown(closes).await?)
        }
    });
    Ok(())
}

/// What is ready and what is not, by part; 503 if anything is not.
async fn ready(health: Vec<(&'static str, Health)>, stopping: bool) -> impl IntoResponse {
    let parts: Vec<(&str, (bool, String))> = health.iter().map(|(name, health)| (*name, health())).collect();
    let ready = !stopping && parts.iter().all(|(_, (ready, _))| *ready);
    let mut body: Map<String, Value> = parts
        .into_iter()
        .map(|(name, (ready, detail))| (name.to_owned(), json!({ "ready": ready, "detail": detail })))
        .collect();
    if stopping {
        body.insert(
            "process".to_owned(),
            json!({ "ready": false, "detail": "stops, and takes nothing new" }),
        );
    }
    body.insert("ready".to_owned(), ready.into());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body))
}
