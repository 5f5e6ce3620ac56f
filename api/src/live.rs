//! What happens to requests, as it happens: one follower of the journal for this replica, and readers that first read what is
//! there and then go on live. The journal is the truth: who lags, or doubts, reads it again.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use adjutant_bus::{
    ports::{Bus, BusError, Follow, Recorded},
    subject::{JournalKey, Journals},
};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::problem::{Code, Problem};

/// Events that a slow reader may lag behind.
const BEHIND: usize = 4_096;
/// After this time without news of its own a reader looks into the journal itself.
const LOOK: Duration = Duration::from_secs(5);
/// Pause before the journal is followed again after a fault.
const AGAIN: Duration = Duration::from_secs(1);
/// Most events of a request that are read at once.
pub(crate) const MOST: usize = 4_096;
/// Most streams of one key, and of all.
const STREAMS_OF_A_KEY: usize = 64;
const STREAMS: usize = 1_024;

/// The follower's side.
pub(crate) struct Live {
    events: broadcast::Sender<Arc<Recorded>>,
    streams: Arc<Mutex<HashMap<String, usize>>>,
    /// The service stops: streams end.
    closing: CancellationToken,
}

impl Live {
    pub(crate) fn new() -> Self {
        let (events, _) = broadcast::channel(BEHIND);
        Self { events, streams: Arc::default(), closing: CancellationToken::new() }
    }

    /// Follows the journal until `stop`.
    pub(crate) async fn follow(&self, bus: &Bus, stop: &CancellationToken) {
        let mut position = None;
        while !stop.is_cancelled() {
            let round = stop.run_until_cancelled(self.round(bus, &mut position));
            if let Some(Err(error)) = round.await {
                warn!(%error, "the journal cannot be followed; trying again");
            }
            let _ = stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await;
        }
        self.closing.cancel();
    }

    async fn round(&self, bus: &Bus, position: &mut Option<u64>) -> Result<(), BusError> {
        let from = match *position {
            Some(position) => position,
            None => bus.journal.newest().await?,
        };
        let mut followed = bus.journal.follow(Journals::All, Follow::After(from)).await?;
        *position = Some(from);
        while let Some(event) = followed.next().await {
            *position = Some(event.recorded.sequence);
            // No reader at the moment is no fault.
            let _ = self.events.send(Arc::new(event.recorded));
        }
        Ok(())
    }

    /// The events of a request after a sequence, those that are there first.
    pub(crate) fn read(&self, bus: &Bus, key: JournalKey, after: u64) -> Reader {
        Reader {
            // Before the journal is read, so that nothing falls between.
            live: self.events.subscribe(),
            bus: bus.clone(),
            key,
            after,
            ready: VecDeque::new(),
            look: Instant::now(),
            ended: false,
        }
    }

    /// Room for one more stream of this key.
    pub(crate) fn stream(&self, key_id: &str) -> Result<Stream, Problem> {
        let mut streams = self.streams.lock();
        let own = streams.get(key_id).copied().unwrap_or(0);
        if own >= STREAMS_OF_A_KEY || streams.values().sum::<usize>() >= STREAMS {
            let detail = format!("At most {STREAMS_OF_A_KEY} streams of a key are open at once; close some.");
            return Err(
                Problem::new(Code::QuotaExceeded, detail).header(axum::http::header::RETRY_AFTER, "5")
            );
        }
        streams.insert(key_id.to_owned(), own + 1);
        drop(streams);
        Ok(Stream { key_id: key_id.to_owned(), streams: self.streams.clone(), closing: self.closing.clone() })
    }
}

/// One open stream; counted until it is dropped.
pub(crate) struct Stream {
    key_id: String,
    streams: Arc<Mutex<HashMap<String, usize>>>,
    closing: CancellationToken,
}

impl Stream {
    /// When the service stops.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut streams = self.streams.lock();
        match streams.get_mut(&self.key_id) {
            Some(open) if *open > 1 => *open -= 1,
            _ => drop(streams.remove(&self.key_id)),
        }
    }
}

/// A reader of one request's journal.
pub(crate) struct Reader {
    live: broadcast::Receiver<Arc<Recorded>>,
    bus: Bus,
    key: JournalKey,
    after: u64,
    ready: VecDeque<Recorded>,
    /// When the journal itself is read again.
    look: Instant,
    ended: bool,
}

impl Reader {
    /// The next event; none after the one that ends the request. Nothing is lost where it is not waited for to the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Recorded>, BusError> {
        loop {
            if self.ended {
                return Ok(None);
            }
            if let Some(next) = self.ready.pop_front() {
                self.after = next.sequence;
                self.ended = next.event.fact.end().is_some();
                return Ok(Some(next));
            }
            if Instant::now() >= self.look {
                let journals = Journals::Request(self.key.clone());
                self.ready = self.bus.journal.read(&journals, self.after, MOST).await?.into();
                if self.ready.is_empty() {
                    self.look = Instant::now() + LOOK;
                }
                // Else there may be more than one page.
                continue;
            }
            match tokio::time::timeout_at(self.look, self.live.recv()).await {
                Ok(Ok(event)) => {
                    if event.key == self.key && event.sequence > self.after {
                        self.ready.push_back(Recorded::clone(&event));
                        self.look = Instant::now() + LOOK;
                    }
                }
                Ok(Err(RecvError::Lagged(_))) | Err(_) => self.look = Instant::now(),
                Ok(Err(RecvError::Closed)) => {
                    tokio::time::sleep(AGAIN).await;
                    self.look = Instant::now();
                }
            }
        }
    }
}
