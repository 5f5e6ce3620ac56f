//! The service: opens what it needs, listens, runs its background tasks, and stops in good order.

#[cfg(test)]
mod unwritable;

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use adjutant_bus::{ports::Bus, spec::CommandSpec};
use adjutant_policies::Policy;
use ipnet::IpNet;
use secrecy::SecretString;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    app::{App, Settings, Shared},
    audit::{AuditKey, AuditKeyError, circumstances, copy},
    auth::{self, Keys},
    bootstrap::{self, BootstrapError},
    destinations, expiry, idempotency, introspect,
    key::{Pepper, PepperError, Peppers},
    keyring::{Keyring, PeppersError},
    live::Live,
    relay::{self, Wake},
    revocations, routes,
    store::{self, Database, OpenError},
};

/// Where it listens when nothing else is said, if that is free.
const USUAL: &str = "127.0.0.1:8787";

/// How the service is to run.
#[derive(Debug)]
pub struct ApiConfig {
    /// Name of this replica.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Address and port; none: 127.0.0.1:8787 if that is free, else any free port of this machine's own.
    pub listen: Option<String>,
    /// The database.
    pub database: Database,
    /// Folder for what is made at the first start.
    pub data_dir: PathBuf,
    /// The pepper in use; none: `pepper` in the folder, made at the first start.
    pub pepper: Option<Pepper>,
    /// The pepper before, while it is being replaced.
    pub previous_pepper: Option<Pepper>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a key's row is good without asking the database.
    pub key_cache_ttl: Duration,
    /// For how long a key is good unless its maker says otherwise.
    pub key_lifetime: Duration,
    /// For how long it may be good at most, unless an administrator says otherwise.
    pub longest_key_lifetime: Duration,
    /// An administrator's key made elsewhere, taken in at the first start; none: one is made, and written to
    /// `bootstrap-admin-key` in the folder.
    pub bootstrap_admin_key: Option<SecretString>,
    /// The destination where it is said that keys end soon; none: only the record says so.
    pub warn_destination: Option<String>,
    /// The key that signs checkpoints of the record; none: `audit-key` in the folder, made at the first start.
    pub audit_key: Option<AuditKey>,
    /// How long entries of the record are kept; none: for ever.
    pub audit_retention: Option<Duration>,
    /// The effective configuration without its secrets: changes of it are recorded. None: not.
    pub effective_config: Option<serde_json::Value>,
    /// The commands that there are, as far as the program has learned.
    pub specs: watch::Receiver<Arc<Vec<CommandSpec>>>,
    /// Whether commands of its own come back, if some are sent: told besides its readiness.
    pub canary: Option<Probe>,
    /// How long calls may take to finish after a stop.
    pub grace: Duration,
}

/// Says whether something is in order, and what is known about it.
#[derive(Clone)]
pub struct Probe(Arc<dyn Fn() -> (bool, String) + Send + Sync>);

impl Probe {
    /// A probe that asks this.
    pub fn new(ask: impl Fn() -> (bool, String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    pub(crate) fn ask(&self) -> (bool, String) {
        (self.0)()
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

impl ApiConfig {
    /// All as by default: SQLite and everything else in this folder, listening at this address.
    #[must_use]
    pub fn of(data_dir: PathBuf, listen: String) -> Self {
        Self {
            name: "api".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            listen: Some(listen),
            database: Database::Sqlite(data_dir.join("adjutant.db")),
            data_dir,
            pepper: None,
            previous_pepper: None,
            trusted_proxies: Vec::new(),
            key_cache_ttl: Duration::from_secs(5),
            key_lifetime: Duration::from_hours(90 * 24),
            longest_key_lifetime: Duration::from_hours(365 * 24),
            bootstrap_admin_key: None,
            warn_destination: None,
            audit_key: None,
            audit_retention: None,
            effective_config: None,
            specs: watch::channel(Arc::default()).1,
            canary: None,
            grace: Duration::from_secs(5),
        }
    }
}

/// Why the service cannot start, in one line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The pepper.
    #[error(transparent)]
    Pepper(#[from] PepperError),
    /// The pepper is not the one of the database.
    #[error(transparent)]
    Peppers(#[from] PeppersError),
    /// The first administrator's key.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The key of the record.
    #[error(transparent)]
    AuditKey(#[from] AuditKeyError),
    /// The address.
    #[error("{0}: {1} cannot be used: {2}")]
    Listen(&'static str, String, std::io::Error),
}

/// A service that is open and listens, and answers once it runs.
pub struct Api {
    app: Shared,
    listener: TcpListener,
    address: SocketAddr,
    keeping: copy::Keeping,
    effective_config: Option<serde_json::Value>,
    grace: Duration,
}

impl Api {
    /// Opens the database, knows its pepper again, and takes the address.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do.
    pub async fn open(config: ApiConfig, bus: Bus, policy: Arc<Policy>) -> Result<Self, StartError> {
        adjutant_metrics::api::begun();
        let pepper = match config.pepper {
            Some(pepper) => pepper,
            None => Pepper::load_or_make(&config.data_dir.join("pepper"))?,
        };
        let peppers = Peppers::new(&pepper, config.previous_pepper.as_ref());
        let key = match config.audit_key {
            Some(key) => key,
            None => AuditKey::load_or_make(&config.data_dir.join("audit-key"))?,
        };
        let keeping = copy::Keeping { key, retention: config.audit_retention };
        let db = store::open(&config.database).await?;
        let listener = listen(config.listen.as_deref()).await?;
        let address =
            listener.local_addr().map_err(|error| StartError::Listen("api.listen", "-".to_owned(), error))?;
        let settings = Settings {
            name: config.name,
            version: config.version,
            trusted_proxies: config.trusted_proxies,
            key_cache_ttl: config.key_cache_ttl,
            key_lifetime: config.key_lifetime,
            longest_key_lifetime: config.longest_key_lifetime,
            warn_destination: config.warn_destination,
        };
        let keyring = Keyring::open(db.clone(), peppers.clone()).await?;
        bootstrap::begin(&keyring, &config.data_dir, config.bootstrap_admin_key.as_ref()).await?;
        let keys = Keys::new(peppers, keyring.pepper_id(), settings.key_cache_ttl);
        let wake = Wake::default();
        let keyring = keyring.telling(keys.teller(wake.clone()));
        let app = Arc::new(App {
            config: settings,
            db,
            bus,
            keys,
            keyring,
            wake,
            policy,
            specs: config.specs,
            live: Live::new(),
            canary: config.canary,
            trying: Semaphore::new(1),
        });
        Ok(Self {
            app,
            listener,
            address,
            keeping,
            effective_config: config.effective_config,
            grace: config.grace,
        })
    }

    /// The services and keys that it knows.
    #[must_use]
    pub fn keyring(&self) -> Keyring {
        self.app.keyring.clone()
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`, then lets calls finish within the grace.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, stop: CancellationToken) -> std::io::Result<()> {
        let mut background = background(&self.app, &stop);
        background.spawn(copy::run(self.app.clone(), self.keeping, stop.clone()));
        background.spawn(circumstances::run(self.app.clone(), self.effective_config, stop.clone()));
        info!(address = %self.address, "the API answers");
        let routes = routes::router(self.app.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let serving =
            axum::serve(self.listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
        let bounded = async {
            stop.cancelled().await;
            tokio::time::sleep(self.grace).await;
        };
        let served = tokio::select! {
            served = serving.into_future() => served,
            () = bounded => {
                warn!("some calls did not finish in time");
                Ok(())
            }
        };
        stop.cancel();
        while let Some(ended) = background.join_next().await {
            if let Err(fault) = ended {
                error!(%fault, "a task of the API ended abnormally");
            }
        }
        // A server that has gone silent answers nothing, and never lets its connections be closed in good order.
        let closing = async {
            auth::flush(&self.app).await;
            self.app.db.close().await;
        };
        if tokio::time::timeout(self.grace, closing).await.is_err() {
            warn!("some connections to the database were left as they are");
        }
        served
    }
}

/// What goes on beside the calls, until `stop`.
fn background(app: &Shared, stop: &CancellationToken) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(auth::keep(app.clone(), stop.clone()));
    tasks.spawn(expiry::run(app.clone(), stop.clone()));
    tasks.spawn(introspect::run(app.clone(), stop.clone()));
    tasks.spawn(relay::run(app.clone(), stop.clone()));
    tasks.spawn(revocations::run(app.clone(), stop.clone()));
    let (live, until) = (app.clone(), stop.clone());
    tasks.spawn(async move { live.live.follow(&live.bus, &until).await });
    tasks.spawn(idempotency::purge(app.clone(), stop.clone()));
    tasks.spawn(destinations::publish_all(app.clone(), stop.clone()));
    tasks
}

async fn listen(address: Option<&str>) -> Result<TcpListener, StartError> {
    match address {
        Some(address) => take("api.listen", address).await,
        None => match TcpListener::bind(USUAL).await {
            Ok(listener) => Ok(listener),
            Err(_) => take("api.listen", "127.0.0.1:0").await,
        },
    }
}

async fn take(key: &'static str, address: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError::Listen(key, address.to_owned(), error))
}
