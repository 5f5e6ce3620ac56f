//! Keys over HTTP.

mod body;
mod change;
mod list;
mod own;
mod proof;
mod shown;

use std::time::Duration;

use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use jiff::Timestamp;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) use self::{
    body::{KeyRate, NewKeyBody, networks, some},
    change::Force,
    list::{place, read},
    shown::{KeyBody, MadeKey},
};
use crate::{
    app::{App, Shared},
    auth::Principal,
    http::Exchange,
    idempotency::ShownOnce,
    keyring::By,
    problem::Problem,
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

/// An answer with a secret in it, which nobody on the way may keep, nor are we.
pub(super) fn secret(mut response: Response) -> Response {
    response.extensions_mut().insert(ShownOnce);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
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
