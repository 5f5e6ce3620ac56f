//! How the policy stands, for whoever asks.

use adjutant_bus::bundle::Named;
use jiff::Timestamp;
use serde::Serialize;

/// How the policy stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The version in force, `3 (7f3c9a1e)`; none when everything is refused.
    pub version: Option<String>,
    /// Its number, and the SHA-256 of its files.
    pub named: Option<Named>,
    /// Since when (RFC 3339, UTC).
    pub loaded_at: Option<Timestamp>,
    /// When it was last known to be the current one (RFC 3339, UTC).
    pub confirmed_at: Option<Timestamp>,
    /// Who published it and why; none for files of a folder.
    pub published: Option<Published>,
    /// Why a newer one is not in force.
    pub problem: Option<String>,
}

/// Who published a policy, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Published {
    /// `console:local/pat`, or `operator`.
    pub author: String,
    /// When (RFC 3339, UTC).
    pub at: Timestamp,
    /// Why, one line.
    pub reason: String,
}
