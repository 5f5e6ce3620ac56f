//! A system with a Discord: a strict fake of it, gateways as processes, workers as processes.

use std::time::Duration;

use adjutant_fakes::discord::{Asked, FakeDiscord, Posted, World as Guild};
use serde_json::{Value, json};
use tokio::process::Command;

use super::super::world::{Worker, World, write_policy};

/// Who may do what in these stories.
const ROWS: &str = "\
p, everyone, *, *, *, *, allow
p, everyone, *, deploy.mutating, *, *, deny
p, external, *, *, *, *, deny
";
const LOCK: &str = "discord:9001/7001, Engineering, engineering\ndiscord:9001/7002, Product, product\n";

/// How long a story waits for something that must be seen.
pub const SLOW: Duration = Duration::from_secs(30);
/// The channel in which people ask.
pub const DEPLOYS: &str = "5001";
pub const RANDOM: &str = "5002";
pub const ADA: &str = "4001";
pub const BEN: &str = "4002";

pub struct DiscordWorld {
    pub world: World,
    pub fake: FakeDiscord,
}

impl DiscordWorld {
    /// A system whose service takes this long for each call.
    pub async fn new(takes: Duration) -> Self {
        let (world, fake) = (World::new(takes).await, FakeDiscord::start(Guild::default()).await);
        write_policy(&world.path().join("policies"), ROWS, LOCK);
        Self { world, fake }
    }

    /// The program, joined to this system and this Discord.
    pub fn adjutant(&self, args: &[&str]) -> Command {
        let mut command = self.world.adjutant(args);
        command
            .env("ADJUTANT_DISCORD__BOT_TOKEN", self.fake.world().bot_token.clone())
            .env("ADJUTANT_DISCORD__API_URL", self.fake.api_url())
            .env("ADJUTANT_DISCORD__TRUSTED_GUILDS", "9001");
        command
    }

    /// A gateway that holds the session.
    pub async fn gateway(&self, name: &str) -> Worker {
        let gateway = self.start_gateway(name);
        self.receives().await;
        gateway
    }

    /// Waits until a session has begun or goes on, and the commands are registered.
    pub async fn receives(&self) {
        let begun = |fake: &FakeDiscord| {
            let record = fake.record();
            let session = record.identifies.iter().any(|one| one.refused.is_none());
            (session && fake.sockets() > 0 && !record.commands.is_empty()).then_some(())
        };
        self.fake.until(&format!("a session; logs: {}", self.logs()), SLOW, begun).await;
    }

    /// A gateway that has just been started.
    pub fn start_gateway(&self, name: &str) -> Worker {
        self.start(name, &[])
    }

    pub fn start(&self, name: &str, settings: &[(&str, &str)]) -> Worker {
        let log = std::fs::File::create(self.world.path().join(format!("{name}.log"))).unwrap();
        let mut command = self.adjutant(&["gateway", "discord"]);
        command.envs(settings.iter().copied()).env("HOSTNAME", name).stderr(log);
        Worker(command.spawn().unwrap())
    }

    pub fn worker(&self, name: &str) -> Worker {
        let log = std::fs::File::create(self.world.path().join(format!("{name}.log"))).unwrap();
        let mut command = self.adjutant(&["worker"]);
        Worker(command.env("ADJUTANT_WORKER__NAME", name).stderr(log).spawn().unwrap())
    }

    /// What answers this and contains the text.
    pub async fn answer(&self, asked: &Asked, text: &str) -> Posted {
        let found = |_: &FakeDiscord| asked.answers().into_iter().find(|one| one.texts().contains(text));
        self.fake.until(&format!("`{text}`; logs: {}", self.logs()), SLOW, found).await
    }

    /// The message in a channel whose text contains this.
    pub async fn message(&self, channel: &str, text: &str) -> Posted {
        let found =
            |fake: &FakeDiscord| fake.messages(channel).into_iter().find(|one| one.texts().contains(text));
        self.fake.until(&format!("`{text}` in {channel}; logs: {}", self.logs()), SLOW, found).await
    }

    pub fn logs(&self) -> String {
        self.world.path().display().to_string()
    }

    pub fn assert_no_violations(&self) {
        assert_eq!(self.fake.violations(), Vec::<String>::new());
    }

    pub async fn stop(self) {
        self.world.stop().await;
    }
}

/// `data` of `/deploy say text:…` and the like.
pub fn deploy(name: &str, text: Option<&str>) -> Value {
    let options: Vec<Value> =
        text.iter().map(|text| json!({ "name": "text", "type": 3, "value": text })).collect();
    json!({ "name": "deploy", "type": 1, "options": [{ "name": name, "type": 1, "options": options }] })
}

/// `data` of `/adjutant command:…`.
pub fn line(line: &str) -> Value {
    json!({ "name": "adjutant", "type": 1, "options": [{ "name": "command", "type": 3, "value": line }] })
}

/// Waits until readiness has this status and says this.
pub async fn wait_ready(port: u16, status: u16, told: &str) -> String {
    let end = tokio::time::Instant::now() + Duration::from_secs(120);
    let mut last = String::new();
    loop {
        if let Ok(answer) = reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await {
            let is = answer.status() == status;
            last = answer.text().await.unwrap();
            if is && last.contains(told) {
                return last;
            }
        }
        assert!(tokio::time::Instant::now() < end, "readiness never was {status} `{told}`, but {last}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
