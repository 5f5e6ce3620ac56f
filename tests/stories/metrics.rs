//! What every role tells Prometheus: all that the table has, nothing else, and no more of it whatever people send.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use adjutant_bus::{
    actor::{Platform, Tenant},
    id::RequestId,
    request::Submission,
    subject::Origin,
};
use adjutant_fakes::{
    discord::{FakeDiscord, World as Guild},
    slack::Fault,
};
use adjutant_metrics::{Kind, MOST_VALUES, Name, OTHER, Values};
use reqwest::{Method, StatusCode};
use tokio::process::Command;

use super::{
    discord::world::{ADA, DEPLOYS, deploy, free_port},
    slack::world::SlackWorld,
    world::{SOON, Worker, request, write_policy},
};

/// Requests of people and tenants that nobody knows, for what nobody offers.
const FLOOD: usize = 60;

/// A process that tells what it measures.
struct Told {
    role: &'static str,
    port: u16,
    log: PathBuf,
    _process: Worker,
}

impl Told {
    fn start(role: &'static str, command: &mut Command, log: &std::path::Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = free_port();
        let command = command.env("ADJUTANT_METRICS__LISTEN", format!("127.0.0.1:{port}"));
        let log = log.join(format!("{role}.log"));
        let process = Worker(command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap());
        Self { role, port, log, _process: process }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    async fn text(&self) -> Option<String> {
        let answer = reqwest::get(self.url("/metrics")).await.ok()?;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        answer.text().await.ok()
    }

    /// Every series, once it is as wanted.
    async fn series(&self, what: &str, wanted: impl Fn(&Series) -> bool) -> Series {
        let end = tokio::time::Instant::now() + SOON;
        let mut last = Series::default();
        while tokio::time::Instant::now() < end {
            if let Some(text) = self.text().await {
                last = Series::read(&text);
                if wanted(&last) {
                    return last;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let log = std::fs::read_to_string(&self.log).unwrap();
        panic!("{}: {what} never came: {:#?}\n{log}", self.role, last.0)
    }

    async fn now(&self) -> Series {
        self.series("anything", |_| true).await
    }
}

/// The series of one process, by name and labels as written.
#[derive(Clone, Debug, Default, PartialEq)]
struct Series(BTreeMap<String, f64>);

impl Series {
    fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let read = |line: &str| {
            let (key, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no series: {line}"));
            (key.to_owned(), value.parse().unwrap())
        };
        Self(lines.map(read).collect())
    }

    /// The sum over all series of this name that have these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has =
            |key: &str| labels.iter().all(|(label, value)| key.contains(&format!("{label}=\"{value}\"")));
        let of = |key: &str| key.split('{').next() == Some(name) && has(key);
        self.0.iter().filter(|(key, _)| of(key)).map(|(_, value)| value).sum()
    }

    fn keys(&self) -> BTreeSet<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The metrics that are there. Panics over a name, a label or a value that the table does not have.
    fn names(&self) -> BTreeSet<&'static str> {
        let mut names = BTreeSet::new();
        let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for key in self.keys() {
            let (name, labels) = key.split_once('{').unwrap_or((key, ""));
            let is = |described: &adjutant_metrics::Described| match described.kind {
                Kind::Histogram(_) => name
                    .strip_prefix(described.name)
                    .is_some_and(|end| ["_bucket", "_sum", "_count"].contains(&end)),
                Kind::Counter | Kind::Gauge => described.name == name,
            };
            let described = Name::ALL.iter().map(|name| name.describe()).find(is);
            let described = described.unwrap_or_else(|| panic!("{name} is not in the table"));
            names.insert(described.name);
            let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
            let given: Vec<(&str, &str)> = labels.map(|label| label.split_once('=').unwrap()).collect();
            let given: Vec<_> = given.into_iter().filter(|(label, _)| *label != "le").collect();
            assert_eq!(given.len(), described.labels.len(), "{key}");
            for (label, value) in given {
                let known = described.labels.iter().find(|known| known.as_str() == label);
                let known = known.unwrap_or_else(|| panic!("{key}: {label} is not in the table"));
                let value = value.trim_matches('"');
                match known.values() {
                    Values::Fixed(fixed) => assert!(fixed.contains(&value) || value == OTHER, "{key}"),
                    Values::Configured(_) => drop(values.entry(label).or_default().insert(value.to_owned())),
                }
            }
        }
        assert!(values.values().all(|values| values.len() <= MOST_VALUES + 1), "{values:#?}");
        names
    }
}

async fn publish(slack: &SlackWorld, id: &str, payload: &[u8]) {
    let origin = Origin::new(Platform::Console, &Tenant::new("local"));
    slack.world.console.commands.submit(&origin, id, payload.to_vec().into()).await.unwrap();
}

/// Somebody of a tenant that nobody knows asks for something that nobody offers.
async fn stranger(slack: &SlackWorld, n: usize) -> RequestId {
    let mut odd = request(&format!("odd-{n}"), &format!("made-up-{n} \"{n}\" {{}}\\ \u{202e}"));
    odd.actor.tenant = Tenant::new(format!("tenant-{n}"));
    odd.actor.user = format!("user\"-{n}");
    odd.place.tenant = odd.actor.tenant.clone();
    odd.id = RequestId::derive(Platform::Console, &odd.actor.tenant, &n.to_string());
    let id = odd.id;
    slack.world.console.submit(&Submission::Request(odd)).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_tells_the_whole_table_and_no_flood_adds_a_series() {
    let slack = SlackWorld::new(Duration::from_millis(20)).await;
    let (world, discord) = (&slack.world, FakeDiscord::start(Guild::default()).await);
    write_policy(
        &world.path().join("policies"),
        "p, everyone, *, *, *, *, allow\np, everyone, *, deploy.gated, *, *, deny\n",
        "# none\n",
    );
    let trusts = |command: &mut Command| {
        command.env("ADJUTANT_DISCORD__TRUSTED_GUILDS", "9001");
    };
    let mut worker = world.adjutant(&["worker"]);
    trusts(worker.env("ADJUTANT_WORKER__NAME", "w0").env("ADJUTANT_WORKER__SLOTS", "7"));
    let worker = Told::start("worker", &mut worker, world.path());
    let mut gateway = world.adjutant(&["gateway", "slack"]);
    gateway.env("ADJUTANT_CANARY__EVERY_SECONDS", "3600");
    let slack_gateway = Told::start("gateway-slack", &mut gateway, world.path());
    let mut gateway = world.adjutant(&["gateway", "discord"]);
    trusts(gateway.env("ADJUTANT_DISCORD__API_URL", discord.api_url()));
    gateway.env("ADJUTANT_DISCORD__BOT_TOKEN", discord.world().bot_token.clone());
    let discord_gateway = Told::start("gateway-discord", &mut gateway, world.path());
    let mut api = world.adjutant(&["api"]);
    let api_port = free_port();
    let api =
        Told::start("api", api.env("ADJUTANT_API__LISTEN", format!("127.0.0.1:{api_port}")), world.path());
    let all = [&worker, &slack_gateway, &discord_gateway, &api];

    // They are all up: sockets are open, the policy is in force, the record is kept.
    worker.series("its slots", |s| s.sum("adjutant_worker_slots", &[]) == 7.0).await;
    slack_gateway
        .series("two sockets", |s| s.sum("adjutant_gateway_sockets_open", &[("platform", "slack")]) == 2.0)
        .await;
    let wants = |s: &Series| s.sum("adjutant_gateway_sockets_wanted", &[]);
    discord_gateway
        .series("a session", |s| s.sum("adjutant_gateway_sockets_open", &[]) == 1.0 && wants(s) == 1.0)
        .await;
    api.series("the record", |s| s.0.contains_key("adjutant_audit_lag_events")).await;
    let sends = |s: &Series| s.sum("adjutant_leases_held", &[("lease", "slack.sender")]) == 1.0;
    slack_gateway.series("that it sends", sends).await;

    // A load: what succeeds, is refused, comes twice, cannot be read, and is held up by Slack.
    slack.fake.faults().next("chat.postMessage", Fault::Limited(1));
    let asked = slack.fake.mention("U0ANA", "C0DEPLOY", "deploy say hello", None);
    slack.answer("C0DEPLOY", Some(&asked), "hello").await;
    slack.fake.redeliver(&asked, true);
    let told = discord.command(ADA, DEPLOYS, deploy("say", Some("by command")));
    discord.until("an answer", SOON, |_| (!told.answers().is_empty()).then_some(())).await;
    publish(&slack, "junk", b"{\"kind\": \"requ").await;
    let requests = [
        world.submit("1", "ping").await,
        world.submit("2", "deploy mutating").await,
        world.submit("3", "deploy gated").await,
        world.submit("4", "deploy read surplus").await,
        stranger(&slack, FLOOD).await,
    ];
    world.ended(&requests).await;
    let client = reqwest::Client::new();
    let call = async |path: &str, method: Method| {
        client.request(method, format!("http://127.0.0.1:{api_port}{path}")).send().await.unwrap().status()
    };
    assert_eq!(call("/livez", Method::GET).await, StatusCode::OK);
    assert_eq!(
        call("/metrics", Method::GET).await,
        StatusCode::UNAUTHORIZED,
        "without a key only on the own listener"
    );
    assert_eq!(call("/nowhere", Method::from_bytes(b"BREW").unwrap()).await, StatusCode::NOT_FOUND);

    // What was done is told, by whoever did it.
    let figures = worker.series("a dead letter", |s| s.sum("adjutant_dead_letters_total", &[]) == 1.0).await;
    let ended = |command, outcome| {
        figures.sum("adjutant_commands_total", &[("command", command), ("outcome", outcome)])
    };
    assert_eq!(ended("deploy.say", "succeeded"), 2.0, "{figures:#?}");
    assert_eq!(ended("deploy.mutating", "succeeded"), 1.0);
    assert_eq!(ended("deploy.gated", "refused"), 1.0);
    assert_eq!(ended("unknown", "refused"), 2.0);
    let refused = |code| figures.sum("adjutant_refusals_total", &[("platform", "console"), ("code", code)]);
    assert_eq!([refused("not_allowed"), refused("unknown_command"), refused("bad_arguments")], [1.0; 3]);
    assert_eq!(figures.sum("adjutant_run_seconds_count", &[("command", "deploy.mutating")]), 1.0);
    assert!(figures.sum("adjutant_run_seconds_sum", &[("command", "deploy.mutating")]) >= 0.02);
    assert_eq!(figures.sum("adjutant_decision_seconds_count", &[("verdict", "denied")]), 1.0);
    // With the canary of the Slack gateway.
    assert_eq!(figures.sum("adjutant_queue_seconds_count", &[("queue", "commands")]), 9.0);
    worker.series("that nothing runs", |s| s.sum("adjutant_worker_slots_used", &[]) == 0.0).await;
    let figures = slack_gateway
        .series("the duplicate", |s| s.sum("adjutant_duplicates_total", &[("net", "bus")]) == 1.0)
        .await;
    assert_eq!(figures.sum("adjutant_gateway_requests_total", &[("accepted", "yes")]), 2.0);
    assert_eq!(figures.sum("adjutant_delivery_seconds_count", &[("platform", "slack")]), 1.0);
    assert_eq!(figures.sum("adjutant_rate_limited_total", &[("platform", "slack")]), 1.0);
    assert!(figures.sum("adjutant_rate_limit_wait_seconds_total", &[("platform", "slack")]) >= 1.0);
    slack_gateway
        .series("no lag", |s| s.0.get("adjutant_follower_lag_events{platform=\"slack\"}") == Some(&0.0))
        .await;
    let figures = discord_gateway
        .series("a delivery", |s| s.sum("adjutant_delivery_seconds_count", &[("platform", "discord")]) == 1.0)
        .await;
    assert!(figures.sum("adjutant_gateway_frames_total", &[]) >= 3.0);
    assert!(figures.sum("adjutant_gateway_last_frame_age_seconds", &[]) < SOON.as_secs_f64());
    let recorded = |s: &Series| {
        s.sum("adjutant_audit_lag_events", &[]) == 0.0 && s.sum("adjutant_journal_bytes", &[]) > 0.0
    };
    let figures = api.series("no lag of the record", recorded).await;
    assert_eq!(
        figures
            .sum("adjutant_api_requests_total", &[("route", "none"), ("method", "other"), ("status", "404")]),
        1.0
    );
    let digest = |s: Series| s.sum("adjutant_policy_digest", &[]);
    assert_eq!(digest(worker.now().await), digest(figures));

    // The roles together tell the whole table, and nothing else.
    let mut names = BTreeSet::new();
    let mut before = Vec::new();
    for told in all {
        let series = told.now().await;
        let role = [("role", told.role), ("version", env!("CARGO_PKG_VERSION"))];
        assert_eq!(series.sum("adjutant_build_info", &role), 1.0, "{}", told.role);
        assert_eq!(series.sum("adjutant_bus_connected", &[]), 1.0, "{}", told.role);
        names.extend(series.names());
        before.push(series);
    }
    let table: BTreeSet<&str> = Name::ALL.iter().map(|name| name.describe().name).collect();
    assert_eq!(names, table);
    for (path, method, status) in [
        ("/", Method::GET, StatusCode::NOT_FOUND),
        ("/readyz", Method::GET, StatusCode::NOT_FOUND),
        ("/metrics", Method::POST, StatusCode::METHOD_NOT_ALLOWED),
    ] {
        assert_eq!(client.request(method, worker.url(path)).send().await.unwrap().status(), status, "{path}");
    }

    // A flood of what nobody knows adds no series.
    let mut flood = Vec::new();
    for n in 0..FLOOD {
        flood.push(stranger(&slack, n).await);
        assert_eq!(
            call(&format!("/nowhere/{n}?{n}"), Method::from_bytes(b"BREW").unwrap()).await,
            StatusCode::NOT_FOUND
        );
    }
    world.ended(&flood).await;
    let all_refused =
        |s: &Series| s.sum("adjutant_refusals_total", &[("code", "unknown_command")]) == 1.0 + FLOOD as f64;
    let after = worker.series("the whole flood", all_refused).await;
    assert_eq!(after.keys(), before[0].keys());
    let after = api.now().await;
    assert_eq!(after.sum("adjutant_api_requests_total", &[("route", "none")]), 1.0 + FLOOD as f64);
    assert_eq!(after.keys(), before[3].keys());
    drop((worker, slack_gateway, discord_gateway, api));
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_tells_everything_that_it_serves_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let mut up = Command::new(env!("CARGO_BIN_EXE_adjutant"));
    up.args(["--data-dir", dir.path().to_str().unwrap()])
        .current_dir(dir.path())
        .env("ADJUTANT_BUS__URL", "memory:")
        .env("ADJUTANT_API__LISTEN", "127.0.0.1:0")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true);
    let up = Told::start("up", &mut up, dir.path());
    let ready = |s: &Series| {
        s.0.contains_key("adjutant_audit_lag_events") && s.sum("adjutant_policy_version", &[]) == 1.0
    };
    let series = up.series("a worker and the record", ready).await;
    series.names();
    assert_eq!(series.sum("adjutant_build_info", &[("role", "up")]), 1.0);
    assert_eq!(series.sum("adjutant_bus_connected", &[("connection", "worker")]), 1.0);
    assert_eq!(series.sum("adjutant_leases_held", &[("lease", "api.audit")]), 1.0);
    assert!(
        !series.0.keys().any(|key| key.starts_with("adjutant_gateway_")),
        "no gateway is served: {series:#?}"
    );
}
