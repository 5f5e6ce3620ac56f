//! Services over HTTP: who owns keys.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, Uri},
    response::Response,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::keys::{
    Force, KeyBody, KeyRate, MadeKey, NewKeyBody, by, end, networks, place, read, secret, some, time,
};
use crate::{
    app::{App, Shared},
    auth::{Auth, KeysRead, KeysWrite, Principal},
    http::{Body, Exchange, IfMatch, Page, Paging, Posted, labels, versioned},
    idempotency::Once,
    keyring::{NewKey, NewService, ServiceChange, ServiceRow, text},
    problem::{Problem, Problems},
};

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, change, remove))
        .routes(routes!(create_key))
}

/// A service as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Service)]
struct ServiceBody {
    /// Its id.
    #[schema(format = Uuid)]
    id: String,
    /// Its name; policy knows it as `svc:<name>`.
    name: String,
    /// One line.
    description: String,
    /// Whom to ask.
    owner: String,
    /// Free labels.
    labels: BTreeMap<String, String>,
    /// Whether its keys may be used.
    enabled: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Option<Timestamp>,
    /// Who made it.
    created_by: String,
    /// Rises with each change; the ETag.
    version: i64,
    #[serde(skip)]
    made: i64,
}

impl From<ServiceRow> for ServiceBody {
    fn from(row: ServiceRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            owner: row.owner,
            labels: serde_json::from_str(&row.labels).unwrap_or_default(),
            enabled: row.disabled_at.is_none(),
            created_at: time(row.created_at),
            created_by: row.created_by,
            version: row.version,
            made: row.created_at,
        }
    }
}

/// Labels of a service.
fn described() -> utoipa::openapi::schema::Object {
    let told = "Free labels: at most 32, none longer than 200 characters.";
    labels(told, text::LABELS, 0..=text::LINE, text::LINE)
}

/// A service to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewServiceBody {
    /// Its name; policy knows it as `svc:<name>`.
    #[schema(pattern = "^[a-z][a-z0-9-]{1,62}$")]
    name: String,
    /// One line.
    #[serde(default)]
    #[schema(max_length = 500, pattern = r"^[^\u0000-\u001F\u007F-\u009F]*$")]
    description: String,
    /// Whom to ask.
    #[serde(default)]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001F\u007F-\u009F]*$")]
    owner: String,
    /// Free labels.
    #[serde(default)]
    #[schema(schema_with = described)]
    labels: BTreeMap<String, String>,
}

/// What is to be changed of a service; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ServiceChangeBody {
    /// One line.
    #[serde(default, deserialize_with = "some")]
    #[schema(max_length = 500, pattern = r"^[^\u0000-\u001F\u007F-\u009F]*$", nullable = false)]
    description: Option<String>,
    /// Whom to ask.
    #[serde(default, deserialize_with = "some")]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001F\u007F-\u009F]*$", nullable = false)]
    owner: Option<String>,
    /// Free labels, all of them.
    #[serde(default, deserialize_with = "some")]
    #[schema(schema_with = described, required = false)]
    labels: Option<BTreeMap<String, String>>,
    /// Whether its keys may be used.
    #[serde(default, deserialize_with = "some")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
}

/// Services, oldest first.
#[utoipa::path(
    get,
    path = "/services",
    tag = "services",
    operation_id = "list_services",
    params(Paging),
    responses((status = 200, description = "Services, oldest first.", body = Page<ServiceBody>), Problems)
)]
async fn list(
    _caller: Auth<KeysRead>,
    State(app): State<Shared>,
    uri: Uri,
    paging: Result<Query<Paging>, QueryRejection>,
) -> Result<Response, Problem> {
    let paging = read(paging)?;
    let limit = paging.limit()?;
    let rows = app.keyring.services(place(&paging)?, limit + 1).await?;
    let bodies = rows.into_iter().map(ServiceBody::from).collect();
    Ok(Page::of(bodies, limit, |service: &ServiceBody| (service.made, service.id.clone())).answer(&uri))
}

/// Makes a service.
#[utoipa::path(
    post,
    path = "/services",
    tag = "services",
    operation_id = "create_service",
    request_body = NewServiceBody,
    responses((status = 201, description = "The service.", body = ServiceBody), Problems)
)]
async fn create(
    caller: Auth<KeysWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Body(asked): Body<NewServiceBody>,
) -> Result<Response, Problem> {
    let new = NewService {
        name: asked.name,
        description: asked.description,
        owner: asked.owner,
        labels: asked.labels,
    };
    let row = app.keyring.create_service(&by(&caller, &exchange), new).await?;
    Ok(versioned(StatusCode::CREATED, row.version, ServiceBody::from(row)))
}

/// One service.
#[utoipa::path(
    get,
    path = "/services/{id}",
    tag = "services",
    operation_id = "get_service",
    params(("id" = String, Path, description = "Its name or id.")),
    responses((status = 200, description = "The service.", body = ServiceBody), Problems)
)]
async fn one(
    _caller: Auth<KeysRead>,
    State(app): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = app.keyring.service(&id).await?;
    Ok(versioned(StatusCode::OK, row.version, ServiceBody::from(row)))
}

/// Changes a service.
#[utoipa::path(
    patch,
    path = "/services/{id}",
    tag = "services",
    operation_id = "change_service",
    params(
        ("id" = String, Path, description = "Its name or id."),
        ("If-Match" = Option<String>, Header, description = "The ETag of the version that is to be changed."),
        Force
    ),
    request_body = ServiceChangeBody,
    responses((status = 200, description = "The service as it is now.", body = ServiceBody), Problems)
)]
async fn change(
    caller: Auth<KeysWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Path(id): Path<String>,
    force: Result<Query<Force>, QueryRejection>,
    IfMatch(version): IfMatch,
    Body(asked): Body<ServiceChangeBody>,
) -> Result<Response, Problem> {
    let force = read(force)?.force;
    let service = app.keyring.service(&id).await?;
    let change = ServiceChange {
        description: asked.description,
        owner: asked.owner,
        labels: asked.labels,
        enabled: asked.enabled,
    };
    let keyring = app.keyring.within(&caller.scopes);
    let by = by(&caller, &exchange);
    let row = keyring.change_service(&by, &service.id, change, version, force).await?;
    Ok(versioned(StatusCode::OK, row.version, ServiceBody::from(row)))
}

/// Disables a service and revokes all its keys.
#[utoipa::path(
    delete,
    path = "/services/{id}",
    tag = "services",
    operation_id = "remove_service",
    params(("id" = String, Path, description = "Its name or id."), Force),
    responses((status = 204, description = "It is disabled, and all its keys are revoked."), Problems)
)]
async fn remove(
    caller: Auth<KeysWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Path(id): Path<String>,
    force: Result<Query<Force>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let force = read(force)?.force;
    let service = app.keyring.service(&id).await?;
    let keyring = app.keyring.within(&caller.scopes);
    keyring.remove_service(&by(&caller, &exchange), &service.id, force).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a key of a service.
#[utoipa::path(
    post,
    path = "/services/{id}/keys",
    tag = "keys",
    operation_id = "create_key",
    params(
        ("id" = String, Path, description = "Name or id of the service."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!#-~]+$", description = "The same call with the same key is done once."),
    ),
    request_body = NewKeyBody,
    responses((status = 201, description = "The key, shown once.", body = MadeKey), Problems)
)]
async fn create_key(
    caller: Auth<KeysWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Path(id): Path<String>,
    once: Once,
    Posted(asked, bytes): Posted<NewKeyBody>,
) -> Response {
    let (principal, maker) = (Principal::clone(&caller), app.clone());
    let handle = Box::pin(async move { made(&maker, &principal, &exchange, &id, asked).await });
    once.guard(&app, &caller, &bytes, handle).await
}

async fn made(
    app: &App,
    caller: &Principal,
    exchange: &Exchange,
    service: &str,
    asked: NewKeyBody,
) -> Result<Response, Problem> {
    networks(asked.allowed_cidrs.as_ref())?;
    let rate = asked.rate.map(KeyRate::checked).transpose()?;
    let new = NewKey {
        kind: asked.kind.into(),
        name: asked.name,
        scopes: asked.scopes,
        allowed_cidrs: asked.allowed_cidrs,
        rate_per_s: rate.map(|rate| rate.0),
        rate_burst: rate.and_then(|rate| rate.1),
        expires_at: end(app, caller, asked.expires_at)?,
    };
    let service = app.keyring.service(service).await?;
    let keyring = app.keyring.within(&caller.scopes);
    let (id, key) = keyring.create_key(&by(caller, exchange), &service, new).await?;
    let row = app.keyring.key(&id).await?;
    let version = row.version;
    let made = MadeKey { key: key.expose().to_owned(), about: KeyBody::try_from(row)? };
    Ok(secret(versioned(StatusCode::CREATED, version, made)))
}
