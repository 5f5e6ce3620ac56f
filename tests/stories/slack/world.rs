//! A system with a Slack: a strict fake of it, gateways as processes, workers as processes.

use std::time::Duration;

use adjutant_fakes::slack::{FakeSlack, Posted, World as Workspace};
use tokio::process::Command;

use super::super::world::{Worker, World, write_policy};

/// Who may do what in these stories.
const ROWS: &str = "\
p, everyone, *, *, *, *, allow
p, everyone, *, deploy.mutating, *, *, deny
p, guests, *, help, view, *, allow
p, external, *, *, *, *, deny
";
const LOCK: &str = "slack:T0ACME/S0ENG, Engineering, engineering\nslack:T0ACME/S0PRD, Product, product\n";

pub struct SlackWorld {
    pub world: World,
    pub fake: FakeSlack,
}

impl SlackWorld {
    /// A system whose service takes this long for each call.
    pub async fn new(takes: Duration) -> Self {
        let world = World::new(takes).await;
        let rows = ROWS.replace(
            "p, everyone, *, deploy.mutating, *, *, deny\n",
            "p, Product, *, deploy.mutating, *, *, deny\n",
        );
        write_policy(&world.path().join("policies"), &rows, LOCK);
        let fake = FakeSlack::start(Workspace::standard()).await;
        // Once, before anything starts: a program that read it half written would miss settings.
        let settings = format!(
            "[policy]\ntrusted_homes = [\"slack:T0ACME\", \"console:local\"]\n[slack]\nbot_token = \"xoxb-test-0\"\n\
             app_token = \"xapp-test-0\"\napi_url = \"{}\"\n",
            fake.api_url()
        );
        std::fs::write(world.path().join("adjutant.toml"), settings).unwrap();
        Self { world, fake }
    }

    /// The program with the settings of this Slack.
    pub fn adjutant(&self, args: &[&str]) -> Command {
        self.world.adjutant(args)
    }

    /// A gateway that has its sockets open.
    pub async fn gateway(&self, name: &str) -> Worker {
        let before = self.fake.sockets();
        let gateway = self.start_gateway(name);
        self.fake
            .until("two more sockets", Duration::from_secs(30), |fake| {
                (fake.sockets() >= before + 2).then_some(())
            })
            .await;
        gateway
    }

    /// A gateway that has just been started.
    pub fn start_gateway(&self, name: &str) -> Worker {
        let log = std::fs::File::create(self.world.path().join(format!("{name}.log"))).unwrap();
        Worker(self.adjutant(&["gateway", "slack"]).env("HOSTNAME", name).stderr(log).spawn().unwrap())
    }

    pub fn worker(&self, name: &str) -> Worker {
        let log = std::fs::File::create(self.world.path().join(format!("{name}.log"))).unwrap();
        Worker(self.adjutant(&["worker"]).env("ADJUTANT_WORKER__NAME", name).stderr(log).spawn().unwrap())
    }

    /// The message in a thread whose text contains this.
    pub async fn answer(&self, channel: &str, thread: Option<&str>, text: &str) -> Posted {
        let found = |fake: &FakeSlack| {
            let messages = fake.messages(channel);
            messages.into_iter().find(|one| one.thread.as_deref() == thread && one.all_text().contains(text))
        };
        self.fake
            .until(&format!("`{text}` in {channel} {thread:?}; logs: {}", self.logs()), SLOW, found)
            .await
    }

    /// The ephemeral message for a user whose text contains this.
    pub async fn whisper(&self, user: &str, text: &str) -> Posted {
        let found =
            |fake: &FakeSlack| fake.ephemerals(user).into_iter().find(|one| one.all_text().contains(text));
        self.fake.until(&format!("`{text}` for {user}; logs: {}", self.logs()), SLOW, found).await
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

const SLOW: Duration = Duration::from_secs(30);
