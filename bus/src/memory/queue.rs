//! A work queue in memory: leases, redelivery, duplicates by id, a share for each origin.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use adjutant_metrics::bus::{Queue as Which, QueueMeter};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{
    TraceContext,
    actor::Platform,
    ports::{Accepted, BusError, Delivery, Limits, Queue, Settle},
    subject::Origin,
    wire::{MAX_MESSAGE, WireError},
};

/// Most dead letters that are kept; the oldest go first.
const MOST_DEAD: usize = 1_000;

/// A message that could not be handled, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it came from.
    pub origin: Origin,
    /// Its place in the queue.
    pub sequence: u64,
    /// The message.
    pub payload: Bytes,
    /// Why it is here.
    pub reason: String,
}

struct Waiting {
    origin: Origin,
    payload: Bytes,
    trace: Option<TraceContext>,
    attempt: u64,
    /// When it may be taken (again).
    due: Instant,
    accepted: Instant,
}

#[derive(Default)]
struct State {
    newest: u64,
    messages: BTreeMap<u64, Waiting>,
    per_origin: HashMap<Origin, i64>,
    ids: HashMap<String, Instant>,
    ids_by_age: VecDeque<(Instant, String)>,
    dead: VecDeque<DeadLetter>,
}

struct Shared {
    state: Mutex<State>,
    changed: Notify,
    limits: Limits,
    meter: QueueMeter,
}

pub(super) struct MemoryQueue {
    shared: Arc<Shared>,
    /// Takes only what is to, or from, this platform.
    only: Option<Platform>,
}

impl MemoryQueue {
    pub(super) fn new(which: Which, limits: &Limits) -> Self {
        let (state, changed, meter) = (Mutex::default(), Notify::new(), QueueMeter::new(which));
        let shared = Shared { state, changed, limits: limits.clone(), meter };
        Self { shared: Arc::new(shared), only: None }
    }

    /// The same queue, of which only one platform's messages are taken.
    pub(super) fn of_platform(&self, platform: Platform) -> Self {
        Self { shared: self.shared.clone(), only: Some(platform) }
    }

    pub(super) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.shared.state.lock().dead.iter().cloned().collect()
    }

    fn ready(&self, most: usize) -> Result<Vec<Delivery>, Option<Instant>> {
        let mut state = self.shared.state.lock();
        let now = Instant::now();
        let mut taken = Vec::new();
        let own = |m: &Waiting| self.only.is_none_or(|platform| m.origin.platform == platform);
        let due = state.messages.iter_mut().filter(|(_, m)| m.due <= now && own(m));
        for (sequence, message) in due.take(most) {
            message.attempt += 1;
            message.due = now + self.shared.limits.lease;
            self.shared.meter.taken(message.attempt, now.saturating_duration_since(message.accepted));
            let handle = Handle { queue: self.shared.clone(), sequence: *sequence };
            taken.push(Delivery {
                origin: message.origin.clone(),
                sequence: *sequence,
                attempt: message.attempt,
                payload: message.payload.clone(),
                trace: message.trace.clone(),
                handle: Arc::new(handle),
            });
        }
        let waiting = state.messages.values().filter(|m| m.due <= now && own(m)).count();
        self.shared.meter.waiting(waiting as u64);
        if taken.is_empty() {
            Err(state.messages.values().filter(|m| own(m)).map(|m| m.due).min())
        } else {
            Ok(taken)
        }
    }
}

impl State {
    fn is_duplicate(&mut self, id: &str, now: Instant, window: Duration) -> bool {
        while self.ids_by_age.front().is_some_and(|(at, _)| *at + window <= now) {
            if let Some((_, old)) = self.ids_by_age.pop_front() {
                self.ids.remove(&old);
            }
        }
        self.ids.contains_key(id)
    }

    fn remove(&mut self, sequence: u64) -> Option<Waiting> {
        let message = self.messages.remove(&sequence)?;
        if let Some(count) = self.per_origin.get_mut(&message.origin) {
            *count -= 1;
            if *count <= 0 {
                self.per_origin.remove(&message.origin);
            }
        }
        Some(message)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn submit(&self, origin: &Origin, id: &str, payload: Bytes) -> Result<Accepted, BusError> {
        if payload.len() > MAX_MESSAGE {
            return Err(WireError::TooLarge { size: payload.len() }.into());
        }
        let mut state = self.shared.state.lock();
        let now = Instant::now();
        if state.is_duplicate(id, now, self.shared.limits.duplicate_window) {
            self.shared.meter.duplicate();
            return Ok(Accepted::Duplicate);
        }
        let share = state.per_origin.get(origin).copied().unwrap_or(0);
        if share >= self.shared.limits.queue_per_origin {
            return Err(BusError::Full(format!("{share} messages of {origin} are waiting already")));
        }
        state.per_origin.insert(origin.clone(), share + 1);
        state.ids.insert(id.to_owned(), now);
        state.ids_by_age.push_back((now, id.to_owned()));
        state.newest += 1;
        let sequence = state.newest;
        let (origin, trace) = (origin.clone(), TraceContext::current());
        let message = Waiting { origin, payload, trace, attempt: 0, due: now, accepted: now };
        state.messages.insert(sequence, message);
        drop(state);
        self.shared.changed.notify_waiters();
        Ok(Accepted::New)
    }

    async fn take(&self, most: usize, wait: Duration) -> Result<Vec<Delivery>, BusError> {
        let deadline = Instant::now() + wait;
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let next = match self.ready(most) {
                Ok(taken) => return Ok(taken),
                Err(next) => next,
            };
            let until = next.map_or(deadline, |due| due.min(deadline));
            let _ = tokio::time::timeout_at(until, changed).await;
            if Instant::now() >= deadline {
                return Ok(self.ready(most).unwrap_or_default());
            }
        }
    }
}

struct Handle {
    queue: Arc<Shared>,
    sequence: u64,
}

impl Handle {
    fn put_off(&self, by: Duration) {
        if let Some(message) = self.queue.state.lock().messages.get_mut(&self.sequence) {
            message.due = Instant::now() + by;
        }
        self.queue.changed.notify_waiters();
    }
}

#[async_trait]
impl Settle for Handle {
    async fn acknowledge(&self) -> Result<(), BusError> {
        self.queue.state.lock().remove(self.sequence);
        Ok(())
    }

    async fn extend(&self) -> Result<(), BusError> {
        self.put_off(self.queue.limits.lease);
        Ok(())
    }

    async fn release(&self, delay: Duration) -> Result<(), BusError> {
        self.put_off(delay);
        Ok(())
    }

    async fn bury(&self, reason: &str) -> Result<(), BusError> {
        let mut state = self.queue.state.lock();
        if let Some(message) = state.remove(self.sequence) {
            let Waiting { origin, payload, .. } = message;
            self.queue.meter.buried();
            state.dead.push_back(DeadLetter {
                origin,
                sequence: self.sequence,
                payload,
                reason: reason.to_owned(),
            });
            if state.dead.len() > MOST_DEAD {
                state.dead.pop_front();
            }
        }
        Ok(())
    }
}
