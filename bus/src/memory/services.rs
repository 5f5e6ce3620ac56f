//! Services in memory: a registry of what is offered in this process.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    TraceContext,
    ports::{Answer, BoxStream, BusError, CallError, Serve, Services, served},
    service::{Call, Offer},
    spec::CommandPath,
};

/// Frames of one call that wait for its caller.
const FRAMES: usize = 64;

struct Offered {
    offer: Offer,
    serve: Arc<dyn Serve>,
    slots: Arc<Semaphore>,
}

type Registry = Arc<Mutex<HashMap<u64, Offered>>>;

#[derive(Default)]
pub(super) struct MemoryServices {
    registry: Registry,
    next: AtomicU64,
}

impl MemoryServices {
    /// One of those that offer the command, the least busy first.
    fn find(&self, path: &CommandPath) -> Option<(Arc<dyn Serve>, Arc<Semaphore>)> {
        let registry = self.registry.lock();
        registry
            .values()
            .filter(|offered| offered.offer.commands.iter().any(|spec| spec.path == *path))
            .max_by_key(|offered| offered.slots.available_permits())
            .map(|offered| (offered.serve.clone(), offered.slots.clone()))
    }
}

#[async_trait]
impl Services for MemoryServices {
    async fn list(&self, _window: Duration) -> Result<Vec<Offer>, BusError> {
        Ok(self.registry.lock().values().map(|offered| offered.offer.clone()).collect())
    }

    async fn call(&self, call: Call) -> Result<BoxStream<Result<Answer, CallError>>, CallError> {
        let (serve, slots) = self.find(&call.path).ok_or(CallError::NoService)?;
        let (out, stream) = mpsc::channel(FRAMES);
        let left = Duration::try_from(call.deadline.duration_since(Timestamp::now())).unwrap_or_default();
        let trace = TraceContext::current();
        tokio::spawn(async move {
            let answered = tokio::time::timeout(left, answer(serve, slots, call, trace, out.clone())).await;
            let last = answered.unwrap_or(Err(CallError::Deadline));
            let _ = out.send(last).await;
        });
        Ok(Box::pin(ReceiverStream::new(stream)))
    }

    async fn offer(
        &self,
        offer: Offer,
        serve: Arc<dyn Serve>,
        concurrency: usize,
        stop: CancellationToken,
    ) -> Result<(), BusError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let slots = Arc::new(Semaphore::new(concurrency));
        self.registry.lock().insert(id, Offered { offer, serve, slots });
        let _withdraw = Withdraw { registry: self.registry.clone(), id };
        stop.cancelled().await;
        Ok(())
    }
}

/// Takes the offer back, also when its task is dropped.
struct Withdraw {
    registry: Registry,
    id: u64,
}

impl Drop for Withdraw {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.id);
    }
}

/// Like a program of its own, the service goes on when the caller stops waiting.
async fn answer(
    serve: Arc<dyn Serve>,
    slots: Arc<Semaphore>,
    call: Call,
    trace: Option<TraceContext>,
    out: mpsc::Sender<Result<Answer, CallError>>,
) -> Result<Answer, CallError> {
    let _slot = slots.acquire_owned().await.map_err(|_| CallError::NoService)?;
    let (progress, mut signs) = mpsc::channel(FRAMES);
    let pass_on = AbortOnDropHandle::new(tokio::spawn(async move {
        while let Some(sign) = signs.recv().await {
            if out.send(Ok(Answer::Progress(sign))).await.is_err() {
                return;
            }
        }
    }));
    let served = tokio::spawn(served(serve, call, progress, trace)).await;
    let _ = pass_on.await;
    match served {
        Ok(Ok(reply)) => Ok(Answer::Result(reply)),
        Ok(Err(message)) => Ok(Answer::Error(message)),
        Err(fault) => Err(CallError::Malformed(fault.to_string())),
    }
}
