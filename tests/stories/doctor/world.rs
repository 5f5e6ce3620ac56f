//! A healthy installation, and the ways to hurt it.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use adjutant_fakes::{
    discord::{FakeDiscord, World as Guild},
    slack::{FakeSlack, World as Workspace},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    task::JoinHandle,
};

use super::super::world::{SOON, Worker, World, server_binary, write_policy};

const ROWS: &str = "\
p, everyone, *, *, *, *, allow
p, Engineering, *, deploy.mutating, run, *, allow
p, Product, *, deploy.read, view, *, allow
p, external, *, *, *, *, deny
";
const LOCK: &str = "slack:T0ACME/S0ENG, Engineering, engineering\nslack:T0ACME/S0PRD, Product, product\n";
const TESTS: &str = "allow, everyone, console:local/terminal, ping, run, *\n";

/// What is found once everything is up.
const UP: [(&str, &str); 4] = [
    (
        "replicas",
        "1 worker, 1 replica of the API, 1 replica of the Slack gateway, 1 replica of the Discord gateway",
    ),
    ("tables", "as this program has them"),
    ("copy of the journal", "goes on"),
    ("commands", "registered, as the catalogue is"),
];

/// What the doctor said.
pub struct Told {
    pub status: i32,
    pub out: String,
}

impl Told {
    pub async fn of(mut command: Command) -> Self {
        let output = tokio::time::timeout(SOON, command.output()).await.expect("it must end").unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        Self { status: output.status.code().unwrap_or(-1), out }
    }

    pub fn all(&self) -> Vec<Value> {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    fn finding(&self, what: &str) -> Value {
        let found = self.all().into_iter().find(|finding| finding["what"] == what);
        found.unwrap_or_else(|| panic!("{what}: {}", self.out))
    }

    pub fn found(&self, what: &str) -> String {
        self.finding(what)["found"].as_str().unwrap().to_owned()
    }

    fn says(&self, what: &str, found: &str) -> bool {
        let says = |finding: &Value| finding["found"].as_str().is_some_and(|text| text.contains(found));
        self.all().iter().any(|finding| finding["what"] == what && says(finding))
    }

    /// Each part once, in order.
    pub fn parts(&self) -> Vec<String> {
        let mut parts: Vec<String> =
            self.all().iter().map(|finding| finding["part"].as_str().unwrap().to_owned()).collect();
        parts.dedup();
        parts
    }

    /// This keeps it from working, and the fix is named.
    pub fn fails(&self, what: &str, found: &str, fix: &str) {
        assert_eq!(self.status, 1, "{}", self.out);
        self.names(what, found, fix, true);
    }

    /// This is a warning, and the fix is named.
    pub fn warns(&self, what: &str, found: &str, fix: &str) {
        self.names(what, found, fix, false);
        let others = self.all().into_iter().any(|finding| finding["fatal"] == true);
        assert_eq!(self.status, i32::from(others), "{}", self.out);
    }

    fn names(&self, what: &str, found: &str, fix: &str, fatal: bool) {
        let finding = self.finding(what);
        assert_eq!((&finding["ok"], &finding["fatal"]), (&false.into(), &fatal.into()), "{finding}");
        assert!(finding["found"].as_str().unwrap().contains(found), "{finding}");
        assert!(finding["fix"].as_str().unwrap().contains(fix), "{finding}");
    }
}

pub fn program(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adjutant"));
    command.arg("--data-dir").arg(dir).args(args).current_dir(dir).stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub struct Healthy {
    world: World,
    pub slack: FakeSlack,
    discord: FakeDiscord,
    worker: Worker,
    others: Vec<Child>,
}

impl Healthy {
    pub async fn new() -> Self {
        let world = World::new(Duration::ZERO).await;
        write_policy(&world.path().join("policies"), ROWS, LOCK);
        std::fs::write(world.path().join("policies/policy.test"), TESTS).unwrap();
        let slack = FakeSlack::start(Workspace::standard()).await;
        let discord = FakeDiscord::start(Guild::default()).await;
        let settings = format!(
            "[policy]\ntrusted_homes = [\"slack:T0ACME\", \"console:local\"]\n[api]\nlisten = \"127.0.0.1:0\"\n\
             [slack]\nbot_token = \"xoxb-test-0\"\napp_token = \"xapp-test-0\"\napi_url = \"{}\"\n\
             [discord]\nbot_token = \"{}\"\napi_url = \"{}\"\ntrusted_guilds = [\"9001\"]\n",
            slack.api_url(),
            discord.world().bot_token,
            discord.api_url(),
        );
        let file = world.path().join("adjutant.toml");
        std::fs::write(&file, settings).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let worker = world.worker("w0");
        let others = [&["api"][..], &["gateway", "discord"], &["gateway", "slack"]]
            .map(|role| world.adjutant(role).stdout(Stdio::null()).spawn().unwrap());
        Self { world, slack, discord, worker, others: others.into() }
    }

    pub fn path(&self) -> &Path {
        self.world.path()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        self.world.adjutant(&[&["doctor"], args].concat())
    }

    pub async fn doctor(&self, args: &[&str]) -> Told {
        Told::of(self.command(args)).await
    }

    pub async fn json(&self, args: &[&str]) -> Told {
        self.doctor(&[args, &["--json"]].concat()).await
    }

    /// Waits until everything is up and well.
    pub async fn green(&self) -> Told {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let told = self.json(&[]).await;
            let wrong: Vec<Value> = told.all().into_iter().filter(|finding| finding["ok"] == false).collect();
            let up = UP.iter().all(|(what, found)| told.says(what, found));
            if wrong.is_empty() && up {
                return told;
            }
            assert!(tokio::time::Instant::now() < deadline, "{wrong:#?}\n{}", told.out);
        }
    }

    /// As a user of the same server, as if it were one of our own.
    pub async fn on_server(&self, user: &str, password: &str) -> Told {
        let mut command = self.command(&["--json", "--bus", self.connection()["url"].as_str().unwrap()]);
        command.env("ADJUTANT_BUS__USER", user).env("ADJUTANT_BUS__PASSWORD", password);
        Told::of(command).await
    }

    fn connection(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.path().join("nats.json")).unwrap()).unwrap()
    }

    pub fn passwords(&self) -> Vec<String> {
        let connection = self.connection();
        let all = connection["passwords"].as_array().unwrap();
        all.iter().map(|one| one[1].as_str().unwrap().to_owned()).collect()
    }

    pub fn password(&self, user: &str) -> String {
        let connection = self.connection();
        let all = connection["passwords"].as_array().unwrap();
        let one = all.iter().find(|one| one[0] == user).unwrap();
        one[1].as_str().unwrap().to_owned()
    }

    pub fn discord_token(&self) -> String {
        self.discord.world().bot_token.clone()
    }

    /// One call of the JetStream API with all rights, past Adjutant.
    pub async fn admin(&self, call: &str, payload: &str) -> String {
        self.talk(&format!("$JS.API.{call}"), payload).await
    }

    pub async fn publish(&self, subject: &str, payload: &str) {
        let stored = self.talk(subject, payload).await;
        assert!(stored.contains("OUTBOX"), "{stored}");
    }

    /// The client protocol of NATS, as far as one question and its answer need it.
    async fn talk(&self, subject: &str, payload: &str) -> String {
        let connection = self.connection();
        let address = connection["url"].as_str().unwrap().trim_start_matches("nats://").to_owned();
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        let login = serde_json::json!({
            "verbose": false, "pedantic": false, "user": "admin", "pass": self.password("admin"), "name": "story",
            "lang": "rust", "version": "0", "protocol": 1,
        });
        let said = format!(
            "CONNECT {login}\r\nSUB _INBOX_admin.story 1\r\nPUB {subject} _INBOX_admin.story {}\r\n{payload}\r\nPING\r\n",
            payload.len()
        );
        stream.write_all(said.as_bytes()).await.unwrap();
        let reading = async {
            loop {
                let mut line = String::new();
                assert!(stream.read_line(&mut line).await.unwrap() > 0, "the server hung up");
                assert!(!line.starts_with("-ERR"), "{line}");
                if line.starts_with("MSG") {
                    let mut answer = String::new();
                    stream.read_line(&mut answer).await.unwrap();
                    return answer;
                }
            }
        };
        tokio::time::timeout(SOON, reading).await.expect("an answer")
    }

    /// Notes a change of the tables that this program does not know.
    pub fn of_a_newer_program(&self) {
        let change = "import sqlite3, sys\n\
            db = sqlite3.connect(sys.argv[1], timeout=30)\n\
            db.execute(\"INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
            VALUES (9999, 'of a newer program', TRUE, x'00', 0)\")\n\
            db.commit()\n";
        let mut python = std::process::Command::new("python3");
        let done = python.args(["-c", change]).arg(self.path().join("adjutant.db")).status();
        assert!(done.expect("python3, which ./dev setup wants too").success());
    }

    /// Stops the worker, and asks what the doctor says then.
    pub async fn without_worker(self) -> Told {
        let Self { world, worker, others, slack, discord } = self;
        worker.stop().await;
        let told = Told::of(world.adjutant(&["doctor", "versions", "--json"])).await;
        drop((others, slack, discord));
        world.stop().await;
        told
    }

    pub async fn stop(self) {
        drop((self.worker, self.others));
        self.world.stop().await;
    }
}

/// A port where nobody listens.
pub fn unused_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Takes connections and never says anything.
pub async fn silent() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listening = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    (address, listening)
}

/// A server with nothing on it, whose account may keep 64 MiB; its address.
pub async fn limited_server(dir: &Path) -> (String, Child) {
    let port = unused_port();
    let config = dir.join("nats.conf");
    let text = format!(
        "host: \"127.0.0.1\"\nport: {port}\njetstream {{ store_dir: \"{}\" }}\n\
         accounts {{ A {{ jetstream {{ max_file: 64MB }}, users: [ {{ user: \"ada\", password: \"lovelace\" }} ] }} }}\n\
         no_auth_user: \"ada\"\n",
        dir.join("store").display()
    );
    std::fs::write(&config, text).unwrap();
    let mut server = Command::new(server_binary().expect("a nats-server: run ./dev setup"));
    server.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let running = server.spawn().unwrap();
    let deadline = tokio::time::Instant::now() + SOON;
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the server must come up");
        tokio::task::yield_now().await;
    }
    (format!("nats://127.0.0.1:{port}"), running)
}
