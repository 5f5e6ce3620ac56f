//! What a service wants said at a named destination, before it is known which channels that is: plain text always, rich parts
//! where they help. [`Message::reply`] is the one place that turns it into an answer for chat.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    reply::{Block, Field, Reply, Tone},
    spec::Visibility,
    wire::Version,
};

/// How much it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// To be known. The default.
    #[default]
    Info,
    /// It went well.
    Success,
    /// To be looked at.
    Warning,
    /// Something is broken.
    Error,
    /// Something is broken, and people notice.
    Critical,
}

/// A link with what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// What it says.
    pub label: String,
    /// Where it leads, `https://` or `http://`.
    pub url: String,
}

/// What a message does to the one that was posted earlier under the same key (after PagerDuty's Events API v2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeAction {
    /// Opens the matter: posts, or edits the message in place while the matter is open. The default.
    #[default]
    Trigger,
    /// Edits the message in place; posts when there is none.
    Update,
    /// Somebody looks after it: edits the message in place.
    Acknowledge,
    /// Closes the matter: edits the message in place, and says so in its thread.
    Resolve,
}

/// The matter that a notice is about: later notices of the same sender with the same key change the same message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Matter {
    /// The sender's own key of the matter, such as an alert's group key.
    pub key: String,
    /// What this notice does to it.
    #[serde(default)]
    pub action: NoticeAction,
}

impl Matter {
    /// Names the matter among those of all senders: 32 hexadecimal digits.
    #[must_use]
    pub fn digest(&self, from: &str) -> String {
        let mut hash = Sha256::new();
        hash.update((from.len() as u64).to_be_bytes());
        hash.update(from);
        hash.update(&self.key);
        hash.finalize().iter().take(16).fold(String::new(), |digest, byte| format!("{digest}{byte:02x}"))
    }
}

/// What is to be said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Plain text that says it all by itself, for platforms and people without rich messages.
    pub text: String,
    /// One line above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How much it matters.
    #[serde(default)]
    pub severity: Severity,
    /// Labelled values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Links below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Which matter it is about, if later messages shall change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matter: Option<Matter>,
}

/// A message of a service for a named destination. A service publishes it under `adjutant.v1.say.service.<name>`; workers
/// authorize it and forward it as one [`crate::notice::Notice`] for each channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Announcement {
    /// Wire version.
    pub v: Version,
    /// Deduplicates it; the sender's own id, 128 characters at most.
    pub id: String,
    /// Name of the destination.
    pub destination: String,
    /// What is to be said.
    pub message: Message,
    /// When it was sent (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub sent_at: Timestamp,
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Success => Self::Success,
            Severity::Warning => Self::Warning,
            Severity::Error | Severity::Critical => Self::Failure,
        }
    }
}

impl Message {
    /// What chat shows: seen by everybody in the channel, the text as it is.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let resolved = self.matter.as_ref().is_some_and(|matter| matter.action == NoticeAction::Resolve);
        let tone = if resolved { Tone::Success } else { self.severity.into() };
        let mut reply = Reply::new(tone, self.title.clone().unwrap_or_default());
        if !self.text.is_empty() {
            reply = reply.text(escaped(&self.text));
        }
        if !self.fields.is_empty() {
            reply = reply.block(Block::Fields { fields: self.fields.clone() });
        }
        if !self.links.is_empty() {
            let item = |link: &Link| format!("[{}]({})", escaped(&link.label), target(&link.url));
            reply = reply.block(Block::List { items: self.links.iter().map(item).collect() });
        }
        Reply { visibility: Visibility::Public, ..reply }
    }
}

/// Plain text as Markdown that says the same, line by line (CommonMark §2.4: a backslash before ASCII punctuation makes it
/// literal; §6.7: one before the end of a line keeps the break).
fn escaped(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len() + 16);
    for c in text.trim_end().chars() {
        if c.is_ascii_punctuation()
            && !matches!(c, ',' | ':' | ';' | '/' | '?' | '%' | '@' | '\'' | '"' | '$' | '^')
            || c == '\n'
        {
            markdown.push('\\');
        }
        markdown.push(c);
    }
    markdown
}

/// An address as the target of a Markdown link, which may hold neither spaces nor brackets.
fn target(url: &str) -> String {
    url.replace(' ', "%20").replace('(', "%28").replace(')', "%29").replace('<', "%3C").replace('>', "%3E")
}
