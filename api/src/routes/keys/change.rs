//! Changing, rotating and revoking keys.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    body::{self, KeyChangeBody, KeyRate, Rotation},
    by, end,
    list::{known, read},
    secret,
    shown::{KeyBody, MadeKey},
};
use crate::{
    app::Shared,
    auth::{Auth, KeysWrite},
    http::{Body, Exchange, IfMatch, Posted, versioned},
    idempotency::Once,
    keyring::KeyChange,
    problem::{Problem, Problems},
};

/// Whether to go through with what locks administrators out.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct Force {
    /// Go through with it even for the last key that may administer.
    #[param(value_type = Option<bool>)]
    #[serde(default)]
    pub(in crate::routes) force: bool,
}

/// Changes a key.
#[utoipa::path(
    patch,
    path = "/keys/{id}",
    tag = "keys",
    operation_id = "change_key",
    params(
        ("id" = uuid::Uuid, Path, description = "Id of the key."),
        ("If-Match" = Option<String>, Header, description = "The ETag of the version that is to be changed."),
        Force
    ),
    request_body = KeyChangeBody,
    responses(
        (status = 200, description = "The key as it is now.", body = KeyBody, headers(("ETag" = String, description = "Its version."))),
        Problems
    )
)]
pub(super) async fn change(
    caller: Auth<KeysWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Path(id): Path<String>,
    force: Result<Query<Force>, QueryRejection>,
    IfMatch(version): IfMatch,
    Body(asked): Body<KeyChangeBody>,
) -> Result<Response, Problem> {
    let (id, force) = (known(&id)?, read(force)?.force);
    body::networks(asked.allowed_cidrs.as_ref().and_then(Option::as_ref))?;
    let rate = |rate: Option<KeyRate>| rate.map(KeyRate::checked).transpose();
    let change = KeyChange {
        name: asked.name,
        scopes: asked.scopes,
        expires_at: match asked.expires_at {
            None => None,
            asked => Some(end(&app, &caller, asked)?),
        },
        allowed_cidrs: asked.allowed_cidrs,
        rate: asked.rate.map(rate).transpose()?,
        state: asked.state.map(Into::into),
    };
    let keyring = app.keyring.within(&caller.scopes);
    let by = by(&caller, &exchange);
    let row = keyring.change_key(&by, &id, change, version, force).await?;
    Ok(versioned(StatusCode::OK, row.version, KeyBody::try_from(row)?))
}

/// Makes a key that replaces this one; both are good for the grace.
#[utoipa::path(
    post,
    path = "/keys/{id}/rotate",
    tag = "keys",
    operation_id = "rotate_key",
    params(
        ("id" = uuid::Uuid, Path, description = "Id of the key."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!#-~]+$", description = "The same call with the same key is done once."),
    ),
    request_body = Rotation,
    responses((status = 201, description = "The new key, shown once.", body = MadeKey), Problems)
)]
pub(super) async fn rotate(
    caller: Auth<KeysWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Path(id): Path<String>,
    once: Once,
    Posted(rotation, bytes): Posted<Rotation>,
) -> Response {
    let (keyring, by) = (app.keyring.within(&caller.scopes), by(&caller, &exchange));
    let handle = Box::pin(async move {
        let (row, key) = keyring.rotate_key(&by, &known(&id)?, rotation.grace()?).await?;
        let made = MadeKey { key: key.expose().to_owned(), about: row.try_into()? };
        Ok(secret((StatusCode::CREATED, Json(made)).into_response()))
    });
    once.guard(&app, &caller, &bytes, handle).await
}

/// Why a key is revoked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Revocation {
    /// Why, one line.
    #[serde(default)]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001F\u007F-\u009F]*$")]
    reason: String,
}

/// A key that is revoked.
#[derive(Serialize, ToSchema)]
pub(super) struct Revoked {
    /// Every replica refuses it from this time on at the latest; usually within a second.
    #[schema(value_type = String, format = DateTime)]
    effective_by: Timestamp,
    #[serde(flatten)]
    about: KeyBody,
}

/// Revokes a key for good. Doing it twice is doing it once.
#[utoipa::path(
    post,
    path = "/keys/{id}/revoke",
    tag = "keys",
    operation_id = "revoke_key",
    params(("id" = uuid::Uuid, Path, description = "Id of the key."), Force),
    request_body = Revocation,
    responses((status = 200, description = "It is revoked.", body = Revoked), Problems)
)]
pub(super) async fn revoke(
    caller: Auth<KeysWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Path(id): Path<String>,
    force: Result<Query<Force>, QueryRejection>,
    Body(revocation): Body<Revocation>,
) -> Result<Json<Revoked>, Problem> {
    let (id, force) = (known(&id)?, read(force)?.force);
    let keyring = app.keyring.within(&caller.scopes);
    let row = keyring.revoke_key(&by(&caller, &exchange), &id, &revocation.reason, force).await?;
    let ttl = i64::try_from(app.config.key_cache_ttl.as_millis()).unwrap_or(i64::MAX);
    let by = row.revoked_at.unwrap_or_default().saturating_add(ttl);
    let effective_by = Timestamp::from_millisecond(by).unwrap_or_else(|_| Timestamp::now());
    Ok(Json(Revoked { effective_by, about: row.try_into()? }))
}
