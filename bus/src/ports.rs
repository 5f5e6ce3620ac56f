//! The four ports: what the rest of Adjutant needs of a bus. Two implementations, one contract suite that both pass.

use std::{pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;

use crate::{
    event::{Event, Progress},
    id::RequestId,
    reply::Reply,
    service::{Call, Offer},
    subject::{JournalKey, Journals, Origin},
    wire::WireError,
};

/// A stream behind a pointer, as ports hand it out.
pub type BoxStream<T> = Pin<Box<dyn Stream<Item = T> + Send>>;

/// What can go wrong on a bus, by what the caller does about it.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Not now: the server cannot be reached, or did not answer in time. Worth another try.
    #[error("the bus did not answer: {0}")]
    Unavailable(String),
    /// No room: the tenant's share or the whole store is full. The person is told `busy`.
    #[error("the bus is full: {0}")]
    Full(String),
    /// The server refused it for good: missing rights, missing or differing set-up.
    #[error("the bus refused: {0}")]
    Refused(String),
    /// The message cannot be carried or read.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// What the bus says to a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Durably stored.
    New,
    /// It was there already, by its id.
    Duplicate,
}

/// Work to be done once: requests and decisions, and notices.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Stores a message durably under its id. The same id again, within the window of ten minutes, is a duplicate.
    ///
    /// # Errors
    /// `Full` when the origin's share is used up, `Unavailable` when it is not certain that it was stored.
    async fn submit(&self, origin: &Origin, id: &str, payload: Bytes) -> Result<Accepted, BusError>;

    /// Up to `most` messages; waits at most `wait` for the first. Each is this taker's until its lease of
    /// [`Limits::lease`] ends without being extended.
    ///
    /// # Errors
    /// `Unavailable` while the server cannot be reached.
    async fn take(&self, most: usize, wait: Duration) -> Result<Vec<Delivery>, BusError>;
}

/// Time and size limits of a bus; tests set shorter ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a delivery belongs to its taker without being extended (NATS `ack_wait`).
    pub lease: Duration,
    /// For how long the id of a submission is remembered.
    pub duplicate_window: Duration,
    /// Most messages of one origin in a queue.
    pub queue_per_origin: i64,
    /// Time after which one exchange with the server is given up.
    pub exchange: Duration,
    /// After which time an entry in [`Bucket::Presence`] that is not put again disappears.
    pub presence: Duration,
    /// The same for [`Bucket::Leases`].
    pub leases: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            duplicate_window: Duration::from_secs(600),
            queue_per_origin: 256,
            exchange: Duration::from_secs(2),
            presence: Duration::from_secs(30),
            leases: Duration::from_secs(15),
        }
    }
}

impl Limits {
    /// After which time an entry of this bucket that is not put again disappears; none: never by itself.
    #[must_use]
    pub const fn max_age(&self, bucket: Bucket) -> Option<Duration> {
        match bucket {
            Bucket::Policy | Bucket::Locks => None,
            Bucket::Presence => Some(self.presence),
            Bucket::Leases => Some(self.leases),
            Bucket::Revocations => Some(REVOCATIONS),
        }
    }
}

/// How long a revocation is kept: longer than any cache of keys.
const REVOCATIONS: Duration = Duration::from_secs(3600);

/// A message taken from a queue.
pub struct Delivery {
    /// From the subject, never from the payload.
    pub origin: Origin,
    /// Position in the queue's stream: the same sequence is the same message.
    pub sequence: u64,
    /// 1 at the first delivery. May be too low after a crash of the server.
    pub attempt: u64,
    /// The message as it came.
    pub payload: Bytes,
    /// What settles it.
    pub handle: Arc<dyn Settle>,
}

/// Settles one delivery.
#[async_trait]
pub trait Settle: Send + Sync {
    /// Done; the message is removed. Waits until the bus has confirmed it.
    async fn acknowledge(&self) -> Result<(), BusError>;
    /// Still at it: the lease begins anew.
    async fn extend(&self) -> Result<(), BusError>;
    /// Not done: it is delivered again after `delay`, to anybody.
    async fn release(&self, delay: Duration) -> Result<(), BusError>;
    /// Cannot be done: stored whole with the reason among the dead letters, then removed.
    async fn bury(&self, reason: &str) -> Result<(), BusError>;
}

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
    /// provisioning knows exist: `gateway-<platform>` and `audit`.
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
    /// Confirms it. Unconfirmed ones come again to a durable follower.
    pub handle: Arc<dyn Settle>,
}

/// The journal of every request: the record, and the lock.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends if the journal's last event has the sequence `expected` (0: there is none yet). Returns the new sequence.
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

    /// Follows these journals. Survives a lost server; an event that cannot be decoded is logged, confirmed and passed over.
    /// The stream ends only when the bus is closed.
    ///
    /// # Errors
    /// `Refused` when the durable follower does not exist.
    async fn follow(&self, journals: Journals, from: Follow) -> Result<BoxStream<Followed>, BusError>;
}

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
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Self; 5] = [Self::Policy, Self::Presence, Self::Leases, Self::Locks, Self::Revocations];

    /// Its name on the server.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Presence => "presence",
            Self::Leases => "leases",
            Self::Locks => "locks",
            Self::Revocations => "revocations",
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

/// What a call to a service yields.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A sign of life; more follows.
    Progress(Progress),
    /// The end: it worked.
    Result(Reply),
    /// The end: the service says that it did not work. The text is for the person.
    Error(String),
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody offers the command now. Nothing was run.
    #[error("no service offers the command at the moment")]
    NoService,
    /// The deadline passed. Whether it was run is not known.
    #[error("the service did not answer in time")]
    Deadline,
    /// The service answered with something that is no frame.
    #[error("the service answered with something that cannot be read: {0}")]
    Malformed(String),
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Where a service that answers a call sends its signs of life.
pub type ProgressSink = tokio::sync::mpsc::Sender<Progress>;

/// The code behind an offered service.
#[async_trait]
pub trait Serve: Send + Sync {
    /// Answers one call. `Err` carries what to tell the person.
    async fn serve(&self, call: Call, progress: ProgressSink) -> Result<Reply, String>;
}

/// Commands implemented elsewhere.
#[async_trait]
pub trait Services: Send + Sync {
    /// What services offer now; waits for answers for at most `window`.
    ///
    /// # Errors
    /// `Unavailable` while the server cannot be reached.
    async fn list(&self, window: Duration) -> Result<Vec<Offer>, BusError>;

    /// Calls the command. The stream ends after `Result`, `Error` or `Err`; the call's own deadline bounds it.
    ///
    /// # Errors
    /// `NoService` may come here or as the first item.
    async fn call(&self, call: Call) -> Result<BoxStream<Result<Answer, CallError>>, CallError>;

    /// Offers commands until `stop`; answers each call in its own task, `concurrency` at a time.
    ///
    /// # Errors
    /// `Refused` when the offer itself is not acceptable.
    async fn offer(
        &self,
        offer: Offer,
        serve: Arc<dyn Serve>,
        concurrency: usize,
        stop: tokio_util::sync::CancellationToken,
    ) -> Result<(), BusError>;
}

/// The four ports of one bus, as one role sees it.
#[derive(Clone)]
pub struct Bus {
    /// Requests and decisions.
    pub commands: Arc<dyn Queue>,
    /// Notices on their way to chat.
    pub outbox: Arc<dyn Queue>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Small shared state.
    pub store: Arc<dyn Store>,
    /// Commands implemented elsewhere.
    pub services: Arc<dyn Services>,
    /// Whether the server can be reached; follows it.
    pub status: tokio::sync::watch::Receiver<Status>,
}

/// Whether the bus can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It can.
    Connected,
    /// It cannot; the client is trying.
    Disconnected,
}

impl Bus {
    /// Submits a request or decision under its own id, for the origin of its actor.
    ///
    /// # Errors
    /// As [`Queue::submit`], and when it is too large for the wire.
    pub async fn submit(&self, submission: &crate::request::Submission) -> Result<Accepted, BusError> {
        let payload = crate::wire::encode("request", submission)?;
        self.commands.submit(&Origin::of(submission.actor()), &submission.id().to_string(), payload).await
    }
}

/// Names the journal of a request.
#[must_use]
pub fn journal_key(actor: &crate::actor::Actor, request: RequestId) -> JournalKey {
    JournalKey { origin: Origin::of(actor), request }
}
