//! How an interaction was answered at first, told by the replica that answered it to the one that sends. Without a word the sender
//! waits until the three seconds are over, and then changes whatever answer there is: the same again changes nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adjutant_bus::{
    id::RequestId,
    ports::{Bucket, Bus, Expect},
};
use bytes::Bytes;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use tokio::{sync::Notify, time::Instant};
use tracing::warn;

/// Answers remembered in this process, and for how long.
const REMEMBERED: (u64, Duration) = (20_000, Duration::from_secs(60));
/// Pauses between looks at the store: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(400));

/// The first answer to an interaction, and what followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "first", rename_all = "snake_case")]
pub(crate) enum First {
    /// It had the result: there is nothing more to say.
    Whole,
    /// It promised one.
    Deferred(Promise),
}

/// A result that was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promise {
    /// To the asker only.
    pub(crate) ephemeral: bool,
    /// Messages of the result that were sent since.
    pub(crate) said: usize,
}

/// What is known of first answers.
#[derive(Clone)]
pub(crate) struct Answered {
    bus: Bus,
    here: Cache<RequestId, First>,
    told: Arc<Notify>,
    /// The one that sends is in this process.
    sends_here: Arc<AtomicBool>,
}

impl Answered {
    pub(crate) fn new(bus: Bus) -> Self {
        let here = Cache::builder().max_capacity(REMEMBERED.0).time_to_live(REMEMBERED.1).build();
        Self { bus, here, told: Arc::default(), sends_here: Arc::default() }
    }

    /// Whether the one that sends is in this process now.
    pub(crate) fn sends_here(&self, here: bool) {
        self.sends_here.store(here, Ordering::Relaxed);
    }

    /// Says how an interaction was answered. Who sends in this process need not read it in the store; who takes over from it looks
    /// at the answer itself.
    pub(crate) async fn tell(&self, request: RequestId, first: First) {
        self.here.insert(request, first);
        self.told.notify_waiters();
        if !self.sends_here.load(Ordering::Relaxed) {
            self.store(request, first).await;
        }
    }

    /// Writes down how much was said since, for whoever takes over in the middle of it.
    pub(crate) async fn said(&self, request: RequestId, first: First) {
        self.here.insert(request, first);
        self.store(request, first).await;
    }

    async fn store(&self, request: RequestId, first: First) {
        let value = Bytes::from(serde_json::to_vec(&first).unwrap_or_default());
        if let Err(error) = self.bus.store.put(Bucket::Leases, &key(request), value, Expect::Anything).await {
            warn!(%error, run = %request.run(), "how an interaction was answered could not be told; the sender will look");
        }
    }

    /// How it was answered; none if nobody has said so by `deadline`. The store is looked at last: mostly it was said here.
    pub(crate) async fn ask(&self, request: RequestId, deadline: Instant) -> Option<First> {
        let mut pause = PAUSES.0;
        let mut look = deadline.min(Instant::now() + pause);
        loop {
            let told = self.told.notified();
            if let Some(first) = self.here.get(&request) {
                return Some(first);
            }
            tokio::select! {
                () = told => continue,
                () = tokio::time::sleep_until(look) => {}
            }
            if let Ok(Some(entry)) = self.bus.store.get(Bucket::Leases, &key(request)).await {
                let first = serde_json::from_slice(&entry.value).ok()?;
                self.here.insert(request, first);
                return Some(first);
            }
            if look >= deadline {
                return None;
            }
            pause = (pause * 2).min(PAUSES.1);
            look = deadline.min(Instant::now() + pause);
        }
    }
}

fn key(request: RequestId) -> String {
    format!("discord.answered.{request}")
}
