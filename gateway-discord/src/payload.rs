//! What Discord sends, as far as it is used. Everything is optional and nothing fails as a whole: a known event that lacks a field
//! must still be answered. What is missing is decided upon in [`crate::inbound`]. Source: Discord, "Receiving and Responding",
//! "Message Resource", "Gateway Events".

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::snowflake::{self, Snowflake};

/// What cannot be read counts as not there.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(T::deserialize(Value::deserialize(from)?).unwrap_or_default())
}

/// A list of which the unreadable members are left out.
fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let all = Value::deserialize(from)?;
    let members = all.as_array().cloned().unwrap_or_default();
    Ok(members.into_iter().filter_map(|one| T::deserialize(one).ok()).collect())
}

/// A frame of the gateway (Discord: "Gateway event payload structure").
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Frame {
    #[serde(deserialize_with = "lenient")]
    pub(crate) op: Option<u8>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) s: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) t: Option<String>,
    pub(crate) d: Value,
}

/// A user.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) id: Option<Snowflake>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) username: String,
    #[serde(deserialize_with = "lenient")]
    pub(crate) global_name: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) bot: bool,
    #[serde(deserialize_with = "lenient")]
    pub(crate) system: bool,
}

/// A user as a member of a guild.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Member {
    #[serde(deserialize_with = "lenient")]
    pub(crate) user: Option<User>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) nick: Option<String>,
    #[serde(deserialize_with = "snowflake::list")]
    pub(crate) roles: Vec<Snowflake>,
    /// Has not passed the guild's screening yet.
    #[serde(deserialize_with = "lenient")]
    pub(crate) pending: bool,
}

/// A message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Message {
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) id: Option<Snowflake>,
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) channel_id: Option<Snowflake>,
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) guild_id: Option<Snowflake>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) author: User,
    #[serde(deserialize_with = "lenient")]
    pub(crate) member: Option<Member>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) content: String,
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub(crate) kind: Option<u16>,
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) webhook_id: Option<Snowflake>,
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) application_id: Option<Snowflake>,
}

/// A channel as an interaction describes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Channel {
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) id: Option<Snowflake>,
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub(crate) kind: Option<u16>,
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) parent_id: Option<Snowflake>,
}

impl Channel {
    /// Threads are channels of their own, of these types, below another one (Discord: "Channel types").
    pub(crate) fn is_thread(&self) -> bool {
        matches!(self.kind, Some(10..=12))
    }
}

/// An interaction.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Interaction {
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) id: Option<Snowflake>,
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) application_id: Option<Snowflake>,
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub(crate) kind: Option<u8>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) token: Option<String>,
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) guild_id: Option<Snowflake>,
    #[serde(deserialize_with = "snowflake::lenient")]
    pub(crate) channel_id: Option<Snowflake>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) channel: Channel,
    #[serde(deserialize_with = "lenient")]
    pub(crate) member: Option<Member>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) user: Option<User>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) authorizing_integration_owners: Owners,
    #[serde(deserialize_with = "lenient")]
    pub(crate) message: Message,
    /// What depends on the type.
    pub(crate) data: Value,
}

/// For whom the app was installed (Discord: "Authorizing Integration Owners Object"): `"0"` the guild, `"1"` the user.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Owners {
    #[serde(rename = "0", deserialize_with = "snowflake::lenient")]
    pub(crate) guild: Option<Snowflake>,
    #[serde(rename = "1", deserialize_with = "snowflake::lenient")]
    pub(crate) user: Option<Snowflake>,
}

/// What `READY` tells that is needed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ready {
    #[serde(deserialize_with = "lenient")]
    pub(crate) session_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) resume_gateway_url: Option<String>,
    #[serde(deserialize_with = "list")]
    pub(crate) guilds: Vec<Channel>,
}
