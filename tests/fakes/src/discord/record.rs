//! What the fake remembers of all that happened.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::Value;

/// By which way something was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// `POST /channels/{channel_id}/messages`.
    Channel,
    /// The first answer to an interaction, at once or after a deferral.
    Answer,
    /// A further answer.
    FollowUp,
    /// A person wrote it.
    Person,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub id: String,
    pub name: String,
    pub content: Vec<u8>,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Posted {
    pub id: String,
    pub channel: String,
    pub author: String,
    pub content: String,
    pub embeds: Value,
    pub components: Value,
    pub flags: u64,
    /// Who alone sees it.
    pub only_for: Option<String>,
    pub files: Vec<File>,
    /// How often it was edited.
    pub edited: usize,
    /// The message that it replies to.
    pub reference: Option<String>,
    pub nonce: Option<String>,
    /// The interaction that it answers.
    pub interaction: Option<String>,
    pub via: Via,
    /// Emojis, and who reacted.
    pub reactions: Vec<(String, String)>,
    /// The body of the last request that wrote it.
    pub body: Value,
    pub at: Instant,
}

impl Posted {
    /// The content and all texts in embeds and components, for assertions.
    #[must_use]
    pub fn texts(&self) -> String {
        const SHOWN: &[&str] =
            &["title", "description", "name", "value", "text", "content", "label", "placeholder", "url"];
        fn collect(value: &Value, out: &mut String) {
            match value {
                Value::Object(fields) => {
                    for (name, value) in fields {
                        match value {
                            Value::String(text) if SHOWN.contains(&name.as_str()) => {
                                out.push('\n');
                                out.push_str(text);
                            }
                            other => collect(other, out),
                        }
                    }
                }
                Value::Array(all) => all.iter().for_each(|one| collect(one, out)),
                _ => {}
            }
        }
        let mut out = self.content.clone();
        collect(&self.embeds, &mut out);
        collect(&self.components, &mut out);
        out
    }

    /// The `custom_id`s of its components.
    #[must_use]
    pub fn custom_ids(&self) -> Vec<String> {
        fn collect(value: &Value, out: &mut Vec<String>) {
            match value {
                Value::Object(fields) => {
                    out.extend(fields.get("custom_id").and_then(Value::as_str).map(str::to_owned));
                    fields.values().for_each(|one| collect(one, out));
                }
                Value::Array(all) => all.iter().for_each(|one| collect(one, out)),
                _ => {}
            }
        }
        let mut out = Vec::new();
        collect(&self.components, &mut out);
        out
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// What came after `/api/v10`.
    pub path: String,
    /// Method and path template, as in `POST /channels/{channel_id}/messages`; empty if there is none.
    pub route: String,
    pub body: Value,
    /// `authorization`, `user-agent`, `content-type`, `x-audit-log-reason`.
    pub headers: BTreeMap<String, String>,
    pub at: Instant,
    /// What was answered; 0 if nothing was.
    pub status: u16,
    /// Discord's code of the error, if it was one.
    pub code: u64,
    /// The scope of a 429.
    pub scope: String,
    pub took: Duration,
}

/// An answer to an interaction, good or not.
#[derive(Clone, Debug)]
pub struct Callback {
    pub interaction: String,
    /// The callback's type.
    pub kind: u64,
    pub data: Value,
    /// Since the delivery of the interaction.
    pub after: Duration,
    /// Discord's code if it was refused.
    pub refused: Option<u64>,
    /// It came as the answer to a signed POST.
    pub by_http: bool,
}

/// An IDENTIFY.
#[derive(Clone, Debug)]
pub struct Identify {
    pub at: Instant,
    pub intents: u64,
    pub shard: (u64, u64),
    pub properties: Value,
    /// The close code, or 9 for op 9; none if it was taken.
    pub refused: Option<u16>,
}

/// A RESUME.
#[derive(Clone, Debug)]
pub struct Resume {
    pub at: Instant,
    pub session: String,
    pub seq: u64,
    /// On which path it came.
    pub path: String,
    /// The close code, or 9 for op 9; none if it was taken.
    pub refused: Option<u16>,
    /// How many events were replayed.
    pub replayed: usize,
}

/// The end of a socket.
#[derive(Clone, Debug)]
pub struct Closed {
    pub socket: u64,
    pub at: Instant,
    /// The client ended it.
    pub by_client: bool,
    /// None: without a close frame, or with one that has no code.
    pub code: Option<u16>,
}

/// Everything that happened, in order.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub calls: Vec<Call>,
    /// What the bot wrote.
    pub posted: Vec<Posted>,
    /// What people wrote.
    pub said: Vec<Posted>,
    pub callbacks: Vec<Callback>,
    /// Interactions that their user saw fail after three seconds.
    pub unanswered: Vec<String>,
    /// When and on which path a socket was opened.
    pub connections: Vec<(Instant, String)>,
    pub identifies: Vec<Identify>,
    pub resumes: Vec<Resume>,
    /// When, on which socket, with which sequence.
    pub heartbeats: Vec<(Instant, u64, Option<u64>)>,
    pub closes: Vec<Closed>,
    /// Commands by guild; the empty name stands for the global ones.
    pub commands: BTreeMap<String, Vec<Value>>,
    /// Bulk overwrites of commands: where, and how many.
    pub registrations: Vec<(String, usize)>,
    /// Commands that were new, by guild: Discord takes 200 a day.
    pub created: BTreeMap<String, usize>,
    /// Where the bot was shown as typing.
    pub typing: Vec<String>,
    /// What the client did against the rules.
    pub violations: Vec<String>,
    /// What was made to go wrong.
    pub faults: Vec<String>,
}

impl Record {
    /// Requests of a route.
    #[must_use]
    pub fn calls_of(&self, route: &str) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.route == route).collect()
    }

    /// Answers that count towards a ban: 401, 403, and 429 of one's own.
    #[must_use]
    pub fn invalid(&self) -> usize {
        let counts =
            |call: &&Call| matches!(call.status, 401 | 403) || (call.status == 429 && call.scope != "shared");
        self.calls.iter().filter(counts).count()
    }

    /// Texts that one person alone was to see, and that a message for everybody has as well.
    #[must_use]
    pub fn leaks(&self) -> Vec<String> {
        let (hidden, open): (Vec<_>, Vec<_>) = self.posted.iter().partition(|one| one.only_for.is_some());
        let open: Vec<String> = open.iter().map(|one| one.texts()).collect();
        let hidden = hidden.iter().map(|one| one.texts()).filter(|text| !text.trim().is_empty());
        hidden.filter(|text| open.iter().any(|open| open.contains(text.as_str()))).collect()
    }

    /// A message by its id, of the bot or of a person.
    #[must_use]
    pub fn message(&self, id: &str) -> Option<&Posted> {
        self.posted.iter().chain(&self.said).find(|one| one.id == id)
    }

    pub(super) fn message_mut(&mut self, id: &str) -> Option<&mut Posted> {
        self.posted.iter_mut().chain(&mut self.said).find(|one| one.id == id)
    }
}
