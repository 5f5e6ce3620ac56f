//! Where bundles and drafts are kept: read, written once, watched, and thinned out.

use std::{collections::BTreeMap, time::Duration};

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};

use super::{Bundle, Draft};
use crate::{
    ports::{BoxStream, Bucket, Bus, BusError, Change, Entry, Expect, StoreError},
    wire,
};

/// First token of the keys of bundles.
const BUNDLE: &str = "bundle";
/// First token of the keys of drafts.
const DRAFT: &str = "draft";
/// Bundles that are kept, the newest ones; a rollback can go back to them.
const KEPT: u64 = 50;
/// Age after which a draft that nobody published is removed.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(1);
/// How long looking through all of them may take.
const LOOK: Duration = Duration::from_secs(10);

/// What a watcher of bundles sees.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A version that is there.
    Published(Box<Bundle>),
    /// A version that is there and cannot be read.
    Unreadable {
        /// Its version.
        version: u64,
        /// Why.
        why: String,
    },
    /// All that was there when the watch began has been told.
    Current,
}

/// Why a bundle is not published.
#[derive(Debug, thiserror::Error)]
pub enum Unpublished {
    /// Somebody else published this version meanwhile.
    #[error("version {0} was published by somebody else meanwhile")]
    Meanwhile(u64),
    /// The files are too large for one message, packed as they are.
    #[error("the files are too large to be published: {0}")]
    TooLarge(String),
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] BusError),
}

fn key(version: u64) -> String {
    format!("{BUNDLE}.{version}")
}

fn version(key: &str) -> Option<u64> {
    key.strip_prefix(BUNDLE)?.strip_prefix('.')?.parse().ok()
}

fn read(entry: &Entry) -> Option<Result<Bundle, News>> {
    let version = version(&entry.key)?;
    let unreadable = |why: String| News::Unreadable { version, why };
    Some(match wire::decode::<Bundle>("policy bundle", &entry.value) {
        Ok(bundle) if bundle.named.version == version => Ok(bundle),
        Ok(bundle) => Err(unreadable(format!("it says that it is version {}", bundle.named.version))),
        Err(error) => Err(unreadable(error.to_string())),
    })
}

/// Puts files where [`draft`] finds them.
///
/// # Errors
/// `TooLarge`; `Bus` while it cannot be reached.
pub async fn upload(bus: &Bus, draft: &Draft) -> Result<(), Unpublished> {
    let value =
        wire::encode("policy draft", draft).map_err(|error| Unpublished::TooLarge(error.to_string()))?;
    let key = format!("{DRAFT}.{}", draft.sha256);
    let put = bus.store.put(Bucket::Policy, &key, value, Expect::Anything).await;
    put.map(drop).map_err(|error| failed(error).into())
}

/// The draft with this SHA-256, which must be hexadecimal.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached, `Wire` when what is there cannot be read.
pub async fn draft(bus: &Bus, sha256: &str) -> Result<Option<Draft>, BusError> {
    if sha256.is_empty() || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let entry = bus.store.get(Bucket::Policy, &format!("{DRAFT}.{sha256}")).await?;
    Ok(entry.map(|entry| wire::decode("policy draft", &entry.value)).transpose()?)
}

/// Removes the draft that was published, and those that nobody published within an hour.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached; a later publication tries again.
pub async fn discard(bus: &Bus, published: &str, now: Timestamp) -> Result<(), BusError> {
    let done = format!("{DRAFT}.{published}");
    for entry in entries(bus, DRAFT).await? {
        let draft = wire::decode::<Draft>("policy draft", &entry.value).ok();
        let old = draft.is_none_or(|draft| now.duration_since(draft.at) > FORGOTTEN);
        if old || entry.key == done {
            bus.store.remove(Bucket::Policy, &entry.key, None).await.map_err(failed)?;
        }
    }
    Ok(())
}

/// The bundle of this version; none when there is none, or it was thinned out.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached; `Refused` when what is there cannot be read.
pub async fn at(bus: &Bus, version: u64) -> Result<Option<Bundle>, BusError> {
    let Some(entry) = bus.store.get(Bucket::Policy, &key(version)).await? else { return Ok(None) };
    match read(&entry) {
        Some(Ok(bundle)) => Ok(Some(bundle)),
        Some(Err(News::Unreadable { why, .. })) => {
            Err(BusError::Refused(format!("policy bundle {version} cannot be read: {why}")))
        }
        Some(Err(_)) | None => Ok(None),
    }
}

/// All that are kept and can be read, oldest first.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn all(bus: &Bus) -> Result<Vec<Bundle>, BusError> {
    let mut found: BTreeMap<u64, Bundle> = BTreeMap::new();
    for entry in entries(bus, BUNDLE).await? {
        if let Some(Ok(bundle)) = read(&entry) {
            found.insert(bundle.named.version, bundle);
        }
    }
    Ok(found.into_values().collect())
}

/// The newest one.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn newest(bus: &Bus) -> Result<Option<Bundle>, BusError> {
    Ok(all(bus).await?.pop())
}

/// Publishes a bundle, if nobody has published its version, and thins out the oldest ones.
///
/// # Errors
/// `Meanwhile` when its version is there already.
pub async fn publish(bus: &Bus, bundle: &Bundle) -> Result<(), Unpublished> {
    let value =
        wire::encode("policy bundle", bundle).map_err(|error| Unpublished::TooLarge(error.to_string()))?;
    let version = bundle.named.version;
    match bus.store.put(Bucket::Policy, &key(version), value, Expect::Absent { ttl: None }).await {
        Ok(_) => {}
        Err(StoreError::Conflict) => return Err(Unpublished::Meanwhile(version)),
        Err(StoreError::Bus(error)) => return Err(error.into()),
    }
    if let Some(old) = version.checked_sub(KEPT).filter(|old| *old > 0) {
        // It is published; what is left over for now goes with a later one.
        if let Err(error) = bus.store.remove(Bucket::Policy, &key(old), None).await {
            tracing::warn!(%error, version = old, "an old policy bundle cannot be removed");
        }
    }
    Ok(())
}

/// Every bundle that is there, then `Current`, then each new one.
///
/// # Errors
/// `Unavailable` while the bus cannot be reached.
pub async fn watch(bus: &Bus) -> Result<BoxStream<News>, BusError> {
    let changes = bus.store.watch(Bucket::Policy, BUNDLE).await?;
    let news = changes.filter_map(|change| {
        std::future::ready(match change {
            Change::Put(entry) => read(&entry).map(|read| match read {
                Ok(bundle) => News::Published(Box::new(bundle)),
                Err(unreadable) => unreadable,
            }),
            Change::Gone { .. } => None,
            Change::Current => Some(News::Current),
        })
    });
    Ok(Box::pin(news))
}

async fn entries(bus: &Bus, prefix: &str) -> Result<Vec<Entry>, BusError> {
    let mut changes = bus.store.watch(Bucket::Policy, prefix).await?;
    let mut found = BTreeMap::new();
    let look = async {
        while let Some(change) = changes.next().await {
            match change {
                Change::Put(entry) => drop(found.insert(entry.key.clone(), entry)),
                Change::Gone { key, .. } => drop(found.remove(&key)),
                Change::Current => return,
            }
        }
    };
    let looked = tokio::time::timeout(LOOK, look).await;
    looked
        .map_err(|_| BusError::Unavailable("the published policies cannot be looked through".to_owned()))?;
    Ok(found.into_values().collect())
}

fn failed(error: StoreError) -> BusError {
    match error {
        StoreError::Bus(error) => error,
        // Not possible for a write without a condition; worth another try if it happens.
        StoreError::Conflict => BusError::Unavailable(error.to_string()),
    }
}
