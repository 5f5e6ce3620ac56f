//! Questions in memory: a registry of those that answer in this process.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    ports::{BusError, Inquiries, Inquiry, Limits},
    subject::Topic,
    wire::{MAX_MESSAGE, WireError},
};

struct Served {
    topic: Topic,
    inquiry: Arc<dyn Inquiry>,
    slots: Arc<Semaphore>,
}

type Registry = Arc<Mutex<HashMap<u64, Served>>>;

pub(super) struct MemoryInquiries {
    registry: Registry,
    next: AtomicU64,
    exchange: Duration,
}

impl MemoryInquiries {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { registry: Registry::default(), next: AtomicU64::new(0), exchange: limits.exchange }
    }

    /// One of those that answer, the least busy first.
    fn find(&self, topic: Topic) -> Option<(Arc<dyn Inquiry>, Arc<Semaphore>)> {
        let registry = self.registry.lock();
        let those = registry.values().filter(|served| served.topic == topic);
        let least_busy = those.max_by_key(|served| served.slots.available_permits());
        least_busy.map(|served| (served.inquiry.clone(), served.slots.clone()))
    }
}

fn failed(why: &str) -> BusError {
    BusError::Unavailable(why.to_owned())
}

#[async_trait]
impl Inquiries for MemoryInquiries {
    async fn ask(&self, topic: Topic, payload: Bytes) -> Result<Bytes, BusError> {
        if payload.len() > MAX_MESSAGE {
            return Err(WireError::TooLarge { size: payload.len() }.into());
        }
        let (inquiry, slots) =
            self.find(topic).ok_or_else(|| failed("nobody answers this question at the moment"))?;
        let answering = tokio::spawn(async move {
            let _slot = slots.acquire_owned().await;
            inquiry.answer(payload).await
        });
        match tokio::time::timeout(self.exchange, answering).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(failed("the one that was asked failed on the question")),
            Err(_) => Err(failed("no answer to the question in time")),
        }
    }

    async fn serve(
        &self,
        topic: Topic,
        inquiry: Arc<dyn Inquiry>,
        concurrency: usize,
        stop: CancellationToken,
    ) -> Result<(), BusError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let slots = Arc::new(Semaphore::new(concurrency));
        self.registry.lock().insert(id, Served { topic, inquiry, slots });
        let _withdraw = Withdraw { registry: self.registry.clone(), id };
        stop.cancelled().await;
        Ok(())
    }
}

/// Takes the registration back, also when its task is dropped.
struct Withdraw {
    registry: Registry,
    id: u64,
}

impl Drop for Withdraw {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.id);
    }
}
