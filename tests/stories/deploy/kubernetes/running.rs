//! A pod of ours without Kubernetes: its files in a folder, its variables pointing there, its program started and probed.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    path::Path,
    process::Stdio,
    time::Duration,
};

use adjutant_fakes::{discord::FakeDiscord, slack::FakeSlack};
use serde_json::Value;
use tokio::process::{Child, Command};

use super::{
    DEV, PRODUCTION,
    manifest::{Rendering, list, render, text},
};
use crate::stories::world::{SOON, World};

/// Writes the files of a container below a folder, with a secret where there is no text. Tells for each path where it is now.
pub fn lay(folder: &Path, files: &BTreeMap<String, String>) -> impl Fn(&str) -> String + use<> {
    let mut there: BTreeMap<String, String> = BTreeMap::new();
    let mut folders = BTreeSet::new();
    for (path, content) in files {
        let target = folder.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        let content = if content.is_empty() { secret(path) } else { content };
        std::fs::write(&target, content).unwrap();
        there.insert(path.clone(), target.to_str().unwrap().to_owned());
        folders.insert(path.rsplit_once('/').unwrap().0.to_owned());
    }
    let folder = folder.to_owned();
    move |text: &str| {
        if let Some(now) = there.get(text) {
            return now.clone();
        }
        let path = text.strip_prefix("dir:").unwrap_or(text);
        if folders.contains(path) {
            return text.replace(path, folder.join(path.trim_start_matches('/')).to_str().unwrap());
        }
        text.to_owned()
    }
}

/// A secret that the program takes for what the file's name says.
fn secret(path: &str) -> &'static str {
    match path.rsplit('/').next().unwrap_or_default() {
        "pepper" | "audit-signing-key" => "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "database-url" => "postgres://adjutant@127.0.0.1:5432/adjutant",
        "slack-bot-token" => "xoxb-1",
        "slack-app-token" => "xapp-1",
        _ => "a secret",
    }
}

/// The variables of a container, those that name a file with where it is now.
pub fn environment(container: &Value, here: &impl Fn(&str) -> String) -> BTreeMap<String, String> {
    let all = list(&container["env"]).iter();
    all.map(|variable| (text(&variable["name"]).to_owned(), here(text(&variable["value"])))).collect()
}

/// A process with the arguments and variables of a pod's container, listening where nobody else does.
struct Pod {
    process: Child,
    ports: BTreeMap<String, u16>,
    container: Value,
    environment: BTreeMap<String, String>,
    files: tempfile::TempDir,
}

impl Pod {
    /// Starts it. What is given as `other` takes the place of the pod's own variables; a variable that is "" is taken away.
    fn start(
        rendering: &Rendering,
        title: &str,
        mut command: Command,
        other: &BTreeMap<&str, String>,
    ) -> Self {
        let workloads = rendering.workloads();
        let workload = workloads.iter().find(|one| one.title() == title).unwrap();
        let container = workload.ours().next().unwrap().clone();
        let files = tempfile::tempdir().unwrap();
        let here = lay(files.path(), &rendering.files(workload, &container));
        let mut env = environment(&container, &here);
        let mut ports = BTreeMap::new();
        for port in list(&container["ports"]) {
            let (name, number) = (text(&port["name"]), port["containerPort"].as_u64().unwrap());
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let address = env.values_mut().find(|value| **value == format!("0.0.0.0:{number}"));
            *address.unwrap_or_else(|| panic!("{title}: nothing listens at {name}")) =
                format!("127.0.0.1:{free}");
            ports.insert(name.to_owned(), free);
        }
        env.insert("ADJUTANT_DATA_DIR".to_owned(), files.path().join("data").to_str().unwrap().to_owned());
        for (name, value) in other {
            env.insert((*name).to_owned(), value.clone());
        }
        env.retain(|_, value| !value.is_empty());
        let args = list(&container["args"]).iter().map(|arg| here(text(arg)));
        let process = command
            .args(args)
            .env_clear()
            .envs(&env)
            .current_dir(files.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(files.path().join("log")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { process, ports, container, environment: env, files }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.files.path().join("log")).unwrap()
    }

    /// Waits until a path at a port answers 200.
    async fn answers(&mut self, path: &str, port: &str) {
        let url = format!("http://127.0.0.1:{}{path}", self.ports[port]);
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}: {}", self.log());
            if reqwest::get(&url).await.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{path} at {port}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether this is a key, as the API at a port says.
    async fn knows(&self, key: &str, port: &str) -> bool {
        let url = format!("http://127.0.0.1:{}/v1/keys/self", self.ports[port]);
        let answer = reqwest::Client::new().get(url).bearer_auth(key).send().await.unwrap();
        answer.status() == 200
    }

    /// Waits until each probe is good, and figures are where the annotations of the pod say.
    async fn is_good(&mut self) {
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let asked = self.container[probe]["httpGet"].clone();
            self.answers(text(&asked["path"]), text(&asked["port"])).await;
        }
        self.answers("/metrics", "metrics").await;
    }
}

fn program() -> Command {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Command::new(env!("CARGO_BIN_EXE_adjutant"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pod_for_development_starts_and_answers_its_probes() {
    let mut pod = Pod::start(&render(DEV), "StatefulSet adjutant-up", program(), &BTreeMap::new());
    pod.is_good().await;
    pod.answers("/livez", "api").await;
    let mut exec = program();
    exec.args(["keys", "bootstrap", "--quiet"])
        .env_clear()
        .envs(&pod.environment)
        .current_dir(pod.files.path());
    let output = exec.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(pod.knows(String::from_utf8(output.stdout).unwrap().trim(), "api").await);
}

/// An administrator's key, made where its database is thrown away, as README.md says.
async fn key_made_elsewhere() -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut command = program();
    command.arg("--data-dir").arg(dir.path()).args(["keys", "bootstrap", "--quiet"]).current_dir(dir.path());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// In place of what a role finds in a cluster: the bus of a test, the policy that ships, no database.
fn elsewhere(bus: &str) -> BTreeMap<&'static str, String> {
    let other = [
        ("ADJUTANT_BUS__URL", "auto"),
        ("ADJUTANT_BUS__USER", ""),
        ("ADJUTANT_BUS__PASSWORD_FILE", ""),
        ("ADJUTANT_BUS__REPLICAS", "1"),
        ("ADJUTANT_BUS__LEASE_SECONDS", "2"),
        ("ADJUTANT_API__DATABASE_FILE", ""),
        ("ADJUTANT_API__BOOTSTRAP_ADMIN_KEY_FILE", ""),
        ("ADJUTANT_POLICY__SOURCE", "shipped"),
        ("ADJUTANT_DATA_DIR", bus),
    ];
    other.map(|(name, value)| (name, value.to_owned())).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_starts_and_answers_the_probes_of_its_manifest() {
    let world = World::new(Duration::ZERO).await;
    let rendering = render(PRODUCTION);
    let slack = FakeSlack::start(adjutant_fakes::slack::World::standard()).await;
    let discord = FakeDiscord::start(adjutant_fakes::discord::World::default()).await;
    let key = key_made_elsewhere().await;
    let file = |name: &str, content: &str| {
        let path = world.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // They run side by side: a gateway is ready when a worker has brought its canary back.
    let mut pods = Vec::new();
    for role in ["worker", "api", "gateway-slack", "gateway-discord"] {
        let mut other = elsewhere(world.path().to_str().unwrap());
        match role {
            "api" => drop(other.insert("ADJUTANT_API__BOOTSTRAP_ADMIN_KEY_FILE", file("first-key", &key))),
            "gateway-slack" => other.extend([
                ("ADJUTANT_SLACK__API_URL", slack.api_url()),
                ("ADJUTANT_SLACK__BOT_TOKEN_FILE", file("bot", "xoxb-test-0")),
                ("ADJUTANT_SLACK__APP_TOKEN_FILE", file("app", "xapp-test-0")),
            ]),
            "gateway-discord" => other.extend([
                ("ADJUTANT_DISCORD__API_URL", discord.api_url()),
                ("ADJUTANT_DISCORD__BOT_TOKEN_FILE", file("token", &discord.world().bot_token)),
            ]),
            _ => {}
        }
        let mut pod = Pod::start(&rendering, &format!("Deployment adjutant-{role}"), program(), &other);
        pod.is_good().await;
        assert!(role != "api" || pod.knows(&key, "http").await, "the key that was made elsewhere");
        pods.push(pod);
    }
    drop(pods);
    world.stop().await;
}
