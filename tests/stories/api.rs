//! Programs ask over HTTP: the real program on a real bus, with replicas on a real PostgreSQL.

use std::process::Stdio;

use adjutant_bus::event::Outcome;
use adjutant_servers::Postgres;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::world::{SOON, World, write_policy};

const ROWS: &str = "p, svc:ci, *, *, *, *, allow\n";
const LOCK: &str = "svc:ci, svc:ci, ci\n";
/// All that a pipeline needs.
const SCOPES: &str = "requests:submit,requests:read,requests:cancel,commands:read,notify:send,metrics:read";

/// A replica of the API as a process.
struct Api {
    base: String,
    process: Child,
}

struct Site {
    world: World,
    client: Client,
    /// Its address; none: SQLite in the data folder.
    database: Option<String>,
}

impl Site {
    async fn new(database: Option<String>) -> Self {
        let world = World::new(std::time::Duration::from_millis(20)).await;
        write_policy(&world.path().join("policies"), ROWS, LOCK);
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { world, client: Client::builder().no_proxy().build().unwrap(), database }
    }

    fn adjutant(&self, args: &[&str]) -> Command {
        let mut command = self.world.adjutant(args);
        if let Some(url) = &self.database {
            command.env("ADJUTANT_API__DATABASE", url);
        }
        command
    }

    async fn api(&self, name: &str) -> Api {
        let log = std::fs::File::create(self.world.path().join(format!("{name}.log"))).unwrap();
        let mut process = self
            .adjutant(&["api"])
            .env("ADJUTANT_API__LISTEN", "127.0.0.1:0")
            .env("ADJUTANT_LOG__FILTER", "trace")
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = tokio::time::timeout(SOON, lines.next_line()).await.expect("it must start").unwrap();
        let base =
            said.expect("it must start").split_once("http").map(|(_, rest)| format!("http{rest}")).unwrap();
        Api { base, process }
    }

    /// What the command line prints.
    async fn said(&self, args: &[&str]) -> String {
        let output = self.adjutant(args).stderr(Stdio::piped()).output();
        let output = tokio::time::timeout(SOON, output).await.expect("it must end").unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    async fn key(&self) -> String {
        self.said(&["keys", "service-add", "ci"]).await;
        self.said(&["keys", "issue", "ci", "--scope", SCOPES, "--quiet"]).await
    }

    async fn own(&self, api: &Api, key: &str) -> StatusCode {
        let asked = self.client.get(format!("{}/v1/keys/self", api.base)).bearer_auth(key);
        asked.send().await.unwrap().status()
    }

    async fn submit(&self, api: &Api, key: &str, event: &str, line: &str) -> (StatusCode, Value) {
        let answer = self
            .client
            .post(format!("{}/v1/requests", api.base))
            .bearer_auth(key)
            .header("Idempotency-Key", event)
            .header("Prefer", "wait=20")
            .json(&json!({ "text": line }))
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_on_one_database_behave_as_one() {
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database("stories")).await.unwrap();
    let site = Site::new(Some(url)).await;
    let (one, other) = (site.api("api-one").await, site.api("api-other").await);
    let worker = site.world.worker("worker");
    let key = site.key().await;
    let (status, first) = site.submit(&one, &key, "deploy-1", "deploy mutating").await;
    assert_eq!((status, first["state"].as_str()), (StatusCode::OK, Some("succeeded")), "{first}");
    let (status, again) = site.submit(&other, &key, "deploy-1", "deploy mutating").await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &first["id"]), "{again}");
    assert_eq!(site.world.called(), 1);
    let id = first["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(site.world.ended(&[id]).await[&id], Outcome::Succeeded);
    // Each has seen the key; the one that revokes is not the one that is asked.
    assert_eq!(site.own(&other, &key).await, StatusCode::OK);
    let listed: Value =
        serde_json::from_str(&site.said(&["keys", "list", "--service", "ci", "--json"]).await).unwrap();
    let listed = listed.as_array().cloned().unwrap_or_else(|| vec![listed]);
    let id = listed[0]["id"].as_str().unwrap();
    site.said(&["keys", "revoke", id]).await;
    for api in [&one, &other] {
        site.world
            .eventually(async || (site.own(api, &key).await == StatusCode::UNAUTHORIZED).then_some(()))
            .await;
    }
    // The record holds both ends of it, whole.
    let exported = site
        .world
        .eventually(async || {
            let text = site.said(&["audit", "export"]).await;
            ["key.created", "key.revoked", "request.succeeded"]
                .iter()
                .all(|kind| text.contains(kind))
                .then_some(text)
        })
        .await;
    assert_eq!(exported.matches("\"request.started\"").count(), 1, "{exported}");
    assert!(site.said(&["audit", "verify"]).await.contains("The record is whole"));
    drop((one, other));
    worker.stop().await;
    site.world.stop().await;
}

/// The longest that a revocation may take without the bus: what was read of a key is good for five seconds. The sixth is for asking.
const BOUND: std::time::Duration = std::time::Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_reaches_the_other_replica_in_time_without_the_bus() {
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database("stories")).await.unwrap();
    let site = Site::new(Some(url)).await;
    let (one, other) = (site.api("api-one").await, site.api("api-other").await);
    let admin = std::fs::read_to_string(site.world.path().join("bootstrap-admin-key")).unwrap();
    for fallen in [false, true] {
        if fallen {
            site.world.opened.server().unwrap().fell().await;
        } else {
            site.said(&["keys", "service-add", "ci"]).await;
        }
        let key = site.said(&["keys", "issue", "ci", "--scope", SCOPES, "--quiet"]).await;
        for api in [&one, &other] {
            assert_eq!(site.own(api, &key).await, StatusCode::OK);
        }
        let own = site.client.get(format!("{}/v1/keys/self", other.base)).bearer_auth(&key).send();
        let own: Value = own.await.unwrap().json().await.unwrap();
        let revoke = format!("{}/v1/keys/{}/revoke", one.base, own["key_id"].as_str().unwrap());
        let revoke = site.client.post(revoke).bearer_auth(admin.trim()).json(&json!({ "reason": "leaked" }));
        assert_eq!(revoke.send().await.unwrap().status(), StatusCode::OK);
        assert_eq!(site.own(&one, &key).await, StatusCode::UNAUTHORIZED, "where it was revoked, at once");
        let refused = async {
            while site.own(&other, &key).await != StatusCode::UNAUTHORIZED {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(BOUND, refused).await.expect("the other replica must refuse it, too");
    }
    site.world.opened.server().unwrap().raise().await;
    drop((one, other));
    site.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_replicas_that_start_at_once_make_one_administrators_key() {
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database("stories")).await.unwrap();
    let site = Site::new(Some(url)).await;
    let names: Vec<String> = (0..8).map(|number| format!("api-{number}")).collect();
    let starting = names.iter().map(|name| site.api(name));
    let replicas = futures::future::join_all(starting).await;
    let key = std::fs::read_to_string(site.world.path().join("bootstrap-admin-key")).unwrap();
    for api in &replicas {
        assert_eq!(site.own(api, key.trim()).await, StatusCode::OK);
    }
    let listed = site.said(&["keys", "list", "--json"]).await;
    assert_eq!(listed.matches("\"hint\"").count(), 1, "{listed}");
    drop(replicas);
    site.world.stop().await;
}

/// Whatever looks like a key, in bytes.
fn keys_in(bytes: &[u8]) -> usize {
    let is_key = |window: &&[u8]| {
        (window.starts_with(b"adk_") || window.starts_with(b"ada_"))
            && window.iter().skip(4).all(u8::is_ascii_alphanumeric)
    };
    bytes.windows(32).filter(is_key).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_anywhere_but_where_it_was_shown() {
    let site = Site::new(None).await;
    let mut api = site.api("api").await;
    let worker = site.world.worker("worker");
    let key = site.key().await;
    assert_eq!(keys_in(key.as_bytes()), 1);
    assert_eq!(site.submit(&api, &key, "1", "deploy read").await.0, StatusCode::OK);
    // A key where none belongs: in the line itself.
    let (_, said) = site.submit(&api, &key, "2", &format!("deploy say {key}")).await;
    assert_eq!(said["state"], "succeeded", "{said}");
    let wrong = "adk_00000000000000000000004D684a";
    for path in ["/v1/keys/self", "/v1/requests", "/none"] {
        let asked =
            site.client.get(format!("{}{path}", api.base)).header("X-API-Key", wrong).send().await.unwrap();
        assert_eq!(keys_in(asked.text().await.unwrap().as_bytes()), 0);
    }
    let metrics = site.client.get(format!("{}/metrics", api.base)).bearer_auth(&key).send().await.unwrap();
    assert_eq!(keys_in(metrics.text().await.unwrap().as_bytes()), 0);
    site.world
        .eventually(async || {
            site.said(&["audit", "export"]).await.contains("request.succeeded").then_some(())
        })
        .await;
    assert_eq!(keys_in(site.said(&["audit", "export"]).await.as_bytes()), 0);
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(api.process.id().unwrap()).unwrap()),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    let status = tokio::time::timeout(SOON, api.process.wait()).await.expect("it must stop").unwrap();
    assert!(status.success(), "{status}");
    for name in ["adjutant.db", "adjutant.db-wal", "api.log"] {
        let Ok(bytes) = std::fs::read(site.world.path().join(name)) else { continue };
        assert_eq!(keys_in(&bytes), 0, "{name}");
    }
    worker.stop().await;
    site.world.stop().await;
}
