//! Putting a request on the bus: with the same id until it is certain that it is there.

use std::time::{Duration, Instant};

use adjutant_bus::{
    ports::{Bus, BusError},
    request::{Request, Submission},
};

/// How long it is tried. Platforms with a deadline of their own try shorter.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a request was not accepted, for the person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliverError {
    /// There is no room.
    #[error("Too many commands are waiting already. Nothing was done; try again in a moment.")]
    Busy,
    /// It cannot be carried.
    #[error("That line cannot be sent: {0}. Nothing was done; shorten it.")]
    Unfit(String),
    /// The bus refuses.
    #[error("The bus does not take the command: {0}. Nothing was done; tell an operator.")]
    Refused(String),
    /// Nobody knows whether it was stored.
    #[error(
        "The bus did not answer, so it is not certain whether the command was accepted. `history` tells, once the bus is back. ({0})"
    )]
    Uncertain(String),
}

/// Submits until accepted, or until patience ends.
pub(super) async fn deliver(bus: &Bus, request: &Request) -> Result<(), DeliverError> {
    let submission = Submission::Request(request.clone());
    let begun = Instant::now();
    loop {
        match bus.submit(&submission).await {
            Ok(_) => return Ok(()),
            Err(BusError::Full(_)) => return Err(DeliverError::Busy),
            Err(BusError::Wire(error)) => return Err(DeliverError::Unfit(error.to_string())),
            Err(BusError::Refused(why)) => return Err(DeliverError::Refused(why)),
            Err(BusError::Unavailable(why)) if begun.elapsed() >= PATIENCE => {
                return Err(DeliverError::Uncertain(why));
            }
            Err(BusError::Unavailable(_)) => tokio::time::sleep(PAUSE).await,
        }
    }
}
