//! The five ports: what the rest of Adjutant needs of a bus. Two implementations, one contract suite that both pass.

mod inquiries;
mod journal;
mod limits;
mod queue;
mod services;
mod store;

use std::{pin::Pin, sync::Arc};

use adjutant_traces::{Attribute, Name, Span};
use futures::Stream;

pub use self::{
    inquiries::{Inquiries, Inquiry},
    journal::{AppendError, Follow, Followed, Journal, Recorded},
    limits::Limits,
    queue::{Accepted, Delivery, Queue, Settle},
    services::{Answer, CallError, ProgressSink, Serve, Services},
    store::{Bucket, Change, Entry, Expect, Store, StoreError},
};
pub(crate) use self::{queue::NothingToSettle, services::served};
pub use crate::subject::Topic;
use crate::{subject::Origin, wire::WireError};

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

/// The five ports of one bus, as one role sees it.
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
    /// Questions that Adjutant itself answers.
    pub inquiries: Arc<dyn Inquiries>,
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
        let (origin, id) = (Origin::of(submission.actor()), submission.id());
        let span = Span::begin(Name::PublishCommand)
            .with(Attribute::Request(&id.to_string()))
            .with(Attribute::Run(&id.run().to_string()))
            .with(Attribute::Platform(origin.platform.as_str()));
        let accepted = span.run(self.commands.submit(&origin, &id.to_string(), payload)).await;
        span.set(Attribute::Outcome(told(&accepted)));
        accepted
    }

    /// Puts a notice on its way to chat; the same notice again changes nothing.
    ///
    /// # Errors
    /// As [`Queue::submit`], and when it is too large for the wire.
    pub async fn tell(&self, notice: &crate::notice::Notice) -> Result<Accepted, BusError> {
        let payload = crate::wire::encode("notice", notice)?;
        let origin = Origin::new(notice.to.platform, &notice.to.tenant);
        let span = Span::begin(Name::PublishNotice).with(Attribute::Platform(origin.platform.as_str()));
        let accepted = span.run(self.outbox.submit(&origin, &notice.id, payload)).await;
        span.set(Attribute::Outcome(told(&accepted)));
        accepted
    }
}

/// What the bus said, for a trace.
const fn told(accepted: &Result<Accepted, BusError>) -> &'static str {
    match accepted {
        Ok(Accepted::New) => "accepted",
        Ok(Accepted::Duplicate) => "duplicate",
        Err(BusError::Unavailable(_)) => "unavailable",
        Err(BusError::Full(_)) => "full",
        Err(BusError::Refused(_) | BusError::Wire(_)) => "refused",
    }
}
