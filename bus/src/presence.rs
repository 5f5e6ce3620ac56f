//! Who is up, and which policy each replica decides by. Each writes its own entry again and again; one that stops disappears.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use futures::StreamExt;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    ports::{BoxStream, Bucket, Bus, BusError, Change, Expect, StoreError},
    role::Role,
    subject::Token,
    wire::{self, Version},
};

/// How long looking through all of them may take.
const LOOK: Duration = Duration::from_secs(10);
/// How often a replica tells that it is up; its entry lives three times as long.
const REPORT: Duration = Duration::from_secs(10);
/// How often it looks whether it stands otherwise than it told.
const CHECK: Duration = Duration::from_secs(1);
/// How long a replica that stops may take to say so.
const FAREWELL: Duration = Duration::from_secs(1);
/// Most characters of how a replica stands.
const DETAIL: usize = 200;

/// Which policy a replica decides by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReport {
    /// Where it comes from: `bus`, `shipped`, or `dir:` and a folder.
    pub source: String,
    /// Its version; none when there is none, and nearly everything is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// SHA-256 of its files, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When it was put in force (RFC 3339, UTC).
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded_at: Option<Timestamp>,
    /// When it was last known to be the current one (RFC 3339, UTC).
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// Why a newer one is not in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A replica that is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replica {
    /// Wire version.
    pub v: Version,
    /// What it is, by the name of its user on the bus: `worker`, `api`, `gateway-slack`, `gateway-discord` or `gateway-console`.
    pub role: String,
    /// Its name, one of its own.
    pub name: String,
    /// Version of the program.
    pub program: String,
    /// Since when it is up (RFC 3339, UTC).
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How it stands, in words: what it receives by, what it has to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Which policy it decides by; none: it decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReport>,
}

/// How a replica stands at the moment, in words.
pub type Detail = Arc<dyn Fn() -> String + Send + Sync>;

/// As what a process tells that it is up.
#[derive(Clone)]
pub struct Who {
    /// What it is.
    pub role: Role,
    /// Its name, one of its own.
    pub name: String,
    /// Version of the program.
    pub program: String,
    /// Since when it is up.
    pub since: Timestamp,
    /// How it stands.
    pub detail: Detail,
}

impl Who {
    fn replica(&self, policy: Option<PolicyReport>) -> Replica {
        Replica {
            v: Version,
            role: self.role.as_str().to_owned(),
            name: self.name.clone(),
            program: self.program.clone(),
            since: Some(self.since),
            detail: Some(self.stands()),
            policy,
        }
    }

    fn stands(&self) -> String {
        (self.detail)().chars().take(DETAIL).collect()
    }

    /// Ends when this replica stands otherwise than was told.
    async fn stands_otherwise(&self, told: &Replica) {
        while told.detail.as_ref() == Some(&self.stands()) {
            tokio::time::sleep(CHECK).await;
        }
    }
}

/// Tells that a replica is up, every few seconds and when there is news, until `stop`; then that it goes.
///
/// `policy` says which policy it decides by, if it decides; `news` ends when something else is to be told than what was.
pub async fn keep<F: Future>(
    bus: Bus,
    who: Who,
    policy: impl Fn() -> Option<PolicyReport>,
    news: impl Fn(Replica) -> F,
    stop: CancellationToken,
) {
    loop {
        let replica = who.replica(policy());
        if let Err(error) = report(&bus, &replica).await {
            warn!(%error, role = replica.role, "that this is up cannot be told to others; trying again");
        }
        let changes = async {
            tokio::select! {
                _ = news(replica.clone()) => {}
                () = who.stands_otherwise(&replica) => {}
            }
        };
        let wait = tokio::time::timeout(REPORT, changes);
        if stop.run_until_cancelled(wait).await.is_none() {
            // Gone at once instead of after half a minute; if the bus is away it goes by itself.
            let _ = tokio::time::timeout(FAREWELL, leave(&bus, &replica)).await;
            return;
        }
    }
}

/// Tells that a replica is up.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn report(bus: &Bus, replica: &Replica) -> Result<(), BusError> {
    let value = wire::encode("presence", replica)?;
    let put = bus.store.put(Bucket::Presence, &key(replica), value, Expect::Anything).await;
    put.map(drop).map_err(failed)
}

/// Tells that a replica is going.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn leave(bus: &Bus, replica: &Replica) -> Result<(), BusError> {
    bus.store.remove(Bucket::Presence, &key(replica), None).await.map_err(failed)
}

fn key(replica: &Replica) -> String {
    format!("{}.{}", Token::escape(&replica.role), Token::escape(&replica.name))
}

/// All that are up, by role and name.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn all(bus: &Bus) -> Result<Vec<Replica>, BusError> {
    let mut replicas = watch(bus).await?;
    let first = tokio::time::timeout(LOOK, replicas.next()).await.ok().flatten();
    first.ok_or_else(|| BusError::Unavailable("who is up cannot be looked through".to_owned()))
}

/// All that are up, as soon as all are known, and then after each report.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn watch(bus: &Bus) -> Result<BoxStream<Vec<Replica>>, BusError> {
    let changes = bus.store.watch(Bucket::Presence, "").await?;
    let known = changes.scan((BTreeMap::new(), false), |(known, current), change| {
        match change {
            Change::Put(entry) => {
                // Who it is stands in the key, which the server checks; what says something else is nobody's.
                match wire::decode::<Replica>("presence", &entry.value) {
                    Ok(replica) if key(&replica) == entry.key => drop(known.insert(entry.key, replica)),
                    _ => drop(known.remove(&entry.key)),
                }
            }
            Change::Gone { key, .. } => drop(known.remove(&key)),
            Change::Current => *current = true,
        }
        std::future::ready(Some(current.then(|| known.values().cloned().collect())))
    });
    Ok(Box::pin(known.filter_map(std::future::ready)))
}

fn failed(error: StoreError) -> BusError {
    match error {
        StoreError::Bus(error) => error,
        // Not possible for a write without a condition; worth another try if it happens.
        StoreError::Conflict => BusError::Unavailable(error.to_string()),
    }
}
