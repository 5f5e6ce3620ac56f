//! What goes in: a request, or a decision on a held one. Both travel on the commands queue.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    actor::{Actor, Membership},
    id::RequestId,
    place::Place,
    wire::Version,
};

/// One actor asking for one command once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Wire version.
    pub v: Version,
    /// Derived from the platform's event id.
    pub id: RequestId,
    /// Who asks, as the gateway verified it.
    pub actor: Actor,
    /// The actor's groups, as the gateway looked them up.
    pub groups: Membership,
    /// Where it was asked and where answers go.
    pub place: Place,
    /// The words exactly as typed.
    pub text: String,
    /// The platform's own form of the words, where it differs: markup, entities. Left out when something in it is secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// When the gateway received it (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub received_at: Timestamp,
    /// Time after which nobody waits any more and it must not start, if the asker set one (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
}

/// What somebody decides about a held request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The asker confirms.
    Confirm,
    /// Another person approves.
    Approve,
    /// Another person rejects.
    Reject,
    /// The asker withdraws.
    Cancel,
}

/// An actor's answer to a held request. Authorized and recorded like a request, and good once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Wire version.
    pub v: Version,
    /// The decision's own id, derived from the platform's event id.
    pub id: RequestId,
    /// The held request.
    pub request: RequestId,
    /// Who decides.
    pub actor: Actor,
    /// The decider's groups.
    pub groups: Membership,
    /// Where it was decided.
    pub place: Place,
    /// What was decided.
    pub verdict: Verdict,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the gateway received it (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub received_at: Timestamp,
}

/// A message on the commands queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Submission {
    /// A new request.
    Request(Request),
    /// A decision on a held request.
    Decision(Decision),
}

impl Submission {
    /// The message's own id, which deduplicates it.
    #[must_use]
    pub const fn id(&self) -> RequestId {
        match self {
            Self::Request(request) => request.id,
            Self::Decision(decision) => decision.id,
        }
    }

    /// Who sent it, as the payload claims; must fit the subject.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        match self {
            Self::Request(request) => &request.actor,
            Self::Decision(decision) => &decision.actor,
        }
    }
}
