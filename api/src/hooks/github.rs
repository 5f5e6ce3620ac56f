//! GitHub's webhooks. What an event says is in `events`; this file reads the envelope and checks the signature.

mod events;
mod signature;

use axum::http::HeaderMap;

pub use signature::verify;

use super::{
    Delivery, HookError, draft, form,
    node::{self, Node},
};

pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Delivery>, HookError> {
    let event = headers.get("x-github-event").and_then(|event| event.to_str().ok());
    let event = event
        .filter(|event| !event.is_empty())
        .ok_or(HookError::Header { name: "X-GitHub-Event", expected: "the name of an event" })?;
    let id = headers.get("x-github-delivery").and_then(|id| id.to_str().ok()).map(draft::key);
    let value = node::parse(&form::json(headers, body)?)?;
    let message = events::message(event, &Node::root(&value)?)?;
    Ok(message.map(|message| Delivery { id, message }).into_iter().collect())
}
