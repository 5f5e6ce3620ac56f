//! Small shared state: compare-and-set, expiry, watch.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{BoxStream, BusError};

/// The buckets of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Policy bundles; history 10.
    Policy,
    /// Who is up; entries live 30 s.
    Presence,
    /// One sender per tenant, one owner per shard; entries live 15 s after their last update.
    Leases,
    /// Locks held by people; a time to live per entry.
    Locks,
    /// Revoked keys; entries live 1 h.
    Revocations,
    /// Whether commands may run: a pause, a freeze, and the audit's beat.
    Mode,
    /// Named places for notices.
    Destinations,
    /// Where a matter was posted; entries live 30 days.
    Notices,
    /// How far a session with a chat platform was read, so that another replica goes on with it; entries live 2 days.
    Sessions,
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Self; 9] = [
        Self::Policy,
        Self::Presence,
        Self::Leases,
        Self::Locks,
        Self::Revocations,
        Self::Mode,
        Self::Destinations,
        Self::Notices,
        Self::Sessions,
    ];

    /// Its name on the server.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Presence => "presence",
            Self::Leases => "leases",
            Self::Locks => "locks",
            Self::Revocations => "revocations",
            Self::Mode => "mode",
            Self::Destinations => "destinations",
            Self::Notices => "notices",
            Self::Sessions => "sessions",
        }
    }
}

/// What a write to the store demands of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// That there is none, or that it was removed or has expired. With a time to live for this entry alone (only in
    /// [`Bucket::Locks`]), or that of its bucket.
    Absent {
        /// Time to live of the new entry.
        ttl: Option<Duration>,
    },
    /// That its revision is this one.
    Revision(u64),
}

/// A value in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: Bytes,
    /// Rises with each write in its bucket; a lease's revision is its fencing token.
    pub revision: u64,
}

/// A change that a watcher sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Written, or there when the watch began.
    Put(Entry),
    /// Removed, or expired.
    Gone {
        /// The key.
        key: String,
        /// Revision of the removal.
        revision: u64,
    },
    /// All that was there when the watch began has been sent.
    Current,
}

/// Why a write to the store did not happen.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The entry is not as expected: somebody else was first.
    #[error("the entry was changed by somebody else")]
    Conflict,
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Small shared state. Keys are dot-separated tokens; parts from outside are escaped with [`crate::subject::Token`].
#[async_trait]
pub trait Store: Send + Sync {
    /// The entry under this key. On a replicated server it may lag: decide by the result of a conditional write.
    ///
    /// # Errors
    /// `Unavailable` while the server cannot be reached.
    async fn get(&self, bucket: Bucket, key: &str) -> Result<Option<Entry>, BusError>;

    /// Writes an entry, and returns its revision.
    ///
    /// # Errors
    /// `Conflict` when the entry is not as expected.
    async fn put(&self, bucket: Bucket, key: &str, value: Bytes, expect: Expect) -> Result<u64, StoreError>;

    /// Removes an entry, if it still has this revision (none: whatever it has). Watchers see it go.
    ///
    /// # Errors
    /// `Conflict` when it has another revision.
    async fn remove(&self, bucket: Bucket, key: &str, revision: Option<u64>) -> Result<(), StoreError>;

    /// All entries whose key begins with these tokens (`""`: all), then `Current`, then each change.
    ///
    /// # Errors
    /// `Unavailable` while the server cannot be reached.
    async fn watch(&self, bucket: Bucket, prefix: &str) -> Result<BoxStream<Change>, BusError>;
}
