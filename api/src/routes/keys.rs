//! Keys over HTTP.

mod body;
mod change;
mod list;
mod own;
mod proof;

use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) use self::{
    body::{KeyBody, KeyRate, MadeKey, NewKeyBody, networks, some},
    change::Force,
    list::{place, read},
};
use crate::{
    app::{App, Shared},
    auth::Principal,
    http::Exchange,
    idempotency::ShownOnce,
    keyring::By,
    problem::{Code, Problem},
    scope::Right,
};

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(own::own))
        .routes(routes!(own::rotate_own))
        .routes(routes!(list::list))
        .routes(routes!(list::one, change::change))
        .routes(routes!(change::rotate))
        .routes(routes!(change::revoke))
        .routes(routes!(proof::introspect))
        .routes(routes!(proof::revoke_leaked))
}

/// The caller, for the record.
pub(super) fn by(caller: &Principal, exchange: &Exchange) -> By {
    By { actor: caller.who(), key_id: Some(caller.key_id.clone()), ip: exchange.ip() }
}

/// A time of the database.
pub(super) fn time(at: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}

/// An answer with the version of what it shows as its entity tag.
pub(super) fn versioned<T: Serialize>(status: StatusCode, version: i64, body: T) -> Response {
    let mut response = (status, axum::Json(body)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// An answer with a secret in it, which nobody on the way may keep, nor are we.
pub(super) fn secret(mut response: Response) -> Response {
    response.extensions_mut().insert(ShownOnce);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The version that `If-Match` asks for; one that is not ours is never there.
pub(super) fn expected(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match version.and_then(|text| text.parse().ok()) {
        Some(version) => Ok(Some(version)),
        None => Err(Problem::new(Code::PreconditionFailed, "Send the ETag of an earlier answer.")),
    }
}

/// When a key ends: as asked for within the bounds that this caller has, or as by default.
pub(super) fn end(
    app: &App,
    caller: &Principal,
    asked: Option<Option<Timestamp>>,
) -> Result<Option<i64>, Problem> {
    let now = Timestamp::now().as_millisecond();
    let after = |life: Duration| now.saturating_add(i64::try_from(life.as_millis()).unwrap_or(i64::MAX));
    let admin = caller.scopes.admit(Right::Admin, None);
    let misfit = |detail: &str| Err(Problem::invalid("/expires_at", detail));
    match asked {
        None => Ok(Some(after(app.config.key_lifetime.min(app.config.longest_key_lifetime)))),
        Some(None) if admin => Ok(None),
        Some(None) => misfit("only an administrator makes keys without an end"),
        Some(Some(at)) if at.as_millisecond() <= now => misfit("a time to come"),
        Some(Some(at)) if !admin && at.as_millisecond() > after(app.config.longest_key_lifetime) => {
            misfit("later than keys may live here; an administrator may allow it")
        }
        Some(Some(at)) => Ok(Some(at.as_millisecond())),
    }
}
