//! Looking at keys.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, Uri},
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::shown::KeyBody;
use crate::{
    app::Shared,
    auth::{Auth, KeysRead},
    http::{Exchange, Page, Paging, versioned},
    keyring::{KeyFilter, KeyringError, text},
    problem::{Problem, Problems},
};

/// How a key stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Active,
    Disabled,
    Revoked,
    Expired,
}

/// Which keys.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Of this service: its name or id.
    #[param(max_length = 63, pattern = r"^[^\u0000-\u001F\u007F-\u009F]*$")]
    service: Option<String>,
    /// That stand like this.
    #[param(inline)]
    state: Option<Standing>,
    /// That end before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    expires_before: Option<Timestamp>,
    /// That were not used since this time.
    #[param(value_type = Option<String>, format = DateTime)]
    unused_since: Option<Timestamp>,
    /// Most items, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The place to go on from, as an earlier page gave it.
    cursor: Option<String>,
}

/// A query that cannot be read is told as what does not fit.
pub(in crate::routes) fn read<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    query.map(|Query(query)| query).map_err(|rejection| {
        let told: String = rejection.body_text().chars().take(300).collect();
        Problem::invalid("query", told)
    })
}

/// The place that a page gave, with an id of ours in it.
pub(in crate::routes) fn place(paging: &Paging) -> Result<Option<(i64, String)>, Problem> {
    let place = paging.after()?;
    if place.as_ref().is_some_and(|(_, id)| id.parse::<Uuid>().is_err()) {
        return Err(Problem::invalid("cursor", "not a cursor that a page gave"));
    }
    Ok(place)
}

/// Keys, oldest first.
#[utoipa::path(
    get,
    path = "/keys",
    tag = "keys",
    operation_id = "list_keys",
    params(Which),
    responses((status = 200, description = "Keys, oldest first.", body = Page<KeyBody>), Problems)
)]
pub(super) async fn list(
    _caller: Auth<KeysRead>,
    State(app): State<Shared>,
    uri: Uri,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let which = read(which)?;
    let paging = Paging { limit: which.limit, cursor: which.cursor };
    let limit = paging.limit()?;
    if let Some(service) = &which.service {
        text::line("service", service, 63)
            .map_err(|_| Problem::invalid("service", "the name or id of one"))?;
    }
    let filter = KeyFilter {
        service: which.service,
        state: which.state.map(|state| match state {
            Standing::Active => "active",
            Standing::Disabled => "disabled",
            Standing::Revoked => "revoked",
            Standing::Expired => "expired",
        }),
        expires_before: which.expires_before.map(Timestamp::as_millisecond),
        unused_since: which.unused_since.map(Timestamp::as_millisecond),
        after: place(&paging)?,
    };
    let rows = app.keyring.keys(&filter, limit + 1).await?;
    let bodies: Result<Vec<KeyBody>, KeyringError> = rows.into_iter().map(KeyBody::try_from).collect();
    Ok(Page::of(bodies?, limit, |key| (key.made, key.id.clone())).answer(&uri))
}

/// One key.
#[utoipa::path(
    get,
    path = "/keys/{id}",
    tag = "keys",
    operation_id = "get_key",
    params(("id" = Uuid, Path, description = "Id of the key.")),
    responses(
        (status = 200, description = "The key.", body = KeyBody, headers(("ETag" = String, description = "Its version."))),
        Problems
    )
)]
pub(super) async fn one(
    _caller: Auth<KeysRead>,
    State(app): State<Shared>,
    Extension(_exchange): Extension<Arc<Exchange>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = app.keyring.key(&known(&id)?).await?;
    Ok(versioned(StatusCode::OK, row.version, KeyBody::try_from(row)?))
}

/// An id as the database has it; what is no id is nobody's.
pub(in crate::routes) fn known(id: &str) -> Result<String, Problem> {
    id.parse::<Uuid>().map(|id| id.to_string()).map_err(|_| Problem::not_found("key"))
}
