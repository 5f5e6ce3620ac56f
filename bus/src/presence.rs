//! Who is up, and which policy each replica decides by. Each writes its own entry again and again; one that stops disappears.

use std::{collections::BTreeMap, time::Duration};

use futures::StreamExt;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ports::{BoxStream, Bucket, Bus, BusError, Change, Expect, StoreError},
    subject::Token,
    wire::{self, Version},
};

/// How long looking through all of them may take.
const LOOK: Duration = Duration::from_secs(10);

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
    /// What it is: `worker` or `api`.
    pub role: String,
    /// Its name, one of its own.
    pub name: String,
    /// Version of the program.
    pub program: String,
    /// Which policy it decides by.
    pub policy: PolicyReport,
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
                if let Ok(replica) = wire::decode::<Replica>("presence", &entry.value) {
                    known.insert(entry.key, replica);
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
