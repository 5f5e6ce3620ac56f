//! The store in memory: compare-and-set, expiry, watch.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};
use tokio_stream::wrappers::ReceiverStream;

use crate::ports::{BoxStream, Bucket, BusError, Change, Entry, Expect, Limits, Store, StoreError};

/// Changes handed to a watcher that it has not taken yet.
const AHEAD: usize = 256;
/// Changes that are kept for watchers; one that is further behind begins anew.
const LOG: usize = 10_000;

#[derive(Default)]
struct Contents {
    revision: u64,
    entries: BTreeMap<String, (Entry, Option<Instant>)>,
    log: std::collections::VecDeque<Change>,
}

struct Shared {
    buckets: Mutex<HashMap<Bucket, Contents>>,
    changed: Notify,
    limits: Limits,
}

pub(super) struct MemoryStore(Arc<Shared>);

impl MemoryStore {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Shared { buckets: Mutex::default(), changed: Notify::new(), limits: limits.clone() }))
    }

    fn with<T>(&self, bucket: Bucket, act: impl FnOnce(&mut Contents) -> T) -> T {
        let result = with(&self.0, bucket, act);
        self.0.changed.notify_waiters();
        result
    }
}

/// Looks into a bucket after what has expired is gone.
fn with<T>(shared: &Shared, bucket: Bucket, act: impl FnOnce(&mut Contents) -> T) -> T {
    let mut buckets = shared.buckets.lock();
    let contents = buckets.entry(bucket).or_default();
    contents.expire();
    act(contents)
}

impl Contents {
    fn expire(&mut self) {
        let now = Instant::now();
        let gone = self.entries.iter().filter(|(_, (_, until))| until.is_some_and(|until| until <= now));
        let gone: Vec<String> = gone.map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.take_out(key);
        }
    }

    fn take_out(&mut self, key: String) {
        self.entries.remove(&key);
        self.revision += 1;
        let revision = self.revision;
        self.note(Change::Gone { key, revision });
    }

    fn note(&mut self, change: Change) {
        self.log.push_back(change);
        if self.log.len() > LOG {
            self.log.pop_front();
        }
    }

    fn put(&mut self, key: &str, value: Bytes, until: Option<Instant>) -> u64 {
        self.revision += 1;
        let entry = Entry { key: key.to_owned(), value, revision: self.revision };
        self.entries.insert(key.to_owned(), (entry.clone(), until));
        self.note(Change::Put(entry));
        self.revision
    }

    fn revision_of(&self, key: &str) -> Option<u64> {
        self.entries.get(key).map(|(entry, _)| entry.revision)
    }

    fn next_expiry(&self) -> Option<Instant> {
        self.entries.values().filter_map(|(_, until)| *until).min()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, bucket: Bucket, key: &str) -> Result<Option<Entry>, BusError> {
        Ok(self.with(bucket, |contents| contents.entries.get(key).map(|(entry, _)| entry.clone())))
    }

    async fn put(&self, bucket: Bucket, key: &str, value: Bytes, expect: Expect) -> Result<u64, StoreError> {
        let age = self.0.limits.max_age(bucket);
        self.with(bucket, |contents| {
            let now = contents.revision_of(key);
            let own: Option<Duration> = match expect {
                Expect::Anything => None,
                Expect::Absent { ttl } if now.is_none() => ttl,
                Expect::Revision(revision) if now == Some(revision) => None,
                Expect::Absent { .. } | Expect::Revision(_) => return Err(StoreError::Conflict),
            };
            Ok(contents.put(key, value, own.or(age).map(|age| Instant::now() + age)))
        })
    }

    async fn remove(&self, bucket: Bucket, key: &str, revision: Option<u64>) -> Result<(), StoreError> {
        self.with(bucket, |contents| {
            let now = contents.revision_of(key);
            match revision {
                Some(revision) if now != Some(revision) => Err(StoreError::Conflict),
                _ => {
                    if now.is_some() {
                        contents.take_out(key.to_owned());
                    }
                    Ok(())
                }
            }
        })
    }

    async fn watch(&self, bucket: Bucket, prefix: &str) -> Result<BoxStream<Change>, BusError> {
        let (out, stream) = mpsc::channel(AHEAD);
        tokio::spawn(watch(self.0.clone(), bucket, prefix.to_owned(), out));
        Ok(Box::pin(ReceiverStream::new(stream)))
    }
}

async fn watch(shared: Arc<Shared>, bucket: Bucket, prefix: String, out: mpsc::Sender<Change>) {
    let (there, mut seen) = with(&shared, bucket, |contents| {
        let there: Vec<Entry> = contents.entries.values().map(|(entry, _)| entry.clone()).collect();
        (there, contents.revision)
    });
    let there = there.into_iter().filter(|entry| within(&entry.key, &prefix)).map(Change::Put);
    for change in there.chain([Change::Current]) {
        if out.send(change).await.is_err() {
            return;
        }
    }
    loop {
        let changed = shared.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let (news, expiry) = with(&shared, bucket, |contents| {
            let news: Vec<Change> =
                contents.log.iter().filter(|change| revision(change) > seen).cloned().collect();
            (news, contents.next_expiry())
        });
        if news.is_empty() {
            let expiry = expiry.unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(expiry) => {}
                () = out.closed() => return,
            }
        }
        for change in news {
            seen = revision(&change);
            if within(key(&change), &prefix) && out.send(change).await.is_err() {
                return;
            }
        }
    }
}

const fn revision(change: &Change) -> u64 {
    match change {
        Change::Put(entry) => entry.revision,
        Change::Gone { revision, .. } => *revision,
        Change::Current => 0,
    }
}

fn key(change: &Change) -> &str {
    match change {
        Change::Put(entry) => &entry.key,
        Change::Gone { key, .. } => key,
        Change::Current => "",
    }
}

/// Whether a key begins with these tokens.
fn within(key: &str, prefix: &str) -> bool {
    prefix.is_empty() || key.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
