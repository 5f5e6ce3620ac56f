//! What the fake remembers of all that happened.

use std::time::{Duration, Instant};

use serde_json::Value;

/// By which way something was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    Post,
    Ephemeral,
    ResponseUrl,
    File,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Posted {
    pub ts: String,
    pub channel: String,
    pub thread: Option<String>,
    pub text: String,
    pub blocks: Value,
    pub metadata: Value,
    /// Who alone sees it.
    pub only_for: Option<String>,
    pub via: Via,
    /// How often it was edited.
    pub edits: usize,
    pub at: Instant,
}

impl Posted {
    /// The text and all texts in its blocks, for assertions.
    #[must_use]
    pub fn all_text(&self) -> String {
        fn collect(value: &Value, out: &mut String) {
            match value {
                Value::Object(fields) => {
                    for (name, value) in fields {
                        match value {
                            Value::String(text) if name == "text" || name == "url" || name == "value" => {
                                out.push_str(text);
                                out.push(' ');
                            }
                            other => collect(other, out),
                        }
                    }
                }
                Value::Array(all) => all.iter().for_each(|one| collect(one, out)),
                _ => {}
            }
        }
        let mut out = format!("{}\n", self.text);
        collect(&self.blocks, &mut out);
        out
    }
}

/// A call of the Web API.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// Of which workspace the token was; empty for the app-level one.
    pub team: String,
    pub body: Value,
    pub at: Instant,
    /// What was answered: `ok` or the error.
    pub answer: String,
}

/// An acknowledgement, or what stands for it over HTTP.
#[derive(Clone, Debug)]
pub struct Ack {
    pub envelope: String,
    pub kind: String,
    pub latency: Duration,
    pub payload: Value,
}

/// Everything that happened, in order.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub posted: Vec<Posted>,
    pub calls: Vec<Call>,
    pub acks: Vec<Ack>,
    /// What the client did against the rules.
    pub violations: Vec<String>,
    /// Slash commands and clicks that Slack showed as failed to their user.
    pub user_errors: Vec<String>,
    /// `user_id` and view of each `views.publish`.
    pub homes: Vec<(String, Value)>,
    /// Views opened or updated.
    pub views: Vec<Value>,
    /// Name and content of each file that was completed, and where.
    pub files: Vec<(String, String, String)>,
    /// Events that were not acknowledged in spite of all retries.
    pub given_up: Vec<String>,
    /// Deliveries of events, with those repeated.
    pub deliveries: usize,
    /// Most sockets that were open at once.
    pub most_sockets: usize,
}
