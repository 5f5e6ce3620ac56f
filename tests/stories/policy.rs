//! A policy from the first publication to going back, with three workers that decide by it.

use std::{path::PathBuf, time::Duration};

use adjutant_bus::{bundle, event::Fact, open::Role};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::world::{SOON, Worker, World, write_policy};

const LOCK: &str =
    "console:local/Engineering, Engineering, Engineering\nconsole:local/Product, Product, Product\n";

/// Engineering may publish; Product may look.
const FIRST: &str = "p, everyone, *, help, view, *, allow\np, everyone, *, whoami, view, *, allow\n\
    p, everyone, *, policy.status, view, *, allow\np, everyone, *, ping, run, *, allow\n\
    p, Engineering, *, policy.publish, run, *, allow\np, Engineering, *, policy.rollback, run, *, allow\n\
    p, Engineering, *, policy.history, view, *, allow\n";

/// What the program printed and with which status it ended.
struct Ran {
    status: i32,
    out: String,
    err: String,
}

struct Stage {
    world: World,
    workers: Vec<Worker>,
}

impl Stage {
    /// Three workers that decide by what is published; nothing is, yet.
    async fn new() -> Self {
        let stage = Self { world: World::new(Duration::ZERO).await, workers: Vec::new() };
        let workers = ["a", "b", "c"].map(|name| stage.worker(name));
        Self { workers: workers.into(), ..stage }
    }

    fn worker(&self, name: &str) -> Worker {
        let log = std::fs::File::create(self.world.path().join(format!("{name}.log"))).unwrap();
        let mut command = self.world.adjutant(&["worker"]);
        command.env("ADJUTANT_WORKER__NAME", name).env("ADJUTANT_POLICY__SOURCE", "bus").stderr(log);
        Worker(command.spawn().unwrap())
    }

    async fn run(&self, args: &[&str]) -> Ran {
        let mut command = self.world.adjutant(args);
        command.env("ADJUTANT_POLICY__SOURCE", "bus").stderr(std::process::Stdio::piped());
        let output = tokio::time::timeout(SOON, command.output()).await.expect("it must end").unwrap();
        Ran {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A folder with this policy.
    fn folder(&self, name: &str, rows: &str, tests: &str) -> String {
        let folder: PathBuf = self.world.path().join(name);
        write_policy(&folder, rows, LOCK);
        std::fs::write(folder.join("policy.test"), tests).unwrap();
        folder.display().to_string()
    }

    async fn publish(&self, folder: &str, more: &[&str]) -> Ran {
        let args = ["policy", "publish", "--dir", folder, "--reason", "a test"];
        self.run(&[&args, more].concat()).await
    }

    /// Waits until every replica decides by this version, as `policy status` tells.
    async fn all_at(&self, version: u64) {
        self.world
            .eventually(async || {
                let told = self.run(&["policy", "status", "--json"]).await;
                let told: Value = serde_json::from_str(&told.out).ok()?;
                let replicas = told["replicas"].as_array()?;
                let there = |replica: &&Value| {
                    replica["replica"]["policy"]["version"] == version && replica["trouble"].is_null()
                };
                (replicas.iter().filter(there).count() == 3).then_some(())
            })
            .await;
    }

    async fn stop(self) {
        for worker in self.workers {
            worker.stop().await;
        }
        self.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_published_followed_and_gone_back_from_and_every_step_is_recorded() {
    let mut stage = Stage::new().await;
    let ping = ["run", "--as", "sam", "--", "ping"];

    // Nothing is published: all is refused but what tells why.
    let refused = stage.run(&ping).await;
    assert_eq!(refused.status, 3, "{} {}", refused.out, refused.err);
    assert!(refused.out.contains("No policy is loaded"), "{}", refused.out);
    assert_eq!(stage.run(&["run", "--", "whoami"]).await.status, 0);
    let status = stage.run(&["policy", "status"]).await;
    assert!(status.status == 1 && status.out.contains("no policy has been published"), "{}", status.out);
    let first = stage.folder("first", FIRST, "");
    let early = stage.publish(&first, &[]).await;
    assert_eq!(early.status, 3, "who may publish is policy, and there is none: {}", early.out);

    // The first one, by an operator; it may give rights on production.
    let published = stage.publish(&first, &["--as-operator"]).await;
    assert_eq!(published.status, 0, "{} {}", published.out, published.err);
    assert!(published.out.contains("Published version 1"), "{}", published.out);
    stage.all_at(1).await;
    assert_eq!(stage.run(&ping).await.status, 0);

    // By somebody who may, and not by somebody who may not.
    let second =
        stage.folder("second", &format!("{FIRST}p, Product, *, policy.history, view, *, allow\n"), "");
    let refused = stage.publish(&second, &["--as", "pat"]).await;
    assert!(refused.status == 3 && refused.out.contains("policy publish"), "{}", refused.out);
    let published = stage.publish(&second, &["--as", "ana"]).await;
    assert_eq!(published.status, 0, "{} {}", published.out, published.err);
    for told in ["Published version 2", "3 of 3 workers switched", "gain", "Product", "policy.history"] {
        assert!(published.out.contains(told), "{told}: {}", published.out);
    }
    let again = stage.publish(&second, &["--as", "ana"]).await;
    assert!(again.status == 0 && again.out.contains("Version 2"), "{}", again.out);

    // What must not go live does not.
    let failing = stage.folder("failing", FIRST, "deny, everyone, console:local/terminal, ping, run, *\n");
    let refused = stage.publish(&failing, &["--as", "ana"]).await;
    assert!(refused.status == 4 && refused.out.contains("test-failed"), "{} {}", refused.status, refused.out);
    let broken = stage.folder("broken", &FIRST.replace("allow", "alow"), "");
    let refused = stage.publish(&broken, &["--as", "ana"]).await;
    assert!(refused.status == 4 && refused.out.contains("effect"), "{}", refused.out);
    let named = stage.publish(&first, &["--as", "ana", "--second", "console:local/pat"]).await;
    assert!(named.status == 4 && named.out.contains("second person cannot be named"), "{}", named.out);
    stage.all_at(2).await;

    // A worker that dies comes back with what is published.
    stage.workers[0].signal(Signal::SIGKILL);
    stage.workers[0] = stage.worker("a");

    // Going back is a publication, too.
    let back =
        stage.run(&["policy", "rollback", "1", "--reason", "Product reads too much", "--as", "ana"]).await;
    assert!(back.status == 0 && back.out.contains("Published version 3"), "{} {}", back.out, back.err);
    stage.all_at(3).await;
    let status = stage.run(&["policy", "status"]).await;
    assert_eq!(status.status, 0, "{}", status.out);
    let history = stage.run(&["policy", "history", "--json"]).await;
    let history: Value = serde_json::from_str(&history.out).unwrap();
    let told = |n: usize, key: &str| history[n][key].as_str().unwrap().to_owned();
    assert_eq!(history.as_array().unwrap().len(), 3);
    assert_eq!(
        (told(0, "author"), told(0, "reason")),
        ("console:local/ana".into(), "Product reads too much".into())
    );
    assert_eq!((told(0, "sha256"), told(2, "author")), (told(2, "sha256"), "operator".into()));
    let lines = stage.run(&["run", "--as", "ana", "--", "policy", "history"]).await;
    assert!(lines.out.contains("Product reads too much"), "{}", lines.out);

    // The journal has each publication before it was done, with the policy that allowed it.
    let bus = stage.world.opened.role(Role::Worker).await.unwrap();
    let journals = stage.world.journals().await;
    for bundle in bundle::all(&bus).await.unwrap().iter().filter(|bundle| bundle.author != "operator") {
        let events = &journals[&bundle.request.unwrap()];
        let opening = events[0].event.opening.as_ref().unwrap();
        let decided = opening.authorization.as_ref().unwrap();
        assert!(decided.allowed && decided.row.is_some(), "{decided:?}");
        assert!(decided.policy.starts_with(&format!("{} (", bundle.named.version - 1)), "{}", decided.policy);
        let started = events.iter().find(|recorded| recorded.event.fact == Fact::Started).unwrap();
        assert!(started.event.at <= bundle.at);
    }
    stage.stop().await;
}
