//! The events of a request: as they happen (server-sent events), or as a list.

use std::{convert::Infallible, time::Duration};

use adjutant_bus::ports::Recorded;
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::Shared,
    auth::{Auth, RequestsRead},
    http::Params,
    problem::{Code, Problem, Problems},
    requests,
};

/// A comment keeps the connection of a stream that says nothing.
const BEAT: Duration = Duration::from_secs(15);
const LAST: HeaderName = HeaderName::from_static("last-event-id");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(events))
}

/// From where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct From {
    /// Only events after this sequence. The header `Last-Event-ID` says the same and counts first.
    #[param(minimum = 0)]
    after: Option<u64>,
}

/// An event with its place in the journal.
#[derive(Serialize, ToSchema)]
struct Happened {
    /// Its sequence in the journal.
    sequence: u64,
    /// What happened: `claimed`, `started`, `progress`, `succeeded`, …
    #[serde(rename = "type")]
    kind: String,
    /// The event as the wire has it.
    #[schema(value_type = Object)]
    event: Value,
}

/// Events so far.
#[derive(Serialize, ToSchema)]
struct EventList {
    /// In order.
    items: Vec<Happened>,
    /// Whether the request has ended, so that no more come.
    ended: bool,
}

/// What happens to a request.
///
/// A stream of what is there and then of what happens, until it ends. With `Accept: application/json` only what is there.
#[utoipa::path(
    get,
    path = "/requests/{id}/events",
    tag = "requests",
    operation_id = "request_events",
    params(
        ("id" = String, Path, description = "Id of the request, or its short id."),
        From,
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was received."),
    ),
    responses(
        (status = 200, description = "The events.", content(
            (String = "text/event-stream"),
            (EventList = "application/json"),
        )),
        Problems,
    )
)]
async fn events(
    State(app): State<Shared>,
    caller: Auth<RequestsRead>,
    Path(id): Path<String>,
    Params(from): Params<From>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let form = form(&headers)?;
    // One that no event of ours had says nothing (an event source may send an empty one): what is there comes from the beginning.
    let last = headers.get(LAST).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let after = last.or(from.after).unwrap_or(0);
    let found = requests::found(&app, &caller, &id).await?;
    let ended = requests::ended(&found.events).is_some();
    if form == Form::List {
        let items = found.events.iter().filter(|event| event.sequence > after).map(happened).collect();
        return Ok(Json(EventList { items, ended }).into_response());
    }
    let over = ended && found.events.iter().all(|event| event.sequence <= after);
    let place = app.live.stream(&caller.key_id)?;
    let reader = (!over).then(|| app.live.read(&app.bus, found.key, after));
    let events = stream::unfold((reader, place), |(reader, place)| async move {
        let mut reader = reader?;
        let next = tokio::select! {
            next = reader.next() => next,
            () = place.closing() => return None,
        };
        match next {
            Ok(Some(event)) => Some((sent(&event), (Some(reader), place))),
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, "a stream of events ends; its reader may resume");
                None
            }
        }
    });
    let beat = KeepAlive::new().interval(BEAT);
    let mut response = Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(beat).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

#[derive(PartialEq, Eq)]
enum Form {
    Stream,
    List,
}

/// The form that the caller accepts; a stream when it does not care.
fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let Some(accept) = headers.get(header::ACCEPT) else { return Ok(Form::Stream) };
    let accept = accept.to_str().unwrap_or_default().to_ascii_lowercase();
    let kinds: Vec<&str> =
        accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim()).collect();
    let has = |kind: &str| kinds.contains(&kind);
    if has("text/event-stream") {
        Ok(Form::Stream)
    } else if has("application/json") || has("application/*") {
        Ok(Form::List)
    } else if has("*/*") || has("text/*") || accept.trim().is_empty() {
        Ok(Form::Stream)
    } else {
        Err(Problem::new(Code::NotAcceptable, "Accept `text/event-stream` or `application/json`."))
    }
}

fn happened(recorded: &Recorded) -> Happened {
    let event = requests::event(&recorded.event);
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    Happened { sequence: recorded.sequence, kind, event }
}

fn sent(recorded: &Recorded) -> Event {
    let happened = happened(recorded);
    Event::default().id(happened.sequence.to_string()).event(happened.kind).data(happened.event.to_string())
}
