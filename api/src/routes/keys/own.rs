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

use super::{body::Rotation, by, secret, shown::MadeKey, time};
use crate::{
    app::Shared,
    auth::{AnyKey, Auth},
    http::{Exchange, Posted},
    idempotency::Once,
    problem::Problems,
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
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!#-~]+$", description = "The same call with the same key is done once.")),
    request_body = Rotation,
    responses((status = 201, description = "The new key, shown once.", body = MadeKey), Problems)
)]
pub(super) async fn rotate_own(
    caller: Auth<AnyKey>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    once: Once,
    Posted(rotation, bytes): Posted<Rotation>,
) -> Response {
    let (keyring, by, id) = (app.keyring.clone(), by(&caller, &exchange), caller.key_id.clone());
    let handle = Box::pin(async move {
        let (row, key) = keyring.rotate_key(&by, &id, rotation.grace()?).await?;
        let made = MadeKey { key: key.expose().to_owned(), about: row.try_into()? };
        Ok(secret((StatusCode::CREATED, Json(made)).into_response()))
    });
    once.guard(&app, &caller, &bytes, handle).await
}
