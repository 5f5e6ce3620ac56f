//! A message from a service to a chat destination.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{announcement::Matter, place::Place, reply::Reply, wire::Version};

/// A message from a service to a chat destination, on the way to the gateway that posts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Wire version.
    pub v: Version,
    /// Deduplicates it; the sender's own id.
    pub id: String,
    /// Who sends it: `svc:<name>`.
    pub from: String,
    /// Where it is to be posted.
    pub to: Place,
    /// What to post.
    pub reply: Reply,
    /// Which matter of the sender it is about, if it changes a message that was posted earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matter: Option<Matter>,
    /// When it was accepted (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub sent_at: Timestamp,
}
