//! Destinations over HTTP: names for channels, and the secrets of the hooks that lead there.

mod form;
mod secrets;

use std::sync::Arc;

use adjutant_bus::announcement::{Message, Severity};
use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use self::form::{Change, Destination, New};
pub(super) use self::{form::Channel, secrets::HookName};
use super::notices::Accepted;
use crate::{
    app::Shared,
    auth::{Auth, DestinationsRead, DestinationsWrite},
    destinations,
    http::{Body, Exchange, IfMatch, Page, Paging, Segments, versioned},
    notices::{self, Outgoing},
    problem::{Problem, Problems},
};

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, change, remove))
        .routes(routes!(test))
        .merge(secrets::routes())
}

/// All destinations, by name.
#[utoipa::path(
    get, path = "/v1/destinations", tag = "destinations", operation_id = "list_destinations", params(Paging),
    responses((status = 200, description = "A page of them.", body = Page<Destination>), Problems)
)]
async fn list(
    _caller: Auth<DestinationsRead>,
    State(app): State<Shared>,
    uri: Uri,
    paging: Result<Query<Paging>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(paging) = paging.map_err(|error| Problem::invalid("", error.body_text()))?;
    let limit = paging.limit()?;
    let after = paging.after()?.map(|(_, name)| name);
    if after.as_ref().is_some_and(|name| !adjutant_bus::destination::is_name(name)) {
        return Err(Problem::invalid("cursor", "not a cursor that a page gave"));
    }
    let rows = destinations::list(&app.db, after.as_deref(), limit + 1).await?;
    let items = rows.into_iter().map(Destination::of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, |last| (0, last.name.clone())).answer(&uri))
}

/// Make a destination.
#[utoipa::path(
    post, path = "/v1/destinations", tag = "destinations", operation_id = "create_destination", request_body = New,
    responses((status = 201, description = "It is there.", body = Destination), Problems)
)]
async fn create(
    caller: Auth<DestinationsWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Body(new): Body<New>,
) -> Result<Response, Problem> {
    let row = new.row(&caller.who())?;
    let entry = caller.entry("destination.created", target(&row.name), &exchange);
    destinations::create(&app.db, &row, entry).await?;
    destinations::publish(&app, &row.name).await;
    let location = format!("/v1/destinations/{}", row.name);
    Ok(([(header::LOCATION, location)], answer(StatusCode::CREATED, row)?).into_response())
}

/// One destination.
#[utoipa::path(
    get, path = "/v1/destinations/{name}", tag = "destinations", operation_id = "read_destination",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The destination; its ETag is its version.", body = Destination), Problems)
)]
async fn read(
    _caller: Auth<DestinationsRead>,
    State(app): State<Shared>,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let row = destinations::one(&app.db, &name).await?.ok_or_else(|| Problem::not_found("destination"))?;
    answer(StatusCode::OK, row)
}

/// Change a destination; what is left out stays.
#[utoipa::path(
    patch, path = "/v1/destinations/{name}", tag = "destinations", operation_id = "change_destination",
    request_body = Change,
    params(
        ("name" = String, Path, description = "Its name."),
        ("If-Match" = Option<String>, Header, description = "The ETag of the version that is to be changed."),
    ),
    responses((status = 200, description = "As it is now.", body = Destination), Problems)
)]
async fn change(
    caller: Auth<DestinationsWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Segments(name): Segments<String>,
    IfMatch(version): IfMatch,
    Body(change): Body<Change>,
) -> Result<Response, Problem> {
    let name = named(name)?;
    let (description, targets) = change.checked()?;
    let entry = caller.entry("destination.changed", target(&name), &exchange);
    let row = destinations::update(&app.db, &name, version, entry, |row| {
        row.description = description.unwrap_or_else(|| row.description.clone());
        row.targets = targets.unwrap_or_else(|| row.targets.clone());
    })
    .await?;
    destinations::publish(&app, &name).await;
    answer(StatusCode::OK, row)
}

/// Remove a destination, and the secrets of its hooks with it.
#[utoipa::path(
    delete, path = "/v1/destinations/{name}", tag = "destinations", operation_id = "remove_destination",
    params(
        ("name" = String, Path, description = "Its name."),
        ("If-Match" = Option<String>, Header, description = "The ETag of the version that is to be changed."),
    ),
    responses((status = 204, description = "It is gone."), Problems)
)]
async fn remove(
    caller: Auth<DestinationsWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Segments(name): Segments<String>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    let name = named(name)?;
    let entry = caller.entry("destination.removed", target(&name), &exchange);
    destinations::delete(&app.db, &name, version, entry).await?;
    destinations::publish(&app, &name).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Say something at a destination, to see that it arrives. Policy must let the caller `notify` there.
#[utoipa::path(
    post, path = "/v1/destinations/{name}/test", tag = "destinations", operation_id = "test_destination",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 202, description = "The bus has it for one channel at least.", body = Accepted), Problems)
)]
async fn test(
    caller: Auth<DestinationsWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Segments(name): Segments<String>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let message = Message {
        text: format!("This is a test of the destination {name}, asked for by {}.", caller.who()),
        title: Some("Test".to_owned()),
        severity: Severity::Info,
        ..Message::default()
    };
    let outgoing = Outgoing { id: Uuid::now_v7().to_string(), destination: name, message };
    let sent = notices::send(&app, &caller, &exchange, outgoing).await?;
    Ok((StatusCode::ACCEPTED, Json(sent.into())))
}

fn answer(status: StatusCode, row: destinations::Row) -> Result<Response, Problem> {
    Ok(versioned(status, row.version, Destination::of(row)?))
}

/// How the record names it.
fn target(name: &str) -> String {
    format!("destination:{name}")
}

/// A name that a destination may have; others are nobody's.
fn named(name: String) -> Result<String, Problem> {
    if adjutant_bus::destination::is_name(&name) { Ok(name) } else { Err(Problem::not_found("destination")) }
}

/// When, over HTTP.
fn time(at: i64) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or_default()
}
