//! A database that takes no changes, seen over HTTP: said as that, with reading going on, until it takes them again.

use std::sync::Arc;

use adjutant_bus::{
    memory::Memory,
    ports::{Bus, Limits},
};
use adjutant_policies::{Options, Policy, Vocabulary};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, SqlitePool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Api, ApiConfig};
use crate::{
    key::Kind,
    keyring::{By, NewKey, NewService},
    scope::Scopes,
    store::Db,
};

const PLENTY: &str = "1073741823";

struct Service {
    _dir: tempfile::TempDir,
    base: String,
    key: String,
    client: Client,
    /// The one connection that writes.
    writer: SqlitePool,
    stop: CancellationToken,
    running: JoinHandle<std::io::Result<()>>,
}

impl Service {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bus: Bus = Memory::new(&Limits::default()).bus();
        let policy: Arc<Policy> = Policy::load(Options::new(None), Vocabulary::default()).await;
        let config = ApiConfig::of(dir.path().to_owned(), "127.0.0.1:0".to_owned());
        let api = Api::open(config, bus, policy).await.unwrap();
        let Db::Sqlite { write, .. } = &api.app.db else { panic!("SQLite") };
        let (writer, base) = (write.clone(), format!("http://{}", api.address()));
        let (keyring, by) = (api.keyring(), By::operator("test"));
        let new = NewService { name: "ci".to_owned(), ..NewService::default() };
        let service = keyring.create_service(&by, new).await.unwrap();
        let new = NewKey {
            kind: Kind::Service,
            name: "test".to_owned(),
            scopes: Scopes::new(
                ["keys:read", "keys:write", "requests:submit", "requests:read"]
                    .map(|s| s.parse().unwrap())
                    .to_vec(),
            ),
            allowed_cidrs: None,
            rate_per_s: Some(10_000),
            rate_burst: Some(10_000),
            expires_at: None,
        };
        let key = keyring.create_key(&by, &service, new).await.unwrap().1.expose().to_owned();
        let stop = CancellationToken::new();
        let running = tokio::spawn(api.run(stop.clone()));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { _dir: dir, base, key, client, writer, stop, running }
    }

    /// Lets the file have no more pages than it has, or this many: the connection that is there, and those that come.
    async fn pages(&self, most: &'static str) {
        let options = self.writer.connect_options().as_ref().clone();
        self.writer.set_connect_options(options.pragma("max_page_count", most));
        sqlx::query(AssertSqlSafe(format!("PRAGMA max_page_count = {most}")))
            .execute(&self.writer)
            .await
            .unwrap();
    }

    async fn change(&self, number: usize) -> (StatusCode, Value) {
        let name = format!("service-{number}");
        let new = json!({ "name": name, "description": "x".repeat(200), "owner": "platform" });
        let call = self.client.post(format!("{}/v1/services", self.base)).bearer_auth(&self.key);
        let answer = call.json(&new).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn submit(&self, name: &str) -> (StatusCode, Value) {
        let call = self.client.post(format!("{}/v1/requests", self.base)).bearer_auth(&self.key);
        let call = call.header("Idempotency-Key", name).json(&json!({ "text": "ping" }));
        let answer = call.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// What reading says: always all that is there, and the key is good.
    async fn reads(&self) {
        for path in ["/v1/keys/self", "/v1/services", "/v1/keys", "/v1/requests"] {
            let answer = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.key);
            assert_eq!(answer.send().await.unwrap().status(), StatusCode::OK, "{path}");
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
    }
}

fn is_read_only((status, told): &(StatusCode, Value)) {
    assert_eq!(
        (*status, told["code"].as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("read_only")),
        "{told}"
    );
    assert!(told["detail"].as_str().unwrap().contains("Tell an operator"), "{told}");
}

/// SQLite answers a file that may not grow as it answers a full disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_file_is_told_and_reading_goes_on_until_there_is_room() {
    let service = Service::new().await;
    service.pages("1").await;
    let mut number = 0;
    let refused = loop {
        number += 1;
        let told = service.change(number).await;
        if told.0 != StatusCode::CREATED {
            break told;
        }
        assert!(number < 1_000, "it must get full");
    };
    is_read_only(&refused);
    service.reads().await;
    // Small changes may find room in a page; all of them never.
    for more in 0..200 {
        let told = service.submit(&format!("build-{more}")).await;
        if told.0 != StatusCode::ACCEPTED {
            is_read_only(&told);
        }
    }
    is_read_only(&service.change(number).await);
    service.reads().await;
    service.pages(PLENTY).await;
    assert_eq!(service.change(number).await.0, StatusCode::CREATED);
    for more in 0..200 {
        let told = service.submit(&format!("build-{more}")).await;
        assert_eq!(told.0, StatusCode::ACCEPTED, "{}", told.1);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_file_is_told_and_reading_goes_on_until_it_can_be_written() {
    let service = Service::new().await;
    sqlx::query("PRAGMA query_only = 1").execute(&service.writer).await.unwrap();
    is_read_only(&service.change(1).await);
    is_read_only(&service.submit("build-1").await);
    service.reads().await;
    sqlx::query("PRAGMA query_only = 0").execute(&service.writer).await.unwrap();
    assert_eq!(service.change(1).await.0, StatusCode::CREATED);
    assert_eq!(service.submit("build-1").await.0, StatusCode::ACCEPTED);
    service.stop().await;
}
