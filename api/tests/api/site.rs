//! An API with a worker and a service that offers commands, all on one bus and under one policy.

use std::{path::Path, sync::Arc, time::Duration};

use adjutant_api::{ApiConfig, store::Database};
use adjutant_bus::{
    destination::{self, Destination},
    event::Progress,
    ports::{Bus, Limits, ProgressSink, Serve},
    reply::Reply,
    service::{Call, Offer},
    spec::{ArgKind, ArgSpec, CommandSpec, Effect},
    wire::Version,
};
use adjutant_policies::{Options, Policy, Vocabulary};
use adjutant_workers::WorkerConfig;
use async_trait::async_trait;
use parking_lot::Mutex;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::world::{SOON, World, config};

/// What is allowed: `svc:ci` much, `svc:guest` one thing.
const ROWS: &str = "p, svc:ci, *, ping, run, *, allow\n\
    p, svc:ci, *, cancel, run, *, allow\n\
    p, svc:ci, *, deploy.say, run, env=staging|none, allow\n\
    p, svc:ci, *, deploy.wait, run, *, allow\n\
    p, svc:guest, *, ping, run, *, allow\n";

pub struct Site {
    pub world: World,
    /// Lines of all calls so far, as the service understood them.
    pub calls: Arc<Mutex<Vec<Value>>>,
    /// Lets `deploy wait` end.
    pub gate: Arc<Semaphore>,
    stop: CancellationToken,
}

struct Service {
    calls: Arc<Mutex<Vec<Value>>>,
    gate: Arc<Semaphore>,
}

#[async_trait]
impl Serve for Service {
    async fn serve(&self, call: Call, progress: ProgressSink) -> Result<Reply, String> {
        self.calls.lock().push(serde_json::to_value(&call.arguments).unwrap());
        if call.path.to_string() == "deploy wait" {
            progress.send(Progress { text: "waiting".to_owned(), percent: None }).await.unwrap();
            self.gate.acquire().await.unwrap().forget();
        }
        Ok(Reply::success("done"))
    }
}

fn offer() -> Offer {
    let spec = |name: &str, effect| CommandSpec {
        effect,
        ..CommandSpec::new(format!("deploy {name}").parse().unwrap(), name)
    };
    let env = ArgKind::Choice { choices: vec!["staging".to_owned(), "production".to_owned()] };
    let say = CommandSpec {
        args: vec![
            ArgSpec::positional("text", ArgKind::Rest, "what to say"),
            ArgSpec::flag("times", ArgKind::Integer { min: Some(1), max: Some(9) }, "how often"),
            ArgSpec::flag("env", env, "where").in_context("env"),
        ],
        ..spec("say", Effect::Idempotent)
    };
    Offer {
        name: "deployments".to_owned(),
        version: "1.0.0".to_owned(),
        description: String::new(),
        commands: vec![say, spec("wait", Effect::Mutating)],
    }
}

/// How a worker works in a test.
pub fn worker() -> WorkerConfig {
    WorkerConfig {
        name: "worker-test".to_owned(),
        version: "0.0.0-test".to_owned(),
        slots: 8,
        grace: Duration::from_secs(5),
        trusted_homes: Vec::new(),
        record_grace: Duration::ZERO,
        limits: Limits::default(),
        health: adjutant_workers::Health::default(),
    }
}

impl Site {
    /// With a worker.
    pub async fn new() -> Self {
        Self::on(None).await
    }

    /// The same on this database; none: SQLite.
    pub async fn on(database: Option<Database>) -> Self {
        let site = Self::without_worker(database, World::bus()).await;
        site.work();
        site
    }

    pub async fn without_worker(database: Option<Database>, bus: Bus) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("policies");
        write_policy(&folder);
        let offer = offer();
        let specs: Vec<CommandSpec> =
            adjutant_workers::built_in().into_iter().chain(offer.commands.clone()).collect();
        let vocabulary = Vocabulary {
            commands: specs.iter().map(|spec| spec.path.dotted()).collect(),
            context: [("env", ["none", "staging", "production"])]
                .map(|(key, values)| (key.to_owned(), values.map(str::to_owned).to_vec()))
                .into(),
            ..Vocabulary::default()
        };
        let policy = Policy::load(Options::new(Some(folder)), vocabulary).await;
        assert_eq!(policy.status().problem, None);
        let (calls, gate) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::new(Semaphore::new(0)));
        let stop = CancellationToken::new();
        let service = Arc::new(Service { calls: calls.clone(), gate: gate.clone() });
        let (services, until) = (bus.services.clone(), stop.clone());
        tokio::spawn(async move { services.offer(offer, service, 16, until).await.unwrap() });
        let database = database.unwrap_or_else(|| Database::Sqlite(dir.path().join("adjutant.db")));
        let config = ApiConfig { specs: watch::channel(Arc::new(specs)).1, ..config(dir.path(), database) };
        let world = World::start(dir, config, bus, policy).await;
        Self { world, calls, gate, stop }
    }

    /// Starts the worker.
    pub fn work(&self) {
        let worker = adjutant_workers::run(
            worker(),
            self.world.bus.clone(),
            self.world.policy.clone(),
            self.stop.clone(),
        );
        tokio::spawn(async move { worker.await.unwrap() });
    }

    /// A destination without channels.
    pub async fn destination(&self, name: &str) {
        let destination = Destination { v: Version, name: name.to_owned(), targets: Vec::new() };
        destination::store(&self.world.bus, &destination).await.unwrap();
    }

    /// Submits, and gives the id.
    pub async fn submit(&self, key: &str, body: &Value) -> String {
        let answer = self.world.post("/v1/requests", key, body).await;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a request stands like this.
    pub async fn until(&self, key: &str, id: &str, state: &str) -> Value {
        self.world
            .eventually(async || {
                let answer = self.world.get(&format!("/v1/requests/{id}"), key).await;
                let body: Value = answer.json().await.unwrap();
                (body["state"] == state).then_some(body)
            })
            .await
    }

    pub async fn stop(self) {
        self.stop_and_keep().await;
    }

    /// The same, and keeps what is left in its folder.
    pub async fn stop_and_keep(self) -> tempfile::TempDir {
        self.stop.cancel();
        tokio::time::timeout(SOON, self.world.stop_and_keep()).await.unwrap()
    }
}

fn write_policy(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/model.conf");
    std::fs::copy(shipped, folder.join("model.conf")).unwrap();
    std::fs::write(folder.join("policy.csv"), ROWS).unwrap();
    std::fs::write(folder.join("policy.lock"), "svc:ci, svc:ci, ci\nsvc:guest, svc:guest, guest\n").unwrap();
}
