//! The caller's own key.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    body::{MadeKey, Rotation},
    by, secret, time,
};
use crate::{
    app::Shared,
    auth::{AnyKey, Auth},
    http::{Body, Exchange},
    problem::{Problem, Problems},
};

/// The caller as this service sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct Own {
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
pub(super) async fn own(caller: Auth<AnyKey>) -> Json<Own> {
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

/// Makes a key that replaces the caller's own; both are good for the grace.
#[utoipa::path(
    post,
    path = "/keys/self/rotate",
    tag = "keys",
    operation_id = "rotate_own_key",
    request_body = Rotation,
    responses((status = 201, description = "The new key, shown once.", body = MadeKey), Problems)
)]
pub(super) async fn rotate_own(
    caller: Auth<AnyKey>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Body(rotation): Body<Rotation>,
) -> Result<Response, Problem> {
    let (grace, by) = (rotation.grace()?, by(&caller, &exchange));
    let (row, key) = app.keyring.rotate_key(&by, &caller.key_id, grace).await?;
    let made = MadeKey { key: key.expose().to_owned(), about: row.try_into()? };
    Ok(secret((StatusCode::CREATED, Json(made)).into_response()))
}
