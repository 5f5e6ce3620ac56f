//! The facts of a request's journal. The first event opens it and is the claim; exactly one terminal event ends it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    actor::Actor,
    id::Token,
    refusal::Refusal,
    reply::Reply,
    request::Request,
    spec::{Action, CommandPath, Effect},
    wire::Version,
};

/// A command with its arguments, typed, complete with defaults: what is authorized is what runs. Values of secret
/// arguments stand as `"[redacted]"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Invocation {
    /// The command.
    pub path: CommandPath,
    /// Its arguments by name, in canonical form.
    pub arguments: BTreeMap<String, Value>,
    /// The canonical line, with all defaults, that asks for the same again.
    pub canonical: String,
    /// What it does to the world, as its spec said when it was claimed.
    pub effect: Effect,
}

/// A policy decision with everything that it rested on, so that it can be explained and replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Authorization {
    /// The verdict.
    pub allowed: bool,
    /// Which policy: a version that only rises, and a short digest of its content, such as `3 (7f3c9a1e)`.
    pub policy: String,
    /// The actor as policy saw it.
    pub who: String,
    /// The policy groups that counted, after closure.
    pub groups: Vec<String>,
    /// The place as policy saw it.
    pub place: String,
    /// The command's policy name.
    pub command: String,
    /// The action asked for.
    pub action: Action,
    /// The context, every key.
    pub context: BTreeMap<String, String>,
    /// The row that decided, such as `policy.csv:6`; none when no row allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
}

/// What only the first event carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Opening {
    /// The whole request, with secret arguments redacted in the text.
    pub request: Request,
    /// What was understood, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<Invocation>,
    /// What policy said, if it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// Stream sequence of the message that carried the request: the same sequence is the same message.
    pub message_sequence: u64,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// What is being done, one line, plain text.
    pub text: String,
    /// 0 to 100, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
}

/// Why a request waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Hold {
    /// The asker's own confirmation.
    Confirm,
    /// Approval by others.
    Approve {
        /// How many.
        needed: u32,
    },
    /// A lock that somebody holds.
    Lock {
        /// Its name.
        name: String,
    },
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Fact {
    /// A worker owns the request; nothing has run.
    Claimed,
    /// It waits for somebody or something.
    Held {
        /// For what.
        hold: Hold,
        /// When it ends as `expired` (RFC 3339, UTC).
        #[schemars(with = "String")]
        until: Timestamp,
        /// What the asker is shown meanwhile.
        reply: Reply,
    },
    /// Written before any effect.
    Started,
    /// Another worker carries on after the earlier one stopped.
    Resumed,
    /// A sign of life.
    Progress {
        /// How far.
        progress: Progress,
    },
    /// Somebody asked to cancel; the worker that runs it decides.
    CancelRequested {
        /// Who.
        by: Actor,
    },
    /// Ends: it was refused before anything ran.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The final reply.
        reply: Reply,
    },
    /// Ends: a held request was rejected by another person.
    Rejected {
        /// Who.
        by: Actor,
        /// The final reply.
        reply: Reply,
    },
    /// Ends: done.
    Succeeded {
        /// The final reply.
        reply: Reply,
    },
    /// Ends: it did not work.
    Failed {
        /// The final reply.
        reply: Reply,
        /// Under which id operators find the fault in the log, if it was a fault.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<String>,
    },
    /// Ends: it took longer than its spec allows.
    TimedOut {
        /// The final reply.
        reply: Reply,
    },
    /// Ends: cancelled.
    Cancelled {
        /// Who asked for it, if a person did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// The final reply.
        reply: Reply,
    },
    /// Ends: nobody decided in time, or nobody waits any more.
    Expired {
        /// The final reply.
        reply: Reply,
    },
    /// Ends: its worker died in the middle of a `mutating` command; outcome unknown, not run again.
    Interrupted {
        /// The final reply.
        reply: Reply,
    },
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Refused before anything ran.
    Refused,
    /// Rejected by another person.
    Rejected,
    /// Done.
    Succeeded,
    /// Did not work.
    Failed,
    /// Took too long.
    TimedOut,
    /// Cancelled.
    Cancelled,
    /// Nobody decided in time.
    Expired,
    /// Outcome unknown, not run again.
    Interrupted,
}

impl Outcome {
    /// The word on the wire and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Fact {
    /// Its type, as the wire has it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Held { .. } => "held",
            Self::Started => "started",
            Self::Resumed => "resumed",
            Self::Progress { .. } => "progress",
            Self::CancelRequested { .. } => "cancel_requested",
            Self::Refused { .. } => "refused",
            Self::Rejected { .. } => "rejected",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Cancelled { .. } => "cancelled",
            Self::Expired { .. } => "expired",
            Self::Interrupted { .. } => "interrupted",
        }
    }

    /// How the request ended and its one final reply, if this fact ends it.
    #[must_use]
    pub const fn end(&self) -> Option<(Outcome, &Reply)> {
        match self {
            Self::Claimed
            | Self::Held { .. }
            | Self::Started
            | Self::Resumed
            | Self::Progress { .. }
            | Self::CancelRequested { .. } => None,
            Self::Refused { reply, .. } => Some((Outcome::Refused, reply)),
            Self::Rejected { reply, .. } => Some((Outcome::Rejected, reply)),
            Self::Succeeded { reply } => Some((Outcome::Succeeded, reply)),
            Self::Failed { reply, .. } => Some((Outcome::Failed, reply)),
            Self::TimedOut { reply } => Some((Outcome::TimedOut, reply)),
            Self::Cancelled { reply, .. } => Some((Outcome::Cancelled, reply)),
            Self::Expired { reply } => Some((Outcome::Expired, reply)),
            Self::Interrupted { reply } => Some((Outcome::Interrupted, reply)),
        }
    }
}

/// A fact in a request's journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Wire version.
    pub v: Version,
    /// 1 for the first event of the request, then rising by one.
    pub number: u32,
    /// When it was written (RFC 3339, UTC), by the writer's clock.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who wrote it.
    pub token: Token,
    /// In the first event only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Box<Opening>>,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}
