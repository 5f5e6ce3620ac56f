//! One entry of the record, and its canonical form, which is what the chain's hash covers.

use jiff::Timestamp;
use serde_json::{Value, json};

/// One entry before it has its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Entry {
    /// Which journal it was copied from; none for what did not come from one.
    pub journal: Option<String>,
    /// Its sequence there.
    pub journal_seq: Option<i64>,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// What happened: `request.started`, `key.created`, …
    pub kind: String,
    /// Who: an actor, `svc:<name>`, or `operator:<user>` for the command line.
    pub actor: String,
    /// By which key, if by one.
    pub key_id: Option<String>,
    /// What it happened to.
    pub target: String,
    /// How it ended, if it ended.
    pub outcome: Option<String>,
    /// Which request.
    pub request_id: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// The details, JSON.
    pub body: String,
}

impl Entry {
    /// An entry about something that happens now.
    #[must_use]
    pub fn now(kind: &str, actor: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            journal: None,
            journal_seq: None,
            at: Timestamp::now().as_millisecond(),
            kind: kind.to_owned(),
            actor: actor.into(),
            key_id: None,
            target: target.into(),
            outcome: None,
            request_id: None,
            ip: None,
            body: "{}".to_owned(),
        }
    }

    /// The same with details.
    #[must_use]
    pub fn with(self, body: &Value) -> Self {
        Self { body: body.to_string(), ..self }
    }

    /// The bytes that the hash covers: one JSON array of all that the entry says, in a fixed order.
    pub(crate) fn canonical(&self, seq: i64) -> Vec<u8> {
        json!([
            seq,
            self.journal,
            self.journal_seq,
            self.at,
            self.kind,
            self.actor,
            self.key_id,
            self.target,
            self.outcome,
            self.request_id,
            self.ip,
            self.body,
        ])
        .to_string()
        .into_bytes()
    }
}
