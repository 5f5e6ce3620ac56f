//! Putting a request on the bus inside the platform's time: with the same id until it is certain, and not at all
//! while the bus is known not to answer.

use std::time::Duration;

use adjutant_bus::{
    canary,
    ports::{Bus, BusError, Status},
    request::{Request, Submission},
    subject::Origin,
};
use adjutant_metrics::gateway::{self as told, Accepted};
use adjutant_traces::{Attribute, tell};
use parking_lot::Mutex;
use tokio::time::Instant;

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// After a failure the bus is tried this often, and with this patience, until it answers.
const PROBE: Duration = Duration::from_millis(400);

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The bus has it for good.
    Accepted,
    /// The bus certainly does not have it; it may take it later.
    Not(&'static str),
    /// The bus certainly does not have it, and never will: it is about the request itself.
    Never(&'static str),
    /// It may have been stored; nobody knows.
    Uncertain,
}

/// Delivers, and remembers when the bus last failed.
pub struct Deliver {
    bus: Bus,
    /// When the next try is allowed, while the bus does not answer.
    open: Mutex<Option<Instant>>,
}

impl Deliver {
    /// Delivers to this bus.
    #[must_use]
    pub const fn new(bus: Bus) -> Self {
        Self { bus, open: Mutex::new(None) }
    }

    /// Submits until accepted, or until the deadline.
    pub async fn deliver(&self, request: &Request, deadline: Instant) -> Delivered {
        let begun = Instant::now();
        tell(Attribute::Request(&request.id.to_string()));
        tell(Attribute::Run(&request.id.run().to_string()));
        let delivered = self.submit(request, deadline).await;
        let accepted = match delivered {
            Delivered::Accepted => Accepted::Yes,
            Delivered::Not(_) => Accepted::No,
            Delivered::Never(_) => Accepted::Never,
            Delivered::Uncertain => Accepted::Uncertain,
        };
        tell(Attribute::Outcome(match accepted {
            Accepted::Yes => "accepted",
            Accepted::No | Accepted::Never => "not accepted",
            Accepted::Uncertain => "uncertain",
        }));
        // Canaries are counted as such.
        if !canary::is_origin(&Origin::of(&request.actor)) {
            told::request(request.actor.platform.as_str(), accepted, begun.elapsed());
        }
        delivered
    }

    async fn submit(&self, request: &Request, deadline: Instant) -> Delivered {
        if *self.bus.status.borrow() == Status::Disconnected {
            return Delivered::Not("the bus cannot be reached at the moment");
        }
        if Instant::now() >= deadline {
            return Delivered::Not("it took too long to find out who you are");
        }
        let Some(deadline) = self.allowed(deadline) else {
            return Delivered::Not("the bus does not answer at the moment");
        };
        let submission = Submission::Request(request.clone());
        loop {
            match tokio::time::timeout_at(deadline, self.bus.submit(&submission)).await {
                Ok(Ok(_)) => {
                    *self.open.lock() = None;
                    return Delivered::Accepted;
                }
                Ok(Err(BusError::Full(_))) => return Delivered::Not("too many commands are waiting already"),
                Ok(Err(BusError::Wire(_))) => return Delivered::Never("it is too long to be carried"),
                Ok(Err(BusError::Refused(why))) => {
                    tracing::error!(why, "the bus refuses a request");
                    return Delivered::Never("the bus refuses it; tell an operator");
                }
                Ok(Err(BusError::Unavailable(_))) if Instant::now() + PAUSE < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(Err(BusError::Unavailable(_))) | Err(_) => {
                    *self.open.lock() = Some(Instant::now() + PROBE);
                    return Delivered::Uncertain;
                }
            }
        }
    }

    /// Until when this request may try. While the bus does not answer, one in a while tries, shortly; the others do not wait.
    fn allowed(&self, deadline: Instant) -> Option<Instant> {
        let mut open = self.open.lock();
        let now = Instant::now();
        match *open {
            None => Some(deadline),
            Some(next) if now < next => None,
            Some(_) => {
                *open = Some(now + PROBE);
                Some(deadline.min(now + PROBE))
            }
        }
    }
}
