//! From an event of a request's journal to an entry of the record. Who asked and for what stands only in the first event; for the
//! others it is remembered, or read from the record.

use adjutant_bus::{
    actor::{Actor, Platform},
    event::{Event, Fact},
    ports::Recorded,
};
use quick_cache::unsync::Cache;
use serde_json::Value;

use super::Entry;
use crate::store::{StoreError, Tx, fetching};

pub(crate) const OPENING: &str = "SELECT actor, key_id, target FROM audit_entries WHERE request_id = $1 AND journal = $2 \
     ORDER BY seq LIMIT 1";

/// Requests remembered.
const REMEMBERED: usize = 4_096;
/// Most characters of a text that was not understood.
const LONGEST_TARGET: usize = 500;
/// Who writes about the journal itself.
pub(super) const OURSELVES: &str = "adjutant";

/// Who asked, and for what.
#[derive(Clone, sqlx::FromRow)]
struct Asked {
    actor: String,
    key_id: Option<String>,
    target: String,
}

/// Makes entries of the events of one journal.
pub(super) struct Entries {
    journal: String,
    asked: Cache<String, Asked>,
}

impl Entries {
    /// Of the journal with this identity.
    pub(super) fn of(journal: &str) -> Self {
        Self { journal: journal.to_owned(), asked: Cache::new(REMEMBERED) }
    }

    /// The event as an entry.
    pub(super) async fn entry(&mut self, tx: &mut Tx, recorded: &Recorded) -> Result<Entry, StoreError> {
        let event = &recorded.event;
        let request = recorded.key.request.to_string();
        let asked = match opened(event) {
            Some(asked) => asked,
            None => self.remembered(tx, recorded, &request).await?,
        };
        self.asked.insert(request.clone(), asked.clone());
        let body = body(event)?;
        let kind = body.get("type").and_then(Value::as_str).unwrap_or("unknown");
        let by = decider(&event.fact).map(shown);
        let (actor, key_id) = by.unwrap_or((asked.actor, asked.key_id));
        Ok(Entry {
            journal: Some(self.journal.clone()),
            journal_seq: Some(number(recorded.sequence)?),
            at: event.at.as_millisecond(),
            kind: format!("request.{kind}"),
            actor,
            key_id,
            target: asked.target,
            outcome: event.fact.end().map(|(outcome, _)| outcome.as_str().to_owned()),
            request_id: Some(request),
            ip: None,
            body: body.to_string(),
        })
    }

    /// An entry that says that these events of the journal cannot be had: removed before they were copied, or unreadable.
    pub(super) fn gap(&self, from: i64, to: i64) -> Entry {
        let body = serde_json::json!({ "from": from, "to": to });
        Entry {
            journal: Some(self.journal.clone()),
            journal_seq: Some(to),
            ..Entry::now("journal.gap", OURSELVES, self.journal.clone()).with(&body)
        }
    }

    async fn remembered(&self, tx: &mut Tx, recorded: &Recorded, request: &str) -> Result<Asked, StoreError> {
        if let Some(asked) = self.asked.get(request) {
            return Ok(asked.clone());
        }
        let kept = fetching!(tx, at => sqlx::query_as::<_, Asked>(OPENING)
            .bind(request)
            .bind(&self.journal)
            .fetch_optional(at))?;
        // Its first event may be older than the record is kept.
        Ok(kept.unwrap_or_else(|| {
            let origin = &recorded.key.origin;
            Asked {
                actor: format!("{}:{}/-", origin.platform, origin.tenant),
                key_id: None,
                target: "-".to_owned(),
            }
        }))
    }
}

/// Who asked and for what, if this is the first event.
fn opened(event: &Event) -> Option<Asked> {
    let opening = event.opening.as_deref()?;
    let (actor, key_id) = shown(&opening.request.actor);
    let target = match &opening.invocation {
        Some(invocation) => invocation.path.to_string(),
        None => opening.request.text.chars().take(LONGEST_TARGET).collect(),
    };
    Some(Asked { actor, key_id, target })
}

/// Who did it, where it was not who asked.
const fn decider(fact: &Fact) -> Option<&Actor> {
    match fact {
        Fact::CancelRequested { by } | Fact::Rejected { by, .. } | Fact::Cancelled { by: Some(by), .. } => {
            Some(by)
        }
        _ => None,
    }
}

/// An actor as the record shows it, and the key if it used one.
fn shown(actor: &Actor) -> (String, Option<String>) {
    match actor.platform {
        Platform::Api => (format!("svc:{}", actor.user), Some(actor.tenant.to_string())),
        Platform::Service => (format!("svc:{}", actor.user), None),
        Platform::Slack | Platform::Discord | Platform::Console => (actor.to_string(), None),
    }
}

/// The event without answer addresses.
fn body(event: &Event) -> Result<Value, StoreError> {
    let written = serde_json::to_value(event);
    let mut body =
        written.map_err(|error| StoreError::Fault(format!("an event cannot be written: {error}")))?;
    forget_answers(&mut body);
    Ok(body)
}

/// Removes every member `answer` but those of a command's own arguments.
fn forget_answers(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("answer");
            let others = members.iter_mut().filter(|(name, _)| *name != "arguments");
            others.for_each(|(_, member)| forget_answers(member));
        }
        Value::Array(items) => items.iter_mut().for_each(forget_answers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A sequence as the database keeps it.
pub(super) fn number(sequence: u64) -> Result<i64, StoreError> {
    i64::try_from(sequence)
        .map_err(|_| StoreError::Fault("a sequence of the journal is too large".to_owned()))
}
