//! Changes of keys as other replicas tell them. What is told only makes it faster: without the bus a row is believed no longer
//! than its time.

use std::{sync::Arc, time::Duration};

use adjutant_bus::ports::{Bucket, Change};
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::app::App;

/// Before the watch is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Follows the changes until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        let watching = async {
            match app.bus.store.watch(Bucket::Revocations, "").await {
                Ok(changes) => follow(&app, changes).await,
                Err(error) => warn!(%error, "changes of keys are not told; they are found when rows age"),
            }
            // Some may have been missed.
            app.keys.forget();
            tokio::time::sleep(AGAIN).await;
        };
        if stop.run_until_cancelled(watching).await.is_none() {
            return;
        }
    }
}

async fn follow(app: &App, mut changes: adjutant_bus::ports::BoxStream<Change>) {
    let mut status = app.bus.status.clone();
    let mut told = true;
    loop {
        tokio::select! {
            change = changes.next() => match change {
                None => return,
                Some(Change::Put(entry)) => {
                    let version = std::str::from_utf8(&entry.value).ok().and_then(|text| text.parse().ok());
                    if let Some(version) = version {
                        app.keys.changed(&entry.key, version);
                    }
                }
                Some(Change::Gone { .. } | Change::Current) => {}
            },
            changed = status.changed(), if told => match changed {
                // Cut off or back again: either way some may have been missed.
                Ok(()) => app.keys.forget(),
                Err(_) => told = false,
            },
        }
    }
}
