//! A system to tell stories about: a server of its own, workers as processes, a service that counts what it is asked.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use adjutant_bus::{
    actor::{Actor, Membership, Platform, Standing, Tenant},
    event::{Outcome, Progress},
    id::RequestId,
    open::{BusConfig, BusUrl, Opened, Role, Tls, open},
    place::Place,
    ports::{Bus, Limits, ProgressSink, Recorded, Serve},
    reply::Reply,
    request::{Request, Submission},
    service::{Call, Offer},
    spec::{ArgKind, ArgSpec, CommandSpec, Effect, Visibility},
    subject::Journals,
    wire::Version,
};
use async_trait::async_trait;
use jiff::Timestamp;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// How long a story waits for something that must come.
pub const SOON: Duration = Duration::from_secs(60);
/// The lease of a message in stories, in seconds.
pub const LEASE: u64 = 2;

/// What the service was asked: for each request the fences of its calls, in order.
pub type Calls = Arc<parking_lot::Mutex<HashMap<RequestId, Vec<u64>>>>;

pub struct World {
    pub opened: Opened,
    pub console: Bus,
    pub calls: Calls,
    /// Set to let calls end.
    pub gate: Arc<tokio::sync::Semaphore>,
    stop: CancellationToken,
    dir: TempDir,
}

pub fn server_binary() -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/nats-server");
    tools.is_file().then_some(tools)
}

pub fn limits() -> Limits {
    Limits { lease: Duration::from_secs(LEASE), ..Limits::default() }
}

pub struct Counting {
    pub calls: Calls,
    pub gate: Arc<tokio::sync::Semaphore>,
    pub takes: Duration,
}

#[async_trait]
impl Serve for Counting {
    async fn serve(&self, call: Call, progress: ProgressSink) -> Result<Reply, String> {
        self.calls.lock().entry(call.request).or_default().push(call.fence);
        let said = call.arguments.get("text").and_then(|text| text.as_str()).unwrap_or_default();
        if call.path.to_string() == "deploy steps" {
            for step in 1..=3 {
                let shown = Progress { text: format!("step {step} of 3"), percent: Some(step * 30) };
                progress.send(shown).await.unwrap();
                tokio::time::sleep(Duration::from_millis(700)).await;
            }
        }
        if matches!(call.path.to_string().as_str(), "deploy gated" | "deploy wait") {
            self.gate.acquire().await.unwrap().forget();
        }
        tokio::time::sleep(self.takes).await;
        if said.is_empty() {
            return Ok(Reply::success(format!("done {}", call.request)));
        }
        Ok(Reply::success("said").fields([("text", said)]))
    }
}

impl World {
    /// A system whose service takes this long for each call.
    pub async fn new(takes: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_policy(&dir.path().join("policies"), "p, everyone, *, *, *, *, allow\n", "# none\n");
        let config = BusConfig {
            url: BusUrl::Child,
            data_dir: dir.path().to_owned(),
            nats_server: server_binary(),
            user: None,
            password: None,
            credentials_file: None,
            nkey_file: None,
            tls: Tls::default(),
            replicas: 1,
            limits: limits(),
            start_child: true,
        };
        let opened = open(&config).await.expect("a nats-server: run ./dev setup");
        let console = opened.role(Role::Console).await.unwrap();
        let (calls, stop) = (Calls::default(), CancellationToken::new());
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let service = Arc::new(Counting { calls: calls.clone(), gate: gate.clone(), takes });
        let (services, until) = (opened.role(Role::Demo).await.unwrap().services, stop.clone());
        tokio::spawn(async move { services.offer(offer(), service, 512, until).await.unwrap() });
        Self { opened, console, calls, gate, stop, dir }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The program, joined to this system.
    pub fn adjutant(&self, args: &[&str]) -> Command {
        self.program(Path::new(env!("CARGO_BIN_EXE_adjutant")), args)
    }

    /// This program, joined to this system.
    pub fn program(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(["--data-dir", self.path().to_str().unwrap()])
            .args(args)
            .current_dir(self.path())
            .env("ADJUTANT_BUS__LEASE_SECONDS", LEASE.to_string())
            .env("ADJUTANT_POLICY__SOURCE", format!("dir:{}", self.path().join("policies").display()))
            .env("ADJUTANT_POLICY__POLL_SECONDS", "1")
            .env("ADJUTANT_WORKER__GRACE_SECONDS", "10")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub fn worker(&self, name: &str) -> Worker {
        self.worker_of(Path::new(env!("CARGO_BIN_EXE_adjutant")), name)
    }

    pub fn worker_of(&self, program: &Path, name: &str) -> Worker {
        let log = std::fs::File::create(self.path().join(format!("{name}.log"))).unwrap();
        let mut worker = self.program(program, &["worker"]);
        Worker(worker.env("ADJUTANT_WORKER__NAME", name).stderr(log).spawn().unwrap())
    }

    pub async fn submit(&self, event: &str, line: &str) -> RequestId {
        let request = request(event, line);
        let id = request.id;
        let submission = Submission::Request(request);
        self.eventually(async || self.console.submit(&submission).await.is_ok().then_some(())).await;
        id
    }

    /// Tries until there is something.
    pub async fn eventually<T>(&self, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "it must come; logs are in {:?}", self.logs());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn logs(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = files.filter(|path| path.extension().is_some_and(|e| e == "log"));
        logs.map(|path| {
            std::fs::read_to_string(path).unwrap().lines().rev().take(15).collect::<Vec<_>>().join("\n")
        })
        .collect()
    }

    /// Every journal, in the eyes of a worker.
    pub async fn journals(&self) -> HashMap<RequestId, Vec<Recorded>> {
        let bus = self.eventually(async || self.opened.role(Role::Worker).await.ok()).await;
        let all = self.eventually(async || bus.journal.read(&Journals::All, 0, 100_000).await.ok()).await;
        let mut journals: HashMap<RequestId, Vec<Recorded>> = HashMap::new();
        for recorded in all {
            journals.entry(recorded.key.request).or_default().push(recorded);
        }
        journals
    }

    /// Waits until these have all ended.
    pub async fn ended(&self, requests: &[RequestId]) -> HashMap<RequestId, Outcome> {
        let bus = self.eventually(async || self.opened.role(Role::Worker).await.ok()).await;
        self.eventually(async || {
            let all = bus.journal.read(&Journals::All, 0, 100_000).await.ok()?;
            let ends: HashMap<RequestId, Outcome> =
                all.iter().filter_map(|r| Some((r.key.request, r.event.fact.end()?.0))).collect();
            requests.iter().all(|id| ends.contains_key(id)).then_some(ends)
        })
        .await
    }

    /// How many of these have been called so far.
    pub fn called(&self) -> usize {
        self.calls.lock().len()
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.opened.stop().await;
    }
}

/// Exactly one terminal event each, the last but for requests to cancel; `started` before any call, which carries its place.
pub fn assert_whole(journals: &HashMap<RequestId, Vec<Recorded>>, requests: &[RequestId], calls: &Calls) {
    let calls = calls.lock();
    for id in requests {
        let events = journals.get(id).unwrap_or_else(|| panic!("{id} is lost"));
        let ends = events.iter().filter(|recorded| recorded.event.fact.end().is_some()).count();
        assert_eq!(ends, 1, "{id}: {events:#?}");
        assert!(events.last().unwrap().event.fact.end().is_some(), "{id}: nothing follows the end");
        let numbers: Vec<u32> = events.iter().map(|recorded| recorded.event.number).collect();
        assert_eq!(numbers, (1..=u32::try_from(events.len()).unwrap()).collect::<Vec<_>>(), "{id}");
        let written: Vec<u64> = events.iter().map(|recorded| recorded.sequence).collect();
        for fence in calls.get(id).into_iter().flatten() {
            assert!(written.contains(fence), "{id}: called under {fence}, which is not in its journal");
        }
    }
}

pub fn offer() -> Offer {
    // Answers that a falling server takes along are given up after this time.
    let timeout_seconds = 10;
    let spec = |name: &str, effect| CommandSpec {
        effect,
        timeout_seconds,
        ..CommandSpec::new(format!("deploy {name}").parse().unwrap(), name)
    };
    let public = |spec: CommandSpec| CommandSpec {
        visibility: Visibility::Public,
        args: vec![ArgSpec { required: false, ..ArgSpec::positional("text", ArgKind::Rest, "What to say") }],
        ..spec
    };
    let commands = vec![
        spec("read", Effect::Read),
        spec("idempotent", Effect::Idempotent),
        spec("mutating", Effect::Mutating),
        spec("gated", Effect::Mutating),
        public(spec("say", Effect::Idempotent)),
        public(spec("steps", Effect::Idempotent)),
        public(spec("wait", Effect::Mutating)),
    ];
    Offer { name: "counting".to_owned(), version: "1.0.0".to_owned(), description: String::new(), commands }
}

pub fn request(event: &str, line: &str) -> Request {
    let tenant = Tenant::new("local");
    Request {
        v: Version,
        id: RequestId::derive(Platform::Console, &tenant, event),
        actor: Actor {
            platform: Platform::Console,
            tenant: tenant.clone(),
            user: "ana".to_owned(),
            label: "Ana".to_owned(),
            standing: Standing::Member,
        },
        groups: Membership::known(Vec::new()),
        place: Place {
            platform: Platform::Console,
            tenant,
            channel: "terminal".to_owned(),
            thread: None,
            private: true,
            answer: None,
        },
        text: line.to_owned(),
        raw: None,
        received_at: Timestamp::now(),
        expires_at: None,
    }
}

pub fn write_policy(folder: &Path, rows: &str, lock: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/model.conf");
    std::fs::copy(shipped, folder.join("model.conf")).unwrap();
    std::fs::write(folder.join("policy.csv"), rows).unwrap();
    std::fs::write(folder.join("policy.lock"), lock).unwrap();
}

/// A worker as a process.
pub struct Worker(pub Child);

impl Worker {
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id().unwrap()).unwrap()), signal).unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let status = tokio::time::timeout(SOON, self.0.wait()).await.expect("it must stop").unwrap();
        assert!(status.success(), "{status}");
    }
}
