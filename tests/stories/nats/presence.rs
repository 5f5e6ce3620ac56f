//! Who is up: every role tells it, with its version and how it stands, in `bus status` and `doctor versions`, until it goes.

use std::{collections::BTreeSet, process::Stdio, time::Duration};

use adjutant_bus::{
    open::Role,
    presence::{self, Replica},
    wire::Version,
};
use adjutant_fakes::{
    discord::{FakeDiscord, World as Guild},
    slack::{FakeSlack, World as Workspace},
};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::{
    super::world::{SOON, Worker, server_binary},
    world::{Installation, text},
};

/// Sooner than an entry expires by itself.
const AT_ONCE: Duration = Duration::from_secs(15);
const ALL: [&str; 5] = ["api", "gateway-console", "gateway-discord", "gateway-slack", "worker"];

/// Who is up, by role, once exactly these are.
async fn until_up(here: &Installation, wanted: &[&str], most: Duration) -> Vec<Value> {
    let deadline = tokio::time::Instant::now() + most;
    loop {
        let up = here.status().await.0["up"].as_array().unwrap().clone();
        let roles: BTreeSet<&str> = up.iter().map(|one| one["role"].as_str().unwrap()).collect();
        if roles == wanted.iter().copied().collect() {
            return up;
        }
        assert!(tokio::time::Instant::now() < deadline, "{wanted:?}, not {up:?}; {}", here.logs());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// One finding of `doctor versions` as admin, when it contains this.
async fn doctor_says(here: &Installation, what: &str, told: &str) -> Value {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let mut doctor = here.adjutant("admin", &["doctor", "versions", "--json"]);
        let said = doctor.env("ADJUTANT_BUS__USER", "admin").output().await.unwrap();
        let all: Vec<Value> =
            serde_json::from_slice(&said.stdout).unwrap_or_else(|_| panic!("{}", text(&said)));
        let one = all.into_iter().find(|one| one["what"] == what).unwrap_or_default();
        if one["found"].as_str().is_some_and(|found| found.contains(told)) {
            return one;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what}: {told}, not {one}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_each_role_is_listed_until_it_goes_and_another_version_is_told() {
    let here = Installation::single().await;
    let slack = FakeSlack::start(Workspace::standard()).await;
    let discord = FakeDiscord::start(Guild::default()).await;
    let settings = format!(
        "[policy]\ntrusted_homes = [\"slack:T0ACME\", \"console:local\"]\n[slack]\nbot_token = \"xoxb-test-0\"\n\
         app_token = \"xapp-test-0\"\napi_url = \"{}\"\n[discord]\nbot_token = \"{}\"\napi_url = \"{}\"\n\
         trusted_guilds = [\"9001\"]\n[api]\nlisten = \"127.0.0.1:0\"\n",
        slack.api_url(),
        discord.world().bot_token,
        discord.api_url(),
    );
    std::fs::write(here.path().join("adjutant.toml"), settings).unwrap();
    let worker = here.start("worker", "w0", &["worker"]);
    let api = here.start("api", "a0", &["api"]);
    let slack_gateway = here.start("gateway-slack", "s0", &["gateway", "slack"]);
    let discord_gateway = here.start("gateway-discord", "d0", &["gateway", "discord"]);
    let mut console = here.adjutant("gateway-console", &["console"]);
    let mut console = here.launch("c0", console.stdin(Stdio::piped()));

    until_up(&here, &ALL, SOON).await;
    let told = "1 worker, 1 replica of the API, 1 replica of the Slack gateway, 1 replica of the Discord \
                gateway, 1 replica of the terminal";
    assert_eq!(doctor_says(&here, "replicas", told).await["ok"], true);
    assert_eq!(doctor_says(&here, "program versions", "everywhere").await["ok"], true);
    // How each stands is told again when it changes.
    slack.until("two sockets", SOON, |fake| (fake.sockets() >= 2).then_some(())).await;
    let deadline = tokio::time::Instant::now() + SOON;
    let up = loop {
        let up = until_up(&here, &ALL, SOON).await;
        let detail = |role: &str| {
            let one = up.iter().find(|one| one["role"] == role).unwrap();
            one["detail"].as_str().unwrap().to_owned()
        };
        if detail("worker") == "16 slots"
            && detail("gateway-discord") == "1 of 1 sessions are open"
            && detail("api").starts_with("answers at 127.0.0.1:")
            && detail("gateway-console") == "prompt of local"
        {
            break up;
        }
        assert!(tokio::time::Instant::now() < deadline, "{up:?}; {}", here.logs());
    };
    for one in &up {
        let role = one["role"].as_str().unwrap();
        assert_eq!(one["version"], env!("CARGO_PKG_VERSION"), "{one}");
        assert!(one["since"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{one}");
        assert!(!one["name"].as_str().unwrap().is_empty(), "{one}");
        assert_eq!(one["policy"].is_u64(), ["worker", "api"].contains(&role), "{one}");
    }
    let shown = here.adjutant("admin", &["bus", "status"]).output().await.unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for role in ALL {
        assert!(shown.lines().any(|line| line.trim_start().starts_with(role)), "{role}: {shown}");
    }
    // Only those that decide are listed by policy.
    let stand =
        here.until_success(|| here.adjutant("gateway-console", &["policy", "status", "--json"])).await;
    let stand: Value = serde_json::from_str(&stand).unwrap();
    let deciding: Vec<&str> = stand["replicas"].as_array().unwrap().iter().map(role_of).collect();
    assert_eq!(deciding, ["api", "worker"]);

    // A gateway that an upgrade has left out.
    let old = Replica {
        v: Version,
        role: "gateway-slack".to_owned(),
        name: "old".to_owned(),
        program: "0.0.9".to_owned(),
        since: None,
        detail: None,
        policy: None,
    };
    let bus = here.bus("gateway-slack", Role::Slack).await;
    presence::report(&bus, &old).await.unwrap();
    let differs = doctor_says(&here, "program versions", "0.0.9: gateway-slack old").await;
    assert_eq!((&differs["ok"], &differs["fatal"]), (&false.into(), &false.into()), "{differs}");
    presence::leave(&bus, &old).await.unwrap();

    // Whoever stops is gone at once, whoever is killed when its entry expires.
    slack_gateway.stop().await;
    until_up(&here, &["api", "gateway-console", "gateway-discord", "worker"], AT_ONCE).await;
    drop(console.0.stdin.take());
    until_up(&here, &["api", "gateway-discord", "worker"], AT_ONCE).await;
    discord_gateway.signal(Signal::SIGKILL);
    until_up(&here, &["api", "worker"], SOON).await;
    api.stop().await;
    worker.stop().await;
    until_up(&here, &[], AT_ONCE).await;
}

fn role_of(row: &Value) -> &str {
    row["replica"]["role"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_one_process_is_one_of_each_role_that_it_serves() {
    let dir = tempfile::tempdir().unwrap();
    let slack = FakeSlack::start(Workspace::standard()).await;
    let adjutant = |args: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_adjutant"));
        command.args(args).current_dir(dir.path()).stdin(Stdio::null()).kill_on_drop(true);
        command
            .env("ADJUTANT_BUS__NATS_SERVER", server_binary().expect("a nats-server: run ./dev setup"))
            .env("ADJUTANT_API__LISTEN", "127.0.0.1:0")
            .env("ADJUTANT_SLACK__BOT_TOKEN", "xoxb-test-0")
            .env("ADJUTANT_SLACK__APP_TOKEN", "xapp-test-0")
            .env("ADJUTANT_SLACK__API_URL", slack.api_url());
        command
    };
    let log = || std::fs::File::create(dir.path().join("up.log")).unwrap();
    let up = adjutant(&["up"]).env("ADJUTANT_BUS__URL", "child:").stdout(log()).stderr(log()).spawn();
    let up = Worker(up.unwrap());
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let told = adjutant(&["bus", "status", "--json"]).output().await.unwrap();
        let told: Value = serde_json::from_slice(&told.stdout).unwrap_or_default();
        let roles: Option<Vec<&str>> =
            told["up"].as_array().map(|up| up.iter().filter_map(|one| one["role"].as_str()).collect());
        if roles.as_deref() == Some(&["api", "gateway-slack", "worker"]) {
            break;
        }
        let log = std::fs::read_to_string(dir.path().join("up.log")).unwrap();
        assert!(tokio::time::Instant::now() < deadline, "{told}; {log}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    up.stop().await;
}
