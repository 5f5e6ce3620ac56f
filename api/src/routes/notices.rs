//! Notices over HTTP.

mod form;

use std::{str::FromStr, sync::Arc};

use axum::{Extension, Json, extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub(super) use self::form::Accepted;
use self::form::{New, Told};
use crate::{
    app::Shared,
    auth::{Auth, NotifySend},
    http::{Body, Exchange, Segments},
    notices::{self, Outgoing},
    problem::{Problem, Problems},
    scope::Right,
};

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(notify)).routes(routes!(read))
}

/// Have something said at a destination.
#[utoipa::path(
    post, path = "/notify/{destination}", tag = "notices", operation_id = "notify", request_body = New,
    params(("destination" = String, Path, description = "Name of the destination.")),
    responses(
        (status = 202, description = "The bus has it for one channel at least; `deliveries` tells for which.", body = Accepted),
        Problems,
    )
)]
async fn notify(
    caller: Auth<NotifySend>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Segments(destination): Segments<String>,
    Body(new): Body<New>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    caller.needs(Right::NotifySend, &destination)?;
    let id = Uuid::now_v7().to_string();
    let message = new.message(&id)?;
    let sent = notices::send(&app, &caller, &exchange, Outgoing { id, destination, message }).await?;
    Ok((StatusCode::ACCEPTED, Json(sent.into())))
}

/// A notice of the caller's service, and how far it came.
#[utoipa::path(
    get, path = "/notices/{id}", tag = "notices", operation_id = "read_notice",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The notice.", body = Told), Problems)
)]
async fn read(
    caller: Auth<NotifySend>,
    State(app): State<Shared>,
    Segments(id): Segments<String>,
) -> Result<Json<Told>, Problem> {
    let missing = || Problem::not_found("notice");
    let id = Uuid::from_str(&id).map_err(|_| missing())?.to_string();
    let row = notices::one(&app.db, &id).await?.ok_or_else(missing)?;
    if row.service != caller.service && !caller.scopes.admit(Right::Admin, None) {
        return Err(missing());
    }
    Told::of(row).map(Json)
}
