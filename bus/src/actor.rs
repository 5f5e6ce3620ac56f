//! Who asks: platform, tenant, user, and the chat groups that the platform vouches for. Ids decide; names are labels.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Slack, by Socket Mode or HTTP.
    Slack,
    /// Discord, by gateway or HTTP interactions.
    Discord,
    /// The terminal.
    Console,
    /// The HTTP API; the tenant is the key.
    Api,
    /// A program that publishes to NATS under its own name.
    Service,
}

impl Platform {
    /// Every platform, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Slack, Self::Discord, Self::Console, Self::Api, Self::Service];

    /// The name used on the wire, in subjects and in policy.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Console => "console",
            Self::Api => "api",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform; known are slack, discord, console, api, service")]
pub struct UnknownPlatform(String);

impl FromStr for Platform {
    type Err = UnknownPlatform;
    fn from_str(text: &str) -> Result<Self, UnknownPlatform> {
        Self::ALL
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or_else(|| UnknownPlatform(text.chars().take(64).collect()))
    }
}

/// Where on the platform: Slack team id, Discord guild id or `dm`, API key id, service name, console name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Tenant(String);

impl Tenant {
    /// Takes the platform's id as it is; subjects escape it.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as the platform writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the platform says about a user, from the verified payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A full member of the tenant.
    Member,
    /// A guest of the tenant (Slack single- and multi-channel guests).
    Guest,
    /// Somebody from elsewhere (Slack Connect, Discord direct messages, pending members). The default: least trust.
    #[default]
    External,
    /// A bot or an integration.
    Bot,
    /// A user who was deactivated.
    Deactivated,
    /// A service, known by its key or by its NATS user.
    Service,
}

/// Who asks. Two actors are the same if platform, tenant and user are; the label never decides anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Where the actor lives.
    pub platform: Platform,
    /// Which part of the platform.
    pub tenant: Tenant,
    /// The platform's id of the user.
    pub user: String,
    /// Display name, a label only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What the platform says of the user.
    #[serde(default)]
    pub standing: Standing,
}

impl Actor {
    /// Same person or service: platform, tenant and user agree.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.platform == other.platform && self.tenant == other.tenant && self.user == other.user
    }

    /// The label if there is one, else the user id: for text shown to people.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.label.is_empty() { &self.user } else { &self.label }
    }
}

impl fmt::Display for Actor {
    /// `slack:T0ACME/U1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.platform, self.tenant, self.user)
    }
}

/// A chat group by id: `slack:T0ACME/S0ENG`, `discord:9001/7001`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct GroupId(String);

impl GroupId {
    /// The id of a group within a tenant.
    #[must_use]
    pub fn new(platform: Platform, tenant: &Tenant, group: &str) -> Self {
        Self(format!("{platform}:{tenant}/{group}"))
    }

    /// `platform:tenant/group`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The groups of an actor, or the fact that they could not be looked up (which denies, and says so).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Membership {
    /// The platform answered.
    Known {
        /// Ids of the groups, possibly none.
        groups: Vec<GroupId>,
        /// When the platform said so (RFC 3339, UTC); none: that is not known.
        #[schemars(with = "Option<String>")]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        as_of: Option<Timestamp>,
    },
    /// The lookup failed; no group may be assumed.
    Unknown {
        /// What failed, for the person and the record.
        reason: String,
    },
}

impl Membership {
    /// A membership in these groups.
    #[must_use]
    pub const fn known(groups: Vec<GroupId>) -> Self {
        Self::Known { groups, as_of: None }
    }

    /// The same, with the moment at which the platform said so.
    #[must_use]
    pub fn said_at(self, at: Timestamp) -> Self {
        match self {
            Self::Known { groups, .. } => Self::Known { groups, as_of: Some(at) },
            unknown @ Self::Unknown { .. } => unknown,
        }
    }
}
