//! Every reason a person can be told no: a stable code, what happened, and what to do next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stable code of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// No command has this name.
    UnknownCommand,
    /// The words do not fit the command.
    BadArguments,
    /// Policy does not allow it.
    NotAllowed,
    /// Policy allows it, but not in this place.
    WrongPlace,
    /// Somebody holds the lock it needs.
    Locked,
    /// There is no room for it now.
    Busy,
    /// Nobody offers the command at the moment.
    NoService,
    /// It is not certain who asks.
    Unidentified,
    /// It does not run now: a pause, a record that cannot be kept, or a policy that may not be the current one any more.
    Paused,
}

impl RefusalCode {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::UnknownCommand,
        Self::BadArguments,
        Self::NotAllowed,
        Self::WrongPlace,
        Self::Locked,
        Self::Busy,
        Self::NoService,
        Self::Unidentified,
        Self::Paused,
    ];

    /// The code as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownCommand => "unknown_command",
            Self::BadArguments => "bad_arguments",
            Self::NotAllowed => "not_allowed",
            Self::WrongPlace => "wrong_place",
            Self::Locked => "locked",
            Self::Busy => "busy",
            Self::NoService => "no_service",
            Self::Unidentified => "unidentified",
            Self::Paused => "paused",
        }
    }
}

/// A no, for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// Stable code for programs.
    pub code: RefusalCode,
    /// What happened, one sentence, Markdown.
    pub what: String,
    /// What to do next, one sentence or more, Markdown.
    pub next: String,
    /// Lines to show as they are, such as the typed line with the place of the mistake marked, or a usage line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<String>,
}
