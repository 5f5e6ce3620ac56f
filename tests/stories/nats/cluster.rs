//! Three servers as shipped, three copies of everything: roles are replaced one after another and leaders are killed, under load.

use std::{sync::Arc, time::Duration};

use adjutant_bus::{
    event::{Fact, Outcome},
    id::RequestId,
    open::Role,
    ports::{Bus, Recorded},
    request::Submission,
    subject::Journals,
};
use adjutant_fakes::slack::{FakeSlack, World as Workspace};
use adjutant_servers::Postgres;
use tokio_util::sync::CancellationToken;

use super::{
    super::world::{Calls, Counting, SOON, Worker, assert_whole, offer, request},
    raw::Raw,
    world::Installation,
};

/// How long a call takes.
const TAKES: Duration = Duration::from_millis(100);

/// A system on a cluster, whose service counts what it is asked.
pub struct Cluster {
    pub here: Installation,
    pub calls: Calls,
    console: Bus,
    /// As the record is read.
    reader: Bus,
}

impl Cluster {
    pub async fn new() -> Self {
        let here = Installation::cluster().await;
        let console = here.bus("gateway-console", Role::Console).await;
        let reader = here.bus("worker", Role::Worker).await;
        Self { here, calls: Calls::default(), console, reader }
    }

    /// A replica of the service, until it is told to stop.
    pub async fn service(&self) -> (CancellationToken, tokio::task::JoinHandle<()>) {
        let services = self.here.bus("svc-deployments", Role::Demo).await.services;
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let serve = Arc::new(Counting { calls: self.calls.clone(), gate, takes: TAKES });
        let stop = CancellationToken::new();
        let until = stop.clone();
        let task = tokio::spawn(async move { services.offer(offer(), serve, 512, until).await.unwrap() });
        (stop, task)
    }

    /// A worker that takes commands.
    pub async fn worker(&self, name: &str) -> Worker {
        let worker = self.here.start("worker", name, &["worker"]);
        let log = self.here.path().join(format!("{name}.log"));
        let ready = || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("worker is ready"));
        self.eventually("a worker that is ready", async || ready().then_some(())).await;
        worker
    }

    /// A replica of the API that answers.
    async fn api(&self, name: &str, database: &str) -> Worker {
        let mut command = self.here.adjutant("api", &["api"]);
        command.env("ADJUTANT_API__LISTEN", "127.0.0.1:0").env("ADJUTANT_API__DATABASE", database);
        let api = self.here.launch(name, &mut command);
        let out = self.here.path().join(format!("{name}.out"));
        let answers = || std::fs::read_to_string(&out).is_ok_and(|text| text.contains("The API answers"));
        self.eventually("an API that answers", async || answers().then_some(())).await;
        api
    }

    /// Waits until the record has every event of the journal, and checks that it has each once.
    async fn assert_recorded_once(&self, database: &str) {
        let events: Vec<u64> = self.events().await.iter().map(|one| one.sequence).collect();
        let recorded = async || {
            let mut export = self.here.adjutant("api", &["audit", "export"]);
            let done = export.env("ADJUTANT_API__DATABASE", database).output().await.unwrap();
            let text = String::from_utf8(done.stdout).unwrap();
            let entries = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            let mut copied: Vec<u64> = entries.filter_map(|entry| entry["journal_seq"].as_u64()).collect();
            copied.sort_unstable();
            (copied.len() >= events.len()).then_some(copied)
        };
        assert_eq!(self.eventually("the whole record", recorded).await, events);
    }

    pub async fn eventually<T>(&self, what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "{what} must come; {}", self.here.logs());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Puts it on the bus, as a gateway does: with the same id until it is accepted.
    async fn submit(&self, event: &str, line: &str) -> RequestId {
        let request = request(event, line);
        let id = request.id;
        let submission = Submission::Request(request);
        self.eventually("acceptance", async || self.console.submit(&submission).await.ok().map(drop)).await;
        id
    }

    pub async fn submit_all(&self, wave: &str, count: usize) -> Vec<RequestId> {
        let one = |n: usize| async move { self.submit(&format!("{wave}{n}"), "deploy mutating").await };
        futures::future::join_all((0..count).map(one)).await
    }

    pub async fn events(&self) -> Vec<Recorded> {
        let read = async || self.reader.journal.read(&Journals::All, 0, 100_000).await.ok();
        self.eventually("the journal", read).await
    }

    /// Waits until all of these have ended, and checks that each did so once, and was called once at most.
    pub async fn assert_ended_once(&self, requests: &[RequestId]) -> Vec<Outcome> {
        let ends = async || {
            let all = self.events().await;
            let end = |id: &RequestId| {
                all.iter()
                    .find_map(|one| one.event.fact.end().filter(|_| one.key.request == *id))
                    .map(|end| end.0)
            };
            requests.iter().map(end).collect::<Option<Vec<Outcome>>>()
        };
        let outcomes = self.eventually("every ending", ends).await;
        let mut journals = std::collections::HashMap::new();
        for recorded in self.events().await {
            journals.entry(recorded.key.request).or_insert_with(Vec::new).push(recorded);
        }
        assert_whole(&journals, requests, &self.calls);
        let calls = self.calls.lock();
        assert!(calls.values().all(|fences| fences.len() == 1), "nothing was run twice: {calls:?}");
        outcomes
    }

    /// The server that leads a stream.
    pub async fn leader(&self, stream: &str) -> usize {
        let port = self.here.nats.port();
        let mut admin = Raw::connect(port, "admin", self.here.nats.password("admin")).await;
        let info = admin.ask(&format!("$JS.API.STREAM.INFO.{stream}"), "").await.unwrap();
        self.here.nats.named(info["cluster"]["leader"].as_str().unwrap())
    }
}

const fn is_failure(fact: &Fact) -> bool {
    matches!(fact, Fact::Failed { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_every_role_under_load_loses_nothing_and_doubles_nothing() {
    let mut cluster = Cluster::new().await;
    let fake = FakeSlack::start(Workspace::standard()).await;
    // An event that a gateway did not take before it went comes again, sooner than Slack's minute.
    fake.faults().retries = [100, 500, 1_000, 2_000, 3_000, 5_000].map(Duration::from_millis).to_vec();
    let settings = format!(
        "[policy]\ntrusted_homes = [\"slack:T0ACME\", \"console:local\"]\n[slack]\nbot_token = \"xoxb-test-0\"\n\
         app_token = \"xapp-test-0\"\napi_url = \"{}\"\n",
        fake.api_url()
    );
    std::fs::write(cluster.here.path().join("adjutant.toml"), settings).unwrap();
    let gateway = async |cluster: &Cluster, name: &str| {
        let before = fake.sockets();
        let started = cluster.here.start("gateway-slack", name, &["gateway", "slack"]);
        fake.until("two more sockets", SOON, |fake| (fake.sockets() >= before + 2).then_some(())).await;
        started
    };
    let mut services = [cluster.service().await, cluster.service().await];
    let mut workers = [cluster.worker("w0").await, cluster.worker("w1").await];
    let mut gateways = [gateway(&cluster, "g0").await, gateway(&cluster, "g1").await];
    let database = tokio::task::spawn_blocking(|| Postgres::shared().database("cluster")).await.unwrap();
    let mut apis = [cluster.api("a0", &database).await, cluster.api("a1", &database).await];
    let channel = |n: usize| format!("C{:04}", n % 40);
    // For all or for the asker alone; what a server took along is told as not known, which is an answer all the same.
    let answers = |fake: &FakeSlack| {
        let mut answers = std::collections::HashMap::<String, usize>::new();
        for message in &fake.record().posted {
            let text = message.all_text();
            let last = text.contains("word-") || text.contains("No answer within");
            if let (true, Some(thread)) = (last && !text.contains("Working on"), &message.thread) {
                *answers.entry(thread.clone()).or_default() += 1;
            }
        }
        answers
    };
    let unknown = |fake: &FakeSlack| {
        fake.record().posted.iter().filter(|one| one.all_text().contains("No answer within")).count()
    };
    let mut asked = Vec::new();
    for n in 0..240 {
        asked.push(fake.mention("U0ANA", &channel(n), &format!("deploy say word-{n}"), None));
        match n {
            30 | 60 => {
                let next = cluster.worker(&format!("w{n}")).await;
                std::mem::replace(&mut workers[n / 30 - 1], next).stop().await;
            }
            90 | 120 => {
                let next = gateway(&cluster, &format!("g{n}")).await;
                std::mem::replace(&mut gateways[n / 30 - 3], next).stop().await;
            }
            130 | 150 => {
                let next = cluster.api(&format!("a{n}"), &database).await;
                std::mem::replace(&mut apis[n / 20 - 6], next).stop().await;
            }
            // All roles were replaced: nothing of that is so much as noticed.
            165 => {
                let answered = |fake: &FakeSlack| {
                    let answers = answers(fake);
                    asked.iter().all(|ts| answers.contains_key(ts)).then_some(())
                };
                fake.until("every answer so far", SOON, answered).await;
                assert_eq!(cluster.calls.lock().len(), asked.len(), "each was run");
                assert_eq!(unknown(&fake), 0);
            }
            // Then the service and the servers, one after another, each when the one before has caught up. What is between two
            // servers just then may be lost, and is told as not known.
            170 | 190 => {
                let next = cluster.service().await;
                let (stop, ended) = std::mem::replace(&mut services[n / 20 - 8], next);
                stop.cancel();
                ended.await.unwrap();
            }
            180 | 200 | 220 => tokio::task::block_in_place(|| {
                let server = n / 20 - 9;
                cluster.here.nats.stop(server);
                cluster.here.nats.start(server);
                cluster.here.nats.settled();
            }),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all = |fake: &FakeSlack| {
        let answers = answers(fake);
        asked.iter().all(|ts| answers.contains_key(ts)).then_some(())
    };
    fake.until(&format!("every answer; logs in {:?}", cluster.here.path()), SOON, all).await;
    let events = cluster.events().await;
    let ids: std::collections::BTreeSet<RequestId> = events.iter().map(|one| one.key.request).collect();
    let ids: Vec<RequestId> = ids.into_iter().collect();
    assert_eq!(ids.len(), asked.len(), "each was recorded");
    cluster.assert_ended_once(&ids).await;
    let (run, unknown) = (cluster.calls.lock().len(), unknown(&fake));
    assert!(
        run + unknown >= asked.len() && unknown * 3 < asked.len(),
        "{run} were run, {unknown} are not known"
    );
    cluster.assert_recorded_once(&database).await;
    for worker in workers.into_iter().chain(gateways).chain(apis) {
        worker.stop().await;
    }
    let twice: Vec<_> = answers(&fake).into_iter().filter(|(_, times)| *times != 1).collect();
    assert!(twice.is_empty(), "answered more than once: {twice:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_leaders_under_load_lose_nothing_and_double_nothing() {
    let mut cluster = Cluster::new().await;
    let _service = cluster.service().await;
    let workers = [cluster.worker("w0").await, cluster.worker("w1").await];
    let mut requests = Vec::new();
    for stream in ["COMMANDS", "JOURNAL"] {
        let leader = cluster.leader(stream).await;
        let before = cluster.calls.lock().len();
        requests.extend(cluster.submit_all(&format!("before-{stream}"), 60).await);
        cluster.eventually("calls", async || (cluster.calls.lock().len() >= before + 10).then_some(())).await;
        tokio::task::block_in_place(|| cluster.here.nats.kill(leader));
        // While another leader is chosen, and after it.
        requests.extend(cluster.submit_all(&format!("during-{stream}"), 60).await);
        tokio::task::block_in_place(|| {
            cluster.here.nats.start(leader);
            cluster.here.nats.settled();
        });
    }
    let outcomes = cluster.assert_ended_once(&requests).await;
    let told = |wanted: Outcome| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let unknown = told(Outcome::TimedOut) + told(Outcome::Interrupted);
    let faults: Vec<_> =
        cluster.events().await.into_iter().filter(|one| is_failure(&one.event.fact)).collect();
    assert_eq!(told(Outcome::Succeeded) + unknown, requests.len(), "{faults:#?}");
    assert!(
        unknown * 2 < requests.len(),
        "what was under way at a server that was killed may be unknown: {unknown}"
    );
    for worker in workers {
        worker.stop().await;
    }
}
