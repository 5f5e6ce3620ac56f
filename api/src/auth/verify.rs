//! The check itself: from headers to a principal. Everything that may change between two calls is checked at each: state,
//! expiry, address, rate.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use adjutant_metrics::api as metrics;
use axum::http::HeaderMap;
use ipnet::IpNet;
use jiff::Timestamp;
use tokio::sync::watch;
use tracing::warn;

use super::{
    cache::{Cached, KeyCache, Known},
    credentials,
    limits::Limits,
    principal::Principal,
    refusals::Refusals,
    rows::{self, Row},
    uses::Uses,
};
use crate::{
    app::App,
    http::Exchange,
    key::{ApiKey, Digest, Kind, Peppers},
    keyring::Told,
    problem::{Code, Problem},
    relay::Wake,
    scope::Scopes,
    store::{Db, StoreError},
};

/// How long the database may take to find a key.
const LOOK_UP: Duration = Duration::from_secs(2);
/// How long it may take to keep it under another pepper.
const MOVE: Duration = Duration::from_millis(500);

/// All that verification goes by.
pub(crate) struct Keys {
    pub(crate) peppers: Peppers,
    pub(crate) limits: Limits,
    pub(crate) uses: Uses,
    pub(crate) hook_uses: Uses,
    pub(crate) refusals: Refusals,
    pepper_id: i64,
    cache: Arc<KeyCache>,
}

/// A row is believed for so much less than is promised: reading it and answering a call take time, too.
const MARGIN: Duration = Duration::from_millis(100);

impl Keys {
    pub(crate) fn new(peppers: Peppers, pepper_id: i64, ttl: Duration) -> Self {
        Self {
            peppers,
            limits: Limits::new(),
            uses: Uses::of_keys(),
            hook_uses: Uses::of_hooks(),
            refusals: Refusals::default(),
            pepper_id,
            cache: Arc::new(KeyCache::new(ttl.saturating_sub(MARGIN))),
        }
    }

    /// What is done at once when a key has changed by this process: its old row is not believed any more, and the relay wakes.
    pub(crate) fn teller(&self, wake: Wake) -> Told {
        let cache = self.cache.clone();
        Arc::new(move |key: &str, version| {
            cache.changed(key, version);
            wake.up();
        })
    }

    /// The caller of a request.
    pub(super) async fn verify(
        &self,
        app: &App,
        headers: &HeaderMap,
        exchange: &Exchange,
    ) -> Result<Arc<Principal>, Problem> {
        let text = credentials::presented(headers)?;
        let key = ApiKey::parse(text).map_err(|malformed| {
            // Said to whoever presents it: it is about the text, not about what we know.
            Problem::new(Code::InvalidKey, format!("It is no key: {malformed}."))
        })?;
        let known = self.known(&app.db, &key).await?.ok_or_else(credentials::invalid)?;
        let _ = exchange.caller.set((known.principal.who(), known.principal.key_id.clone()));
        admit(&known, exchange.address)?;
        let _ = exchange.rate.set(known.rate.call()?);
        let _ = exchange.key.set(key);
        self.uses.note(&known.principal.key_id, exchange.address);
        if known.superseded {
            metrics::superseded();
        }
        if known.superseded
            && let Some(until) =
                known.principal.expires_at.and_then(|at| Timestamp::from_millisecond(at).ok())
        {
            let _ = exchange.superseded.set(until.to_string());
        }
        Ok(known.principal.clone())
    }

    /// Whether a key by which something was let in is good still, and until when that is believed.
    pub(super) async fn again(
        &self,
        db: &Db,
        key: &ApiKey,
        address: Option<IpAddr>,
    ) -> Result<(Arc<Principal>, Instant), Problem> {
        let known = self.known(db, key).await?.ok_or_else(credentials::invalid)?;
        admit(&known, address)?;
        Ok((known.principal.clone(), self.cache.until(&known)))
    }

    /// Tells whenever a key may have changed.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.cache.changes()
    }

    /// Whose key this text is, if it is good now (from this address, if that is given).
    pub(crate) async fn examine(
        &self,
        db: &Db,
        text: &str,
        address: Option<IpAddr>,
    ) -> Result<Option<Arc<Principal>>, StoreError> {
        let Ok(key) = ApiKey::parse(text) else { return Ok(None) };
        let Some(known) = self.known(db, &key).await? else { return Ok(None) };
        let elsewhere = |networks: &Vec<IpNet>| address.is_some() && !within(address, networks);
        let good = standing(&known).is_ok() && !known.networks.as_ref().is_some_and(elsewhere);
        Ok(good.then(|| known.principal.clone()))
    }

    /// What is known of a well-formed key; none if it is nobody's.
    pub(super) async fn known(&self, db: &Db, key: &ApiKey) -> Result<Option<Arc<Known>>, StoreError> {
        let digest = self.peppers.digest(key);
        match self.cache.get(&digest) {
            Cached::Key(known) => Ok(Some(known)),
            Cached::Nobody => Ok(None),
            Cached::Unsure => {
                // The time holds for those, too, who wait for somebody else's looking up: else they would fail one after another.
                let looking = self.cache.look_up(digest, move || self.load(db, key, digest));
                tokio::time::timeout(LOOK_UP, looking)
                    .await
                    .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".to_owned())))
            }
        }
    }

    async fn load(&self, db: &Db, key: &ApiKey, digest: Digest) -> Result<Option<Known>, StoreError> {
        let read = Instant::now();
        let row = rows::by_digest(db, digest.as_bytes()).await?;
        if let Some(row) = row.filter(|row| digest.is(&row.digest)) {
            return self.known_of(row, read).map(Some);
        }
        let Some(before) = self.peppers.previous_digest(key) else { return Ok(None) };
        let row = rows::by_digest(db, before.as_bytes()).await?;
        let Some(row) = row.filter(|row| before.is(&row.digest)) else { return Ok(None) };
        // Only now that the key is in hand can it be kept under the pepper in use.
        let moving = rows::rewrite(db, &row.id, &before, &digest, self.pepper_id);
        match tokio::time::timeout(MOVE, moving).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, key = row.id, "a key stays under the pepper before for now"),
            Err(_) => warn!(key = row.id, "a key stays under the pepper before for now"),
        }
        self.known_of(row, read).map(Some)
    }

    fn known_of(&self, row: Row, read: Instant) -> Result<Known, StoreError> {
        let rate = self.limits.of(&row.id, row.rate_per_s, row.rate_burst);
        let unreadable = |what| StoreError::Fault(format!("the {what} of key {} cannot be read", row.id));
        let scopes: Scopes = serde_json::from_str(&row.scopes).map_err(|_| unreadable("scopes"))?;
        let networks: Option<Vec<IpNet>> = match &row.allowed_cidrs {
            None => None,
            Some(text) => Some(serde_json::from_str(text).map_err(|_| unreadable("networks"))?),
        };
        let kind = if row.kind == Kind::Admin.as_str() { Kind::Admin } else { Kind::Service };
        Ok(Known {
            principal: Arc::new(Principal {
                key_id: row.id,
                key_name: row.name,
                kind,
                service_id: row.service_id,
                service: row.service,
                scopes,
                created_at: row.created_at,
                expires_at: row.expires_at,
            }),
            state: row.state,
            service_disabled: row.disabled_at.is_some(),
            networks,
            superseded: row.superseded_by.is_some(),
            rate,
            version: row.version,
            read,
        })
    }

    /// A key has changed, here or elsewhere.
    pub(crate) fn changed(&self, key_id: &str, version: i64) {
        self.cache.changed(key_id, version);
    }

    /// Changes may have been missed.
    pub(crate) fn forget(&self) {
        self.cache.clear();
    }
}

/// Whether a key that is ours is good now and from here.
fn admit(known: &Known, address: Option<IpAddr>) -> Result<(), Problem> {
    standing(known)?;
    match &known.networks {
        Some(networks) if !within(address, networks) => Err(Problem::new(
            Code::AddressNotAllowed,
            "The key may be used only from the networks that it is restricted to.",
        )),
        _ => Ok(()),
    }
}

/// Whether a key that is ours is good now. Told apart only here, where possession is shown.
fn standing(known: &Known) -> Result<(), Problem> {
    match known.state.as_str() {
        "revoked" => return Err(Problem::new(Code::KeyRevoked, "Ask its owner for a new one.")),
        "active" if !known.service_disabled => {}
        _ => return Err(Problem::new(Code::KeyDisabled, "Ask an administrator to enable it.")),
    }
    let now = Timestamp::now().as_millisecond();
    if known.principal.expires_at.is_some_and(|at| at <= now) {
        return Err(Problem::new(Code::KeyExpired, "Rotate keys before they expire; ask for a new one."));
    }
    Ok(())
}

/// Whether an address lies in one of the networks; one that is not known lies in none.
fn within(address: Option<IpAddr>, networks: &[IpNet]) -> bool {
    address.is_some_and(|address| networks.iter().any(|net| net.contains(&address)))
}
