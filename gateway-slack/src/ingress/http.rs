//! Requests that Slack signs: events, slash commands and interactions, as a router that the program mounts. First the limit,
//! then the signature over the raw bytes, then parsing.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{error, info, warn};

use super::signature::is_signed;
use crate::{
    accept::{Accept, Answer},
    payload::Slash,
};

/// Most bytes of a request. Slack's largest are those of interactions with whole messages in them.
const LIMIT: usize = 1024 * 1024;

#[derive(Clone)]
struct Shared {
    accept: Arc<Accept>,
    secret: SecretString,
}

/// The form of an interaction: one field that holds JSON.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    payload: String,
    ssl_check: String,
}

/// `/slack/events`, `/slack/commands` and `/slack/interactivity`.
pub(crate) fn router(accept: Arc<Accept>, secret: SecretString) -> Router {
    Router::new()
        .route("/slack/events", post(events))
        .route("/slack/commands", post(commands))
        .route("/slack/interactivity", post(interactivity))
        .layer(DefaultBodyLimit::max(LIMIT))
        .with_state(Shared { accept, secret })
}

impl Shared {
    fn verify(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (at, signature) = (header("x-slack-request-timestamp"), header("x-slack-signature"));
        let secret = self.secret.expose_secret().as_bytes();
        if !is_signed(secret, at, signature, body, Timestamp::now().as_second()) {
            warn!("a request whose signature does not fit, or that is too old, was refused");
            return false;
        }
        self.accept.ear.heard();
        if let Some(number) = headers.get("x-slack-retry-num") {
            let reason = headers.get("x-slack-retry-reason");
            info!(?number, ?reason, "Slack delivers something again");
        }
        true
    }
}

fn refused() -> Response {
    (StatusCode::UNAUTHORIZED, "The signature does not fit.").into_response()
}

async fn events(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if !shared.verify(&headers, &body) {
        return refused();
    }
    // What cannot be read would only come again.
    let payload: Value = serde_json::from_slice(&body).unwrap_or_default();
    let accept = shared.accept.clone();
    match finish(async move { accept.event(payload).await }).await {
        Answer::Challenge(challenge) => challenge.into_response(),
        // Without `X-Slack-No-Retry`, so that it comes again.
        Answer::Leave => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => StatusCode::OK.into_response(),
    }
}

async fn commands(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if !shared.verify(&headers, &body) {
        return refused();
    }
    let slash: Slash = serde_urlencoded::from_bytes::<Vec<(String, String)>>(&body)
        .ok()
        .map(|fields| {
            fields
                .into_iter()
                .map(|(name, value)| (name, Value::from(value)))
                .collect::<serde_json::Map<_, _>>()
        })
        .and_then(|fields| serde_json::from_value(fields.into()).ok())
        .unwrap_or_default();
    let accept = shared.accept.clone();
    respond(finish(async move { accept.slash(slash).await }).await)
}

async fn interactivity(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if !shared.verify(&headers, &body) {
        return refused();
    }
    let form: Form = serde_urlencoded::from_bytes(&body).unwrap_or_default();
    if form.ssl_check == "1" {
        return StatusCode::OK.into_response();
    }
    let payload: Value = serde_json::from_str(&form.payload).unwrap_or_default();
    let accept = shared.accept.clone();
    respond(finish(async move { accept.interaction(payload).await }).await)
}

/// In a task of its own: what was begun is finished even if Slack hangs up.
async fn finish(work: impl Future<Output = Answer> + Send + 'static) -> Answer {
    tokio::spawn(work).await.unwrap_or_else(|fault| {
        error!(%fault, "a request could not be handled");
        Answer::Leave
    })
}

fn respond(answer: Answer) -> Response {
    match answer {
        Answer::Acknowledge | Answer::Challenge(_) => StatusCode::OK.into_response(),
        Answer::Leave => Json(
            json!({ "response_type": "ephemeral", "text": "This could not be accepted. Nothing was done." }),
        )
        .into_response(),
        Answer::Say(text) => Json(json!({ "response_type": "ephemeral", "text": text })).into_response(),
        Answer::Clear => Json(json!({ "response_action": "clear" })).into_response(),
        Answer::Errors { block, text } => {
            Json(json!({ "response_action": "errors", "errors": { block: text } })).into_response()
        }
        Answer::Options(options) => Json(json!({ "options": options })).into_response(),
    }
}
