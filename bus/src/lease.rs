//! A lease, for what only one replica may do at a time: an entry in the store that its holder renews. Whoever sees it unchanged
//! for long enough takes it, if nobody was faster: the write is conditional on the revision seen.

use std::{sync::Arc, time::Duration};

use adjutant_metrics::bus::Held;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::ports::{Bucket, Bus, Expect, StoreError};

/// The holder stops this much sooner than others may take over, so that two never act.
const MARGIN: f64 = 0.6;
/// Renewals within the time that a lease lasts.
const RENEWALS: u32 = 5;

/// Until when the lease is certainly ours. To be asked before each act: a process that was paused may wake up with calls in hand
/// before it learns that its lease is gone.
#[derive(Clone)]
pub struct Good(Arc<Mutex<Instant>>);

impl Good {
    /// Whether it is, now.
    #[must_use]
    pub fn is_good(&self) -> bool {
        Instant::now() < *self.0.lock()
    }
}

/// A time during which this replica holds the lease.
pub struct Term {
    bus: Bus,
    key: String,
    lost: CancellationToken,
    good: Good,
    keeper: tokio::task::JoinHandle<Option<u64>>,
    done: CancellationToken,
}

/// Waits until the lease under this key is ours; none at `stop`. `name` says who holds it. Who gives no sign of life for
/// `handover`, on which all that ask for the same lease must agree, loses it.
///
/// The key's first token is the part of Adjutant whose rights cover it: `slack.sender`, `api.audit`.
pub async fn acquire(
    bus: &Bus,
    key: &str,
    name: &str,
    handover: Duration,
    stop: &CancellationToken,
) -> Option<Term> {
    let mut seen: Option<(u64, Instant)> = None;
    loop {
        let now = Instant::now();
        let taken = match bus.store.get(Bucket::Leases, key).await {
            Ok(None) => take(bus, key, name, Expect::Absent { ttl: None }).await,
            Ok(Some(entry)) => match seen {
                Some((revision, since)) if revision == entry.revision && since.elapsed() >= handover => {
                    take(bus, key, name, Expect::Revision(revision)).await
                }
                Some((revision, _)) if revision == entry.revision => None,
                _ => {
                    seen = Some((entry.revision, now));
                    None
                }
            },
            Err(error) => {
                warn!(%error, key, "a lease cannot be read");
                None
            }
        };
        if let Some(revision) = taken {
            return Some(Term::begin(bus, key, name, revision, now, handover));
        }
        stop.run_until_cancelled(tokio::time::sleep(handover / RENEWALS)).await?;
    }
}

async fn take(bus: &Bus, key: &str, name: &str, expect: Expect) -> Option<u64> {
    match bus.store.put(Bucket::Leases, key, Bytes::copy_from_slice(name.as_bytes()), expect).await {
        Ok(revision) => Some(revision),
        Err(StoreError::Conflict) => None,
        Err(StoreError::Bus(error)) => {
            warn!(%error, key, "a lease cannot be taken");
            None
        }
    }
}

impl Term {
    fn begin(bus: &Bus, key: &str, name: &str, revision: u64, since: Instant, handover: Duration) -> Self {
        let (lost, done) = (CancellationToken::new(), CancellationToken::new());
        let good = Good(Arc::new(Mutex::new(since + handover.mul_f64(MARGIN))));
        let keeper = Keeper {
            bus: bus.clone(),
            key: key.to_owned(),
            name: name.to_owned(),
            handover,
            good: good.clone(),
            lost: lost.clone(),
            done: done.clone(),
            held: Held::begin(key),
        };
        let keeper = tokio::spawn(keeper.keep(revision, since));
        Self { bus: bus.clone(), key: key.to_owned(), lost, good, keeper, done }
    }

    /// Until when it is certain.
    #[must_use]
    pub fn good(&self) -> Good {
        self.good.clone()
    }

    /// Cancelled when the lease is not certainly ours any more.
    #[must_use]
    pub const fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Gives the lease back, so that another replica need not wait.
    pub async fn release(self) {
        self.done.cancel();
        if let Ok(Some(revision)) = self.keeper.await
            && let Err(error) = self.bus.store.remove(Bucket::Leases, &self.key, Some(revision)).await
        {
            warn!(%error, key = self.key, "a lease could not be given back; it ends by itself");
        }
    }
}

/// What renews the lease.
struct Keeper {
    bus: Bus,
    key: String,
    name: String,
    handover: Duration,
    good: Good,
    lost: CancellationToken,
    done: CancellationToken,
    /// Counts it as ours.
    held: Held,
}

impl Keeper {
    /// Renews until told to end; the last revision, if the lease is still ours.
    async fn keep(self, mut revision: u64, mut since: Instant) -> Option<u64> {
        loop {
            if self.done.run_until_cancelled(tokio::time::sleep(self.handover / RENEWALS)).await.is_none() {
                return Some(revision);
            }
            let until = since + self.handover.mul_f64(MARGIN);
            let now = Instant::now();
            let value = Bytes::copy_from_slice(self.name.as_bytes());
            let renewed = self.bus.store.put(Bucket::Leases, &self.key, value, Expect::Revision(revision));
            match tokio::time::timeout_at(until, renewed).await {
                Ok(Ok(next)) => {
                    (revision, since) = (next, now);
                    *self.good.0.lock() = since + self.handover.mul_f64(MARGIN);
                }
                Ok(Err(StoreError::Bus(error))) if Instant::now() < until => {
                    warn!(%error, key = self.key, "a lease could not be renewed yet");
                }
                Ok(Err(error)) => {
                    self.held.lost();
                    warn!(%error, key = self.key, "a lease is lost");
                    self.lost.cancel();
                    return None;
                }
                Err(_) => {
                    self.held.lost();
                    warn!(key = self.key, "a lease was not renewed in time");
                    self.lost.cancel();
                    return None;
                }
            }
        }
    }
}
