//! How destinations look over HTTP, and what of it is accepted.

use adjutant_bus::{
    actor::{Platform, Tenant},
    destination::{Target, is_name},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time;
use crate::{destinations::Row, problem::Problem};

/// Most channels of one destination.
const MOST_TARGETS: usize = 10;
/// Most characters of a description.
const LONGEST_DESCRIPTION: usize = 500;
/// Most characters of a tenant's or a channel's id.
const LONGEST_ID: usize = 64;

/// Where people talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ChatPlatform {
    Slack,
    Discord,
    Console,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Target)]
pub(in crate::routes) struct Channel {
    /// The platform.
    platform: ChatPlatform,
    /// Slack's team id, Discord's guild id, the console's name.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.-]+$")]
    tenant: String,
    /// The platform's id of the channel.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.-]+$")]
    channel: String,
}

impl Channel {
    pub(in crate::routes) fn of(target: Target) -> Option<Self> {
        let platform = match target.platform {
            Platform::Slack => ChatPlatform::Slack,
            Platform::Discord => ChatPlatform::Discord,
            Platform::Console => ChatPlatform::Console,
            Platform::Api | Platform::Service => return None,
        };
        Some(Self { platform, tenant: target.tenant.as_str().to_owned(), channel: target.channel })
    }

    fn target(self) -> Target {
        let platform = match self.platform {
            ChatPlatform::Slack => Platform::Slack,
            ChatPlatform::Discord => Platform::Discord,
            ChatPlatform::Console => Platform::Console,
        };
        Target { platform, tenant: Tenant::new(self.tenant), channel: self.channel }
    }
}

/// A destination to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDestination)]
pub(super) struct New {
    /// Its name.
    #[schema(pattern = "^[a-z][a-z0-9-]{0,62}$")]
    name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^[^\\u0000-\\u001f\\u007f]*$")]
    description: String,
    /// Its channels; one that is named twice counts once.
    #[schema(min_items = 1, max_items = 10)]
    targets: Vec<Channel>,
}

impl New {
    pub(super) fn row(self, by: &str) -> Result<Row, Problem> {
        if !is_name(&self.name) {
            return Err(Problem::invalid(
                "/name",
                "letters a-z, digits and hyphens, 63 at most, a letter first",
            ));
        }
        Ok(Row {
            name: self.name,
            description: described(self.description)?,
            targets: channels(self.targets)?,
            created_at: Timestamp::now().as_millisecond(),
            created_by: by.to_owned(),
            version: 1,
        })
    }
}

/// What is to be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DestinationChange)]
pub(super) struct Change {
    /// What it is for.
    #[schema(max_length = 500, pattern = "^[^\\u0000-\\u001f\\u007f]*$")]
    description: Option<String>,
    /// Its channels.
    #[schema(min_items = 1, max_items = 10)]
    targets: Option<Vec<Channel>>,
}

impl Change {
    pub(super) fn checked(self) -> Result<(Option<String>, Option<String>), Problem> {
        Ok((self.description.map(described).transpose()?, self.targets.map(channels).transpose()?))
    }
}

/// A destination.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Destination {
    /// Its name.
    pub(super) name: String,
    /// What it is for.
    description: String,
    /// Its channels.
    targets: Vec<Channel>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Who made it.
    created_by: String,
    /// Rises with each change.
    version: i64,
}

impl Destination {
    pub(super) fn of(row: Row) -> Result<Self, Problem> {
        let targets = row.channels()?.into_iter().filter_map(Channel::of).collect();
        Ok(Self {
            targets,
            name: row.name,
            description: row.description,
            created_at: time(row.created_at),
            created_by: row.created_by,
            version: row.version,
        })
    }
}

fn described(text: String) -> Result<String, Problem> {
    if text.chars().nth(LONGEST_DESCRIPTION).is_some() || text.chars().any(|c| c.is_ascii_control()) {
        return Err(Problem::invalid("/description", "one line of 500 characters at most"));
    }
    Ok(text)
}

/// Channels as they are kept.
fn channels(given: Vec<Channel>) -> Result<String, Problem> {
    if given.is_empty() || given.len() > MOST_TARGETS {
        return Err(Problem::invalid("/targets", "1 to 10 channels"));
    }
    let plain = |text: &str| {
        (1..=LONGEST_ID).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    };
    let mut targets: Vec<Target> = Vec::new();
    for (at, channel) in given.into_iter().enumerate() {
        for (what, id) in [("tenant", &channel.tenant), ("channel", &channel.channel)] {
            if !plain(id) {
                return Err(Problem::invalid(
                    format!("/targets/{at}/{what}"),
                    "1 to 64 letters, digits, hyphens, underscores and points",
                ));
            }
        }
        let target = channel.target();
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    serde_json::to_string(&targets).map_err(|error| Problem::fault(&error))
}
