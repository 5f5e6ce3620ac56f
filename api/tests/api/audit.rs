//! The record is a copy of the journal: in order, each event once, whatever happens to copiers and databases.

use std::time::Duration;

use adjutant_api::{
    Api,
    audit::{Known, verify},
    store::Db,
};
use adjutant_bus::{mode, ports::Bus};
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use sqlx::{Postgres, Sqlite, Transaction};
use tokio_util::sync::CancellationToken;

use super::{
    journal::{ANSWER, copied, lines, live, request},
    world::{World, config},
};

/// The same once more, after it has stopped.
async fn again(world: World, bus: &Bus) -> World {
    let database = world.database.clone();
    World::on(world.stop_and_keep().await, database, bus.clone()).await
}

/// Nobody else changes the database while it is held.
enum Lock {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Lock {
    async fn take(db: &Db) -> Self {
        match db {
            Db::Sqlite { write, .. } => Self::Sqlite(write.begin_with("BEGIN EXCLUSIVE").await.unwrap()),
            Db::Postgres(pool) => {
                let mut lock = pool.begin().await.unwrap();
                sqlx::query("LOCK TABLE meta IN EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
                Self::Postgres(lock)
            }
        }
    }

    async fn give_back(self) {
        match self {
            Self::Sqlite(lock) => lock.rollback().await.unwrap(),
            Self::Postgres(lock) => lock.rollback().await.unwrap(),
        }
    }
}

async fn until_copied(world: &World, db: &Db, last: u64) {
    let last = i64::try_from(last).unwrap();
    world.eventually(async || copied(db).await.last().filter(|newest| **newest == last).map(drop)).await;
}

pub async fn what_happens_is_copied_in_order_and_without_secrets(world: World) {
    let db = world.open().await;
    let mut last = 0;
    for number in 0..200 {
        let mut asked = request(&format!("Ev{number}"));
        asked.text = "deploy start web --with=adk_4hT9sXqB0mZr7LwYdKfC1P1LTKxd".to_owned();
        last = live(&world.bus, &asked).await;
    }
    until_copied(&world, &db, last).await;
    assert_eq!(copied(&db).await, (1..=600).collect::<Vec<i64>>());
    let lines = lines(&db).await;
    assert_eq!(lines.iter().filter(|line| line.2 == "journal.begun").count(), 1);
    let of_journal: Vec<_> = lines.iter().filter(|line| line.1.is_some()).collect();
    let kinds: Vec<_> = of_journal.iter().take(3).map(|line| line.2.as_str()).collect();
    assert_eq!(kinds, ["request.claimed", "request.started", "request.succeeded"]);
    for line in &of_journal {
        assert_eq!((line.3.as_str(), line.4.as_str()), ("slack:T0/U1", "deploy start"));
        assert!(!line.6.contains(ANSWER) && !line.6.contains("adk_"), "{}", line.6);
    }
    assert!(of_journal[0].6.contains(r#""answer":"yes""#), "an argument is no answer address");
    assert_eq!(of_journal[2].5.as_deref(), Some("succeeded"));
    let report = verify(&db, &Known::default(), |_, _| {}).await.unwrap();
    assert!(report.whole && report.entries >= 601, "{report:?}");
    world.stop().await;
}

pub async fn the_beat_tells_how_far_the_copy_is(world: World) {
    let last = live(&world.bus, &request("Ev1")).await;
    let told = world
        .eventually(async || mode::load(&world.bus).await.unwrap().audit.filter(|beat| beat.sequence == last))
        .await;
    let db = world.open().await;
    world
        .eventually(async || {
            let report = verify(&db, &Known::default(), |_, _| {}).await.unwrap();
            (report.head == told.head || report.entries > 4).then_some(())
        })
        .await;
    world.stop().await;
}

pub async fn two_replicas_double_nothing_and_the_second_goes_on(world: World) {
    let bus = world.bus.clone();
    let mut other = config(world.dir.path(), world.database.clone());
    other.name = "api-other".to_owned();
    let other = Api::open(other, bus.clone(), world.policy.clone()).await.unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(other.run(stop.clone()));
    let db = world.open().await;
    let mut last = 0;
    for number in 0..50 {
        last = live(&bus, &request(&format!("Ev{number}"))).await;
    }
    until_copied(&world, &db, last).await;
    // Whoever holds the lease gives it back when it stops.
    let database = world.database.clone();
    let dir = world.stop_and_keep().await;
    for number in 50..60 {
        last = live(&bus, &request(&format!("Ev{number}"))).await;
    }
    let second = World::on(dir, database, bus.clone()).await;
    until_copied(&second, &db, last).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    last = live(&bus, &request("Ev-after")).await;
    until_copied(&second, &db, last).await;
    assert_eq!(copied(&db).await, (1..=i64::try_from(last).unwrap()).collect::<Vec<_>>());
    assert!(verify(&db, &Known::default(), |_, _| {}).await.unwrap().whole);
    second.stop().await;
}

pub async fn while_the_database_is_locked_nothing_is_lost_and_no_beat_comes(world: World) {
    let db = world.open().await;
    let last = live(&world.bus, &request("Ev1")).await;
    until_copied(&world, &db, last).await;
    let mut modes = mode::watch(&world.bus).await.unwrap();
    let lock = Lock::take(&db).await;
    let locked = Timestamp::now();
    let mut last = 0;
    for number in 2..40 {
        last = live(&world.bus, &request(&format!("Ev{number}"))).await;
    }
    // Longer than the database is waited for: at least one try fails.
    let patience = tokio::time::Instant::now() + Duration::from_secs(8);
    let waited = tokio::time::timeout_at(
        patience,
        world.eventually(async || (copied(&db).await.len() > 3).then_some(())),
    );
    assert!(waited.await.is_err(), "nothing can be written");
    while let Some(Some(mode)) = modes.next().now_or_never() {
        assert!(mode.audit.as_ref().is_none_or(|beat| beat.at <= locked), "{mode:?}");
    }
    lock.give_back().await;
    until_copied(&world, &db, last).await;
    assert_eq!(copied(&db).await, (1..=i64::try_from(last).unwrap()).collect::<Vec<_>>());
    world
        .eventually(async || mode::load(&world.bus).await.unwrap().audit.filter(|beat| beat.sequence == last))
        .await;
    world.stop().await;
}

pub async fn another_journal_begins_anew_in_the_same_record(world: World) {
    live(&world.bus, &request("Ev1")).await;
    let db = world.open().await;
    until_copied(&world, &db, 3).await;
    let second = again(world, &World::bus()).await;
    live(&second.bus, &request("Ev2")).await;
    second.eventually(async || (copied(&db).await == [1, 2, 3, 1, 2, 3]).then_some(())).await;
    let begun = lines(&db).await.into_iter().filter(|line| line.2 == "journal.begun").count();
    assert_eq!(begun, 2);
    let report = verify(&db, &Known::default(), |_, _| {}).await.unwrap();
    assert!(report.whole && report.checkpoints >= 1, "the first one signed when it stopped: {report:?}");
    second.stop().await;
}
