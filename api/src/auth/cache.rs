//! Keys that were looked up a moment ago. A row is good for the configured time, counted from before it was read, so that
//! a revocation is never seen later than that, with or without the bus. With the bus, a change that is told evicts at once;
//! for a while it also outlaws rows of an older version, for one may have been read before the change and kept after it.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use ipnet::IpNet;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use tokio::sync::watch;

use super::{limits::KeyRate, principal::Principal};
use crate::key::Digest;

/// Keys remembered as good.
const KNOWN: usize = 50_000;
/// Digests remembered as nobody's, and for how long.
const UNKNOWN: usize = 10_000;
const UNKNOWN_FOR: Duration = Duration::from_secs(1);
/// How often a row is read again when a change overtook it.
const OVERTAKEN: u32 = 3;
/// Beyond the time that a row is good.
const MARGIN: Duration = Duration::from_secs(1);

/// What a row says, ready for use.
pub(super) struct Known {
    pub(super) principal: Arc<Principal>,
    pub(super) state: String,
    pub(super) service_disabled: bool,
    /// None: from anywhere.
    pub(super) networks: Option<Vec<IpNet>>,
    pub(super) superseded: bool,
    pub(super) rate: Arc<KeyRate>,
    pub(super) version: i64,
    /// When its reading began.
    pub(super) read: Instant,
}

/// The cache.
pub(super) struct KeyCache {
    ttl: Duration,
    known: Cache<Digest, Arc<Known>>,
    unknown: Cache<Digest, Instant>,
    /// Versions that were told lately: rows of older ones are not believed.
    changed: Mutex<HashMap<String, (i64, Instant)>>,
    /// Whenever something may have changed.
    told: watch::Sender<()>,
}

/// What the cache says of a digest.
pub(super) enum Cached {
    /// A key, as of a moment ago.
    Key(Arc<Known>),
    /// Nobody's.
    Nobody,
    /// It must be looked up.
    Unsure,
}

impl KeyCache {
    pub(super) fn new(ttl: Duration) -> Self {
        let (known, unknown) = (Cache::new(KNOWN), Cache::new(UNKNOWN));
        Self { ttl, known, unknown, changed: Mutex::default(), told: watch::Sender::default() }
    }

    /// What is known without asking the database.
    pub(super) fn get(&self, digest: &Digest) -> Cached {
        if let Some(known) = self.known.get(digest) {
            if self.is_good(&known) {
                return Cached::Key(known);
            }
            return Cached::Unsure;
        }
        match self.unknown.get(digest) {
            Some(since) if since.elapsed() < UNKNOWN_FOR.min(self.ttl) => Cached::Nobody,
            _ => Cached::Unsure,
        }
    }

    fn is_good(&self, known: &Known) -> bool {
        known.read.elapsed() < self.ttl && !self.is_outdated(known)
    }

    fn is_outdated(&self, known: &Known) -> bool {
        let changed = self.changed.lock();
        changed.get(&known.principal.key_id).is_some_and(|(version, _)| known.version < *version)
    }

    /// Looks a digest up, each only once at a time: whoever comes meanwhile waits for the first one's result.
    pub(super) async fn look_up<E, F: Future<Output = Result<Option<Known>, E>>>(
        &self,
        digest: Digest,
        load: impl Fn() -> F,
    ) -> Result<Option<Arc<Known>>, E> {
        if self.known.get(&digest).is_some_and(|known| !self.is_good(&known)) {
            self.known.remove(&digest);
        }
        loop {
            match self.known.get_value_or_guard_async(&digest).await {
                Ok(known) if self.is_good(&known) => return Ok(Some(known)),
                // Whoever looked it up began before a change: it is looked up again.
                Ok(_) => drop(self.known.remove(&digest)),
                Err(guard) => match self.fresh(&load).await? {
                    Some(known) => {
                        let known = Arc::new(known);
                        // Nobody took the place meanwhile: the guard holds it.
                        let _ = guard.insert(known.clone());
                        return Ok(Some(known));
                    }
                    None => {
                        self.unknown.insert(digest, Instant::now());
                        return Ok(None);
                    }
                },
            }
        }
    }

    /// A row that no change overtook while it was read.
    async fn fresh<E, F: Future<Output = Result<Option<Known>, E>>>(
        &self,
        load: impl Fn() -> F,
    ) -> Result<Option<Known>, E> {
        let mut loaded = load().await?;
        for _ in 0..OVERTAKEN {
            match &loaded {
                Some(known) if self.is_outdated(known) => loaded = load().await?,
                _ => break,
            }
        }
        Ok(loaded)
    }

    /// A key has changed: what is older than this version is not believed any more.
    pub(crate) fn changed(&self, key_id: &str, version: i64) {
        let mut changed = self.changed.lock();
        let kept = self.ttl + MARGIN;
        changed.retain(|_, (_, at)| at.elapsed() < kept);
        let newest = changed.get(key_id).map_or(version, |(known, _)| version.max(*known));
        changed.insert(key_id.to_owned(), (newest, Instant::now()));
        drop(changed);
        self.told.send_replace(());
    }

    /// Forgets all: after a time in which changes may have been missed.
    pub(super) fn clear(&self) {
        self.known.clear();
        self.unknown.clear();
        self.told.send_replace(());
    }

    /// Tells whenever something may have changed.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }

    /// Until when a row is believed.
    pub(super) fn until(&self, known: &Known) -> Instant {
        known.read + self.ttl
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tokio::sync::{Notify, oneshot};

    use super::*;
    use crate::{
        auth::limits::Limits,
        key::{ApiKey, Kind, Pepper, Peppers},
    };

    fn known(version: i64) -> Known {
        let principal = Principal {
            key_id: "k".to_owned(),
            key_name: "k".to_owned(),
            kind: Kind::Service,
            service_id: "s".to_owned(),
            service: "ci".to_owned(),
            scopes: crate::scope::Scopes::default(),
            created_at: 0,
            expires_at: None,
        };
        Known {
            principal: Arc::new(principal),
            state: "active".to_owned(),
            service_disabled: false,
            networks: None,
            superseded: false,
            rate: Limits::new().of("k", None, None),
            version,
            read: Instant::now(),
        }
    }

    #[tokio::test]
    async fn a_row_that_was_read_before_a_change_is_never_believed_after_it() {
        let cache = Arc::new(KeyCache::new(Duration::from_secs(600)));
        let digest = Peppers::new(&Pepper::new([1; 32]), None).digest(&ApiKey::generate(Kind::Service));
        let (reading, is_read) = oneshot::channel();
        let (reading, go) = (Mutex::new(Some(reading)), Arc::new(Notify::new()));
        let (at, wait) = (cache.clone(), go.clone());
        let first = tokio::spawn(async move {
            let load = || async {
                // The first reading sees the row of before; whoever reads once more sees that of after.
                let Some(reading) = reading.lock().take() else { return Ok::<_, Infallible>(Some(known(2))) };
                let row = known(1);
                let _ = reading.send(());
                wait.notified().await;
                Ok(Some(row))
            };
            at.look_up(digest, load).await
        });
        is_read.await.unwrap();
        let at = cache.clone();
        let second = tokio::spawn(async move {
            at.look_up(digest, || async { Ok::<_, Infallible>(Some(known(2))) }).await
        });
        cache.changed("k", 2);
        go.notify_one();
        for found in [first.await, second.await] {
            let Ok(Ok(Some(found))) = found else { panic!("a key") };
            assert_eq!(found.version, 2);
        }
        assert!(matches!(cache.get(&digest), Cached::Key(known) if known.version == 2));
    }
}
