//! The way out. One replica at a time holds the lease and sends for all workspaces, so that it alone owns the rate limits; when
//! it dies another one takes over within seconds, looks up what was posted already, and goes on.

mod lead;
mod matter;
mod notices;
mod pace;
mod post;
mod talk;

use std::{sync::Arc, time::Duration};

use adjutant_bus::{lease, ports::Bus};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{accept::Specs, workspace::Workspaces};

/// The lease of the one that sends.
const LEASE: &str = "slack.sender";
/// How long the holder may go on sending what it has begun after it was told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Pause before a term that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What a sender needs.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) bus: Bus,
    pub(crate) workspaces: Arc<Workspaces>,
    pub(crate) specs: Specs,
    /// Name of this replica.
    pub(crate) name: String,
    /// After which time without a sign of life the lease goes to another replica.
    pub(crate) handover: Duration,
}

/// Waits for the lease, sends while holding it, and so on until `stop`.
pub(crate) async fn run(sender: Sender, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let Some(term) = lease::acquire(&sender.bus, LEASE, &sender.name, sender.handover, &stop).await
        else {
            return;
        };
        info!(name = sender.name, "this replica sends to Slack now");
        let led = lead::lead(&sender, &term, &stop).await;
        term.release().await;
        if let Err(error) = led {
            warn!(%error, "sending to Slack was interrupted; going on");
            stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
        }
    }
}
