//! The events of a request: as they happen (server-sent events), or as a list.

use std::{convert::Infallible, sync::Arc, time::Duration};

use adjutant_bus::{ports::Recorded, subject::Journals};
use axum::{
    Extension, Json,
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
    app::{App, Shared},
    auth::{Auth, Lasting, RequestsRead, lacking},
    http::{Exchange, Params},
    live::{MOST, Reader, Stream},
    problem::{Code, Problem, Problems},
    requests::{self, Found},
    scope::Right,
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
    #[param(minimum = 0, maximum = 9_223_372_036_854_775_807_i64)]
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

/// Events so far, at most 4,096 at once.
#[derive(Serialize, ToSchema)]
struct EventList {
    /// In order.
    items: Vec<Happened>,
    /// Whether the request has ended and these are its last. Else there is more, now or later, after the last sequence.
    ended: bool,
}

/// One event of a stream (WHATWG HTML, "Server-sent events"): its fields as they are sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written field by field")]
struct Streamed {
    /// The sequence, from which a later stream can go on.
    id: Option<String>,
    /// The kind of the event, or `problem`, with which a stream ends that cannot go on.
    event: Option<String>,
    /// The event as JSON.
    data: Option<String>,
}

/// What happens to a request.
///
/// A stream of what is there and then of what happens, until it ends, or the key does: then the last event is `problem`. With `Accept: application/json` only what is there.
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
            (Streamed = "text/event-stream"),
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
    Extension(exchange): Extension<Arc<Exchange>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let form = form(&headers)?;
    // One that no event of ours had says nothing (an event source may send an empty one): what is there comes from the beginning.
    let last = headers.get(LAST).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let after = last.or(from.after).unwrap_or(0);
    if i64::try_from(after).is_err() {
        return Err(Problem::invalid("after", "no sequence is that high"));
    }
    let found = requests::found(&app, &caller, &id).await?;
    if form == Form::List {
        return Ok(Json(so_far(&app, found, after).await?).into_response());
    }
    let over =
        requests::ended(&found.events).is_some() && found.events.iter().all(|event| event.sequence <= after);
    let place = app.live.stream(&caller.key_id)?;
    let reader = (!over).then(|| app.live.read(&app.bus, found.key, after));
    let streaming = Streaming { reader, lasting: Lasting::new(&app, &exchange)?, own: found.own, place };
    let events = stream::unfold(streaming, Streaming::next);
    let beat = KeepAlive::new().interval(BEAT);
    let mut response = Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(beat).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// What is there after a sequence, at most a page of it.
async fn so_far(app: &App, found: Found, after: u64) -> Result<EventList, Problem> {
    let end = found.events.iter().find(|event| event.event.fact.end().is_some()).map(|event| event.sequence);
    let events = app.bus.journal.read(&Journals::Request(found.key), after, MOST).await?;
    let last = events.last().map_or(after, |event| event.sequence);
    let ended = requests::ended(&events).is_some() || end.is_some_and(|end| end <= last);
    Ok(EventList { items: events.iter().map(happened).collect(), ended })
}

/// A stream under way.
struct Streaming {
    /// None: nothing comes any more.
    reader: Option<Reader>,
    lasting: Lasting,
    /// Whether the caller's service asked for the request: else reading it needs the right to read the record.
    own: bool,
    place: Stream,
}

impl Streaming {
    async fn next(mut self) -> Option<(Event, Self)> {
        loop {
            let mut reader = self.reader.take()?;
            if self.lasting.is_due()
                && let Err(problem) = self.look().await
            {
                // Without a reader it is the last.
                return Some((last(problem), self));
            }
            let next = tokio::select! {
                next = reader.next() => Some(next),
                () = self.lasting.due() => None,
                () = self.place.closing() => return None,
            };
            match next {
                Some(Ok(Some(event))) => {
                    self.reader = Some(reader);
                    return Some((sent(&event), self));
                }
                Some(Ok(None)) => return None,
                Some(Err(error)) => {
                    tracing::warn!(%error, "a stream of events ends; its reader may resume");
                    return None;
                }
                None => self.reader = Some(reader),
            }
        }
    }

    /// Whether the caller may read it still.
    async fn look(&mut self) -> Result<(), Problem> {
        let caller = self.lasting.look().await?;
        if !caller.scopes.admit_some(Right::RequestsRead) {
            return Err(lacking(Right::RequestsRead));
        }
        if self.own || requests::everything(&caller) { Ok(()) } else { Err(Problem::not_found("request")) }
    }
}

/// Why nothing more is told.
fn last(problem: Problem) -> Event {
    let data = serde_json::to_string(&problem.body()).unwrap_or_default();
    Event::default().event("problem").data(data)
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
