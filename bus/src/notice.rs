//! A message from a service to a chat destination.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{announcement::Matter, destination::Target, place::Place, reply::Reply, wire::Version};

/// A message from a service to a chat destination, on the way to the gateway that posts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Wire version.
    pub v: Version,
    /// Deduplicates it: the same message of the same sender to the same channel has the same.
    pub id: String,
    /// Who sends it, as shown to people: `svc:<name>`, or a person's name.
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

impl Notice {
    /// The id of the notice that carries a sender's own message to one channel: the same message is the same notice, whoever
    /// makes it and however often.
    #[must_use]
    pub fn id(from: &str, message: &str, target: &Target) -> String {
        let parts = [from, message, target.platform.as_str(), target.tenant.as_str(), &target.channel];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().iter().take(16).fold(String::new(), |id, byte| format!("{id}{byte:02x}"))
    }
}
