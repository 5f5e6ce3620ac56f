//! The platform-neutral answer, which each gateway renders into its platform's form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{refusal::Refusal, spec::Visibility, wire::Version};

/// How an answer feels: colour, emoji, prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Plain information.
    #[default]
    Info,
    /// It worked.
    Success,
    /// Attention, or a refusal.
    Warning,
    /// It failed.
    Failure,
}

/// One label with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Short label.
    pub label: String,
    /// Value, plain text.
    pub value: String,
}

/// A part of an answer, in reading order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// A paragraph, Markdown.
    Text {
        /// The Markdown.
        text: String,
    },
    /// Labelled values.
    Fields {
        /// In order.
        fields: Vec<Field>,
    },
    /// A table; every row has as many cells as there are columns.
    Table {
        /// Column heads.
        columns: Vec<String>,
        /// Cells, plain text.
        rows: Vec<Vec<String>>,
    },
    /// Text to show as it is, fixed width.
    Code {
        /// The text.
        text: String,
        /// Language for highlighting, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
    },
    /// A bulleted list, Markdown items.
    List {
        /// The items.
        items: Vec<String>,
    },
}

/// A button: pressing it asks for this command as the presser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// The command line that a press asks for.
    pub command: String,
    /// Shown as the dangerous choice.
    #[serde(default)]
    pub danger: bool,
}

/// A text file that goes with the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// File name.
    pub name: String,
    /// IANA media type.
    pub media_type: String,
    /// Content, UTF-8.
    pub content: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// Wire version.
    pub v: Version,
    /// How it feels.
    #[serde(default)]
    pub tone: Tone,
    /// One line of plain text, in which backticks set code apart. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The parts, in reading order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<Block>,
    /// Buttons below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Button>,
    /// A file with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Attachment>,
    /// Who sees it.
    #[serde(default)]
    pub visibility: Visibility,
}

impl Reply {
    /// An empty answer of this tone with this title.
    pub fn new(tone: Tone, title: impl Into<String>) -> Self {
        Self {
            v: Version,
            tone,
            title: title.into(),
            body: Vec::new(),
            actions: Vec::new(),
            attachment: None,
            visibility: Visibility::Private,
        }
    }

    /// Plain information with this title.
    pub fn info(title: impl Into<String>) -> Self {
        Self::new(Tone::Info, title)
    }

    /// Success with this title.
    pub fn success(title: impl Into<String>) -> Self {
        Self::new(Tone::Success, title)
    }

    /// Failure with this title.
    pub fn failure(title: impl Into<String>) -> Self {
        Self::new(Tone::Failure, title)
    }

    /// The same answer with one more paragraph of Markdown.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.block(Block::Text { text: text.into() })
    }

    /// The same answer with one more part.
    #[must_use]
    pub fn block(mut self, block: Block) -> Self {
        self.body.push(block);
        self
    }

    /// The same answer with labelled values.
    #[must_use]
    pub fn fields<L: Into<String>, V: Into<String>>(self, fields: impl IntoIterator<Item = (L, V)>) -> Self {
        let fields = fields.into_iter().map(|(l, v)| Field { label: l.into(), value: v.into() }).collect();
        self.block(Block::Fields { fields })
    }

    /// The same answer with a table.
    #[must_use]
    pub fn table(self, columns: &[&str], rows: Vec<Vec<String>>) -> Self {
        self.block(Block::Table { columns: columns.iter().map(|c| (*c).to_owned()).collect(), rows })
    }

    /// The same answer, seen by everybody in the place.
    #[must_use]
    pub fn public(self) -> Self {
        Self { visibility: Visibility::Public, ..self }
    }
}

impl From<&Refusal> for Reply {
    /// What a refusal looks like everywhere: private, what happened as title, the shown lines, what to do next.
    fn from(refusal: &Refusal) -> Self {
        let mut reply = Self::new(Tone::Warning, refusal.what.clone());
        if !refusal.shown.is_empty() {
            reply = reply.block(Block::Code { text: refusal.shown.join("\n"), language: None });
        }
        if refusal.next.is_empty() { reply } else { reply.text(refusal.next.clone()) }
    }
}
