//! A policy from the first publication to going back, with three workers that decide by it.

use std::{path::PathBuf, time::Duration};

use adjutant_bus::{bundle, event::Fact, open::Role};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

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
                (replicas.len() >= 3 && replicas.iter().all(|replica| there(&replica))).then_some(())
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

    // Files are compared with what is published, and versions with one another.
    let live = stage.run(&["policy", "diff", "live", &second]).await;
    assert_eq!(live.status, 0, "they are what is published: {} {}", live.out, live.err);
    for old in [["1", "2"], [first.as_str(), "live"]] {
        let told = stage.run(&[&["policy", "diff"], &old[..]].concat()).await;
        let line = told.out.lines().find(|line| line.trim_start().starts_with("gain")).unwrap_or_default();
        assert!(
            told.status == 1 && line.contains("Product") && line.contains("policy.history"),
            "{old:?}: {} {}",
            told.out,
            told.err
        );
    }
    let none = stage.run(&["policy", "diff", "9", "live"]).await;
    assert!(none.status == 2 && none.err.contains('9'), "{} {}", none.out, none.err);

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

/// A policy in which `svc:ci` may publish.
fn by_key(more: &str) -> String {
    format!("{FIRST}p, svc:ci, *, policy.publish, run, *, allow\n{more}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_publishes_what_policy_lets_it_and_only_over_the_version_that_it_has_seen() {
    let stage = Stage::new().await;
    let lock = format!("{LOCK}svc:ci, svc:ci, ci\n");
    let folder = stage.folder("first", &by_key(""), "");
    std::fs::write(PathBuf::from(&folder).join("policy.lock"), &lock).unwrap();
    let first = stage.publish(&folder, &["--as-operator"]).await;
    assert_eq!(first.status, 0, "{} {}", first.out, first.err);
    stage.all_at(1).await;
    stage.run(&["keys", "service-add", "ci"]).await;
    let scopes = "policy:read,requests:submit,requests:read";
    let key = stage.run(&["keys", "issue", "ci", "--scope", scopes, "--quiet"]).await.out.trim().to_owned();
    let log = std::fs::File::create(stage.world.path().join("api.log")).unwrap();
    let mut command = stage.world.adjutant(&["api"]);
    command.env("ADJUTANT_API__LISTEN", "127.0.0.1:0").env("ADJUTANT_POLICY__SOURCE", "bus").stderr(log);
    let mut api = command.spawn().unwrap();
    let mut lines = BufReader::new(api.stdout.take().unwrap()).lines();
    let said = tokio::time::timeout(SOON, lines.next_line()).await.expect("it must start").unwrap().unwrap();
    let base = said.split_once("http").map(|(_, rest)| format!("http{rest}/v1")).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let put = async |rows: String, seen: u64, event: &str| {
        let body = json!({ "files": { "policy.csv": rows }, "reason": "from \"git\": more for Product" });
        let call = client.put(format!("{base}/policy")).bearer_auth(&key).json(&body);
        let call = call.header("If-Match", format!("\"{seen}\"")).header("Idempotency-Key", event);
        let answer = call.header("Prefer", "wait=20").send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    // The API takes the files that are left out from the version in force, so it must have it.
    stage
        .world
        .eventually(async || {
            let told = client.get(format!("{base}/policy")).bearer_auth(&key).send().await.unwrap();
            let told: Value = told.json().await.unwrap();
            (told["published"] == true && told["version"].as_str()?.starts_with("1 ")).then_some(())
        })
        .await;
    let wider = by_key("p, Product, *, policy.history, view, *, allow\n");
    let (status, told) = put(wider.clone(), 1, "one").await;
    assert_eq!((status, told["state"].as_str()), (200, Some("succeeded")), "{told}");
    stage.all_at(2).await;
    let (status, again) = put(wider, 1, "one").await;
    assert_eq!((status, &again["id"]), (200, &told["id"]), "the same call twice is one publication: {again}");
    let (status, told) = put(by_key(""), 1, "two").await;
    assert_eq!(status, 412, "{told}");
    // Who is not in the next policy may publish no more; who gives production rights needs a second person.
    let (_, told) = put(by_key("p, Product, *, deploy.*, run, env=production, allow\n"), 2, "three").await;
    assert!(told.to_string().contains("second person"), "{told}");
    let (_, told) = put(FIRST.to_owned(), 2, "four").await;
    assert_eq!(told["state"], "succeeded", "{told}");
    stage.all_at(3).await;
    let (_, told) = put(by_key(""), 3, "five").await;
    assert_eq!(told["code"], "not_allowed", "{told}");
    let versions = client.get(format!("{base}/policy/versions")).bearer_auth(&key).send().await.unwrap();
    let versions: Value = versions.json().await.unwrap();
    let told = |n: usize, key: &str| versions["items"][n][key].clone();
    assert_eq!(
        (told(0, "version"), told(0, "previous"), told(2, "author")),
        (json!(3), json!(2), json!("operator"))
    );
    assert_eq!(told(1, "reason"), "from \"git\": more for Product");
    assert!(told(1, "author").as_str().unwrap().starts_with("api:"), "{versions}");
    api.kill().await.unwrap();
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_holds_in_every_worker_and_two_people_see_what_the_other_did() {
    let stage = Stage::new().await;
    let rows =
        format!("{FIRST}p, everyone, *, freeze.*, *, *, allow\np, everyone, *, ping, run, freeze=on, deny\n");
    let published = stage.publish(&stage.folder("first", &rows, ""), &["--as-operator"]).await;
    assert_eq!(published.status, 0, "{} {}", published.out, published.err);
    stage.all_at(1).await;
    let on =
        stage.run(&["run", "--as", "ana", "--", "freeze", "on", "--reason=Black Friday", "--for=48h"]).await;
    assert_eq!(on.status, 0, "{}", on.out);
    // Whoever of the three takes it: twelve in a row, as soon as all of them have seen it.
    let pings = async |status: i32, part: &str| {
        for _ in 0..12 {
            let told = stage.run(&["run", "--as", "sam", "--", "ping"]).await;
            if told.status != status || !told.out.contains(part) {
                return None;
            }
        }
        Some(())
    };
    stage.world.eventually(async || pings(3, "Black Friday").await).await;
    let again =
        stage.run(&["run", "--as", "pat", "--", "freeze", "on", "--reason=only today", "--for=4h"]).await;
    let over = "that of ana until";
    assert!(
        again.status == 0 && again.out.contains(over) && again.out.contains("Black Friday"),
        "{}",
        again.out
    );
    stage.world.eventually(async || pings(3, "only today").await).await;
    let off = stage.run(&["run", "--as", "ana", "--", "freeze", "off", "--reason=all quiet"]).await;
    assert!(off.status == 0 && off.out.contains("only today"), "{}", off.out);
    stage.world.eventually(async || pings(0, "pong").await).await;
    stage.stop().await;
}
