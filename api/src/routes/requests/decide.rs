//! Stopping a request, and deciding on one that waits.

use adjutant_bus::{event::Fact, id::RequestId, request::Verdict};
use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::{App, Shared},
    auth::{Auth, Principal, RequestsCancel, RequestsDecide},
    http::Body,
    problem::{Code, Problem, Problems},
    requests::{self, Links, Shown},
    scope::Right,
};

/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(cancel)).routes(routes!(decide))
}

/// A request that was asked to stop.
#[derive(Serialize, ToSchema)]
struct Stopping {
    /// Id of the request.
    id: String,
    /// The short id that people see.
    run_id: String,
    /// How it stands.
    state: String,
    /// The request that asks it to stop, with an answer of its own: policy decides on it too. Absent when somebody has asked
    /// before.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<String>,
    /// Where more is told.
    links: Links,
}

/// Ask a request to stop.
#[utoipa::path(
    post,
    path = "/requests/{id}/cancel",
    tag = "requests",
    operation_id = "cancel_request",
    params(("id" = String, Path, description = "Id of the request, or its short id.")),
    responses((status = 202, description = "It was asked to stop.", body = Stopping), Problems)
)]
async fn cancel(
    State(app): State<Shared>,
    caller: Auth<RequestsCancel>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    stop(&app, &caller, &id, None).await
}

async fn stop(app: &App, caller: &Principal, id: &str, reason: Option<String>) -> Result<Response, Problem> {
    let found = requests::found(app, caller, id).await?;
    let shown = Shown::from(&found);
    let request = found.key.request;
    if let Some(outcome) = requests::ended(&found.events) {
        return Err(ended(request, outcome.as_str()));
    }
    if found.events.is_empty() {
        let detail = "No worker has begun it yet, so that there is nothing to stop; try again in a moment.";
        return Err(Problem::new(Code::Conflict, detail)
            .header(header::RETRY_AFTER, "1")
            .with("state", shown.state()));
    }
    let asked = found.events.iter().any(|event| matches!(event.event.fact, Fact::CancelRequested { .. }));
    let decision_id = if asked {
        None
    } else {
        let decision = requests::submit::decision(app, caller, request, Verdict::Cancel, reason).await?;
        Some(decision.to_string())
    };
    let stopping = Stopping {
        id: request.to_string(),
        run_id: request.run().to_string(),
        state: shown.state().to_owned(),
        decision_id,
        links: requests::links(request),
    };
    Ok((StatusCode::ACCEPTED, Json(stopping)).into_response())
}

fn ended(id: RequestId, outcome: &str) -> Problem {
    Problem::new(Code::AlreadyEnded, format!("Run {} has ended already: {outcome}.", id.run()))
        .with("state", outcome)
}

/// What can be decided.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Choice {
    /// The asker confirms.
    Confirm,
    /// Somebody else rejects.
    Reject,
    /// The asker withdraws.
    Cancel,
    /// Somebody else approves; always refused here.
    Approve,
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Decide {
    /// What is decided.
    decision: Choice,
    /// Why.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Decide on a request that waits.
#[utoipa::path(
    post,
    path = "/requests/{id}/decisions",
    tag = "requests",
    operation_id = "decide_request",
    params(("id" = String, Path, description = "Id of the request, or its short id.")),
    request_body = Decide,
    responses((status = 202, description = "The decision was taken in.", body = Stopping), Problems)
)]
async fn decide(
    State(app): State<Shared>,
    caller: Auth<RequestsDecide>,
    Path(id): Path<String>,
    Body(body): Body<Decide>,
) -> Result<Response, Problem> {
    if body.reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        return Err(Problem::invalid("/reason", format!("at most {LONGEST_REASON} characters")));
    }
    match body.decision {
        Choice::Approve => {
            requests::found(&app, &caller, &id).await?;
            let detail = "An approver is a person, never a service. Ask somebody to approve it in chat.";
            Err(Problem::new(Code::NotAllowed, detail))
        }
        Choice::Cancel => {
            caller.needs(Right::RequestsCancel, "")?;
            stop(&app, &caller, &id, body.reason).await
        }
        Choice::Confirm | Choice::Reject => {
            let found = requests::found(&app, &caller, &id).await?;
            let request = found.key.request;
            if let Some(outcome) = requests::ended(&found.events) {
                return Err(ended(request, outcome.as_str()));
            }
            let detail = format!("Run {} waits for no decision.", request.run());
            Err(Problem::new(Code::Conflict, detail))
        }
    }
}
