//! Interactions that Discord posts and signs, as a router that the program mounts. First the limit, then the signature over the raw
//! bytes, then parsing. Source: Discord, "Interactions Overview", "Setting Up an Endpoint".

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
use serenity::interactions_endpoint::Verifier;
use tracing::{error, warn};

use crate::{accept::Accept, answered::First, payload::Interaction};

/// Most bytes of a request.
const LIMIT: usize = 1024 * 1024;
/// How far a request's clock may be from ours, in seconds, in both directions.
const SKEW: u64 = 300;
/// Length of a public key, in bytes.
const KEY: usize = 32;

#[derive(Clone)]
struct Shared {
    accept: Arc<Accept>,
    verifier: Arc<Verifier>,
}

/// The key by which Discord's signatures are verified, from its hexadecimal form.
pub(crate) fn verifier(public_key: &str) -> Result<Verifier, &'static str> {
    const WRONG: &str = "it is not the 64 hexadecimal digits of a public key";
    let mut key = [0; KEY];
    let digits = public_key.trim().as_bytes();
    if digits.len() != 2 * KEY {
        return Err(WRONG);
    }
    for (byte, two) in key.iter_mut().zip(digits.chunks(2)) {
        let two = std::str::from_utf8(two).ok().filter(|two| two.bytes().all(|c| c.is_ascii_hexdigit()));
        *byte = two.and_then(|two| u8::from_str_radix(two, 16).ok()).ok_or(WRONG)?;
    }
    Verifier::try_new(key).map_err(|_| WRONG)
}

/// `/discord/interactions`.
pub(crate) fn router(accept: Arc<Accept>, verifier: Verifier) -> Router {
    Router::new()
        .route("/discord/interactions", post(interactions))
        .layer(DefaultBodyLimit::max(LIMIT))
        .with_state(Shared { accept, verifier: Arc::new(verifier) })
}

/// Discord probes with signatures that do not fit, and takes the address away from whoever accepts one.
fn is_signed(verifier: &Verifier, headers: &HeaderMap, body: &[u8], now: i64) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (signature, at) = (header("x-signature-ed25519"), header("x-signature-timestamp"));
    let fresh = at.parse::<i64>().is_ok_and(|at| now.abs_diff(at) <= SKEW);
    fresh && verifier.verify(signature, at, body).is_ok()
}

async fn interactions(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_signed(&shared.verifier, &headers, &body, Timestamp::now().as_second()) {
        warn!("an interaction whose signature does not fit, or that is too old, was refused");
        return (StatusCode::UNAUTHORIZED, "The signature does not fit.").into_response();
    }
    shared.accept.ear.heard();
    let Ok(interaction) = serde_json::from_slice::<Interaction>(&body) else {
        return (StatusCode::BAD_REQUEST, "This is no JSON.").into_response();
    };
    // In a task of its own: what was begun is finished even if Discord hangs up.
    let accept = shared.accept.clone();
    let answered = tokio::spawn(async move {
        let answer = accept.interaction(&interaction).await;
        // Whether Discord receives a whole answer cannot be known: the sender looks, and says it again if need be.
        if let (Some(request), first @ First::Deferred(_)) = (answer.request, answer.first) {
            accept.answered.tell(request, first).await;
        }
        answer.body
    });
    match answered.await {
        Ok(body) => Json(body).into_response(),
        Err(fault) => {
            error!(%fault, "an interaction could not be handled");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
