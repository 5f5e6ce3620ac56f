//! What holds for all commands at once: a pause (written by the API), a freeze that policy sees (written by workers), and the beat
//! of the audit copy. Watched by workers.

use futures::StreamExt;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tracing::error;

use crate::{
    ports::{BoxStream, Bucket, Bus, BusError, Change, Entry, Expect, StoreError},
    wire::{self, Version},
};

/// The key of the pause.
const PAUSE: &str = "pause";
/// The key of the freeze.
const FREEZE: &str = "freeze";
/// The key of the audit's beat.
const AUDIT: &str = "audit";

/// Nothing but reading runs while it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Wire version.
    pub v: Version,
    /// Who has put it on, as shown to people.
    pub by: String,
    /// Why, one line.
    pub reason: String,
    /// Since when (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub since: Timestamp,
}

/// A value that policy sees with every request while it is there: rows with `freeze=on` hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Freeze {
    /// Wire version.
    pub v: Version,
    /// Who has put it on, as shown to people.
    pub by: String,
    /// Why, one line.
    pub reason: String,
    /// Since when (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// When it ends by itself (RFC 3339, UTC); none: when somebody ends it.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A sign of life of the audit copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Beat {
    /// Wire version.
    pub v: Version,
    /// When the copy was found complete up to `sequence` (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The newest sequence of the journal that is in the copy.
    pub sequence: u64,
    /// Hash of the copy's newest entry, hexadecimal.
    pub head: String,
}

/// What is known of all three.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// The pause, if there is one.
    pub pause: Option<Pause>,
    /// The freeze, whether it has ended by itself or not.
    pub freeze: Option<Freeze>,
    /// What stands there as a freeze cannot be read: there may be one.
    pub freeze_unreadable: bool,
    /// The newest beat, if an audit copy has ever been made.
    pub audit: Option<Beat>,
}

impl Mode {
    /// Whether there is a freeze at this moment; none when that cannot be known.
    #[must_use]
    pub fn is_frozen(&self, now: Timestamp) -> Option<bool> {
        (!self.freeze_unreadable).then(|| self.frozen(now).is_some())
    }

    /// The freeze that holds at this moment.
    #[must_use]
    pub fn frozen(&self, now: Timestamp) -> Option<&Freeze> {
        self.freeze.as_ref().filter(|freeze| freeze.until.is_none_or(|until| now < until))
    }
}

/// What is in force now.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached, `Wire` when what is there cannot be read.
pub async fn load(bus: &Bus) -> Result<Mode, BusError> {
    Ok(Mode {
        pause: read(bus, PAUSE).await?,
        freeze: read(bus, FREEZE).await?,
        freeze_unreadable: false,
        audit: read(bus, AUDIT).await?,
    })
}

async fn read<T: DeserializeOwned>(bus: &Bus, key: &str) -> Result<Option<T>, BusError> {
    let entry = bus.store.get(Bucket::Mode, key).await?;
    Ok(entry.map(|entry| wire::decode("mode", &entry.value)).transpose()?)
}

/// Stops all commands but those that read.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn pause(bus: &Bus, pause: &Pause) -> Result<(), BusError> {
    write(bus, PAUSE, pause).await
}

/// Lets commands run again; nothing happens if they do.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn resume(bus: &Bus) -> Result<(), BusError> {
    bus.store.remove(Bucket::Mode, PAUSE, None).await.map_err(failed)
}

/// The freeze as it was seen; only this one is changed by who has seen it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The freeze, whether it has ended by itself or not.
    pub freeze: Option<Freeze>,
    /// What stands there cannot be read.
    pub unreadable: bool,
    revision: Option<u64>,
}

/// Looks at the freeze, to change it.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn see(bus: &Bus) -> Result<Seen, BusError> {
    let Some(entry) = bus.store.get(Bucket::Mode, FREEZE).await? else { return Ok(Seen::default()) };
    let freeze: Option<Freeze> = wire::decode("mode", &entry.value).ok();
    Ok(Seen { unreadable: freeze.is_none(), freeze, revision: Some(entry.revision) })
}

/// Puts a freeze on, in the place of the one that was seen.
///
/// # Errors
/// `Conflict` when somebody has changed it since, `Unavailable` while the bus cannot be reached.
pub async fn freeze(bus: &Bus, freeze: &Freeze, seen: &Seen) -> Result<(), StoreError> {
    let value = wire::encode("mode", freeze).map_err(BusError::from)?;
    let expect = seen.revision.map_or(Expect::Absent { ttl: None }, Expect::Revision);
    bus.store.put(Bucket::Mode, FREEZE, value, expect).await.map(drop)
}

/// Ends the freeze that was seen; nothing happens if there was none.
///
/// # Errors
/// `Conflict` when somebody has changed it since, `Unavailable` while the bus cannot be reached.
pub async fn thaw(bus: &Bus, seen: &Seen) -> Result<(), StoreError> {
    match seen.revision {
        Some(revision) => bus.store.remove(Bucket::Mode, FREEZE, Some(revision)).await,
        None => Ok(()),
    }
}

/// Tells that the audit copy is alive.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn beat(bus: &Bus, beat: &Beat) -> Result<(), BusError> {
    write(bus, AUDIT, beat).await
}

async fn write<T: Serialize>(bus: &Bus, key: &str, value: &T) -> Result<(), BusError> {
    let value = wire::encode("mode", value)?;
    bus.store.put(Bucket::Mode, key, value, Expect::Anything).await.map(drop).map_err(failed)
}

fn failed(error: StoreError) -> BusError {
    match error {
        StoreError::Bus(error) => error,
        // Not possible for a write without a condition; worth another try if it happens.
        StoreError::Conflict => BusError::Unavailable(error.to_string()),
    }
}

/// What is in force, as soon as all of it is known, and then after each change. While the bus is away nothing comes: the last
/// one counts.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn watch(bus: &Bus) -> Result<BoxStream<Mode>, BusError> {
    let changes = bus.store.watch(Bucket::Mode, "").await?;
    let modes = changes.scan((Mode::default(), false), |(mode, current), change| {
        let news = apply(mode, change);
        *current |= news == News::Current;
        let next = (*current && news != News::None).then(|| mode.clone());
        std::future::ready(Some(next))
    });
    Ok(Box::pin(modes.filter_map(std::future::ready)))
}

#[derive(PartialEq, Eq)]
enum News {
    None,
    Changed,
    Current,
}

fn apply(mode: &mut Mode, change: Change) -> News {
    match change {
        Change::Put(entry) if entry.key == PAUSE => take(&mut mode.pause, &entry),
        Change::Put(entry) if entry.key == FREEZE => {
            // To count on what was known before would open what a freeze stops.
            mode.freeze_unreadable = take(&mut mode.freeze, &entry) == News::None;
            News::Changed
        }
        Change::Put(entry) if entry.key == AUDIT => take(&mut mode.audit, &entry),
        Change::Gone { key, .. } if key == PAUSE => {
            mode.pause = None;
            News::Changed
        }
        Change::Gone { key, .. } if key == FREEZE => {
            (mode.freeze, mode.freeze_unreadable) = (None, false);
            News::Changed
        }
        Change::Gone { key, .. } if key == AUDIT => {
            mode.audit = None;
            News::Changed
        }
        Change::Put(_) | Change::Gone { .. } => News::None,
        Change::Current => News::Current,
    }
}

/// What cannot be read leaves what was known before.
fn take<T: DeserializeOwned>(known: &mut Option<T>, entry: &Entry) -> News {
    match wire::decode("mode", &entry.value) {
        Ok(read) => {
            *known = Some(read);
            News::Changed
        }
        Err(error) => {
            error!(%error, key = entry.key, "the mode cannot be read; what was known before counts");
            News::None
        }
    }
}
