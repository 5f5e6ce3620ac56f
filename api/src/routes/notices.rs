//! Notices over HTTP.

mod form;

use std::{str::FromStr, sync::Arc};

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub(super) use self::form::Accepted;
use self::form::{New, Told};
use crate::{
    app::Shared,
    auth::{Auth, NotifySend, Principal},
    http::{Exchange, Posted, Segments},
    idempotency::{self, Once},
    notices::{self, Outgoing},
    problem::{Problem, Problems},
    scope::Right,
};

/// Name space of the ids of notices that come from an Idempotency-Key. Changing it would post again what is asked for again.
const NAMES: Uuid = Uuid::from_u128(0x0a57_1d2c_5f0e_4c1b_9a7e_adca_0b07_0003);

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(notify)).routes(routes!(read))
}

/// Have something said at a destination.
#[utoipa::path(
    post, path = "/notify/{destination}", tag = "notices", operation_id = "notify", request_body = New,
    params(
        ("destination" = String, Path, description = "Name of the destination."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!#-~]+$", description = "The same call with the same key is done once."),
    ),
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
    once: Once,
    Posted(new, bytes): Posted<New>,
) -> Response {
    let (principal, sender) = (Principal::clone(&caller), app.clone());
    let id = id(&principal, once.key());
    let handle = Box::pin(async move {
        principal.needs(Right::NotifySend, &destination)?;
        let message = new.message(&id)?;
        let outgoing = Outgoing { id, destination, message };
        if notices::one(&sender.db, &outgoing.id).await?.is_some_and(|row| !outgoing.is(&row)) {
            // The answer under this key was forgotten, or none was kept; the notice was another one.
            return Err(idempotency::reused());
        }
        let sent = notices::send(&sender, &principal, &exchange, outgoing).await?;
        Ok((StatusCode::ACCEPTED, Json(Accepted::from(sent))).into_response())
    });
    once.guard(&app, &caller, &bytes, handle).await
}

/// The id of a notice: the same for the same Idempotency-Key, on every replica.
fn id(caller: &Principal, key: Option<&str>) -> String {
    let id = match key {
        Some(key) => Uuid::new_v5(&NAMES, format!("{}:{key}", caller.key_id).as_bytes()),
        None => Uuid::now_v7(),
    };
    id.to_string()
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
