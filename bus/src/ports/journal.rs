//! The journal of every request: the record, and the lock.

use std::sync::Arc;

use async_trait::async_trait;

use super::{BoxStream, BusError, Settle};
use crate::{
    TraceContext,
    event::Event,
    subject::{JournalKey, Journals},
};

/// Why an event was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The journal has moved on: its last event is not the expected one. Somebody else owns the request, or an earlier
    /// try of the same append was stored though its confirmation was lost.
    #[error("the journal is not at sequence {expected} any more")]
    Conflict {
        /// The sequence that was expected.
        expected: u64,
    },
    /// It is not certain whether it was stored.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// An event with its place in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Whose journal.
    pub key: JournalKey,
    /// Stream sequence, rising over all journals.
    pub sequence: u64,
    /// The event.
    pub event: Event,
}

/// Where a follower begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Where the durable follower of this name left off; from the oldest event the first time. Only names that
    /// provisioning knows exist: `gateway-<platform>`.
    Durable(String),
    /// With what is appended from now on; leaves nothing behind.
    Now,
    /// After this sequence; leaves nothing behind.
    After(u64),
}

/// An event that a follower received.
pub struct Followed {
    /// The event.
    pub recorded: Recorded,
    /// It was delivered before, and not confirmed. Not known after a crash of the server.
    pub again: bool,
    /// The trace that it was written in, if it was.
    pub trace: Option<TraceContext>,
    /// Confirms it. Unconfirmed ones come again to a durable follower.
    pub handle: Arc<dyn Settle>,
}

/// The journal of every request: the record, and the lock.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends if the journal's last event has the sequence `expected` (0: there is none yet), with the place in the trace of the
    /// current task. Returns the new sequence.
    ///
    /// # Errors
    /// `Conflict` when it has another.
    async fn append(&self, key: &JournalKey, expected: u64, event: &Event) -> Result<u64, AppendError>;

    /// The events of these journals after a sequence (0: from the beginning), oldest first, `most` at most.
    ///
    /// # Errors
    /// `Unavailable` while the server cannot be reached.
    async fn read(&self, journals: &Journals, after: u64, most: usize) -> Result<Vec<Recorded>, BusError>;

    /// The sequence of the newest event of all journals; 0 when there is none.
    ///
    /// # Errors
    /// `Unavailable` while the server cannot be reached.
    async fn newest(&self) -> Result<u64, BusError>;

    /// Which journal this is, so that a copy kept elsewhere does not mix the sequences of two: another text after the journal
    /// was begun anew.
    ///
    /// # Errors
    /// `Unavailable` while the server cannot be reached.
    async fn identity(&self) -> Result<String, BusError>;

    /// Follows these journals. Survives a lost server; an event that cannot be decoded is logged, confirmed and passed over.
    /// The stream ends only when the bus is closed.
    ///
    /// # Errors
    /// `Refused` when the durable follower does not exist.
    async fn follow(&self, journals: Journals, from: Follow) -> Result<BoxStream<Followed>, BusError>;
}
