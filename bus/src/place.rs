//! Where a command was asked and where its answers go.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actor::{Platform, Tenant};

/// Where it was asked and where answers go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The platform of the channel.
    pub platform: Platform,
    /// The tenant of the channel.
    pub tenant: Tenant,
    /// The platform's id of the channel; `-` where there is none (API).
    pub channel: String,
    /// The platform's id of the thread, when asked in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Only the asker sees it: a direct message, a terminal, an API call.
    #[serde(default)]
    pub private: bool,
    /// The platform's short-lived answer address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerAddress>,
}

impl fmt::Display for Place {
    /// `slack:T0ACME/C0DEPLOY`: the form that policy compares. A thread counts as its channel.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.platform, self.tenant, self.channel)
    }
}

/// A Slack `response_url` or a Discord interaction token: whoever knows it may answer in our name. It travels on the bus
/// to the gateway and is never logged, shown or copied to the audit store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AnswerAddress(String);

impl AnswerAddress {
    /// Wraps the platform's address.
    pub fn new(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// The address itself, for the gateway that posts to it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AnswerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerAddress(redacted)")
    }
}
