//! Hooks over HTTP: what other systems send, in their own form. Who cannot set headers has a secret in the path, which is never
//! logged nor told.

use std::{str::FromStr, sync::Arc};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::notices::Accepted;
use crate::{
    app::{App, Shared},
    auth::{Auth, NotifySend, Principal},
    hooks::{self, Hook, HookError},
    http::{Exchange, Segments},
    notices::{self, Outgoing, secrets},
    problem::{Code, Problem, Problems},
    scope::Right,
};

/// Most bytes of what a hook sends.
const BODY: usize = 1024 * 1024;
/// Name space of the ids of notices that come from a sender's own ids. Changing it would post again what is sent again.
const NAMES: Uuid = Uuid::from_u128(0x0a57_1d2c_5f0e_4c1b_9a7e_adca_0b07_0002);

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(with_key))
        .routes(routes!(with_secret))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn(throttled))
}

/// What a hook's call has become.
#[derive(Serialize, ToSchema)]
struct HookAnswer {
    /// One for each message in it; none when it says nothing worth posting.
    notices: Vec<Accepted>,
}

/// Take what another system sends.
#[utoipa::path(
    post, path = "/hooks/{hook}/{destination}", tag = "hooks", operation_id = "hook",
    request_body(content = serde_json::Value, description = "In the sender's form.", content_type = "application/json"),
    params(
        ("hook" = super::destinations::HookName, Path, description = "Whose form it is."),
        ("destination" = String, Path, description = "Name of the destination."),
    ),
    responses(
        (status = 200, description = "The same for Slack's form.", body = String, content_type = "text/plain"),
        (status = 202, description = "The bus has each notice for one channel at least.", body = HookAnswer),
        Problems,
    )
)]
async fn with_key(
    caller: Auth<NotifySend>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Segments((hook, destination)): Segments<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let hook = named(&hook)?;
    caller.needs(Right::NotifySend, &destination)?;
    take(&app, &caller, &exchange, hook, destination, &headers, &whole(body)?).await
}

/// Take what another system sends that cannot set headers.
#[utoipa::path(
    post, path = "/hooks/{hook}/{destination}/{secret}", tag = "hooks", operation_id = "hook_with_secret", security(()),
    request_body(content = serde_json::Value, description = "In the sender's form.", content_type = "application/json"),
    params(
        ("hook" = super::destinations::HookName, Path, description = "Whose form it is."),
        ("destination" = String, Path, description = "Name of the destination."),
        ("secret" = String, Path, description = "The secret of the hook."),
    ),
    responses(
        (status = 200, description = "The same for Slack's form.", body = String, content_type = "text/plain"),
        (status = 202, description = "The bus has each notice for one channel at least.", body = HookAnswer),
        Problems,
    )
)]
async fn with_secret(
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Segments((hook, destination, secret)): Segments<(String, String, SecretString)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let hook = named(&hook)?;
    let Some(caller) = secrets::principal(&app, &destination, hook, &secret).await? else {
        app.keys.limits.failed(exchange.address)?;
        return Err(Problem::new(Code::InvalidKey, "It is no secret of this hook and destination."));
    };
    let _ = exchange.rate.set(app.keys.limits.of(&caller.key_id, None, None).call()?);
    let body = whole(body)?;
    let signed = headers.contains_key("x-hub-signature-256");
    if hook == Hook::GitHub && signed && !hooks::github::verify(&secret, &headers, &body) {
        app.keys.limits.failed(exchange.address)?;
        return Err(Problem::new(
            Code::InvalidKey,
            "The signature does not fit: GitHub signs with the hook's secret.",
        ));
    }
    app.keys.hook_uses.note(&caller.key_id, exchange.address);
    take(&app, &caller, &exchange, hook, destination, &headers, &body).await
}

/// Reads the messages and sends them.
async fn take(
    app: &App,
    caller: &Principal,
    exchange: &Exchange,
    hook: Hook,
    destination: String,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Problem> {
    let read = hooks::read(hook, headers, body).map_err(misfit)?;
    let mut sent = Vec::with_capacity(read.messages.len());
    for delivery in read.messages {
        let id = match &delivery.id {
            Some(id) => notice_id(&caller.service, hook, &destination, id),
            None => Uuid::now_v7(),
        };
        let outgoing =
            Outgoing { id: id.to_string(), destination: destination.clone(), message: delivery.message };
        sent.push(notices::send(app, caller, exchange, outgoing).await?.into());
    }
    if hook == Hook::Slack {
        return Ok("ok".into_response());
    }
    Ok((StatusCode::ACCEPTED, Json(HookAnswer { notices: sent })).into_response())
}

/// The same event of the same sender is the same notice.
fn notice_id(service: &str, hook: Hook, destination: &str, id: &str) -> Uuid {
    let mut name = Vec::with_capacity(256);
    for part in [service, hook.as_str(), destination, id] {
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part.as_bytes());
    }
    Uuid::new_v5(&NAMES, &name)
}

fn named(hook: &str) -> Result<Hook, Problem> {
    Hook::from_str(hook).map_err(|_| Problem::not_found("hook"))
}

fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::TooLarge, "A hook takes 1 MiB."),
        _ => Problem::new(Code::BadRequest, "The body broke off."),
    })
}

fn misfit(error: HookError) -> Problem {
    match &error {
        HookError::Syntax { .. } | HookError::Header { .. } => {
            Problem::new(Code::BadRequest, error.to_string())
        }
        HookError::Unfit { pointer, .. } | HookError::TooMany { pointer, .. } => {
            let told = error.to_string();
            let detail = told.strip_prefix(pointer.as_str()).unwrap_or(&told).trim_start_matches(": ");
            Problem::invalid(pointer.clone(), detail)
        }
    }
}

/// Senders such as Alertmanager try again after 5xx only, so that "too often" is told as "not now".
async fn throttled(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if response.status() != StatusCode::TOO_MANY_REQUESTS {
        return response;
    }
    let after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    Problem::new(Code::Unavailable, "Too many calls; try again later.")
        .header(header::RETRY_AFTER, after.unwrap_or("2"))
        .into_response()
}
