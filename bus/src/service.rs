//! What passes between a worker and a service that implements a command: the call, its frames, its offer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    actor::Actor,
    event::Progress,
    id::RequestId,
    place::Place,
    reply::Reply,
    spec::{CommandPath, CommandSpec},
    wire::Version,
};

/// A call to a command that a service implements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Wire version.
    pub v: Version,
    /// The request; the idempotency key of the call.
    pub request: RequestId,
    /// Journal sequence of the `started` or `resumed` event: a service that has seen a higher one refuses this call.
    pub fence: u64,
    /// The command.
    pub path: CommandPath,
    /// Its arguments by name, in canonical form.
    pub arguments: BTreeMap<String, Value>,
    /// Who asked.
    pub actor: Actor,
    /// Where; without its answer address.
    pub place: Place,
    /// When the caller stops waiting (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub deadline: Timestamp,
}

/// What a service sends back: any number of `progress`, then one `result` or `error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Frame {
    /// A sign of life.
    Progress {
        /// Wire version.
        v: Version,
        /// How far.
        progress: Progress,
    },
    /// The end: it worked.
    Result {
        /// Wire version.
        v: Version,
        /// The answer.
        reply: Reply,
    },
    /// The end: it did not work.
    Error {
        /// Wire version.
        v: Version,
        /// What to tell the person, one sentence or more, Markdown.
        message: String,
    },
}

/// A service as it describes itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Offer {
    /// Name of the service: `[A-Za-z0-9_-]+`.
    pub name: String,
    /// Its version, semver.
    pub version: String,
    /// One line.
    #[serde(default)]
    pub description: String,
    /// The commands it implements.
    pub commands: Vec<CommandSpec>,
}
