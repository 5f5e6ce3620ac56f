//! How far a session was read, kept in the store: whoever takes the shard over resumes after the last event that the bus has
//! accepted. Events that come again then are known by their ids.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use adjutant_bus::{
    ports::{Bucket, Bus, BusError, Expect, StoreError},
    wire::{self, Version},
};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;
use tracing::{error, warn};

use super::{INTENTS, Socket};

/// A session as it is resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) sequence: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    v: Version,
    session: String,
    resume_url: String,
    sequence: u64,
    intents: u64,
    shards: u32,
    holder: String,
    written_at: Timestamp,
}

/// An event of one session. Sequences begin anew with each, so what is left of an earlier one must not be taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    session: u64,
    sequence: u64,
}

#[derive(Debug, Default)]
struct State {
    revision: Option<u64>,
    /// Which session this is, of those that this replica has seen.
    number: u64,
    id: String,
    url: String,
    /// The last event that was received.
    polled: u64,
    /// Events that are being handled.
    open: BTreeSet<u64>,
    changed: bool,
}

impl State {
    /// The last event before which the bus has accepted everything.
    fn accepted(&self) -> u64 {
        self.open.first().map_or(self.polled, |first| first.saturating_sub(1))
    }
}

/// The session of one shard.
pub(super) struct Sessions {
    bus: Bus,
    key: String,
    shards: u32,
    holder: String,
    known: Option<Kept>,
    state: Mutex<State>,
    /// One write at a time.
    writing: tokio::sync::Mutex<()>,
}

impl Sessions {
    /// Looks up what is known.
    pub(super) async fn open(socket: &Arc<Socket>, number: u32) -> Result<Self, BusError> {
        let key = format!("discord.{}.{number}-{}", socket.application, socket.shards);
        let entry = socket.bus.store.get(Bucket::Sessions, &key).await?;
        let mut state = State { revision: entry.as_ref().map(|entry| entry.revision), ..State::default() };
        let record = entry.and_then(|entry| wire::decode::<Record>("session", &entry.value).ok());
        let fits = |record: &Record| record.intents == INTENTS.bits() && record.shards == socket.shards;
        let known = record
            .filter(|record| {
                fits(record) && !record.session.is_empty() && socket.hosts.is_ours(&record.resume_url)
            })
            .map(|record| Kept { id: record.session, url: record.resume_url, sequence: record.sequence });
        if let Some(known) = &known {
            state.id.clone_from(&known.id);
            state.url.clone_from(&known.url);
            state.polled = known.sequence;
        }
        let sessions = Self::new(socket.bus.clone(), key, socket.shards, socket.name.clone());
        *sessions.state.lock() = state;
        Ok(Self { known, ..sessions })
    }

    fn new(bus: Bus, key: String, shards: u32, holder: String) -> Self {
        let (known, state, writing) = (None, Mutex::default(), tokio::sync::Mutex::default());
        Self { bus, key, shards, holder, known, state, writing }
    }

    /// The session that another replica left.
    pub(super) fn known(&self) -> Option<Kept> {
        self.known.clone()
    }

    /// The session as this replica has it: what was received is here, even if it is not handled yet.
    pub(super) fn polled(&self) -> Option<Kept> {
        let state = self.state.lock();
        (!state.id.is_empty()).then(|| Kept {
            id: state.id.clone(),
            url: state.url.clone(),
            sequence: state.polled,
        })
    }

    /// A new session has begun.
    pub(super) fn begin(&self, id: String, url: String) {
        let mut state = self.state.lock();
        let (revision, number) = (state.revision, state.number + 1);
        *state = State { revision, number, id, url, changed: true, ..State::default() };
    }

    /// An event was received; it is open until [`Sessions::handled`].
    pub(super) fn received(&self, sequence: u64) -> Ticket {
        let mut state = self.state.lock();
        state.polled = state.polled.max(sequence);
        state.open.insert(sequence);
        Ticket { session: state.number, sequence }
    }

    /// The bus has accepted what was in an event, or there was nothing to accept.
    pub(super) fn handled(&self, ticket: Ticket) {
        let mut state = self.state.lock();
        if ticket.session == state.number {
            state.changed |= state.open.remove(&ticket.sequence);
        }
    }

    /// The session cannot be resumed.
    pub(super) async fn forget(&self) {
        self.begin(String::new(), String::new());
        self.save().await;
    }

    /// Writes the position down again and again; ends when somebody else has written meanwhile.
    pub(super) async fn keep(&self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if !self.save().await {
                return;
            }
        }
    }

    /// Writes the position down, if it has changed; false if somebody else has written meanwhile.
    pub(super) async fn save(&self) -> bool {
        let _one = self.writing.lock().await;
        let (record, revision) = {
            let mut state = self.state.lock();
            if !std::mem::take(&mut state.changed) {
                return true;
            }
            let record = Record {
                v: Version,
                session: state.id.clone(),
                resume_url: state.url.clone(),
                sequence: state.accepted(),
                intents: INTENTS.bits(),
                shards: self.shards,
                holder: self.holder.clone(),
                written_at: Timestamp::now(),
            };
            (record, state.revision)
        };
        let Ok(value) = wire::encode("session", &record) else { return true };
        let expect = revision.map_or(Expect::Absent { ttl: None }, Expect::Revision);
        match self.bus.store.put(Bucket::Sessions, &self.key, value, expect).await {
            Ok(revision) => {
                self.state.lock().revision = Some(revision);
                true
            }
            Err(StoreError::Conflict) => {
                error!(key = self.key, "another replica has written how far the session was read");
                false
            }
            Err(StoreError::Bus(error)) => {
                warn!(%error, "how far a session was read could not be written yet");
                self.state.lock().changed = true;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use adjutant_bus::{memory::Memory, ports::Limits};

    use super::*;

    #[tokio::test]
    async fn the_position_is_that_before_the_first_event_that_is_not_handled_and_of_this_session() {
        let bus = Memory::new(&Limits::default()).bus();
        let sessions = Sessions::new(bus.clone(), "discord.1.0-1".to_owned(), 1, "test".to_owned());
        let written = async || {
            assert!(sessions.save().await);
            let entry = bus.store.get(Bucket::Sessions, "discord.1.0-1").await.unwrap().unwrap();
            let record: Record = wire::decode("session", &entry.value).unwrap();
            (record.session, record.sequence)
        };
        sessions.begin("a".to_owned(), "wss://a.example".to_owned());
        let [first, second, third] = [1, 2, 3].map(|sequence| sessions.received(sequence));
        sessions.handled(first);
        sessions.handled(third);
        assert_eq!(written().await, ("a".to_owned(), 1));
        // A new session counts anew; what is still in hand of the old one is none of its events.
        sessions.begin("b".to_owned(), "wss://b.example".to_owned());
        let [one, two] = [1, 2].map(|sequence| sessions.received(sequence));
        sessions.handled(second);
        sessions.handled(one);
        assert_eq!(written().await, ("b".to_owned(), 1));
        sessions.handled(two);
        assert_eq!(written().await, ("b".to_owned(), 2));
    }

    #[tokio::test]
    async fn who_finds_that_another_one_has_written_is_told() {
        let bus = Memory::new(&Limits::default()).bus();
        let holder = |name: &str| Sessions::new(bus.clone(), "discord.1.0-1".to_owned(), 1, name.to_owned());
        let (one, other) = (holder("one"), holder("other"));
        one.begin("a".to_owned(), "wss://a.example".to_owned());
        other.begin("b".to_owned(), "wss://b.example".to_owned());
        assert!(one.save().await && !other.save().await);
    }
}
