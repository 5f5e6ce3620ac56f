//! An entry and a checkpoint as others see them: over HTTP, in exports and on the command line alike.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Checkpoint, Kept, hex};

/// An entry of the record. Its `hash` is SHA-256 over `prev_hash` and the JSON array of the members from `seq` to `body`, `at` in
/// Unix milliseconds and `body` as text.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct Shown {
    /// Its place in the chain.
    pub seq: i64,
    /// The journal that it was copied from, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// Its sequence there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_seq: Option<i64>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What happened: `request.started`, `key.created`, …
    pub kind: String,
    /// Who: `slack:<team>/<user>`, `svc:<name>`, `operator:<user>`.
    pub actor: String,
    /// By which key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// What it happened to.
    pub target: String,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Which request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// From which address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The details.
    #[schema(value_type = Object)]
    pub body: Value,
    /// The hash of the entry before, hexadecimal; empty in the first.
    pub prev_hash: String,
    /// Its hash, hexadecimal.
    pub hash: String,
}

impl From<Kept> for Shown {
    fn from(kept: Kept) -> Self {
        let entry = kept.entry;
        Self {
            seq: kept.seq,
            journal: entry.journal,
            journal_seq: entry.journal_seq,
            at: time(entry.at),
            kind: entry.kind,
            actor: entry.actor,
            key_id: entry.key_id,
            target: entry.target,
            outcome: entry.outcome,
            request_id: entry.request_id,
            ip: entry.ip,
            body: serde_json::from_str(&entry.body).unwrap_or(Value::String(entry.body)),
            prev_hash: hex(&kept.prev_hash),
            hash: hex(&kept.hash),
        }
    }
}

/// A signed checkpoint.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AuditCheckpoint)]
pub struct ShownCheckpoint {
    /// The place of the entry that it vouches for.
    pub seq: i64,
    /// That entry's hash, hexadecimal.
    pub hash: String,
    /// When it was signed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `periodic`, or `retention` where everything up to it may be gone.
    pub kind: String,
    /// With which Ed25519 key, hexadecimal.
    pub public_key: String,
    /// The signature, hexadecimal.
    pub signature: String,
}

impl From<Checkpoint> for ShownCheckpoint {
    fn from(checkpoint: Checkpoint) -> Self {
        Self {
            seq: checkpoint.seq,
            hash: hex(&checkpoint.hash),
            at: time(checkpoint.at),
            kind: checkpoint.kind,
            public_key: hex(&checkpoint.public_key),
            signature: hex(&checkpoint.signature),
        }
    }
}

/// What cannot be a time was tampered with; shown all the same.
fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MIN)
}
