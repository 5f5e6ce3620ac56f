//! What the database does to calls: it goes away, it cannot be written, it is opened by several at once.

use std::time::Duration;

use adjutant_api::{
    Api, ApiConfig,
    store::{Database, open},
};
use adjutant_bus::{memory::Memory, ports::Limits};
use adjutant_policies::{Options, Policy, Vocabulary};
use adjutant_servers::{Postgres, Proxy};
use reqwest::StatusCode;
use serde_json::Value;

use super::world::World;

async fn proxied() -> (Proxy, Database) {
    let direct = tokio::task::spawn_blocking(|| Postgres::shared().database("api")).await.unwrap();
    let proxy = Proxy::start(([127, 0, 0, 1], Postgres::shared().port()).into()).await;
    let name = direct.rsplit('/').next().unwrap();
    let before = direct.rsplit_once('@').unwrap().0;
    let url = format!("{before}@{}/{name}", proxy.address());
    (proxy, Database::Postgres(url.into()))
}

/// A key that is good must never be told that it is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_503_and_never_401() {
    let (mut proxy, database) = proxied().await;
    let dir = tempfile::tempdir().unwrap();
    let bus = Memory::new(&Limits::default()).bus();
    // Every call asks the database.
    let world = World::with(dir, bus, |config| {
        config.database = database;
        config.key_cache_ttl = Duration::ZERO;
    })
    .await;
    let key = world.key("ci", &["commands:read"]).await;
    assert_eq!(world.get("/v1/keys/self", &key).await.status(), StatusCode::OK);
    for silent in [false, true] {
        if silent {
            proxy.stall().await
        } else {
            proxy.cut().await
        }
        let answer = world.get("/v1/keys/self", &key).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "unavailable");
        let ready = world.client.get(world.url("/readyz")).send().await.unwrap();
        assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
        proxy.mend().await;
        world
            .eventually(async || {
                let answer = world.get("/v1/keys/self", &key).await;
                assert_ne!(answer.status(), StatusCode::UNAUTHORIZED);
                (answer.status() == StatusCode::OK).then_some(())
            })
            .await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_may_open_a_database_at_once() {
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database("api")).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    for database in [Database::Postgres(url.into()), Database::Sqlite(dir.path().join("adjutant.db"))] {
        let policy = Policy::load(Options::new(None), Vocabulary::default()).await;
        let opening = (0..8).map(|_| {
            let fresh = ApiConfig::of(dir.path().to_owned(), "127.0.0.1:0".to_owned());
            let config = ApiConfig { database: database.clone(), ..fresh };
            Api::open(config, Memory::new(&Limits::default()).bus(), policy.clone())
        });
        for opened in futures::future::join_all(opening).await {
            opened.map(drop).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_told_in_one_line() {
    let nowhere = Database::Postgres("postgres://adjutant:secret@127.0.0.1:1/none".to_owned().into());
    let told = open(&nowhere).await.map(drop).unwrap_err().to_string();
    assert!(told.starts_with("PostgreSQL at 127.0.0.1 cannot be opened"), "{told}");
    assert!(!told.contains("secret"), "{told}");
    let told =
        open(&Database::Sqlite("/proc/none/adjutant.db".into())).await.map(drop).unwrap_err().to_string();
    assert!(told.starts_with("/proc/none/adjutant.db cannot be opened"), "{told}");
}
