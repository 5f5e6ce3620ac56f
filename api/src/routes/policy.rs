//! The policy: what is in force and what was, why it says what it says, trying another one, and putting it in force.

mod explain;
mod files;
mod publish;
mod versions;

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::Shared,
    auth::{Auth, PolicyRead},
    problem::Problems,
};

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(explain::explain))
        .routes(routes!(versions::list))
        .merge(files::routes())
        .merge(publish::routes())
}

/// The policy in force.
#[derive(Serialize, ToSchema)]
struct InForce {
    /// Its version and the first digits of its content's digest; absent when there is none, and all is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// When it was put in force.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    loaded_at: Option<Timestamp>,
    /// Whether it is the one that is published on the bus, and not files of this machine.
    published: bool,
    /// Why newer files were not put in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// The policy in force.
#[utoipa::path(
    get,
    path = "/policy",
    tag = "policy",
    operation_id = "read_policy",
    responses((status = 200, description = "The policy in force here.", body = InForce), Problems)
)]
async fn read(State(app): State<Shared>, _caller: Auth<PolicyRead>) -> Json<InForce> {
    let status = app.policy.status();
    Json(InForce {
        version: status.version,
        loaded_at: status.loaded_at,
        published: app.policy.is_published(),
        problem: status.problem,
    })
}
