//! A command described once: from this come parsing, help, usage errors, policy names and, on each platform, its own form.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest command path, in words.
const MAX_WORDS: usize = 6;
/// Longest word of a command path, in characters.
const MAX_WORD: usize = 32;

/// The words that name a command: `deploy promote`. Each word is `[a-z][a-z0-9-]*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct CommandPath(Vec<String>);

/// Text that is not a command path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a command path: one to six words of a-z, 0-9 and -, each beginning with a letter, 32 characters each at most"
)]
pub struct PathError(String);

impl CommandPath {
    /// The words in order; never empty.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// The name that policy uses: `deploy.promote`.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.0.join(".")
    }
}

impl FromStr for CommandPath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let good = |word: &String| {
            word.len() <= MAX_WORD
                && word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if words.len() <= MAX_WORDS && words.iter().all(good) {
            Ok(Self(words))
        } else {
            Err(PathError(text.chars().take(64).collect()))
        }
    }
}

impl TryFrom<String> for CommandPath {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl From<CommandPath> for String {
    fn from(path: CommandPath) -> Self {
        path.to_string()
    }
}

impl fmt::Display for CommandPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// What running a command does to the world; decides whether it may run again after its worker died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Running it again with the same idempotency key changes nothing more.
    Idempotent,
    /// Never run again when the outcome is unknown. The default when nothing is said.
    #[default]
    Mutating,
}

impl Effect {
    /// May be run again after its worker died in the middle.
    #[must_use]
    pub const fn may_resume(self) -> bool {
        matches!(self, Self::Read | Self::Idempotent)
    }
}

/// Which right a command needs, beside its name: the `action` of a policy row.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Run it.
    #[default]
    Run,
    /// Look, without changing anything.
    View,
    /// Approve somebody else's held request.
    Approve,
}

impl Action {
    /// The word that policy uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::View => "view",
            Self::Approve => "approve",
        }
    }
}

/// Who sees an answer in a place that others read too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Only the asker. The default.
    #[default]
    Private,
    /// Everybody in the place.
    Public,
}

/// What a typed argument is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ArgKind {
    /// Any text of one word (or quoted).
    String,
    /// A whole number within bounds.
    Integer {
        /// Smallest accepted value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<i64>,
        /// Largest accepted value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<i64>,
    },
    /// A number.
    Number,
    /// `true` or `false`; as a flag, its presence is `true`.
    Boolean,
    /// One of these words, without regard to case; the canonical form is the one listed.
    Choice {
        /// The accepted words.
        choices: Vec<String>,
    },
    /// A duration such as `90s`, `15m`, `2h30m`; canonical form: whole seconds.
    Duration,
    /// A user of the platform; canonical form: the id.
    User,
    /// A channel of the platform; canonical form: the id.
    Channel,
    /// All remaining words of the line, unquoted. Only as the last positional argument.
    Rest,
}

/// One typed argument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArgSpec {
    /// Name as shown in usage and as the key of the value: `[a-z][a-z0-9-]*`.
    pub name: String,
    /// Its type.
    pub kind: ArgKind,
    /// One line for help.
    #[serde(default)]
    pub summary: String,
    /// Given as `--name value` or `name=value` instead of by position.
    #[serde(default)]
    pub flag: bool,
    /// Must be given.
    #[serde(default)]
    pub required: bool,
    /// Value taken when it is not given, in canonical form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Redacted in every surface and record.
    #[serde(default)]
    pub secret: bool,
    /// The policy context key that carries this value, such as `env`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

impl ArgSpec {
    /// A required positional argument.
    #[must_use]
    pub fn positional(name: &str, kind: ArgKind, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            summary: summary.to_owned(),
            flag: false,
            required: true,
            default: None,
            secret: false,
            context: None,
        }
    }

    /// An optional flag, `--name value` (or just `--name` for a boolean).
    #[must_use]
    pub fn flag(name: &str, kind: ArgKind, summary: &str) -> Self {
        Self { flag: true, required: false, ..Self::positional(name, kind, summary) }
    }

    /// The same argument, optional.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    /// The same argument, its value bound to a policy context key.
    #[must_use]
    pub fn in_context(self, key: &str) -> Self {
        Self { context: Some(key.to_owned()), ..self }
    }

    /// The same argument, optional with a default value in canonical form.
    #[must_use]
    pub fn default_value(self, value: impl Into<Value>) -> Self {
        Self { required: false, default: Some(value.into()), ..self }
    }
}

/// A command described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandSpec {
    /// Its name.
    pub path: CommandPath,
    /// Other names of the same command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<CommandPath>,
    /// One line for lists.
    pub summary: String,
    /// Paragraphs for `help <command>`, Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// Whole lines as a person would type them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// Positional arguments in order, then flags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<ArgSpec>,
    /// The right it needs.
    #[serde(default)]
    pub action: Action,
    /// What it does to the world.
    #[serde(default)]
    pub effect: Effect,
    /// Time after which a run ends as `timed_out`, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
    /// The asker must confirm the canonical command first.
    #[serde(default)]
    pub confirm: bool,
    /// How many other people must approve first.
    #[serde(default)]
    pub approvals: u32,
    /// Name of the lock it takes, with `{argument}` placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// Who sees the result.
    #[serde(default)]
    pub visibility: Visibility,
}

const fn default_timeout() -> u64 {
    60
}

impl CommandSpec {
    /// A command without arguments; effect and time-out as by default.
    #[must_use]
    pub fn new(path: CommandPath, summary: &str) -> Self {
        Self {
            path,
            aliases: Vec::new(),
            summary: summary.to_owned(),
            details: String::new(),
            examples: Vec::new(),
            args: Vec::new(),
            action: Action::default(),
            effect: Effect::default(),
            timeout_seconds: default_timeout(),
            confirm: false,
            approvals: 0,
            lock: None,
            visibility: Visibility::default(),
        }
    }
}
