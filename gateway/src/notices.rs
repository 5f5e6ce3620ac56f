//! Notices: taken from the bus, and posted. Those about one matter change one message ([`crate::matter`]).

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use adjutant_bus::{
    notice::Notice,
    ports::{Bus, BusError, Delivery},
    wire,
};
use adjutant_metrics::{gateway::notice as told, worker::Told};
use adjutant_traces::{Attribute, Name, Span};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tracing::{error, warn};

/// Notices taken at once.
const MOST: usize = 16;
/// How long to wait for the first, and before another try.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause before a notice that the platform did not take is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// A notice that comes later than this after it was sent may have come before: the bus forgets what it has delivered.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// Why a notice is not posted.
#[derive(Debug)]
pub struct Undone {
    /// Whether another try would end the same.
    pub is_final: bool,
    /// Why.
    pub why: String,
}

impl From<BusError> for Undone {
    fn from(error: BusError) -> Self {
        Self { is_final: false, why: error.to_string() }
    }
}

/// Where notices are posted.
pub trait Board: Sync {
    /// Whether this tenant is served.
    fn serves(&self, tenant: &str) -> bool;
    /// Posts a notice, or changes what it is about. `again`: it may have been posted before.
    fn tell(
        &self,
        tenant: &str,
        notice: &Notice,
        again: bool,
    ) -> impl Future<Output = Result<(), Undone>> + Send;
}

/// Takes notices, and posts them: those to one channel in their order, channels beside one another.
pub async fn run(bus: &Bus, board: &impl Board) {
    let mut waiting: HashMap<String, Waiting> = HashMap::new();
    loop {
        waiting.retain(|_, one| one.until > Instant::now());
        match bus.outbox.take(MOST, PAUSE).await {
            Ok(taken) => {
                let mut channels: BTreeMap<String, Vec<(Delivery, Notice)>> = BTreeMap::new();
                for delivery in taken {
                    match wire::decode::<Notice>("notice", &delivery.payload) {
                        Ok(notice) => {
                            let channel = format!("{}/{}", delivery.origin.tenant, notice.to.channel);
                            channels.entry(channel).or_default().push((delivery, notice));
                        }
                        Err(error) => {
                            told(delivery.origin.platform.as_str(), Told::Never);
                            settled(delivery.handle.bury(&error.to_string()).await);
                        }
                    }
                }
                let all = channels.into_iter().map(|(channel, notices)| {
                    let first = waiting.remove(&channel);
                    async { (channel, in_order(board, notices, first).await) }
                });
                let left = join_all(all).await;
                waiting.extend(left.into_iter().filter_map(|(channel, one)| Some((channel, one?))));
            }
            Err(error) => {
                warn!(%error, "notices cannot be taken just now");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A notice that was put back; those to the same channel that come before it comes again are put back behind it.
struct Waiting {
    id: String,
    /// When it is not waited for any more: another replica may have it.
    until: Instant,
}

/// Posts notices to one channel. When one has to wait, those behind it wait too: they may be about the same matter.
async fn in_order(
    board: &impl Board,
    notices: Vec<(Delivery, Notice)>,
    mut waiting: Option<Waiting>,
) -> Option<Waiting> {
    for (delivery, notice) in notices {
        let platform = delivery.origin.platform.as_str();
        if waiting.as_ref().is_some_and(|first| first.id != notice.id) {
            settled(delivery.handle.release(AGAIN).await);
            continue;
        }
        waiting = None;
        let tenant = delivery.origin.tenant.unescape().unwrap_or_default();
        if !board.serves(&tenant) {
            told(platform, Told::Never);
            settled(delivery.handle.bury("its tenant is not configured").await);
            continue;
        }
        let again = delivery.attempt > 1 || Timestamp::now().duration_since(notice.sent_at) > FRESH;
        let span = Span::of(Name::DeliverNotice, delivery.trace.as_ref()).with(Attribute::Platform(platform));
        let posted = span.run(board.tell(&tenant, &notice, again)).await;
        span.set(Attribute::Outcome(if posted.is_ok() { "delivered" } else { "not delivered" }));
        settled(match posted {
            Ok(()) => {
                told(platform, Told::Done);
                delivery.handle.acknowledge().await
            }
            Err(Undone { is_final: true, why }) => {
                told(platform, Told::Never);
                error!(why, id = notice.id, "a notice cannot be posted");
                delivery.handle.bury(&why).await
            }
            Err(Undone { why, .. }) => {
                told(platform, Told::Later);
                warn!(why, id = notice.id, "a notice could not be posted yet");
                waiting = Some(Waiting { id: notice.id, until: Instant::now() + 2 * AGAIN });
                delivery.handle.release(AGAIN).await
            }
        });
    }
    waiting
}

fn settled(outcome: Result<(), BusError>) {
    if let Err(error) = outcome {
        warn!(%error, "a notice could not be settled; it will come again");
    }
}
