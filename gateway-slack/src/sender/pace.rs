//! How fast to send: one message per second and channel, edits as Slack's tier allows, and whatever Slack itself says. Final
//! answers wait for their turn; receipts and progress are sent only when there is room at once, so they never delay an answer.
//! Source: Slack, "Rate limits".

use std::{num::NonZeroU32, time::Duration};

use adjutant_metrics::gateway as told;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

/// One message per second and channel on the average, a few at once.
const CHANNEL: (Duration, u32) = (Duration::from_millis(1_050), 3);
/// Edits: tier 3, 50 in a minute.
const EDITS: (Duration, u32) = (Duration::from_millis(1_250), 10);
/// Ephemeral messages: tier 4, 100 in a minute.
const EPHEMERALS: (Duration, u32) = (Duration::from_millis(620), 20);
/// Look-ups of what was posted: tier 3, 50 in a minute.
const LOOKUPS: (Duration, u32) = (Duration::from_millis(1_250), 40);
/// Calls on their way at once for one workspace.
const AT_ONCE: usize = 16;
/// Channels remembered before those that are idle are forgotten.
const CHANNELS: usize = 10_000;

/// The pace of one workspace.
pub(super) struct Pace {
    channels: DefaultKeyedRateLimiter<String>,
    edits: DefaultDirectRateLimiter,
    ephemerals: DefaultDirectRateLimiter,
    lookups: DefaultDirectRateLimiter,
    at_once: Semaphore,
}

fn quota((period, burst): (Duration, u32)) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(period).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            channels: RateLimiter::keyed(quota(CHANNEL)),
            edits: RateLimiter::direct(quota(EDITS)),
            ephemerals: RateLimiter::direct(quota(EPHEMERALS)),
            lookups: RateLimiter::direct(quota(LOOKUPS)),
            at_once: Semaphore::new(AT_ONCE),
        }
    }

    /// Waits for a turn to post in this channel.
    pub(super) async fn message(&self, channel: &str) {
        if self.channels.len() > CHANNELS {
            self.channels.retain_recent();
        }
        waited(self.channels.until_key_ready(&channel.to_owned())).await;
    }

    /// Whether there is room for a receipt: a message now, and later its edit.
    pub(super) fn receipt(&self, channel: &str) -> bool {
        self.channels.check_key(&channel.to_owned()).is_ok() && self.edits.check().is_ok()
    }

    /// Whether there is room for one more edit now.
    pub(super) fn edit(&self) -> bool {
        self.edits.check().is_ok()
    }

    /// Waits for a turn to edit a message.
    pub(super) async fn turn_to_edit(&self) {
        waited(self.edits.until_ready()).await;
    }

    /// Waits for a turn to send an ephemeral message.
    pub(super) async fn ephemeral(&self) {
        waited(self.ephemerals.until_ready()).await;
    }

    /// Waits for a turn to look up what was posted.
    pub(super) async fn lookup(&self) {
        waited(self.lookups.until_ready()).await;
    }

    /// Room for one call among those on their way.
    pub(super) async fn call(&self) -> Option<SemaphorePermit<'_>> {
        self.at_once.acquire().await.ok()
    }
}

/// Waits for a turn, and tells how long that took.
async fn waited(turn: impl Future<Output = ()>) {
    let begun = Instant::now();
    turn.await;
    told::waited("slack", begun.elapsed());
}
