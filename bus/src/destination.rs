//! A named destination: the channels in which what is said there is posted. Kept by the API, read by workers.

use std::time::Duration;

use futures::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    actor::{Platform, Tenant},
    place::Place,
    ports::{Bucket, Bus, BusError, Change, Expect, StoreError},
    subject::{Origin, Token},
    wire::{self, Version},
};

/// Most channels of one destination.
pub const MOST_TARGETS: usize = 32;
/// Most characters of a name.
const LONGEST_NAME: usize = 63;
/// How long a look at all destinations may take.
const LOOK: Duration = Duration::from_secs(2);
/// Most destinations that a look at all of them returns.
const MOST: usize = 1_000;

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The platform of the channel.
    pub platform: Platform,
    /// The tenant of the channel.
    pub tenant: Tenant,
    /// The platform's id of the channel.
    pub channel: String,
}

impl Target {
    /// The place where a notice for it is posted.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            platform: self.platform,
            tenant: self.tenant.clone(),
            channel: self.channel.clone(),
            thread: None,
            private: false,
            answer: None,
        }
    }

    /// The origin under which a notice for it is put on the bus.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin::new(self.platform, &self.tenant)
    }
}

/// A name for channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Destination {
    /// Wire version.
    pub v: Version,
    /// Its name: `^[a-z][a-z0-9-]{0,62}$`.
    #[schemars(extend("pattern" = "^[a-z][a-z0-9-]{0,62}$"))]
    pub name: String,
    /// The channels, 32 at most.
    #[schemars(extend("maxItems" = MOST_TARGETS))]
    pub targets: Vec<Target>,
}

/// Whether this is the name that a destination may have: `^[a-z][a-z0-9-]{0,62}$`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    text.len() <= LONGEST_NAME
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(good)
}

fn key(name: &str) -> String {
    Token::escape(name).to_string()
}

/// The destination of this name.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached, `Wire` when what is there cannot be read.
pub async fn load(bus: &Bus, name: &str) -> Result<Option<Destination>, BusError> {
    let entry = bus.store.get(Bucket::Destinations, &key(name)).await?;
    Ok(entry.map(|entry| wire::decode("destination", &entry.value)).transpose()?)
}

/// All destinations, by name. Those that cannot be read are left out.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn all(bus: &Bus) -> Result<Vec<Destination>, BusError> {
    let mut changes = bus.store.watch(Bucket::Destinations, "").await?;
    let mut found = Vec::new();
    let look = async {
        while let Some(change) = changes.next().await {
            match change {
                Change::Put(entry) if found.len() < MOST => {
                    found.extend(wire::decode::<Destination>("destination", &entry.value).ok());
                }
                Change::Put(_) | Change::Gone { .. } => {}
                Change::Current => return,
            }
        }
    };
    let looked = tokio::time::timeout(LOOK, look).await;
    looked.map_err(|_| BusError::Unavailable("the destinations cannot be looked through".to_owned()))?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Puts a destination in force, and returns its revision.
///
/// # Errors
/// `Refused` when its name is none or it has too many channels, `Unavailable` while the bus cannot be reached.
pub async fn store(bus: &Bus, destination: &Destination) -> Result<u64, BusError> {
    if !is_name(&destination.name) {
        return Err(BusError::Refused("this is no name of a destination".to_owned()));
    }
    if destination.targets.len() > MOST_TARGETS {
        return Err(BusError::Refused(format!("a destination has {MOST_TARGETS} channels at most")));
    }
    let value = wire::encode("destination", destination)?;
    let put = bus.store.put(Bucket::Destinations, &key(&destination.name), value, Expect::Anything).await;
    put.map_err(failed)
}

/// Removes a destination; one that is not there is removed already.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn remove(bus: &Bus, name: &str) -> Result<(), BusError> {
    bus.store.remove(Bucket::Destinations, &key(name), None).await.map_err(failed)
}

fn failed(error: StoreError) -> BusError {
    match error {
        StoreError::Bus(error) => error,
        // Not possible for a write without a condition; worth another try if it happens.
        StoreError::Conflict => BusError::Unavailable(error.to_string()),
    }
}
