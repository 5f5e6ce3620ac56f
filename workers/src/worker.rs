//! The worker role: takes as many messages as it has free slots, executes each in a task of its own, and drains on stop.

use std::{sync::Arc, time::Duration};

use adjutant_bus::ports::{Bus, BusError, Delivery, Limits};
use adjutant_metrics::{
    program::{self, Where},
    worker::{self as told, Slot},
};
use adjutant_policies::Policy;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    announce::Announcer,
    commands::{self, About},
    executor::Executor,
    health::Health,
    ledger::jitter,
    mode::Modes,
    offers::Offers,
};

/// How long one pull waits for the first message.
const PULL: Duration = Duration::from_secs(5);
/// First pause after a pull that failed; doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between two pulls that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Its name in the journal and in logs; one of its own for each replica.
    pub name: String,
    /// Version of the program, for `version`.
    pub version: String,
    /// Commands that it runs at once.
    pub slots: usize,
    /// How long running commands may go on after a stop.
    pub grace: Duration,
    /// Homes whose members are trusted: `slack:T0ACME`, `console:local`.
    pub trusted_homes: Vec<String>,
    /// How old the audit copy's last sign of life may be before commands that change something are refused; zero: any age.
    pub record_grace: Duration,
    /// The limits of the bus; the lease decides how often a running command extends it.
    pub limits: Limits,
    /// Where it tells whether it takes work.
    pub health: Health,
}

/// Works until `stop`, then hands back what was not begun, waits for what runs, and leaves the rest to other workers.
///
/// # Errors
/// When the bus refuses pulls for good.
pub async fn run(
    config: WorkerConfig,
    bus: Bus,
    policy: Arc<Policy>,
    stop: CancellationToken,
) -> Result<(), BusError> {
    let about = Arc::new(About { version: config.version.clone(), worker: config.name.clone() });
    let offers = Arc::new(Offers::new(
        bus.services.clone(),
        policy.clone(),
        config.trusted_homes.clone(),
        commands::built_in(),
    ));
    told::begun(config.slots);
    offers.refresh_if_old().await;
    let abandon = CancellationToken::new();
    let modes = Arc::new(Modes::new(config.record_grace));
    let announcer = Arc::new(Announcer { bus: bus.clone(), policy: policy.clone(), modes: modes.clone() });
    let settled = policy.clone();
    let executor = Arc::new(Executor::new(
        bus.clone(),
        policy,
        offers.clone(),
        about,
        modes.clone(),
        config.limits.lease,
        abandon.clone(),
    ));
    let mut background = JoinSet::new();
    let refresh_stop = stop.clone();
    background.spawn(async move { offers.run(refresh_stop).await });
    let (following, follow_bus, follow_stop) = (modes.clone(), bus.clone(), stop.clone());
    background.spawn(async move { following.follow(&follow_bus, &follow_stop).await });
    // Before both are known, what is asked would be refused for no reason.
    let known = async { tokio::join!(modes.known(), settled.settled()) };
    if stop.run_until_cancelled(known).await.is_none() {
        return Ok(());
    }
    info!(worker = %config.name, slots = config.slots, "worker is ready");
    let mut running = JoinSet::new();
    let over = stop.child_token();
    let announcing = announcer.run(over.clone());
    let pulling = async {
        let pulled = pull(&config, &bus, &executor, &stop, &mut running).await;
        over.cancel();
        drain(&config, &mut running, &abandon).await;
        pulled
    };
    tokio::join!(pulling, announcing).0
}

/// Pulls until `stop`.
async fn pull(
    config: &WorkerConfig,
    bus: &Bus,
    executor: &Arc<Executor>,
    stop: &CancellationToken,
    running: &mut JoinSet<()>,
) -> Result<(), BusError> {
    let slots = Arc::new(Semaphore::new(config.slots));
    let mut pause = FIRST_PAUSE;
    config.health.begins(config.slots);
    loop {
        config.health.pulled(slots.available_permits());
        let Some(permits) = stop.run_until_cancelled(free(&slots)).await else { return Ok(()) };
        reap(running);
        let taken = bus.commands.take(permits.len(), PULL);
        match stop.run_until_cancelled(taken).await {
            None => return Ok(()),
            Some(Ok(deliveries)) => {
                pause = FIRST_PAUSE;
                start(executor, stop, running, permits, deliveries);
            }
            Some(Err(refused @ (BusError::Refused(_) | BusError::Wire(_)))) => return Err(refused),
            Some(Err(error)) => {
                warn!(%error, "no work can be taken; trying again");
                config.health.failed(error.to_string());
                let _ = stop.run_until_cancelled(tokio::time::sleep(jitter(pause))).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Every slot that is free; waits for the first.
async fn free(slots: &Arc<Semaphore>) -> Vec<OwnedSemaphorePermit> {
    let mut permits = Vec::new();
    if let Ok(first) = slots.clone().acquire_owned().await {
        permits.push(first);
    }
    while let Ok(next) = slots.clone().try_acquire_owned() {
        permits.push(next);
    }
    permits
}

fn start(
    executor: &Arc<Executor>,
    stop: &CancellationToken,
    running: &mut JoinSet<()>,
    permits: Vec<OwnedSemaphorePermit>,
    deliveries: Vec<Delivery>,
) {
    for (permit, delivery) in permits.into_iter().zip(deliveries) {
        let (executor, stopping) = (executor.clone(), stop.is_cancelled());
        running.spawn(async move {
            let (_permit, _slot) = (permit, Slot::taken());
            if stopping {
                executor.hand_back(&delivery).await;
            } else {
                executor.execute(&delivery).await;
            }
        });
    }
}

/// Notes tasks that have ended; an executor never panics by design, so one that did is a fault to be seen.
fn reap(running: &mut JoinSet<()>) {
    while let Some(ended) = running.try_join_next() {
        if let Err(fault) = ended {
            program::fault(Where::Worker);
            error!(%fault, "an execution ended abnormally; its message will be delivered again");
        }
    }
}

async fn drain(config: &WorkerConfig, running: &mut JoinSet<()>, abandon: &CancellationToken) {
    if !running.is_empty() {
        info!(running = running.len(), grace = ?config.grace, "finishing what runs");
    }
    let finish = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(config.grace, finish).await.is_err() {
        warn!(left = running.len(), "the grace period is over; other workers take over what still runs");
        abandon.cancel();
        running.shutdown().await;
    }
}
