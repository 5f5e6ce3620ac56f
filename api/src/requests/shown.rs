//! What is told of a request: everything that its journal says, without the short-lived addresses of chat platforms.

use adjutant_bus::{
    event::{Event, Fact, Outcome},
    id::RequestId,
    ports::Recorded,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{find::Found, rows::time};
use crate::problem::{Code, Problem};

/// Where more is told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Links {
    /// The request.
    #[serde(rename = "self")]
    own: String,
    /// Its events.
    events: String,
    /// Asks it to stop.
    cancel: String,
}

/// The links of a request.
pub(crate) fn links(id: RequestId) -> Links {
    let own = format!("/v1/requests/{id}");
    Links { events: format!("{own}/events"), cancel: format!("{own}/cancel"), own }
}

/// A request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Request)]
pub(crate) struct Shown {
    /// Id of the request.
    id: String,
    /// The short id that people see.
    run_id: String,
    /// `submitted`, `not_accepted`, `accepted`, `held`, `started`, or how it ended: `refused`, `rejected`, `succeeded`,
    /// `failed`, `timed_out`, `cancelled`, `expired`, `interrupted`.
    state: String,
    /// Who asked: `svc:<name>`, or platform, tenant and user.
    actor: String,
    /// Where it was asked: platform, tenant, channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// The command, with dots; empty while it is not known.
    command: String,
    /// The line, secret values redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The arguments as they were understood, secret values redacted.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Value::is_null")]
    arguments: Value,
    /// What policy said, and by which row of which version.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Value::is_null")]
    decision: Value,
    /// How many workers have begun it.
    attempts: usize,
    /// When it came in.
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    /// When it started.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
    /// How far it is: the last sign of life.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Value::is_null")]
    progress: Value,
    /// What it waits for, while it is held.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Value::is_null")]
    hold: Value,
    /// The final answer.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Value::is_null")]
    reply: Value,
    /// Why it was refused: `code`, `what`, `next`.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Value::is_null")]
    refusal: Value,
    /// Under which id operators find a fault in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<String>,
    /// The destination at which its outcome is announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    announce: Option<String>,
    /// The caller's own labels.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    labels: Value,
    /// Where more is told.
    links: Links,
}

/// The state after a fact; none: as before.
pub(super) const fn state(fact: &Fact) -> Option<&'static str> {
    match fact {
        Fact::Claimed => Some("accepted"),
        Fact::Held { .. } => Some("held"),
        Fact::Started | Fact::Resumed | Fact::Progress { .. } => Some("started"),
        Fact::CancelRequested { .. } => None,
        ending => match ending.end() {
            Some((outcome, _)) => Some(outcome.as_str()),
            None => None,
        },
    }
}

/// How a journal has ended, if it has.
pub(crate) fn ended(events: &[Recorded]) -> Option<Outcome> {
    events.iter().find_map(|event| event.event.fact.end()).map(|(outcome, _)| outcome)
}

/// An event as the wire has it, without the answer address.
pub(crate) fn event(event: &Event) -> Value {
    let mut value = json!(event);
    let place = value.get_mut("opening").and_then(|o| o.get_mut("request")).and_then(|r| r.get_mut("place"));
    if let Some(place) = place.and_then(Value::as_object_mut) {
        place.remove("answer");
    }
    if let Some(request) = value.pointer_mut("/opening/request").and_then(Value::as_object_mut) {
        request.remove("raw");
    }
    value
}

impl From<&Found> for Shown {
    fn from(found: &Found) -> Self {
        let id = found.key.request;
        let row = found.row.as_ref();
        let mut shown = Self {
            id: id.to_string(),
            run_id: id.run().to_string(),
            state: row.map_or_else(|| "accepted".to_owned(), |row| row.state.clone()),
            actor: row.map_or_else(String::new, |row| match (&row.service, row.platform.as_str()) {
                (Some(service), "api") => format!("svc:{service}"),
                _ => row.actor.clone(),
            }),
            place: None,
            command: row.map_or_else(String::new, |row| row.command.clone()),
            text: None,
            arguments: Value::Null,
            decision: Value::Null,
            attempts: 0,
            created_at: row.and_then(|row| time(row.created_at)),
            started_at: None,
            ended_at: None,
            progress: Value::Null,
            hold: Value::Null,
            reply: Value::Null,
            refusal: Value::Null,
            incident: None,
            announce: row.and_then(|row| row.announce.clone()),
            labels: row.and_then(|row| serde_json::from_str(&row.labels).ok()).unwrap_or_else(|| json!({})),
            links: links(id),
        };
        for event in &found.events {
            shown.take(&event.event);
        }
        shown
    }
}

impl Shown {
    fn take(&mut self, event: &Event) {
        if let Some(opening) = &event.opening {
            let request = &opening.request;
            self.actor = who(&request.actor);
            self.place = Some(request.place.to_string());
            self.text = Some(request.text.clone());
            self.created_at = Some(request.received_at);
            if let Some(invocation) = &opening.invocation {
                self.command = invocation.path.dotted();
                self.arguments = json!(invocation.arguments);
            }
            self.decision = opening.authorization.as_ref().map_or(Value::Null, |decision| json!(decision));
        }
        if let Some(state) = state(&event.fact) {
            state.clone_into(&mut self.state);
            self.hold = Value::Null;
        }
        match &event.fact {
            Fact::Started | Fact::Resumed => {
                self.attempts += 1;
                self.started_at.get_or_insert(event.at);
            }
            Fact::Progress { progress } => self.progress = json!(progress),
            Fact::Held { hold, .. } => self.hold = json!(hold),
            Fact::Refused { refusal, .. } => self.refusal = json!(refusal),
            Fact::Failed { incident, .. } => self.incident.clone_from(incident),
            _ => {}
        }
        if let Some((_, reply)) = event.fact.end() {
            self.reply = json!(reply);
            self.ended_at = Some(event.at);
        }
    }

    /// How it stands.
    pub(crate) fn state(&self) -> &str {
        &self.state
    }

    /// A refusal as a problem, for who has waited for the end.
    pub(crate) fn refused(&self) -> Option<Problem> {
        let told = |name| self.refusal.get(name).and_then(Value::as_str).unwrap_or_default();
        if self.refusal.is_null() {
            return None;
        }
        let code = match told("code") {
            "not_allowed" | "wrong_place" | "unidentified" => Code::NotAllowed,
            _ => Code::Refused,
        };
        let mut problem =
            Problem::new(code, format!("{}. {}", told("what").trim_end_matches('.'), told("next")))
                .with("request_id", self.id.clone())
                .with("run_id", self.run_id.clone())
                .with("refusal", told("code"))
                .with("what", told("what"))
                .with("next", told("next"));
        if let Some(policy) = self.decision.get("policy") {
            problem = problem.with("policy_version", policy.clone());
        }
        Some(problem)
    }
}

/// Who asked, as it is told over HTTP.
fn who(actor: &adjutant_bus::actor::Actor) -> String {
    match actor.platform {
        adjutant_bus::actor::Platform::Api => format!("svc:{}", actor.user),
        _ => actor.to_string(),
    }
}
