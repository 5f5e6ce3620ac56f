//! CloudEvents 1.0 over HTTP: structured, binary and batched. Every event is posted, of whatever type: a destination that wants
//! only some of them filters at the sender. The id is source and id together, which the specification promises to be unique.

use adjutant_bus::announcement::Severity;
use axum::http::HeaderMap;
use serde_json::Value;

use super::{
    Delivery, HookError, Kind,
    draft::{self, Draft},
    form,
    node::{self, Node},
};

/// How many events a batch may hold.
const BATCH: usize = 50;
const DATA_CHARS: usize = 1000;

pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Delivery>, HookError> {
    match form::media_type(headers).as_str() {
        "application/cloudevents-batch+json" => batch(body),
        media if media.starts_with("application/cloudevents") && media != "application/cloudevents+json" => {
            Err(HookError::Header { name: "Content-Type", expected: "the JSON format of CloudEvents" })
        }
        media if headers.contains_key("ce-specversion") && media != "application/cloudevents+json" => {
            Ok(vec![binary(headers, body)?])
        }
        _ => {
            let value = node::parse(body)?;
            Ok(vec![structured(&Node::root(&value)?)?])
        }
    }
}

fn batch(body: &[u8]) -> Result<Vec<Delivery>, HookError> {
    let value = node::parse(body)?;
    let events = value.as_array().ok_or_else(|| HookError::Unfit {
        pointer: String::new(),
        expected: "an array",
        found: Some(Kind::of(&value)),
    })?;
    if events.len() > BATCH {
        return Err(HookError::TooMany { pointer: String::new(), limit: BATCH });
    }
    events.iter().enumerate().map(|(index, event)| structured(&Node::item(event, index)?)).collect()
}

/// The attributes that are read.
struct Event<'a> {
    id: &'a str,
    source: &'a str,
    kind: &'a str,
    subject: Option<&'a str>,
}

fn structured(node: &Node<'_>) -> Result<Delivery, HookError> {
    if node.needed_text("specversion")? != "1.0" {
        let version = node.get("specversion");
        return Err(version.map_or_else(|| node.unfit("`1.0`"), |version| version.unfit("`1.0`")));
    }
    let event = Event {
        id: node.needed_text("id")?,
        source: node.needed_text("source")?,
        kind: node.needed_text("type")?,
        subject: node.text("subject")?,
    };
    let unread = node.text("data_base64")?.map(|_| "The event's data is binary.");
    Ok(event.delivery(node.get("data").map(|data| data.value()), unread))
}

fn binary(headers: &HeaderMap, body: &[u8]) -> Result<Delivery, HookError> {
    let attribute = |name: &'static str, expected| {
        let value =
            headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).map(decoded);
        value.filter(|value| !value.is_empty()).ok_or(HookError::Header { name, expected })
    };
    if attribute("ce-specversion", "`1.0`")? != "1.0" {
        return Err(HookError::Header { name: "ce-specversion", expected: "`1.0`" });
    }
    let (id, source, kind) = (
        attribute("ce-id", "the event's id")?,
        attribute("ce-source", "the event's source")?,
        attribute("ce-type", "the event's type")?,
    );
    let subject = attribute("ce-subject", "the event's subject").ok();
    let event = Event { id: &id, source: &source, kind: &kind, subject: subject.as_deref() };
    let media = form::media_type(headers);
    if body.is_empty() {
        return Ok(event.delivery(None, None));
    }
    if media.is_empty() || media == "application/json" || media.ends_with("+json") {
        return Ok(event.delivery(Some(&node::parse(body)?), None));
    }
    match std::str::from_utf8(body) {
        Ok(text) if media.starts_with("text/") || media.ends_with("xml") => {
            Ok(event.delivery(Some(&Value::from(draft::lines(text, DATA_CHARS))), None))
        }
        _ => Ok(event.delivery(None, Some("The event's data is binary."))),
    }
}

impl Event<'_> {
    fn delivery(&self, data: Option<&Value>, unread: Option<&str>) -> Delivery {
        let title = match self.subject.filter(|subject| !subject.is_empty()) {
            Some(subject) => format!("{}: {subject}", draft::line(self.kind, 100)),
            None => self.kind.to_owned(),
        };
        let mut draft = Draft::new(&title, Severity::Info);
        draft.field("Source", self.source);
        match data {
            Some(Value::Object(members)) => {
                for (name, value) in members {
                    if let Some(value) = node::scalar(value) {
                        draft.field(name, &value);
                    }
                }
            }
            Some(Value::Array(items)) => draft.text(&format!("{} items", items.len())),
            Some(value) => {
                draft.text(&draft::lines(&node::scalar(value).unwrap_or_default(), DATA_CHARS));
            }
            None => draft.text(unread.unwrap_or_default()),
        }
        let id = draft::key(&format!("{} {}", self.source, self.id));
        Delivery { id: Some(id), message: draft.finish() }
    }
}

/// A header's value, percent-decoded (HTTP protocol binding 1.0, §3.1.3.2).
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digits = (ahead.next().and_then(digit), ahead.next().and_then(digit));
        if let (b'%', (Some(high), Some(low))) = (byte, digits) {
            bytes.push(high << 4 | low);
            rest = ahead;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
