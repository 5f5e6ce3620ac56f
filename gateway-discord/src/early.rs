//! Answers that come early: whoever has accepted an interaction waits a moment for its result in the journal, so that most are
//! answered at once and not deferred first.

use std::{collections::HashMap, sync::Arc, time::Duration};

use adjutant_bus::{
    actor::Platform,
    id::RequestId,
    ports::{Bus, Follow},
    subject::Journals,
};
use adjutant_gateway::{Ended, Fold};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Pause before the journal is followed again.
const PAUSE: Duration = Duration::from_secs(1);

struct Waiting {
    fold: Fold,
    told: oneshot::Sender<Ended>,
}

/// Those that wait for a result.
#[derive(Clone, Default)]
pub(crate) struct Early(Arc<Mutex<HashMap<RequestId, Waiting>>>);

/// One that waits; it ends with this.
pub(crate) struct Watch {
    early: Early,
    request: RequestId,
    told: oneshot::Receiver<Ended>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.early.0.lock().remove(&self.request);
    }
}

impl Early {
    /// Looks out for the result of a request that is about to be submitted.
    pub(crate) fn watch(&self, request: RequestId) -> Watch {
        let (tell, told) = oneshot::channel();
        self.0.lock().insert(request, Waiting { fold: Fold::default(), told: tell });
        Watch { early: self.clone(), request, told }
    }

    /// Follows the journals of this platform until `stop`.
    pub(crate) async fn run(self, bus: Bus, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match bus.journal.follow(Journals::Platform(Platform::Discord), Follow::Now).await {
                Ok(mut events) => {
                    while let Some(Some(followed)) = stop.run_until_cancelled(events.next()).await {
                        self.take_in(&followed.recorded);
                        // Nothing is left behind by a follower without a name; it confirms so that no window fills.
                        let _ = followed.handle.acknowledge().await;
                    }
                }
                Err(error) => {
                    warn!(%error, "results cannot be waited for just now; they are shown a moment later")
                }
            }
            stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
        }
    }

    fn take_in(&self, recorded: &adjutant_bus::ports::Recorded) {
        let mut waiting = self.0.lock();
        let Some(one) = waiting.get_mut(&recorded.key.request) else { return };
        one.fold.add(recorded);
        if let Some(ended) = one.fold.ended.clone()
            && let Some(one) = waiting.remove(&recorded.key.request)
        {
            // It may have stopped waiting just now.
            let _ = one.told.send(ended);
        }
    }
}

impl Watch {
    /// The result, if it comes in time.
    pub(crate) async fn until(mut self, deadline: Instant) -> Option<Ended> {
        tokio::time::timeout_at(deadline, &mut self.told).await.ok()?.ok()
    }
}
