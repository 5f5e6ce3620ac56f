//! How long a connection may be kept. While the bus cannot be reached nobody can renew a lease, and nobody can take it: the
//! connection stays, so that people are told that nothing is accepted; but it is not opened anew, because another replica may reach
//! the bus by now and resume the session.

use adjutant_bus::{
    lease::Term,
    ports::{Bus, Status},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// The right to a shard.
pub(super) struct Hold<'a> {
    term: &'a Term,
    stop: &'a CancellationToken,
    status: watch::Receiver<Status>,
    /// There is a connection to be kept.
    pub(super) connected: bool,
    /// The lease is gone, and the bus too.
    orphaned: bool,
}

impl<'a> Hold<'a> {
    pub(super) fn new(bus: &Bus, term: &'a Term, stop: &'a CancellationToken) -> Self {
        Self { term, stop, status: bus.status.clone(), connected: false, orphaned: false }
    }

    /// Whether another connection may be opened.
    pub(super) fn may_connect(&self) -> bool {
        !self.term.lost().is_cancelled() && !self.stop.is_cancelled()
    }

    /// Until the connection must be left.
    pub(super) async fn over(&mut self) {
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = self.term.lost().cancelled(), if !self.orphaned => {
                    if !self.connected || *self.status.borrow_and_update() != Status::Disconnected {
                        return;
                    }
                    warn!("the bus is away, and the lease of the session with it; what is asked is declined until it is back");
                    self.orphaned = true;
                }
                changed = self.status.changed(), if self.orphaned => {
                    if changed.is_err() || *self.status.borrow_and_update() != Status::Disconnected {
                        return;
                    }
                }
            }
        }
    }

    /// What is handed over; false when it is not taken any more, or must not be.
    pub(super) async fn unless_over(&mut self, taking: impl Future<Output = bool>) -> bool {
        tokio::select! {
            biased;
            () = self.over() => false,
            taken = taking => taken,
        }
    }

    /// Waits, unless the connection must be left meanwhile.
    pub(super) async fn pause(&mut self, rest: std::time::Duration) {
        tokio::select! {
            () = self.over() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}
