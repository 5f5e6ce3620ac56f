//! Several replicas of one database: the first start, peppers, and revocation.

use std::time::Duration;

use adjutant_api::{
    Api, ApiConfig, StartError,
    key::{ApiKey, Kind, Pepper},
    store::Database,
};
use adjutant_bus::{
    memory::Memory,
    ports::{Bus, Limits},
};
use adjutant_policies::{Options, Policy, Vocabulary};
use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use super::{
    keys::{json, make},
    keys_life::texts,
    world::{World, config},
};

fn bus() -> Bus {
    Memory::new(&Limits::default()).bus()
}

fn database(dir: &TempDir) -> Database {
    Database::Sqlite(dir.path().join("adjutant.db"))
}

async fn open(config: ApiConfig) -> Result<Api, StartError> {
    let policy = Policy::load(Options::new(None), Vocabulary::default()).await;
    Api::open(config, bus(), policy).await
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_replicas_that_start_at_once_make_one_first_key_and_it_works() {
    let dir = tempfile::tempdir().unwrap();
    let opens = (0..8).map(|_| open(config(dir.path(), database(&dir))));
    let opened = futures::future::join_all(opens).await;
    assert!(
        opened.iter().all(Result::is_ok),
        "{:?}",
        opened.into_iter().filter_map(Result::err).collect::<Vec<_>>()
    );
    drop(opened);
    let kept = std::fs::read_to_string(dir.path().join("bootstrap-admin-key")).unwrap();
    let files: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    let first = files.iter().filter(|name| name.to_string_lossy().starts_with("bootstrap-admin-key"));
    assert_eq!(first.count(), 1, "{files:?}");
    assert!(ApiKey::parse(kept.trim()).is_ok_and(|key| key.kind() == Kind::Admin));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_key_administers_and_is_not_made_again() {
    let world = World::new().await;
    let key = std::fs::read_to_string(world.dir.path().join("bootstrap-admin-key")).unwrap();
    assert_eq!(world.get("/v1/keys", key.trim()).await.status(), StatusCode::OK);
    assert_eq!(texts(&world, "SELECT name FROM api_keys").await, ["bootstrap"]);
    drop(open(config(world.dir.path(), database(&world.dir))).await.unwrap());
    assert_eq!(texts(&world, "SELECT name FROM api_keys").await.len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_key_made_elsewhere_is_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let key = ApiKey::generate(Kind::Admin);
    let mut given = config(dir.path(), database(&dir));
    given.bootstrap_admin_key = Some(ApiKey::generate(Kind::Service).expose().to_owned().into());
    assert!(matches!(open(given).await, Err(StartError::Bootstrap(_))));
    let mut given = config(dir.path(), database(&dir));
    given.bootstrap_admin_key = Some(key.expose().to_owned().into());
    let world = World::configured(dir, given, World::bus()).await;
    assert_eq!(world.get("/v1/keys", key.expose()).await.status(), StatusCode::OK);
    assert!(!world.dir.path().join("bootstrap-admin-key").exists());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_pepper_is_found_at_the_start_and_a_new_one_takes_keys_over_as_they_are_used() {
    let dir = tempfile::tempdir().unwrap();
    let first = || Some(Pepper::new([1; 32]));
    let mut with = config(dir.path(), database(&dir));
    with.pepper = first();
    let world = World::configured(dir, with, World::bus()).await;
    let key = world.key("ci", &["commands:read"]).await;
    let dir = world.stop_and_keep().await;
    let mut wrong = config(dir.path(), database(&dir));
    wrong.pepper = Some(Pepper::new([2; 32]));
    assert!(matches!(open(wrong).await, Err(StartError::Peppers(_))));
    let mut next = config(dir.path(), database(&dir));
    (next.pepper, next.previous_pepper) = (Some(Pepper::new([2; 32])), first());
    let world = World::configured(dir, next, World::bus()).await;
    assert_eq!(world.keyring.keys_on_old_pepper().await.unwrap(), 2);
    assert_eq!(world.get("/v1/keys/self", &key).await.status(), StatusCode::OK);
    assert_eq!(world.keyring.keys_on_old_pepper().await.unwrap(), 1);
    let dir = world.stop_and_keep().await;
    let mut only = config(dir.path(), database(&dir));
    only.pepper = Some(Pepper::new([2; 32]));
    let world = World::configured(dir, only, World::bus()).await;
    assert_eq!(world.get("/v1/keys/self", &key).await.status(), StatusCode::OK);
    world.stop().await;
}

/// Two replicas on one database.
async fn two(ttl: Duration, one: Bus, other: Bus) -> (World, World) {
    let dir = tempfile::tempdir().unwrap();
    let beside = tempfile::tempdir().unwrap();
    let configured = |folder: &TempDir, database| {
        let mut made = config(folder.path(), database);
        made.key_cache_ttl = ttl;
        made.pepper = Some(Pepper::new([7; 32]));
        made
    };
    let database = database(&dir);
    let (first, second) = (configured(&dir, database.clone()), configured(&beside, database));
    (World::configured(dir, first, one).await, World::configured(beside, second, other).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_revoked_at_one_replica_is_refused_at_the_other() {
    let shared = Memory::new(&Limits::default());
    // Longer than the test takes: only the bus can tell in time.
    let (one, other) = two(Duration::from_secs(600), shared.bus(), shared.bus()).await;
    let admin = one.key("root", &["admin"]).await;
    let (id, key) = make(&one, &admin, "ci", &json!({ "name": "build", "scopes": [] })).await;
    let (_, second) = make(&one, &admin, "shop", &json!({ "name": "build", "scopes": [] })).await;
    for key in [&key, &second] {
        assert_eq!(other.get("/v1/keys/self", key).await.status(), StatusCode::OK);
    }
    one.post(&format!("/v1/keys/{id}/revoke"), &admin, &json!({})).await;
    let refused = async |key: &str| {
        json(other.get("/v1/keys/self", key).await).await["code"].as_str().map(str::to_owned)
    };
    assert_eq!(other.eventually(async || refused(&key).await).await, "key_revoked");
    one.client
        .patch(one.url("/v1/services/shop"))
        .bearer_auth(&admin)
        .json(&json!({ "enabled": false }))
        .send()
        .await
        .unwrap();
    assert_eq!(other.eventually(async || refused(&second).await).await, "key_disabled");
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_bus_a_revoked_key_is_refused_when_its_row_is_old() {
    let (one, other) = two(Duration::from_millis(300), bus(), bus()).await;
    let admin = one.key("root", &["admin"]).await;
    let (id, key) = make(&one, &admin, "ci", &json!({ "name": "build", "scopes": [] })).await;
    assert_eq!(other.get("/v1/keys/self", &key).await.status(), StatusCode::OK);
    one.post(&format!("/v1/keys/{id}/revoke"), &admin, &json!({})).await;
    let refused =
        async || json(other.get("/v1/keys/self", &key).await).await["code"].as_str().map(str::to_owned);
    assert_eq!(other.eventually(refused).await, "key_revoked");
    one.stop().await;
    other.stop().await;
}
