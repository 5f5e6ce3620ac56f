//! Keys over HTTP.

use axum::Json;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::Shared,
    auth::{AnyKey, Auth},
    problem::Problems,
};

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(own))
}

/// The caller as this service sees it.
#[derive(Serialize, ToSchema)]
struct Own {
    /// Id of the key.
    key_id: String,
    /// Name of the key.
    name: String,
    /// What it is for: `service` or `admin`.
    kind: &'static str,
    /// The service that owns it.
    service: String,
    /// The principal that policy knows: `svc:<name>`.
    principal: String,
    /// Its scopes.
    scopes: Vec<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Option<Timestamp>,
    /// When it ends; absent: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

/// Who am I?
#[utoipa::path(
    get,
    path = "/keys/self",
    tag = "keys",
    operation_id = "own_key",
    responses((status = 200, description = "The caller's own key.", body = Own), Problems)
)]
async fn own(caller: Auth<AnyKey>) -> Json<Own> {
    let time = |at: i64| Timestamp::from_millisecond(at).ok();
    Json(Own {
        key_id: caller.key_id.clone(),
        name: caller.key_name.clone(),
        kind: caller.kind.as_str(),
        service: caller.service.clone(),
        principal: caller.who(),
        scopes: caller.scopes.iter().map(ToString::to_string).collect(),
        created_at: time(caller.created_at),
        expires_at: caller.expires_at.and_then(time),
    })
}
