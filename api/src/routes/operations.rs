//! For those who run it: whether it lives, whether it is ready, what it counts.

use std::time::Duration;

use adjutant_bus::ports::Status;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::{App, Shared},
    auth::{Auth, MetricsRead},
    problem::Problems,
    service::Probe,
};

/// How long a part may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(1);

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(figures))
        .routes(routes!(health))
}

/// Whether it is ready.
#[derive(Serialize, ToSchema)]
struct Ready {
    /// Whether calls can be served.
    ready: bool,
    /// Whether the database answers.
    database: bool,
    /// Whether the bus is connected.
    bus: bool,
    /// Whether the canary came back; absent where none is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<bool>,
}

/// How each part stands.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Whether calls can be served.
    ready: bool,
    /// Whether the database answers.
    database: bool,
    /// Whether the bus can be reached.
    bus: bool,
    /// How the canary stands; absent where none is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<String>,
    /// The policy in force; absent: everything is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// Version of the program.
    version: String,
    /// Name of this replica.
    replica: String,
}

/// Does the process live? Touches nothing else.
#[utoipa::path(
    get, path = "/livez", tag = "operations", operation_id = "live", security(()),
    responses((status = 200, description = "It lives.", body = String, content_type = "text/plain"))
)]
async fn live() -> &'static str {
    "ok"
}

/// Can calls be served? The database and the bus must answer. Whether commands come back is told besides.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "ready", security(()),
    responses(
        (status = 200, description = "Calls can be served.", body = Ready),
        (status = 503, description = "Not now.", body = Ready),
    )
)]
async fn ready(State(app): State<Shared>) -> impl IntoResponse {
    let (database, bus) = parts(&app).await;
    let canary = app.canary.as_ref().map(|canary| canary.ask().0);
    // Without workers keys, the record and the queue go on: it is told, and calls are served.
    let ready = database && bus;
    (
        if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE },
        Json(Ready { ready, database, bus, canary }),
    )
}

/// How each part stands.
#[utoipa::path(
    get, path = "/v1/health", tag = "operations", operation_id = "health",
    responses((status = 200, description = "The parts, one by one.", body = Health), Problems)
)]
async fn health(_caller: Auth<MetricsRead>, State(app): State<Shared>) -> Json<Health> {
    let (database, bus) = parts(&app).await;
    let canary = app.canary.as_ref().map(Probe::ask);
    Json(Health {
        ready: database && bus,
        database,
        bus,
        canary: canary.map(|(_, told)| told),
        policy: app.policy.status().version,
        version: app.config.version.clone(),
        replica: app.config.name.clone(),
    })
}

/// What it counts, in Prometheus' text form. On the listener for metrics without a key.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "metrics",
    responses((status = 200, description = "Figures.", body = String, content_type = "text/plain"), Problems)
)]
async fn figures(_caller: Auth<MetricsRead>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, adjutant_metrics::CONTENT_TYPE)], adjutant_metrics::text())
}

async fn parts(app: &App) -> (bool, bool) {
    let database = tokio::time::timeout(PATIENCE, app.db.ping()).await.is_ok_and(|answer| answer.is_ok());
    (database, *app.bus.status.borrow() == Status::Connected)
}
