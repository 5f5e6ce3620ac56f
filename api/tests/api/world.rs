//! An API to call: in this process, on a database and a bus of its own, with a policy folder of its own.

use std::{path::Path, sync::Arc, time::Duration};

use adjutant_api::{
    Api, ApiConfig,
    key::Kind,
    keyring::{By, Keyring, NewKey, NewService},
    scope::Scopes,
    store::{self, Database, Db},
};
use adjutant_bus::{
    memory::Memory,
    ports::{Bus, Limits},
};
use adjutant_policies::{Options, Policy, Vocabulary};
use adjutant_servers::Postgres;
use reqwest::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a test waits for something that must come.
pub const SOON: Duration = Duration::from_secs(30);

pub struct World {
    pub client: Client,
    pub bus: Bus,
    pub keyring: Keyring,
    pub policy: Arc<Policy>,
    pub dir: TempDir,
    pub database: Database,
    base: String,
    stop: CancellationToken,
    running: JoinHandle<std::io::Result<()>>,
}

/// How an API is to run in a test.
pub fn config(dir: &Path, database: Database) -> ApiConfig {
    ApiConfig { database, ..ApiConfig::of(dir.to_owned(), "127.0.0.1:0".to_owned()) }
}

impl World {
    /// On SQLite and the bus in memory, with the shipped policy.
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(dir.path().join("adjutant.db"));
        Self::on(dir, database, Memory::new(&Limits::default()).bus()).await
    }

    /// The same on a PostgreSQL.
    pub async fn postgres() -> Self {
        Self::on(tempfile::tempdir().unwrap(), Self::server().await, Self::bus()).await
    }

    pub async fn on(dir: TempDir, database: Database, bus: Bus) -> Self {
        Self::with(dir, bus, |config| config.database = database).await
    }

    /// With a configuration that is changed before it is used.
    pub async fn with(dir: TempDir, bus: Bus, change: impl FnOnce(&mut ApiConfig)) -> Self {
        Self::ruled(dir, bus, Options::new(None), change).await
    }

    /// The same with another policy.
    pub async fn ruled(dir: TempDir, bus: Bus, policy: Options, change: impl FnOnce(&mut ApiConfig)) -> Self {
        let mut config = config(dir.path(), Database::Sqlite(dir.path().join("adjutant.db")));
        change(&mut config);
        let policy = Policy::load(policy, Vocabulary::default()).await;
        Self::start(dir, config, bus, policy).await
    }

    /// Where policy decides about `notify`: `svc:ci` may, but not at `secret`.
    pub async fn speaking(server: Option<Database>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = server.unwrap_or_else(|| Database::Sqlite(dir.path().join("adjutant.db")));
        let config = config(dir.path(), database);
        Self::speaking_as(dir, config).await
    }

    /// The same as configured.
    pub async fn speaking_as(dir: TempDir, config: ApiConfig) -> Self {
        let folder = dir.path().join("policies");
        std::fs::create_dir_all(&folder).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/model.conf");
        std::fs::copy(shipped, folder.join("model.conf")).unwrap();
        let rows =
            "p, svc:ci, *, notify, run, *, allow\np, svc:ci, *, notify, run, destination=secret, deny\n";
        std::fs::write(folder.join("policy.csv"), rows).unwrap();
        std::fs::write(folder.join("policy.lock"), "svc:ci, svc:ci, ci\n").unwrap();
        let vocabulary = Vocabulary {
            commands: ["notify".to_owned()].into(),
            context: [("destination".to_owned(), Vec::new()), ("env".to_owned(), Vec::new())].into(),
            binds: std::collections::BTreeMap::default(),
            trusted_homes: Vec::new(),
        };
        let policy = Policy::load(Options::new(Some(folder)), vocabulary).await;
        assert_eq!(policy.status().problem, None);
        Self::start(dir, config, Memory::new(&Limits::default()).bus(), policy).await
    }

    /// A new database on the server.
    pub async fn server() -> Database {
        let url = tokio::task::spawn_blocking(|| Postgres::shared().database("api")).await.unwrap();
        Database::Postgres(url.into())
    }

    /// As configured.
    pub async fn configured(dir: TempDir, config: ApiConfig, bus: Bus) -> Self {
        let policy = Policy::load(Options::new(None), Vocabulary::default()).await;
        Self::start(dir, config, bus, policy).await
    }

    /// From all its parts.
    pub async fn start(dir: TempDir, config: ApiConfig, bus: Bus, policy: Arc<Policy>) -> Self {
        let database = config.database.clone();
        let api = Api::open(config, bus.clone(), policy.clone()).await.unwrap();
        let (base, keyring) = (format!("http://{}", api.address()), api.keyring());
        let stop = CancellationToken::new();
        let running = tokio::spawn(api.run(stop.clone()));
        Self { client: client(), bus, keyring, policy, dir, database, base, stop, running }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A new key of a service with these scopes; the service is made if it is not there.
    pub async fn key(&self, service: &str, scopes: &[&str]) -> String {
        let by = By::operator("test");
        let there = self.keyring.service_named(service).await.unwrap();
        let service = match there {
            Some(service) => service,
            None => {
                let new = NewService { name: service.to_owned(), ..NewService::default() };
                self.keyring.create_service(&by, new).await.unwrap()
            }
        };
        let scopes = Scopes::new(scopes.iter().map(|scope| scope.parse().unwrap()).collect());
        let new = NewKey {
            kind: Kind::Service,
            name: "test".to_owned(),
            scopes,
            allowed_cidrs: None,
            rate_per_s: Some(10_000),
            rate_burst: Some(10_000),
            expires_at: None,
        };
        self.keyring.create_key(&by, &service, new).await.unwrap().1.expose().to_owned()
    }

    pub async fn get(&self, path: &str, key: &str) -> Response {
        self.client.get(self.url(path)).bearer_auth(key).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Response {
        self.client.post(self.url(path)).bearer_auth(key).json(body).send().await.unwrap()
    }

    /// Tries until there is something.
    pub async fn eventually<T>(&self, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "it must come");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A bus of one's own, in memory.
    pub fn bus() -> Bus {
        Memory::new(&Limits::default()).bus()
    }

    /// Its database, opened once more.
    pub async fn open(&self) -> Db {
        store::open(&self.database).await.unwrap()
    }

    /// Stops in good order.
    pub async fn stop(self) {
        self.stop_and_keep().await;
    }

    /// The same, and keeps what is left in its folder.
    pub async fn stop_and_keep(self) -> TempDir {
        self.stop.cancel();
        tokio::time::timeout(SOON, self.running).await.expect("it must stop").unwrap().unwrap();
        self.dir
    }
}

pub fn client() -> Client {
    // The client asks for a provider even where nothing is encrypted; somebody else may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}
