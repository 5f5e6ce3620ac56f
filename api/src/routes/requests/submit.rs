//! Commands are asked for: by a line or by arguments, answered at once or at their end.

use std::{collections::BTreeMap, time::Duration};

use adjutant_bus::{destination, id::RequestId, words::MOST_CHARACTERS};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::{
    app::{App, Shared},
    auth::{Auth, Principal, RequestsSubmit},
    catalogue::{self, Catalogue},
    http::{self, Posted},
    idempotency::Once,
    problem::{Problem, Problems},
    requests::{
        self, Found, Links, Shown,
        submit::{Asked, Wanted},
    },
    scope::Right,
};

/// Longest wait.
const LONGEST_WAIT: u64 = 30;
/// Bounds of labels.
const MOST_LABELS: usize = 16;
const LONGEST_NAME: usize = 63;
const LONGEST_VALUE: usize = 255;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What to run: either `text`, or `command` with `args`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Submit {
    /// The line as a person would type it.
    #[schema(min_length = 1, max_length = 4000)]
    text: Option<String>,
    /// Name of a command, with dots or blanks.
    #[schema(min_length = 1, max_length = 200)]
    command: Option<String>,
    /// Its arguments by name, as the catalogue describes them.
    #[schema(value_type = Option<Object>)]
    args: Option<Map<String, Value>>,
    /// A destination at which the outcome is announced; needs the scope `notify:send` over it.
    #[schema(pattern = "^[a-z][a-z0-9-]{0,62}$")]
    announce: Option<String>,
    /// When nobody waits any more: it does not start later.
    #[schema(value_type = Option<String>, format = DateTime)]
    deadline: Option<Timestamp>,
    /// The caller's own labels.
    #[serde(default)]
    #[schema(schema_with = described)]
    labels: BTreeMap<String, String>,
}

/// Labels of a request.
fn described() -> utoipa::openapi::schema::Object {
    let told = "The caller's own labels: at most 16, names of 1 to 63 characters, values of at most 255.";
    http::labels(told, MOST_LABELS, 1..=LONGEST_NAME, LONGEST_VALUE)
}

/// A request that was accepted.
#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct AcceptedRequest {
    /// Id of the request.
    id: String,
    /// The short id that people see.
    run_id: String,
    /// `accepted`, or how it stands by now.
    state: String,
    /// Where more is told.
    links: Links,
}

/// Run a command.
///
/// Answered as soon as the bus has accepted it; with `Prefer: wait=10` when it has ended, if it does so in time.
#[utoipa::path(
    post,
    path = "/requests",
    tag = "requests",
    operation_id = "submit_request",
    request_body = Submit,
    params(
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!#-~]+$", description = "The same call with the same key is done once."),
        ("Prefer" = Option<String>, Header, description = "`wait=10`: seconds to wait for the end, at most 30."),
    ),
    responses(
        (status = 200, description = "It has ended.", body = Shown),
        (status = 202, description = "It was accepted.", body = AcceptedRequest),
        Problems,
    )
)]
pub(super) async fn submit(
    State(app): State<Shared>,
    caller: Auth<RequestsSubmit>,
    headers: HeaderMap,
    once: Once,
    Posted(body, bytes): Posted<Submit>,
) -> Response {
    let (handler, by, wait) = (app.clone(), Principal::clone(&caller), wait(&headers));
    let asked =
        Asked { id: requests::submit::id(&caller, once.key()), fingerprint: once.fingerprint(&bytes) };
    let handle = Box::pin(async move { handled(&handler, &by, asked, body, wait).await });
    once.guard(&app, &caller, &bytes, handle).await
}

async fn handled(
    app: &App,
    caller: &Principal,
    asked: Asked,
    body: Submit,
    wait: Option<Duration>,
) -> Result<Response, Problem> {
    let wanted = wanted(app, caller, body).await?;
    let id = asked.id;
    requests::submit::request(app, caller, asked, wanted).await?;
    Ok(answer(app, caller, id, wait).await)
}

/// That it was accepted; or its end, if somebody waits for it and it comes in time.
pub(in crate::routes) async fn answer(
    app: &App,
    caller: &Principal,
    id: RequestId,
    wait: Option<Duration>,
) -> Response {
    if let Some(wait) = wait
        && let Some(response) = ended(app, caller, id, wait).await
    {
        return response;
    }
    let accepted = AcceptedRequest {
        id: id.to_string(),
        run_id: id.run().to_string(),
        state: "accepted".to_owned(),
        links: requests::links(id),
    };
    (StatusCode::ACCEPTED, [location(id)], Json(accepted)).into_response()
}

fn location(id: RequestId) -> (HeaderName, String) {
    (header::LOCATION, format!("/v1/requests/{id}"))
}

/// Checks what is asked for; nothing is submitted yet.
async fn wanted(app: &App, caller: &Principal, body: Submit) -> Result<Wanted, Problem> {
    let known = Catalogue::new(app.specs.borrow().clone());
    let (line, command) = match (body.text, body.command) {
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid("", "either `text`, or `command` with `args`"));
        }
        (Some(_), None) if body.args.is_some() => {
            return Err(Problem::invalid("/args", "only with `command`; a `text` has its arguments within"));
        }
        (Some(text), None) => {
            if text.trim().is_empty() || text.chars().count() > MOST_CHARACTERS {
                return Err(Problem::invalid("/text", format!("1 to {MOST_CHARACTERS} characters")));
            }
            let command = known.of_line(&text).map(|spec| spec.path.dotted()).unwrap_or_default();
            (text, command)
        }
        (None, Some(name)) => {
            let spec = known.named(&name).ok_or_else(|| {
                Problem::invalid("/command", "no command of this name is known; see GET /v1/commands")
            })?;
            let arguments = catalogue::check(spec, body.args.unwrap_or_default())?;
            (catalogue::line_of(spec, &arguments)?, spec.path.dotted())
        }
    };
    caller.needs(Right::RequestsSubmit, &command)?;
    if body.deadline.is_some_and(|at| at <= Timestamp::now()) {
        return Err(Problem::invalid("/deadline", "it is over already"));
    }
    if let Some(name) = &body.announce {
        if !destination::is_name(name) {
            return Err(Problem::invalid("/announce", "this is no name of a destination"));
        }
        caller.needs(Right::NotifySend, name)?;
        if destination::load(&app.bus, name).await?.is_none() {
            return Err(Problem::invalid("/announce", "there is no such destination"));
        }
    }
    Ok(Wanted {
        line,
        command,
        announce: body.announce,
        labels: labels(&body.labels)?,
        deadline: body.deadline,
    })
}

fn labels(labels: &BTreeMap<String, String>) -> Result<String, Problem> {
    let good = |(name, value): (&String, &String)| {
        (1..=LONGEST_NAME).contains(&name.chars().count())
            && value.chars().count() <= LONGEST_VALUE
            && !name.chars().chain(value.chars()).any(char::is_control)
    };
    if labels.len() > MOST_LABELS || !labels.iter().all(good) {
        let detail = format!(
            "at most {MOST_LABELS}, names of 1 to {LONGEST_NAME} characters, values of at most {LONGEST_VALUE}, no \
             control characters"
        );
        return Err(Problem::invalid("/labels", detail));
    }
    serde_json::to_string(labels).map_err(|error| Problem::fault(&error))
}

/// How long the caller prefers to wait (RFC 7240 §4.3). What cannot be understood is passed over, as that RFC has it.
pub(in crate::routes) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let given = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let seconds = given.flat_map(|value| value.split([',', ';'])).find_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("wait")
            .then_some(value.trim().trim_matches('"').parse::<u64>().ok()?)
    })?;
    (seconds > 0).then(|| Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

/// The answer once it has ended; none when it has not in time, or nobody can tell.
async fn ended(app: &App, caller: &Principal, id: RequestId, wait: Duration) -> Option<Response> {
    let key = adjutant_bus::subject::JournalKey {
        origin: adjutant_bus::subject::Origin::of(&caller.actor()),
        request: id,
    };
    let until = Instant::now() + wait;
    let mut reader = app.live.read(&app.bus, key.clone(), 0);
    let mut events = Vec::new();
    while let Ok(Ok(Some(event))) = tokio::time::timeout_at(until, reader.next()).await {
        requests::keep(&mut events, event);
    }
    requests::ended(&events)?;
    let shown = Shown::from(&Found { key, events, own: true, row: None });
    let mut response = match shown.refused() {
        Some(problem) => problem.into_response(),
        None => (StatusCode::OK, [location(id)], Json(shown)).into_response(),
    };
    response.headers_mut().insert(APPLIED, HeaderValue::from_static("wait"));
    Some(response)
}
