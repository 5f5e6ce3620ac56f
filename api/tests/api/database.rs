//! What the database does to calls: it goes away, it cannot be written, it is opened by several at once.

use std::time::Duration;

use adjutant_api::{
    Api, ApiConfig,
    store::{Database, open},
};
use adjutant_bus::{memory::Memory, ports::Limits, subject::Journals};
use adjutant_policies::{Options, Policy, Vocabulary};
use adjutant_servers::{Postgres, Proxy};
use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{site::Site, world::World};

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

/// Submissions in all, and at once: more than there are connections.
const MOST: usize = 60;
const AT_ONCE: usize = 24;

/// What is answered to a submission: accepted, with which id, or that it cannot be just now.
async fn submitted(site: &Site, key: &str, number: usize) -> (StatusCode, Value) {
    let call = site.world.client.post(site.world.url("/v1/requests")).bearer_auth(key);
    let call = call.header("Idempotency-Key", format!("build-{number}"));
    let answer = call.json(&json!({ "text": format!("deploy say {number}") })).send().await.unwrap();
    let (status, kind) = (answer.status(), answer.headers()["content-type"].to_str().unwrap().to_owned());
    let told: Value = answer.json().await.unwrap();
    assert_eq!(status != StatusCode::ACCEPTED, kind == "application/problem+json", "{told}");
    (status, told)
}

async fn nothing_is_lost_or_doubled(silent: bool) {
    let (mut proxy, database) = proxied().await;
    let site = Site::on(Some(database)).await;
    let key = site.world.key("ci", &["requests:submit", "requests:read"]).await;
    assert_eq!(submitted(&site, &key, 0).await.0, StatusCode::ACCEPTED);
    let numbers = 1..=MOST;
    let (answered, mut count) = tokio::sync::mpsc::unbounded_channel();
    let calls = numbers.clone().map(|number| {
        let (site, key, answered) = (&site, &key, answered.clone());
        async move {
            let told = submitted(site, key, number).await;
            let _ = answered.send(());
            (number, told)
        }
    });
    let calling = futures::stream::iter(calls).buffered(AT_ONCE).collect::<Vec<_>>();
    let failing = async {
        for _ in 0..AT_ONCE / 2 {
            count.recv().await.unwrap();
        }
        if silent { proxy.stall().await } else { proxy.cut().await }
    };
    let (first, ()) = tokio::join!(calling, failing);
    let refused = first.iter().filter(|(_, (status, _))| *status != StatusCode::ACCEPTED).count();
    assert!((1..=MOST - AT_ONCE / 2).contains(&refused), "{refused}");
    for (_, (status, told)) in &first {
        let code = told["code"].as_str();
        let fits = *status == StatusCode::ACCEPTED || *status == StatusCode::SERVICE_UNAVAILABLE;
        assert!(fits, "{status} {code:?}: {told}");
    }
    proxy.mend().await;
    let mut ids = Vec::new();
    for (number, (status, told)) in first {
        // Somebody may hold the key still: what was begun is brought to its end.
        let again = site
            .world
            .eventually(async || {
                let (status, told) = submitted(&site, &key, number).await;
                let waits =
                    told["code"] == "request_in_progress" || status == StatusCode::SERVICE_UNAVAILABLE;
                assert!(waits || status == StatusCode::ACCEPTED, "{status}: {told}");
                (status == StatusCode::ACCEPTED).then_some(told)
            })
            .await;
        if status == StatusCode::ACCEPTED {
            assert_eq!(again["id"], told["id"], "the same key is the same request");
        }
        ids.push(again["id"].as_str().unwrap().to_owned());
    }
    for id in &ids {
        site.until(&key, id, "succeeded").await;
    }
    let mut said: Vec<String> =
        site.calls.lock().iter().map(|call| call["text"].as_str().unwrap().to_owned()).collect();
    said.sort_by_key(|text| text.parse::<usize>().unwrap());
    assert_eq!(said, (0..=MOST).map(|number| number.to_string()).collect::<Vec<_>>(), "each once");
    let journals = site.world.bus.journal.read(&Journals::All, 0, 4_096).await.unwrap();
    let begun = journals.iter().filter(|event| event.event.opening.is_some()).count();
    assert_eq!(begun, MOST + 1);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_cut_off_loses_no_submission_and_doubles_none() {
    nothing_is_lost_or_doubled(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_silent_loses_no_submission_and_doubles_none() {
    nothing_is_lost_or_doubled(true).await;
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
