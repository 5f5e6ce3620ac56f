//! What services say over the bus: authorized as the command `notify`, and forwarded to each channel behind the destination.
//! What may not be said, or cannot be understood, goes to the dead letters with the reason.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use adjutant_bus::{
    actor::{Actor, Membership, Platform, Standing, Tenant},
    announcement::Announcement,
    destination::{self, Destination},
    notice::Notice,
    ports::{Bus, BusError, Delivery},
    spec::Action,
    wire,
};
use adjutant_metrics::{
    program::{self, Where},
    worker::{Told, announced},
};
use adjutant_policies::{Ask, Gate, Policy};
use adjutant_traces::{Name, Span};
use jiff::Timestamp;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    commands::{DESTINATION, NOTIFY},
    ledger::jitter,
    mode::Modes,
};

/// Announcements that are forwarded at once.
const AT_ONCE: usize = 8;
/// How long one pull waits for the first.
const PULL: Duration = Duration::from_secs(5);
/// First pause after something failed; doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long what has begun may take after a stop.
const GRACE: Duration = Duration::from_secs(5);
/// Most characters of an announcement's own id.
const LONGEST_ID: usize = 128;

/// Forwards what services say.
pub(crate) struct Announcer {
    pub(crate) bus: Bus,
    pub(crate) policy: Arc<Policy>,
    pub(crate) modes: Arc<Modes>,
}

/// What becomes of an announcement that is not forwarded.
enum Stop {
    /// Never: to the dead letters, with this reason.
    Never(String),
    /// Not now.
    Later(String),
}

impl From<BusError> for Stop {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Unavailable(_) | BusError::Full(_) => Self::Later(error.to_string()),
            BusError::Refused(_) | BusError::Wire(_) => Self::Never(error.to_string()),
        }
    }
}

impl Announcer {
    /// Takes announcements until `stop`.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        let mut failures = 0;
        while let Some(Some(slot)) = stop.run_until_cancelled(free(&slots)).await {
            while let Some(ended) = running.try_join_next() {
                note(ended);
            }
            match stop.run_until_cancelled(self.bus.outbox.take(1, PULL)).await {
                None => break,
                Some(Ok(taken)) => {
                    failures = 0;
                    if let Some(delivery) = taken.into_iter().next() {
                        let announcer = self.clone();
                        running.spawn(async move {
                            let _slot = slot;
                            announcer.forward(&delivery).await;
                        });
                    }
                }
                Some(Err(error)) => {
                    warn!(%error, "announcements cannot be taken; trying again");
                    failures += 1;
                    let _ = stop.run_until_cancelled(tokio::time::sleep(jitter(pause(failures)))).await;
                }
            }
        }
        let finish = async { while running.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GRACE, finish).await;
    }

    /// Forwards one announcement, and settles it.
    async fn forward(&self, delivery: &Delivery) {
        let from = delivery.origin.tenant.unescape().unwrap_or_else(|| delivery.origin.tenant.to_string());
        let span = Span::of(Name::ForwardNotice, delivery.trace.as_ref());
        let settled = match span.run(self.announce(delivery)).await {
            Ok(id) => {
                announced(Told::Done);
                info!(service = from, id, "an announcement was forwarded");
                delivery.handle.acknowledge().await
            }
            Err(Stop::Later(why)) => {
                announced(Told::Later);
                warn!(service = from, why, attempt = delivery.attempt, "an announcement waits");
                delivery.handle.release(pause(delivery.attempt)).await
            }
            Err(Stop::Never(why)) => {
                announced(Told::Never);
                error!(service = from, why, "an announcement goes to the dead letters");
                delivery.handle.bury(&why).await
            }
        };
        if let Err(error) = settled {
            warn!(%error, "an announcement could not be settled; it will come again");
        }
    }

    /// Forwards it to every channel; the id that the service gave it. A channel that has it already is not told again.
    async fn announce(&self, delivery: &Delivery) -> Result<String, Stop> {
        let actor = service(delivery)?;
        let announcement = read(delivery)?;
        let name = &announcement.destination;
        let found = if destination::is_name(name) { destination::load(&self.bus, name).await? } else { None };
        let destination = found.ok_or_else(|| Stop::Never(format!("there is no destination `{name}`")))?;
        if destination.targets.is_empty() {
            return Err(Stop::Never(format!("no channel is behind the destination `{name}`")));
        }
        let gate = self.policy.gate().ok_or_else(|| Stop::Later("no policy is loaded".to_owned()))?;
        authorize(&gate, self.modes.frozen(), &actor, &destination)?;
        let from = format!("svc:{}", actor.user);
        for target in &destination.targets {
            let notice = Notice {
                v: wire::Version,
                id: Notice::id(&from, &format!("announcement:{}", announcement.id), target),
                from: from.clone(),
                to: target.place(),
                reply: announcement.message.reply(),
                matter: announcement.message.matter.clone(),
                sent_at: announcement.sent_at,
            };
            self.bus.tell(&notice).await?;
        }
        Ok(announcement.id)
    }
}

/// Who speaks: from the subject, never from the payload.
fn service(delivery: &Delivery) -> Result<Actor, Stop> {
    let name = delivery.origin.tenant.unescape().filter(|_| delivery.origin.platform == Platform::Service);
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Stop::Never(format!("{} is no service", delivery.origin)))?;
    Ok(Actor {
        platform: Platform::Service,
        tenant: Tenant::new(name.clone()),
        user: name,
        label: String::new(),
        standing: Standing::Service,
    })
}

fn read(delivery: &Delivery) -> Result<Announcement, Stop> {
    let never = |why: &str| Stop::Never(why.to_owned());
    let announcement: Announcement =
        wire::decode("announcement", &delivery.payload).map_err(BusError::from)?;
    if announcement.id.is_empty() || announcement.id.chars().nth(LONGEST_ID).is_some() {
        return Err(never("the id of an announcement has 1 to 128 characters"));
    }
    let message = &announcement.message;
    if message.text.is_empty() && message.title.as_deref().unwrap_or_default().is_empty() {
        return Err(never("the announcement says nothing"));
    }
    Ok(announcement)
}

/// All of it or nothing: a service that may not speak in one of the channels does not speak in the others.
fn authorize(
    gate: &Gate,
    freeze: Option<bool>,
    actor: &Actor,
    destination: &Destination,
) -> Result<(), Stop> {
    let caller = gate.caller(actor, &Membership::known(Vec::new()));
    let own = BTreeMap::from([(DESTINATION.to_owned(), destination.name.clone())]);
    let context = gate.complete(&own, Timestamp::now(), freeze);
    for target in &destination.targets {
        let place = target.place().to_string();
        let verdict = gate.decide(&Ask {
            caller: &caller,
            place: &place,
            command: NOTIFY,
            action: Action::Run,
            context: &context,
        });
        if !verdict.authorization.allowed {
            let incident = verdict.denial.and_then(|denial| denial.incident);
            let incident = incident.map_or_else(String::new, |incident| format!(", incident {incident}"));
            return Err(Stop::Never(format!(
                "policy {} does not let svc:{} run `{NOTIFY}` with {DESTINATION}={} in {place}{incident}",
                gate.version(),
                actor.user,
                destination.name
            )));
        }
    }
    Ok(())
}

async fn free(slots: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    slots.clone().acquire_owned().await.ok()
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(fault) = ended {
        program::fault(Where::Worker);
        error!(%fault, "an announcement ended abnormally; it will come again");
    }
}

/// How long to wait after so many tries.
fn pause(tries: u64) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}
