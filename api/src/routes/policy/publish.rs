//! Putting a policy in force: its files are laid down as a draft, and a worker is asked to publish them, as by the command.
//! Policy decides whether the key may, and the journal has it before it is done.

use adjutant_bus::{
    bundle::{self, Draft, Unpublished},
    wire::Version,
    words,
};
use axum::{
    extract::{DefaultBodyLimit, State},
    http::HeaderMap,
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::files::{BODY, Given};
use crate::{
    app::{App, Shared},
    auth::{Auth, Principal, RequestsSubmit},
    http::{IfMatch, Posted},
    idempotency::Once,
    problem::{Code, Problem, Problems},
    requests::{
        self, Shown,
        submit::{Asked, Wanted},
    },
    routes::requests::submit::{AcceptedRequest, answer, wait},
    scope::Right,
};

/// The command that does it.
const COMMAND: &str = "policy.publish";
/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(publish)).layer(DefaultBodyLimit::max(BODY))
}

/// A policy to be put in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Publication {
    /// Its files.
    files: Given,
    /// Why, one line; everybody reads it in the history.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[!-~][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    reason: String,
}

/// Put a policy in force.
///
/// Asks for the command `policy publish` as the key: the policy in force decides whether it may. With `If-Match`, only if the newest
/// version is this number. Answered like any command.
#[utoipa::path(
    put,
    path = "/policy",
    tag = "policy",
    operation_id = "publish_policy",
    request_body = Publication,
    params(
        ("If-Match" = Option<String>, Header, description = "The number of the version that is to be replaced, as an ETag: `\"3\"`."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!#-~]+$", description = "The same call with the same key is done once."),
        ("Prefer" = Option<String>, Header, description = "`wait=10`: seconds to wait for the end, at most 30."),
    ),
    responses(
        (status = 200, description = "It has ended.", body = Shown),
        (status = 202, description = "It was accepted.", body = AcceptedRequest),
        Problems,
    )
)]
async fn publish(
    State(app): State<Shared>,
    caller: Auth<RequestsSubmit>,
    headers: HeaderMap,
    IfMatch(after): IfMatch,
    once: Once,
    Posted(body, bytes): Posted<Publication>,
) -> Response {
    let (handler, by, wait) = (app.clone(), Principal::clone(&caller), wait(&headers));
    let asked =
        Asked { id: requests::submit::id(&caller, once.key()), fingerprint: once.fingerprint(&bytes) };
    let handle = Box::pin(async move {
        let id = asked.id;
        let wanted = wanted(&handler, &by, body, after).await?;
        requests::submit::request(&handler, &by, asked, wanted).await?;
        Ok(answer(&handler, &by, id, wait).await)
    });
    once.guard(&app, &caller, &bytes, handle).await
}

/// Lays the files down; nothing is submitted yet.
async fn wanted(
    app: &App,
    caller: &Principal,
    body: Publication,
    after: Option<i64>,
) -> Result<Wanted, Problem> {
    caller.needs(Right::RequestsSubmit, COMMAND)?;
    let reason = body.reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(Problem::invalid("/reason", format!("one line of 1 to {LONGEST_REASON} characters")));
    }
    let newest = bundle::newest(&app.bus).await?.and_then(|bundle| i64::try_from(bundle.named.version).ok());
    if after.is_some() && after != newest {
        return Err(Problem::new(
            Code::PreconditionFailed,
            "Another version is the newest; see GET /v1/policy/versions.",
        ));
    }
    let files = body.files.complete(app).await?;
    let sha256 = files.sha256();
    let packed = files.pack().map_err(|why| Problem::invalid("/files", why))?;
    let draft = Draft { v: Version, sha256: sha256.clone(), at: Timestamp::now(), files: packed };
    bundle::upload(&app.bus, &draft).await.map_err(|why| match why {
        Unpublished::Bus(error) => error.into(),
        why => Problem::new(Code::TooLarge, why.to_string()),
    })?;
    let after = after.map_or_else(String::new, |version| format!(" --after={version}"));
    Ok(Wanted {
        line: format!("policy publish {sha256} --reason={}{after}", words::quote(reason)),
        command: COMMAND.to_owned(),
        announce: None,
        labels: "{}".to_owned(),
        deadline: None,
    })
}
