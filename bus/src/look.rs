//! What is at a bus beside what set-up would make there: for checks from outside. Nothing is created, changed or taken.

use jiff::Timestamp;

/// What was found at a server.
#[derive(Clone, Debug)]
pub struct Look {
    /// Version of the server.
    pub version: String,
    /// The oldest version that will do.
    pub oldest: String,
    /// Whether it is new enough.
    pub new_enough: bool,
    /// The room that JetStream has for this account; why it is not known.
    pub room: Seen<Room>,
    /// The server's clock, if it told.
    pub clock: Option<Clock>,
    /// Streams and buckets, in the order in which set-up makes them.
    pub streams: Vec<Part<Stream>>,
    /// Durable consumers, likewise.
    pub consumers: Vec<Part<Consumer>>,
    /// Subjects of messages in the work queues that no consumer takes, and how many there are of each.
    pub untaken: Vec<(String, usize)>,
}

/// What came of looking at one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// It is there.
    There(T),
    /// It is not there.
    Missing,
    /// This user may not look at it.
    Forbidden,
    /// There was no answer, and why.
    Unanswered(String),
}

/// One thing that set-up makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<T> {
    /// `stream JOURNAL`, `bucket policy`, `consumer workers of stream COMMANDS`.
    pub name: String,
    /// What came of looking at it.
    pub seen: Seen<T>,
}

/// A stream that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Settings that differ: `max_age is 1s, wanted 2s`.
    pub differences: Vec<String>,
    /// Whether nothing is begun while they differ.
    pub vital: bool,
    /// Bytes that it holds.
    pub bytes: u64,
    /// Most bytes that it may hold; none: no limit.
    pub most_bytes: Option<u64>,
    /// Whether it refuses new messages when it is full.
    pub refuses: bool,
    /// How many copies it is to have.
    pub copies: usize,
    /// How many of them are up to date, the leader's among them.
    pub current: usize,
    /// Sequence of its newest message.
    pub last: u64,
}

/// A durable consumer that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consumer {
    /// Settings that differ.
    pub differences: Vec<String>,
    /// Messages that nobody has been given.
    pub pending: u64,
    /// Messages that somebody has been given and has not confirmed.
    pub unconfirmed: usize,
    /// Requests for messages that wait for some.
    pub waiting: usize,
}

/// Room for streams on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes in use by this account.
    pub used: u64,
    /// Most bytes that it may use; none: the server's own limit.
    pub most: Option<u64>,
    /// Bytes that the streams of set-up may come to hold.
    pub wanted: u64,
}

/// What another machine's clock said, and when it was asked and had answered by ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// When it was asked.
    pub asked: Timestamp,
    /// What it said.
    pub told: Timestamp,
    /// When the answer was here.
    pub answered: Timestamp,
}

/// Why nothing can be seen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Blind {
    /// Nobody answers there, or not as a NATS server does.
    #[error("{0}")]
    Unreachable(String),
    /// The server does not let this user in.
    #[error("{0}")]
    NotLetIn(String),
}
