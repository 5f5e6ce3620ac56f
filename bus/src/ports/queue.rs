//! The queue: work to be done once.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use super::BusError;
use crate::{TraceContext, subject::Origin};

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
    /// Stores a message durably under its id, with the place in the trace of the current task. The same id again, within the
    /// window of ten minutes, is a duplicate.
    ///
    /// # Errors
    /// `Full` when the origin's share is used up, `Unavailable` when it is not certain that it was stored.
    async fn submit(&self, origin: &Origin, id: &str, payload: Bytes) -> Result<Accepted, BusError>;

    /// Up to `most` messages; waits at most `wait` for the first. Each is this taker's until its lease of
    /// [`super::Limits::lease`] ends without being extended.
    ///
    /// # Errors
    /// `Unavailable` while the server cannot be reached.
    async fn take(&self, most: usize, wait: Duration) -> Result<Vec<Delivery>, BusError>;
}

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
    /// The trace that it was sent in, if it was.
    pub trace: Option<TraceContext>,
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

/// What has nothing to settle: an event for a follower without a durable position.
pub(crate) struct NothingToSettle;

#[async_trait]
impl Settle for NothingToSettle {
    async fn acknowledge(&self) -> Result<(), BusError> {
        Ok(())
    }
    async fn extend(&self) -> Result<(), BusError> {
        Ok(())
    }
    async fn release(&self, _delay: Duration) -> Result<(), BusError> {
        Ok(())
    }
    async fn bury(&self, _reason: &str) -> Result<(), BusError> {
        Ok(())
    }
}
