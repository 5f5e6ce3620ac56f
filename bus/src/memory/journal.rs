//! The journal in memory: appended at an expected sequence, followed from a durable position.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use adjutant_metrics::bus::Lag;
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    TraceContext,
    actor::Platform,
    event::Event,
    ports::{
        AppendError, BoxStream, BusError, Follow, Followed, Journal, Limits, NothingToSettle, Recorded,
        Settle,
    },
    subject::{JournalKey, Journals},
    wire,
};

/// Most bytes of events. When it is full nothing runs any more; nothing that was written is forgotten.
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// Events handed to a follower that it has not taken yet.
const AHEAD: usize = 64;
/// How often it is looked how far a durable follower is.
const LOOK: Duration = Duration::from_secs(5);
/// Unconfirmed events of a durable follower.
const MOST_UNCONFIRMED: usize = 4_096;

#[derive(Default)]
struct State {
    bytes: usize,
    events: Vec<Arc<Recorded>>,
    last: HashMap<JournalKey, u64>,
    by_key: HashMap<JournalKey, Vec<u64>>,
    durable: HashMap<String, Position>,
    /// In which trace an event was written.
    traces: HashMap<u64, TraceContext>,
}

/// Where a durable follower is.
#[derive(Default)]
struct Position {
    /// The next sequence that was never delivered.
    next: u64,
    /// Delivered, not confirmed, with the time at which it comes again.
    pending: BTreeMap<u64, Instant>,
}

struct Shared {
    state: Mutex<State>,
    changed: Notify,
    lease: Duration,
    identity: String,
}

pub(super) struct MemoryJournal(Arc<Shared>);

impl MemoryJournal {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: Notify::new(),
            lease: limits.handover(),
            identity: format!("memory@{:032x}", rand::random::<u128>()),
        }))
    }
}

impl State {
    fn get(&self, sequence: u64) -> Option<&Arc<Recorded>> {
        self.events.get(usize::try_from(sequence.checked_sub(1)?).ok()?)
    }

    /// Events that a durable follower has not confirmed.
    fn behind(&self, journals: &Journals, name: &str) -> usize {
        let position = self.durable.get(name);
        let (next, pending) = position.map_or((0, 0), |position| (position.next, position.pending.len()));
        let after = self.events.iter().skip(usize::try_from(next).unwrap_or(usize::MAX));
        after.filter(|recorded| journals.contain(&recorded.key)).count() + pending
    }

    fn next_traced(&self, journals: &Journals, after: u64) -> Option<(Arc<Recorded>, Option<TraceContext>)> {
        let recorded = self.next_of(journals, after)?.clone();
        let trace = self.traces.get(&recorded.sequence).cloned();
        Some((recorded, trace))
    }

    fn next_of(&self, journals: &Journals, after: u64) -> Option<&Arc<Recorded>> {
        let from = usize::try_from(after).ok()?;
        self.events.iter().skip(from).find(|recorded| journals.contain(&recorded.key))
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, key: &JournalKey, expected: u64, event: &Event) -> Result<u64, AppendError> {
        let size = wire::encode("event", event).map_err(BusError::from)?.len();
        let trace = TraceContext::current();
        let mut state = self.0.state.lock();
        if state.last.get(key).copied().unwrap_or(0) != expected {
            return Err(AppendError::Conflict { expected });
        }
        if state.bytes + size > MOST_BYTES {
            return Err(BusError::Full("the journal in memory has no room left".to_owned()).into());
        }
        let sequence = state.events.len() as u64 + 1;
        state.bytes += size;
        state.last.insert(key.clone(), sequence);
        state.traces.extend(trace.map(|trace| (sequence, trace)));
        state.by_key.entry(key.clone()).or_default().push(sequence);
        state.events.push(Arc::new(Recorded { key: key.clone(), sequence, event: event.clone() }));
        drop(state);
        self.0.changed.notify_waiters();
        Ok(sequence)
    }

    async fn read(&self, journals: &Journals, after: u64, most: usize) -> Result<Vec<Recorded>, BusError> {
        let state = self.0.state.lock();
        if let Journals::Request(key) = journals {
            let sequences = state.by_key.get(key).into_iter().flatten().filter(|sequence| **sequence > after);
            return Ok(sequences
                .filter_map(|s| state.get(*s))
                .take(most)
                .map(|r| Recorded::clone(r))
                .collect());
        }
        let from = usize::try_from(after).unwrap_or(usize::MAX);
        let found = state.events.iter().skip(from).filter(|recorded| journals.contain(&recorded.key));
        Ok(found.take(most).map(|recorded| Recorded::clone(recorded)).collect())
    }

    async fn newest(&self) -> Result<u64, BusError> {
        let state = self.0.state.lock();
        adjutant_metrics::bus::journal_size(state.bytes as u64, MOST_BYTES as u64);
        Ok(state.events.len() as u64)
    }

    async fn identity(&self) -> Result<String, BusError> {
        Ok(self.0.identity.clone())
    }

    async fn follow(&self, journals: Journals, from: Follow) -> Result<BoxStream<Followed>, BusError> {
        let (out, stream) = mpsc::channel(AHEAD);
        let shared = self.0.clone();
        match from {
            Follow::Durable(name) => {
                provisioned(&name)?;
                shared.state.lock().durable.entry(name.clone()).or_default();
                tokio::spawn(lag(shared.clone(), journals.clone(), name.clone(), out.clone()));
                tokio::spawn(follow_durably(shared, journals, name, out));
            }
            Follow::Now => {
                let after = shared.state.lock().events.len() as u64;
                tokio::spawn(follow_after(shared, journals, after, out));
            }
            Follow::After(after) => drop(tokio::spawn(follow_after(shared, journals, after, out))),
        }
        Ok(Box::pin(ReceiverStream::new(stream)))
    }
}

/// The durable followers that exist; others are refused as a server refuses them.
fn provisioned(name: &str) -> Result<(), BusError> {
    let gateway = name.strip_prefix("gateway-").is_some_and(|platform| platform.parse::<Platform>().is_ok());
    if gateway { Ok(()) } else { Err(BusError::Refused(format!("there is no durable follower `{name}`"))) }
}

async fn follow_after(shared: Arc<Shared>, journals: Journals, mut after: u64, out: mpsc::Sender<Followed>) {
    loop {
        let changed = shared.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let next = shared.state.lock().next_traced(&journals, after);
        match next {
            Some((recorded, trace)) => {
                after = recorded.sequence;
                let followed = Followed {
                    recorded: Recorded::clone(&recorded),
                    again: false,
                    trace,
                    handle: Arc::new(NothingToSettle),
                };
                if out.send(followed).await.is_err() {
                    return;
                }
            }
            None => tokio::select! {
                () = changed => {}
                () = out.closed() => return,
            },
        }
    }
}

/// Tells how far a durable follower is behind, for as long as it follows.
async fn lag(shared: Arc<Shared>, journals: Journals, name: String, out: mpsc::Sender<Followed>) {
    let told = journals.platform().map(|platform| Lag::of(platform.as_str()));
    loop {
        let behind = shared.state.lock().behind(&journals, &name);
        told.as_ref().inspect(|lag| lag.is(behind as u64));
        if tokio::time::timeout(LOOK, out.closed()).await.is_ok() {
            return;
        }
    }
}

async fn follow_durably(shared: Arc<Shared>, journals: Journals, name: String, out: mpsc::Sender<Followed>) {
    let mut here = HashSet::new();
    loop {
        let changed = shared.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let Ok(slot) = out.reserve().await else { return give_back(&shared, &name, &here) };
        match next_durable(&shared, &journals, &name) {
            Ok((recorded, again, trace)) => {
                here.insert(recorded.sequence);
                let sequence = recorded.sequence;
                let handle = Confirm { shared: shared.clone(), name: name.clone(), sequence };
                slot.send(Followed { recorded, again, trace, handle: Arc::new(handle) });
            }
            Err(due) => {
                drop(slot);
                let again = async {
                    match due {
                        Some(due) => tokio::time::sleep_until(due).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = changed => {}
                    () = again => {}
                    () = out.closed() => return give_back(&shared, &name, &here),
                }
            }
        }
    }
}

/// The next event for the durable follower, and whether it had it before; or the time at which an unconfirmed one comes again.
fn next_durable(
    shared: &Shared,
    journals: &Journals,
    name: &str,
) -> Result<(Recorded, bool, Option<TraceContext>), Option<Instant>> {
    let mut state = shared.state.lock();
    let now = Instant::now();
    let Some(position) = state.durable.get(name) else { return Err(None) };
    let overdue = position.pending.iter().find(|(_, due)| **due <= now).map(|(sequence, _)| *sequence);
    let next = match overdue {
        Some(sequence) => state.get(sequence),
        None if position.pending.len() < MOST_UNCONFIRMED => state.next_of(journals, position.next),
        None => None,
    };
    let soonest = position.pending.values().min().copied();
    let Some(recorded) = next.cloned() else { return Err(soonest) };
    if let Some(position) = state.durable.get_mut(name) {
        position.next = position.next.max(recorded.sequence);
        position.pending.insert(recorded.sequence, now + shared.lease);
    }
    let trace = state.traces.get(&recorded.sequence).cloned();
    Ok((Recorded::clone(&recorded), overdue.is_some(), trace))
}

/// A follower that goes away leaves its unconfirmed events to the next one at once.
fn give_back(shared: &Shared, name: &str, here: &HashSet<u64>) {
    if let Some(position) = shared.state.lock().durable.get_mut(name) {
        let now = Instant::now();
        position
            .pending
            .iter_mut()
            .filter(|(sequence, _)| here.contains(*sequence))
            .for_each(|(_, due)| *due = now);
    }
    shared.changed.notify_waiters();
}

struct Confirm {
    shared: Arc<Shared>,
    name: String,
    sequence: u64,
}

impl Confirm {
    fn put_off(&self, by: Duration) {
        if let Some(position) = self.shared.state.lock().durable.get_mut(&self.name)
            && let Some(due) = position.pending.get_mut(&self.sequence)
        {
            *due = Instant::now() + by;
        }
        self.shared.changed.notify_waiters();
    }
}

#[async_trait]
impl Settle for Confirm {
    async fn acknowledge(&self) -> Result<(), BusError> {
        if let Some(position) = self.shared.state.lock().durable.get_mut(&self.name) {
            position.pending.remove(&self.sequence);
        }
        self.shared.changed.notify_waiters();
        Ok(())
    }

    async fn extend(&self) -> Result<(), BusError> {
        self.put_off(self.shared.lease);
        Ok(())
    }

    async fn release(&self, delay: Duration) -> Result<(), BusError> {
        self.put_off(delay);
        Ok(())
    }

    async fn bury(&self, _reason: &str) -> Result<(), BusError> {
        self.acknowledge().await
    }
}
