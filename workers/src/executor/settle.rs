//! Keeping a delivery while it is worked on, and settling it at the end.

use std::{sync::Arc, time::Duration};

use adjutant_bus::ports::{Delivery, Settle};
use tokio::task::JoinHandle;
use tracing::{debug, error, warn};

use super::{Done, Executor};
use crate::ledger::jitter;

/// A lease is extended this many times within its length.
const EXTENSIONS: u32 = 3;
/// First pause before a message is delivered again after transient trouble; doubles with each delivery.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Extends the lease of a delivery until dropped.
pub(super) struct Lease(JoinHandle<()>);

impl Lease {
    pub(super) fn keep(handle: Arc<dyn Settle>, length: Duration) -> Self {
        Self(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(length / EXTENSIONS);
            ticks.tick().await; // the first tick comes at once, and the delivery has just begun
            loop {
                ticks.tick().await;
                if let Err(error) = handle.extend().await {
                    warn!(%error, "a lease could not be extended");
                }
            }
        }))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How long to wait before this delivery comes again.
pub(super) fn back_off(attempt: u64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    jitter(FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE))
}

impl Executor {
    /// Settles a delivery. What cannot be settled now is delivered again, and its journal then tells that it is done.
    pub(super) async fn settle(&self, delivery: &Delivery, done: Done) {
        let settled = match &done {
            Done::Acknowledge => delivery.handle.acknowledge().await,
            Done::Release(after) => delivery.handle.release(*after).await,
            Done::Bury(reason) => delivery.handle.bury(reason).await,
            Done::Leave => Ok(()),
        };
        match (settled, done) {
            (Ok(()), _) => {}
            (Err(error), Done::Bury(_)) => {
                error!(%error, "a dead letter could not be stored; the message stays in the queue")
            }
            (Err(error), _) => debug!(%error, "a message could not be settled; it will be delivered again"),
        }
    }
}
