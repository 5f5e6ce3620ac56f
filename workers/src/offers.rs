//! The catalogue in force: built-in commands and what services offer, refreshed while the worker runs. A service that was
//! seen once is remembered, so that its commands are refused with the right reason while it is away.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use adjutant_bus::{
    ports::{BusError, Services},
    service::Offer,
    spec::{CommandPath, CommandSpec},
};
use adjutant_policies::Policy;
use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    catalogue::{Catalogue, Entry, Source},
    context::vocabulary,
};

/// How often services are asked what they offer.
const EVERY: Duration = Duration::from_secs(5);
/// How long their answers are awaited.
const WINDOW: Duration = Duration::from_millis(250);
/// How soon after one refresh an unknown command may cause another.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// How long a new worker that has heard of no service goes on asking before it says that there is no such command.
const FIRST_ANSWERS: Duration = Duration::from_secs(5);
/// A service that missed this many refreshes is away.
const MISSED: u32 = 2;
/// Most services that are remembered.
const MOST_SERVICES: usize = 500;

/// What is known of a service.
struct Seen {
    offer: Offer,
    missed: u32,
}

/// The catalogue in force, and which services are up.
pub(crate) struct Offers {
    services: Arc<dyn Services>,
    policy: Arc<Policy>,
    trusted_homes: Vec<String>,
    built_in: Vec<CommandSpec>,
    began: Instant,
    seen: Mutex<(BTreeMap<String, Seen>, Option<Instant>)>,
    current: RwLock<Current>,
}

/// What a request pins.
#[derive(Clone)]
pub(crate) struct Current {
    /// All commands known.
    pub(crate) catalogue: Arc<Catalogue>,
    /// Those of services that are away.
    pub(crate) away: Arc<Vec<CommandPath>>,
}

impl Offers {
    /// Only the built-in commands, until the first refresh.
    pub(crate) fn new(
        services: Arc<dyn Services>,
        policy: Arc<Policy>,
        trusted_homes: Vec<String>,
        built_in: Vec<CommandSpec>,
    ) -> Self {
        let current = assemble(&built_in, &BTreeMap::new());
        let seen = Mutex::new((BTreeMap::new(), None));
        let began = Instant::now();
        Self { services, policy, trusted_homes, built_in, began, seen, current: RwLock::new(current) }
    }

    /// The catalogue in force.
    pub(crate) fn current(&self) -> Current {
        self.current.read().clone()
    }

    /// Refreshes until told to stop.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.refresh(true).await {
                warn!(%error, "services could not be asked what they offer; the last known catalogue stays");
            }
        }
    }

    /// Whether services may be there that have not answered yet: the worker is new, and none has.
    pub(crate) async fn may_come(&self) -> bool {
        self.began.elapsed() < FIRST_ANSWERS && self.seen.lock().await.0.is_empty()
    }

    /// Asks the services now, unless that was done less than a second ago.
    pub(crate) async fn refresh_if_old(&self) {
        if let Err(error) = self.refresh(false).await {
            warn!(%error, "services could not be asked what they offer; the last known catalogue stays");
        }
    }

    async fn refresh(&self, counts: bool) -> Result<(), BusError> {
        let mut guard = self.seen.lock().await;
        let (seen, last) = &mut *guard;
        if last.is_some_and(|at| at.elapsed() < AT_MOST_EVERY) {
            return Ok(());
        }
        let offers = self.services.list(WINDOW).await?;
        *last = Some(Instant::now());
        if !take_in(seen, offers, counts) {
            return Ok(());
        }
        let fresh = assemble(&self.built_in, seen);
        let known = |c: &Current| c.catalogue.iter().map(|entry| entry.spec.clone()).collect::<Vec<_>>();
        let news = known(&self.current.read()) != known(&fresh);
        if news {
            // Before anybody finds them: a gate that does not know a command refuses it.
            self.policy.learn(vocabulary(&fresh.catalogue, &self.trusted_homes)).await;
            info!(commands = fresh.catalogue.iter().count(), "the catalogue has changed");
        }
        *self.current.write() = fresh;
        Ok(())
    }
}

/// Notes who answered; says whether anything is different now.
fn take_in(seen: &mut BTreeMap<String, Seen>, offers: Vec<Offer>, counts: bool) -> bool {
    let mut changed = false;
    for (name, known) in seen.iter_mut() {
        if counts && !offers.iter().any(|offer| offer.name == *name) {
            known.missed = known.missed.saturating_add(1);
            changed |= known.missed == MISSED;
        }
    }
    for offer in offers {
        let room = seen.len() < MOST_SERVICES;
        match seen.get_mut(&offer.name) {
            Some(known) => {
                changed |= known.missed >= MISSED || known.offer != offer;
                *known = Seen { offer, missed: 0 };
            }
            None if room => {
                info!(service = %offer.name, commands = offer.commands.len(), "a service offers commands");
                seen.insert(offer.name.clone(), Seen { offer, missed: 0 });
                changed = true;
            }
            None => warn!(service = %offer.name, "too many services; this one is left out"),
        }
    }
    changed
}

fn assemble(built_in: &[CommandSpec], seen: &BTreeMap<String, Seen>) -> Current {
    let own = built_in.iter().map(|spec| Entry::new(spec.clone(), Source::BuiltIn));
    let offered = seen.iter().flat_map(|(name, known)| {
        known
            .offer
            .commands
            .iter()
            .map(|spec| Entry::new(spec.clone(), Source::Service { name: name.clone() }))
    });
    let (catalogue, problems) = Catalogue::new(own.chain(offered));
    for problem in problems {
        warn!(%problem, "a command is left out of the catalogue");
    }
    for entry in catalogue.iter() {
        adjutant_metrics::worker::knows(&entry.spec.path.dotted());
    }
    let away = seen
        .values()
        .filter(|known| known.missed >= MISSED)
        .flat_map(|known| known.offer.commands.iter().map(|spec| spec.path.clone()))
        .collect();
    Current { catalogue: Arc::new(catalogue), away: Arc::new(away) }
}
