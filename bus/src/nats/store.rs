//! The store on key-value buckets of JetStream.

use std::{collections::HashMap, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{
        kv::{self, Operation, UpdateErrorKind},
        message::StreamMessage,
        stream::LastRawMessageErrorKind,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::{Mutex, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tracing::warn;

use super::{
    ack::{EXPECTED, WRONG_LAST_SEQUENCE, meaning},
    connect::Link,
};
use crate::ports::{BoxStream, Bucket, BusError, Change, Entry, Expect, Store, StoreError};

/// Changes handed to a watcher that it has not taken yet.
const AHEAD: usize = 256;
/// Pause before a watch that failed begins again.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) struct NatsStore {
    link: Link,
    open: Mutex<HashMap<Bucket, kv::Store>>,
}

impl NatsStore {
    pub(super) fn new(link: Link) -> Self {
        Self { link, open: Mutex::default() }
    }

    async fn bucket(&self, bucket: Bucket) -> Result<kv::Store, BusError> {
        let mut open = self.open.lock().await;
        if let Some(store) = open.get(&bucket) {
            return Ok(store.clone());
        }
        let opened = self.link.jetstream.get_key_value(bucket.as_str()).await;
        let store = opened.map_err(|error| unavailable(&format!("bucket {}: {error}", bucket.as_str())))?;
        open.insert(bucket, store.clone());
        Ok(store)
    }
}

impl NatsStore {
    /// Writes an entry that must not be there. The client's own `create_with_ttl` loses the time to live when it writes
    /// over a removed entry, so that a lock taken anew would never expire.
    async fn create(
        &self,
        store: &kv::Store,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
    ) -> Result<u64, StoreError> {
        match self.write(store, key, &value, ttl, 0).await {
            Err(StoreError::Conflict) => {}
            done => return done,
        }
        match last(store, key).await? {
            Some(entry) if !is_gone(&entry.headers) => Err(StoreError::Conflict),
            Some(removed) => self.write(store, key, &value, ttl, removed.sequence).await,
            None => self.write(store, key, &value, ttl, 0).await,
        }
    }

    async fn write(
        &self,
        store: &kv::Store,
        key: &str,
        value: &Bytes,
        ttl: Option<Duration>,
        expected: u64,
    ) -> Result<u64, StoreError> {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, expected.to_string().as_str());
        if let Some(ttl) = ttl {
            headers.insert("Nats-TTL", ttl.as_secs().max(1).to_string().as_str());
        }
        let ack = self.link.store(format!("{}{key}", store.prefix), headers, value.clone(), false).await?;
        match ack.error {
            None => Ok(ack.seq),
            Some(error) if WRONG_LAST_SEQUENCE.contains(&error.err_code) => Err(StoreError::Conflict),
            Some(error) => Err(meaning(&error).into()),
        }
    }
}

/// What was written last under a key, from the leader.
///
/// Not by a direct get, whose answer is the bare entry: who may write an entry and get it so can have the server publish it
/// to any subject, by naming that as where the answer goes. This answer is an envelope that is nothing of ours.
async fn last(store: &kv::Store, key: &str) -> Result<Option<StreamMessage>, BusError> {
    match store.stream.get_last_raw_message_by_subject(&format!("{}{key}", store.prefix)).await {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(unavailable(&error)),
    }
}

/// Whether it says that the entry was removed, or has expired (ADR-8, ADR-43).
fn is_gone(headers: &HeaderMap) -> bool {
    let removed = headers.get("KV-Operation").is_some_and(|operation| operation.as_str() != "PUT");
    removed || headers.get("Nats-Marker-Reason").is_some()
}

fn unavailable(told: &dyn std::fmt::Display) -> BusError {
    BusError::Unavailable(told.to_string())
}

#[async_trait]
impl Store for NatsStore {
    async fn get(&self, bucket: Bucket, key: &str) -> Result<Option<Entry>, BusError> {
        let put = last(&self.bucket(bucket).await?, key).await?.filter(|entry| !is_gone(&entry.headers));
        Ok(put.map(|entry| Entry { key: key.to_owned(), value: entry.payload, revision: entry.sequence }))
    }

    async fn put(&self, bucket: Bucket, key: &str, value: Bytes, expect: Expect) -> Result<u64, StoreError> {
        let store = self.bucket(bucket).await?;
        match expect {
            Expect::Anything => Ok(store.put(key, value).await.map_err(|error| unavailable(&error))?),
            Expect::Absent { ttl } => self.create(&store, key, value, ttl).await,
            Expect::Revision(revision) => {
                store.update(key, value, revision).await.map_err(|error| match error.kind() {
                    UpdateErrorKind::WrongLastRevision => StoreError::Conflict,
                    _ => unavailable(&error).into(),
                })
            }
        }
    }

    async fn remove(&self, bucket: Bucket, key: &str, revision: Option<u64>) -> Result<(), StoreError> {
        let store = self.bucket(bucket).await?;
        store.purge_expect_revision(key, revision).await.map_err(|error| match error.kind() {
            UpdateErrorKind::WrongLastRevision => StoreError::Conflict,
            _ => unavailable(&error).into(),
        })
    }

    async fn watch(&self, bucket: Bucket, prefix: &str) -> Result<BoxStream<Change>, BusError> {
        let store = self.bucket(bucket).await?;
        let (out, stream) = mpsc::channel(AHEAD);
        tokio::spawn(watch(store, prefix.to_owned(), out));
        Ok(Box::pin(ReceiverStream::new(stream)))
    }
}

/// Watches until the watcher goes away; begins anew, with all that is there, when the watch breaks.
async fn watch(store: kv::Store, prefix: String, out: mpsc::Sender<Change>) {
    let filter = if prefix.is_empty() { ">".to_owned() } else { format!("{prefix}.>") };
    loop {
        let ended = watch_once(&store, &filter, &out).await;
        if let Err(why) = ended {
            warn!(why, bucket = store.name, "a watch was interrupted; going on");
        }
        if tokio::time::timeout(PAUSE, out.closed()).await.is_ok() {
            return;
        }
    }
}

async fn watch_once(store: &kv::Store, filter: &str, out: &mpsc::Sender<Change>) -> Result<(), String> {
    let mut changes = store.watch_with_history(filter).await.map_err(|error| error.to_string())?;
    let mut current = !any(store, filter).await?;
    if current && out.send(Change::Current).await.is_err() {
        return Ok(());
    }
    loop {
        let next = tokio::select! {
            next = changes.next() => next,
            () = out.closed() => return Ok(()),
        };
        let entry = match next {
            Some(Ok(entry)) => entry,
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("it ended".to_owned()),
        };
        let last = entry.delta == 0;
        let change = match entry.operation {
            Operation::Put => {
                Change::Put(Entry { key: entry.key, value: entry.value, revision: entry.revision })
            }
            Operation::Delete | Operation::Purge => Change::Gone { key: entry.key, revision: entry.revision },
        };
        let now_current = last && !current;
        current |= last;
        if out.send(change).await.is_err() || now_current && out.send(Change::Current).await.is_err() {
            return Ok(());
        }
    }
}

/// Whether the bucket has anything to begin with.
async fn any(store: &kv::Store, filter: &str) -> Result<bool, String> {
    let subjects = format!("{}{filter}", store.prefix);
    let mut there = store.stream.info_with_subjects(subjects).await.map_err(|error| error.to_string())?;
    Ok(there.next().await.is_some())
}
