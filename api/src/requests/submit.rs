//! The way onto the bus: the row first, then the request under an id that a repeated call derives again, then what the bus said.

use std::time::Duration;

use adjutant_bus::{
    actor::{Membership, Platform, Tenant},
    id::RequestId,
    ports::BusError,
    request::{Decision, Request, Submission, Verdict},
    wire::Version,
};
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::warn;
use uuid::Uuid;

use super::rows::{self, New};
use crate::{
    app::App,
    auth::Principal,
    idempotency,
    problem::{Code, Problem},
};

/// How long the bus is asked again with the same id.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// By which id something is asked for, and by what the same call is known again.
pub(crate) struct Asked {
    pub(crate) id: RequestId,
    pub(crate) fingerprint: Vec<u8>,
}

/// What is asked for.
pub(crate) struct Wanted {
    /// The line.
    pub(crate) line: String,
    /// The command's dotted name, if it is known.
    pub(crate) command: String,
    /// The destination at which the outcome is announced.
    pub(crate) announce: Option<String>,
    /// The caller's own labels, JSON.
    pub(crate) labels: String,
    /// When nobody waits any more.
    pub(crate) deadline: Option<Timestamp>,
}

/// The id of what a key asks for: the same for the same Idempotency-Key, on every replica.
pub(crate) fn id(caller: &Principal, key: Option<&str>) -> RequestId {
    let tenant = Tenant::new(caller.key_id.clone());
    match key {
        Some(key) => RequestId::derive(Platform::Api, &tenant, &format!("key:{key}")),
        None => RequestId::derive(Platform::Api, &tenant, &Uuid::now_v7().to_string()),
    }
}

/// Submits a request.
pub(crate) async fn request(
    app: &App,
    caller: &Principal,
    Asked { id, fingerprint }: Asked,
    wanted: Wanted,
) -> Result<(), Problem> {
    let new = New {
        id,
        caller,
        command: &wanted.command,
        announce: wanted.announce.as_deref(),
        labels: wanted.labels,
        fingerprint: &fingerprint,
    };
    let there = rows::insert(&app.db, &new).await?;
    // The same Idempotency-Key, after its answer was forgotten or none was kept: it is the same request, or none of ours.
    if there.fingerprint.is_some_and(|earlier| earlier != fingerprint) {
        return Err(idempotency::reused());
    }
    if !matches!(there.state.as_str(), "submitted" | "not_accepted") {
        return Ok(());
    }
    let submission = Submission::Request(Request {
        v: Version,
        id,
        actor: caller.actor(),
        groups: Membership::known(Vec::new()),
        place: caller.place(),
        text: wanted.line,
        raw: None,
        received_at: Timestamp::now(),
        expires_at: wanted.deadline,
    });
    let submitted = patiently(app, &submission).await;
    let state = if submitted.is_ok() { "accepted" } else { "not_accepted" };
    if let Err(error) = rows::moved(&app.db, id, state).await {
        warn!(%error, request = %id, "how a submission went could not be noted; the journal will tell");
    }
    submitted.map_err(|error| refused(error, id))
}

/// Submits a decision on a request.
pub(crate) async fn decision(
    app: &App,
    caller: &Principal,
    request: RequestId,
    verdict: Verdict,
    reason: Option<String>,
) -> Result<RequestId, Problem> {
    let id = id(caller, None);
    let submission = Submission::Decision(Decision {
        v: Version,
        id,
        request,
        actor: caller.actor(),
        groups: Membership::known(Vec::new()),
        place: caller.place(),
        verdict,
        reason,
        received_at: Timestamp::now(),
    });
    patiently(app, &submission).await.map_err(|error| refused(error, id))?;
    Ok(id)
}

/// The bus may be away for a moment; the id makes it safe to ask again.
async fn patiently(app: &App, submission: &Submission) -> Result<(), BusError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match app.bus.submit(submission).await {
            Ok(_) => return Ok(()),
            Err(BusError::Unavailable(_)) if Instant::now() < until => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

fn refused(error: BusError, id: RequestId) -> Problem {
    match error {
        BusError::Unavailable(why) => {
            warn!(why, request = %id, "a submission is not confirmed");
            Problem::new(
                Code::Unavailable,
                "The bus has not confirmed it: whether it was accepted is not certain, and it may still run. Repeat the \
                 call with the same Idempotency-Key, which is safe, or look at the request later.",
            )
            .header(axum::http::header::RETRY_AFTER, "2")
        }
        other => other.into(),
    }
    .with("request_id", id.to_string())
}
