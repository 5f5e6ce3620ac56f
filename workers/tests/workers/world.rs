//! A worker on an in-memory bus, with a service whose commands do what a test needs.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use adjutant_bus::{
    actor::{Actor, GroupId, Membership, Platform, Standing, Tenant},
    event::{Event, Fact, Outcome, Progress},
    id::{RequestId, Token},
    memory::Memory,
    mode::{self, Pause},
    open::Role,
    place::Place,
    ports::{Bus, Limits, ProgressSink, Recorded, Serve},
    reply::Reply,
    request::{Request, Submission},
    service::{Call, Offer},
    spec::{ArgKind, ArgSpec, CommandSpec, Effect},
    subject::{JournalKey, Journals, Origin},
    wire::Version,
};
use adjutant_policies::{Options, Policy};
use adjutant_workers::{
    WorkerConfig,
    catalogue::{Catalogue, Entry, Source},
};
use async_trait::async_trait;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const EVERYTHING: &str = "p, everyone, *, *, *, *, allow\n";
pub const SOON: Duration = Duration::from_secs(20);

pub struct World {
    pub memory: Memory,
    pub bus: Bus,
    pub calls: Arc<AtomicUsize>,
    pub stop: CancellationToken,
    pub worker: JoinHandle<Result<(), adjutant_bus::ports::BusError>>,
    /// Dropping it lets the late service come.
    pub late_service: Option<tokio::sync::oneshot::Sender<()>>,
    policy: Arc<Policy>,
    dir: TempDir,
}

/// What is other than usual when a world begins.
#[derive(Default)]
struct Stage<'a> {
    pause: Option<&'a Pause>,
    late: bool,
    stale_after: Option<Duration>,
}

fn config() -> WorkerConfig {
    WorkerConfig {
        name: "worker-0".to_owned(),
        version: "9.9.9".to_owned(),
        slots: 8,
        grace: Duration::from_millis(500),
        trusted_homes: vec!["console:local".to_owned()],
        record_grace: Duration::from_secs(300),
        limits: limits(),
        health: adjutant_workers::Health::default(),
    }
}

pub fn limits() -> Limits {
    Limits { lease: Duration::from_millis(300), ..Limits::default() }
}

/// The commands of the test's service.
pub fn specs() -> Vec<CommandSpec> {
    let spec = |name: &str, effect| CommandSpec {
        effect,
        ..CommandSpec::new(format!("do {name}").parse().unwrap(), name)
    };
    let choices = ["staging", "production"].map(str::to_owned).to_vec();
    vec![
        spec("work", Effect::Mutating),
        spec("again", Effect::Idempotent),
        CommandSpec { timeout_seconds: 1, ..spec("hang", Effect::Mutating) },
        spec("wait", Effect::Mutating),
        spec("fail", Effect::Mutating),
        spec("panic", Effect::Mutating),
        spec("much", Effect::Read),
        spec("steps", Effect::Read),
        CommandSpec {
            args: vec![
                ArgSpec::positional("env", ArgKind::Choice { choices }, "where").in_context("env"),
                ArgSpec { secret: true, ..ArgSpec::flag("token", ArgKind::String, "a secret") },
            ],
            ..spec("deploy", Effect::Mutating)
        },
    ]
}

struct Doing(Arc<AtomicUsize>);

#[async_trait]
impl Serve for Doing {
    async fn serve(&self, call: Call, progress: ProgressSink) -> Result<Reply, String> {
        self.0.fetch_add(1, Ordering::SeqCst);
        match call.path.words()[1].as_str() {
            "hang" | "wait" => std::future::pending().await,
            "fail" => Err("The disk is **full**.".to_owned()),
            "panic" => panic!("on purpose"),
            "much" => Ok(Reply::info("much").text("x".repeat(400_000))),
            "steps" => {
                for n in 0..200 {
                    let _ = progress.send(Progress { text: format!("step {n}"), percent: None }).await;
                }
                Ok(Reply::success("stepped"))
            }
            _ => Ok(Reply::success(format!("done {:?}", call.arguments.get("token")))),
        }
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with_policy(EVERYTHING).await
    }

    pub async fn with_policy(policy: &str) -> Self {
        Self::begin(policy, Stage::default()).await
    }

    /// Paused before the worker starts.
    pub async fn paused(pause: &Pause) -> Self {
        Self::begin(EVERYTHING, Stage { pause: Some(pause), ..Stage::default() }).await
    }

    /// Puts another policy in force.
    pub async fn mend(&self, policy: &str) {
        std::fs::write(self.dir.path().join("policy.csv"), policy).unwrap();
        self.policy.reload().await;
    }

    /// Puts another policy in force, with this `policy.toml`.
    pub async fn settle(&self, policy: &str, settings: &str) {
        std::fs::write(self.dir.path().join("policy.toml"), settings).unwrap();
        self.mend(policy).await;
    }

    /// With a service that does not answer until it is let come.
    pub async fn with_late_service() -> Self {
        Self::begin(EVERYTHING, Stage { late: true, ..Stage::default() }).await
    }

    /// With a policy that counts as confirmed for no longer than this.
    pub async fn with_stale_after(stale_after: Duration) -> Self {
        Self::begin(EVERYTHING, Stage { stale_after: Some(stale_after), ..Stage::default() }).await
    }

    async fn begin(policy: &str, stage: Stage<'_>) -> Self {
        let Stage { pause, late, stale_after } = stage;
        let dir = tempfile::tempdir().unwrap();
        let model = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../policies/model.conf");
        std::fs::copy(model, dir.path().join("model.conf")).unwrap();
        std::fs::write(dir.path().join("policy.csv"), policy).unwrap();
        std::fs::write(dir.path().join("policy.lock"), "console:local/Eng, Eng, Eng\nsvc:ci, svc:ci, CI\n")
            .unwrap();
        let homes = vec!["console:local".to_owned()];
        let entries = adjutant_workers::built_in().into_iter().map(|spec| Entry::new(spec, Source::BuiltIn));
        let vocabulary = adjutant_workers::vocabulary(&Catalogue::new(entries).0, &homes);
        let mut options = Options::new(Some(dir.path().to_owned()));
        options.stale_after = stale_after.unwrap_or(options.stale_after);
        let policy = Policy::load(options, vocabulary).await;
        let memory = Memory::new(&limits());
        let bus = memory.role(Role::Worker);
        if let Some(pause) = pause {
            mode::pause(&bus, pause).await.unwrap();
        }
        let (calls, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let offer = Offer {
            name: "doing".to_owned(),
            version: "1.0.0".to_owned(),
            description: String::new(),
            commands: specs(),
        };
        let (services, until, serve) = (bus.services.clone(), stop.clone(), Arc::new(Doing(calls.clone())));
        let (open, opened) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            // Whoever lets it go lets it come.
            let _ = opened.await;
            services.offer(offer, serve, 64, until).await
        });
        let late_service = Some(open).filter(|_| late);
        while late_service.is_none() && bus.services.list(Duration::ZERO).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let worker = tokio::spawn(adjutant_workers::run(config(), bus.clone(), policy.clone(), stop.clone()));
        Self { memory, bus, calls, stop, worker, late_service, policy, dir }
    }

    /// Another worker, until the test ends.
    pub fn start_another(&self) {
        let stop = CancellationToken::new();
        tokio::spawn(adjutant_workers::run(config(), self.bus.clone(), self.policy.clone(), stop));
    }

    pub async fn submit(&self, event: &str, line: &str) -> RequestId {
        self.send(request(event, line)).await
    }

    pub async fn send(&self, request: Request) -> RequestId {
        let id = request.id;
        self.bus.submit(&Submission::Request(request)).await.unwrap();
        id
    }

    pub async fn events(&self, id: RequestId) -> Vec<Recorded> {
        let key = JournalKey { origin: Origin::new(Platform::Console, &Tenant::new("local")), request: id };
        self.bus.journal.read(&Journals::Request(key), 0, 1_000).await.unwrap()
    }

    /// Waits for a fact of this request.
    pub async fn until(&self, id: RequestId, wanted: impl Fn(&Fact) -> bool) -> Vec<Recorded> {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let events = self.events(id).await;
            if events.iter().any(|recorded| wanted(&recorded.event.fact)) {
                return events;
            }
            assert!(tokio::time::Instant::now() < deadline, "it must come: {events:#?}");
            tokio::task::yield_now().await;
        }
    }

    pub async fn ended(&self, id: RequestId) -> (Outcome, Reply, Vec<Recorded>) {
        let events = self.until(id, |fact| fact.end().is_some()).await;
        assert_eq!(events.iter().filter(|recorded| recorded.event.fact.end().is_some()).count(), 1);
        let (outcome, reply) = events.last().unwrap().event.fact.end().unwrap();
        (outcome, reply.clone(), events)
    }

    /// Submits a request whose journal a worker that died has begun with these facts. Its message must be the first of the queue.
    pub async fn begun(&self, event: &str, line: &str, facts: Vec<Fact>) -> RequestId {
        let reference = Box::pin(Self::new()).await;
        let asked = request(event, line);
        let id = reference.send(asked.clone()).await;
        let (_, _, events) = reference.ended(id).await;
        let key = JournalKey { origin: Origin::of(&asked.actor), request: id };
        let mut at = 0;
        for (index, fact) in facts.into_iter().enumerate() {
            let opening = if index == 0 { events[0].event.opening.clone() } else { None };
            let number = u32::try_from(index).unwrap() + 1;
            let token = Token::new("gone");
            let event = Event { v: Version, number, at: Timestamp::UNIX_EPOCH, token, opening, fact };
            at = self.bus.journal.append(&key, at, &event).await.unwrap();
        }
        self.send(asked).await
    }

    pub async fn ask(&self, event: &str, line: &str) -> (Outcome, Reply) {
        let id = self.submit(event, line).await;
        let (outcome, reply, _) = self.ended(id).await;
        (outcome, reply)
    }
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
        groups: Membership::known(vec![GroupId::new(Platform::Console, &tenant, "Eng")]),
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
        received_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
    }
}
