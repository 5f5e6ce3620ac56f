//! Without its bus the API says so, and says what is not certain.

use std::path::Path;

use adjutant_api::store::Database;
use adjutant_bus::{
    open::{BusConfig, BusUrl, Opened, Role, Tls, open},
    ports::Limits,
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::world::World;

/// A server of the test's own.
pub async fn nats(dir: &Path) -> Opened {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/nats-server");
    let config = BusConfig {
        url: BusUrl::Child,
        data_dir: dir.to_owned(),
        nats_server: tools.is_file().then_some(tools),
        user: None,
        password: None,
        credentials_file: None,
        nkey_file: None,
        tls: Tls::default(),
        replicas: 1,
        limits: Limits::default(),
        start_child: true,
    };
    open(&config).await.expect("a nats-server: run ./dev setup")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_that_the_bus_does_not_confirm_is_told_as_uncertain() {
    let (server, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let opened = nats(server.path()).await;
    let database = Database::Sqlite(dir.path().join("adjutant.db"));
    let world = World::on(dir, database, opened.role(Role::Api).await.unwrap()).await;
    let key = world.key("ci", &["requests:submit", "requests:read"]).await;
    let accepted = world.post("/v1/requests", &key, &json!({ "text": "ping" })).await;
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);

    opened.stop().await;
    let answer = world.post("/v1/requests", &key, &json!({ "text": "ping" })).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("not certain"), "{problem}");
    let listed: Value = world.get("/v1/requests", &key).await.json().await.unwrap();
    assert_eq!(listed["items"][0]["id"], problem["request_id"]);
    assert_eq!(listed["items"][0]["state"], "not_accepted");
    world.stop().await;
}
