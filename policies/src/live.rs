//! The published policy, live: followed by a watch and by asking besides, and what this replica decides by is told to all.

mod publication;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use adjutant_bus::{
    bundle::{self, Bundle, Named, News},
    ports::{Bus, BusError},
    presence::{self, PolicyReport, Replica, Who},
};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;
use tracing::warn;

pub use self::publication::{Author, ENTRY, STAND, Switched, entry, next, stand, switched, trouble};
use crate::handle::Policy;

/// How often what is in force is confirmed, besides the watch.
const ASK: Duration = Duration::from_secs(30);
/// Pause before the bus is asked again after it failed.
const AGAIN: Duration = Duration::from_secs(1);
/// Why everything is refused before the first publication.
const NOTHING: &str =
    "no policy has been published; `adjutant policy publish --as-operator` publishes the first one";

/// Puts in force what is published, until `stop`.
pub async fn follow(policy: Arc<Policy>, bus: Bus, stop: CancellationToken) {
    let mut follower = Follower { policy, bus, announced: BTreeMap::new() };
    loop {
        match stop.run_until_cancelled(follower.follow()).await {
            None => return,
            Some(Ok(())) => warn!("the published policy cannot be watched any more; trying again"),
            Some(Err(error)) => warn!(%error, "the published policy cannot be learnt; trying again"),
        }
        let _ = stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await;
    }
}

struct Follower {
    policy: Arc<Policy>,
    bus: Bus,
    /// What was announced under each version, as far as it is kept.
    announced: BTreeMap<u64, Announced>,
}

struct Announced {
    named: Option<Named>,
    /// Kept until it is in force, to be tried again.
    bundle: Option<Box<Bundle>>,
}

impl Follower {
    async fn follow(&mut self) -> Result<(), BusError> {
        let mut news = bundle::watch(&self.bus).await?;
        let mut current = false;
        let mut ask = tokio::time::interval(ASK);
        ask.reset();
        loop {
            tokio::select! {
                next = news.next() => match next {
                    None => return Ok(()),
                    Some(News::Current) => {
                        current = true;
                        self.settle().await;
                    }
                    Some(News::Published(bundle)) => {
                        let announced = Announced { named: Some(bundle.named.clone()), bundle: Some(bundle.clone()) };
                        self.announced.insert(bundle.named.version, announced);
                        if current { self.settle().await; }
                    }
                    Some(News::Unreadable { version, why }) => {
                        self.announced.insert(version, Announced { named: None, bundle: None });
                        self.policy.nothing(&format!("version {version} cannot be read: {why}")).await;
                    }
                },
                _ = ask.tick() => self.confirm().await?,
            }
        }
    }

    /// Puts the newest that was announced in force, unless it is already.
    async fn settle(&mut self) {
        let Some(newest) = self.announced.keys().next_back().copied() else {
            return self.policy.nothing(NOTHING).await;
        };
        let before = self.announced.range(..newest).next_back();
        let follows = before.filter(|(version, _)| **version + 1 == newest);
        let known = follows.and_then(|(_, announced)| announced.named.clone());
        if let Some(bundle) = self.announced.get(&newest).and_then(|announced| announced.bundle.as_ref()) {
            // What is wrong with it is logged and told by the handle.
            if self.policy.offer(bundle, known.as_ref()).await.is_ok() {
                self.policy.confirm();
            }
        }
        // Only the newest may be wanted again; of the others their names are enough.
        let kept = self.announced.split_off(&newest.saturating_sub(1));
        self.announced = kept;
        for (_, announced) in self.announced.range_mut(..newest) {
            announced.bundle = None;
        }
    }

    /// Asks whether what is in force is still the newest: there is the version in force, and none after it.
    async fn confirm(&mut self) -> Result<(), BusError> {
        let in_force = self.policy.status().named;
        let version = in_force.as_ref().map_or(0, |named| named.version);
        if let Some(next) = bundle::at(&self.bus, version + 1).await? {
            let announced = Announced { named: Some(next.named.clone()), bundle: Some(Box::new(next)) };
            self.announced.entry(version + 1).or_insert(announced);
            self.settle().await;
            return Ok(());
        }
        let Some(in_force) = in_force else { return Ok(()) };
        let newest = self.announced.keys().next_back().copied().unwrap_or(version);
        match bundle::at(&self.bus, version).await? {
            Some(bundle) if bundle.named == in_force && newest <= version => self.policy.confirm(),
            Some(_) if newest > version => self.settle().await,
            Some(bundle) => {
                let why = format!("version {version} is now {:.8} on the bus", bundle.named.sha256);
                self.policy.nothing(&why).await;
            }
            // It was thinned out, so that there are many newer ones: all of them are looked at again.
            None => return Err(BusError::Unavailable(format!("version {version} is not there any more"))),
        }
        Ok(())
    }
}

/// Tells that this replica is up and which policy it decides by, at each change and every few seconds, until `stop`. `source` is
/// where its policy comes from: `bus`, `shipped`, or `dir:` and a folder.
pub async fn report(policy: Arc<Policy>, bus: Bus, who: Who, source: String, stop: CancellationToken) {
    let told = || Some(decides_by(&policy, &source));
    let news = |told: Replica| {
        let told = told.policy.unwrap_or_default();
        let (policy, mut changes) = (policy.clone(), policy.changes());
        async move {
            let differs = || {
                let status = policy.status();
                status.named.map(|named| named.version) != told.version || status.problem != told.problem
            };
            if changes.wait_for(|_| differs()).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    presence::keep(bus, who, told, news, stop).await;
}

fn decides_by(policy: &Policy, source: &str) -> PolicyReport {
    let status = policy.status();
    PolicyReport {
        source: source.to_owned(),
        version: status.named.as_ref().map(|named| named.version),
        sha256: status.named.map(|named| named.sha256),
        loaded_at: status.loaded_at,
        confirmed_at: status.confirmed_at,
        problem: status.problem,
    }
}
