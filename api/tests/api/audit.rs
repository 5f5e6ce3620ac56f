//! The record is a copy of the journal: in order, each event once, whatever happens to copiers and databases.

use std::time::Duration;

use adjutant_api::{
    Api,
    audit::{Known, verify},
    store::{Database, Db},
};
use adjutant_bus::{
    memory::Memory,
    mode,
    ports::{Bus, Limits},
};
use adjutant_policies::{Options, Policy, Vocabulary};
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{
    journal::{ANSWER, copied, database, lines, live, request},
    world::{World, config},
};

fn bus() -> Bus {
    Memory::new(&Limits::default()).bus()
}

async fn on(dir: TempDir, bus: &Bus) -> World {
    let file = Database::Sqlite(dir.path().join("adjutant.db"));
    World::on(dir, file, bus.clone()).await
}

async fn world() -> World {
    on(tempfile::tempdir().unwrap(), &bus()).await
}

async fn until_copied(world: &World, db: &Db, last: u64) {
    let last = i64::try_from(last).unwrap();
    world.eventually(async || copied(db).await.last().filter(|newest| **newest == last).map(drop)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_copied_in_order_and_without_secrets() {
    let world = world().await;
    let db = database(world.dir.path()).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn the_beat_tells_how_far_the_copy_is() {
    let world = world().await;
    let last = live(&world.bus, &request("Ev1")).await;
    let told = world
        .eventually(async || mode::load(&world.bus).await.unwrap().audit.filter(|beat| beat.sequence == last))
        .await;
    let db = database(world.dir.path()).await;
    world
        .eventually(async || {
            let report = verify(&db, &Known::default(), |_, _| {}).await.unwrap();
            (report.head == told.head || report.entries > 4).then_some(())
        })
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_double_nothing_and_the_second_goes_on() {
    let (dir, bus) = (tempfile::tempdir().unwrap(), bus());
    let first = on(dir, &bus).await;
    let policy = Policy::load(Options::new(None), Vocabulary::default()).await;
    let file = Database::Sqlite(first.dir.path().join("adjutant.db"));
    let mut other = config(first.dir.path(), file);
    other.name = "api-other".to_owned();
    let other = Api::open(other, bus.clone(), policy).await.unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(other.run(stop.clone()));
    let db = database(first.dir.path()).await;
    let mut last = 0;
    for number in 0..50 {
        last = live(&bus, &request(&format!("Ev{number}"))).await;
    }
    until_copied(&first, &db, last).await;
    // Whoever holds the lease gives it back when it stops.
    let dir = first.stop_and_keep().await;
    for number in 50..60 {
        last = live(&bus, &request(&format!("Ev{number}"))).await;
    }
    let second = on(dir, &bus).await;
    until_copied(&second, &db, last).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    last = live(&bus, &request("Ev-after")).await;
    until_copied(&second, &db, last).await;
    assert_eq!(copied(&db).await, (1..=i64::try_from(last).unwrap()).collect::<Vec<_>>());
    assert!(verify(&db, &Known::default(), |_, _| {}).await.unwrap().whole);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_locked_nothing_is_lost_and_no_beat_comes() {
    let world = world().await;
    let db = database(world.dir.path()).await;
    let last = live(&world.bus, &request("Ev1")).await;
    until_copied(&world, &db, last).await;
    let mut modes = mode::watch(&world.bus).await.unwrap();
    let Db::Sqlite { write, .. } = &db else { panic!("SQLite") };
    let lock = write.begin_with("BEGIN EXCLUSIVE").await.unwrap();
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
    lock.rollback().await.unwrap();
    until_copied(&world, &db, last).await;
    assert_eq!(copied(&db).await, (1..=i64::try_from(last).unwrap()).collect::<Vec<_>>());
    world
        .eventually(async || mode::load(&world.bus).await.unwrap().audit.filter(|beat| beat.sequence == last))
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_journal_begins_anew_in_the_same_record() {
    let first = world().await;
    let file = first.dir.path().to_owned();
    live(&first.bus, &request("Ev1")).await;
    let db = database(&file).await;
    until_copied(&first, &db, 3).await;
    let dir = first.stop_and_keep().await;
    let second = on(dir, &bus()).await;
    live(&second.bus, &request("Ev2")).await;
    second.eventually(async || (copied(&db).await == [1, 2, 3, 1, 2, 3]).then_some(())).await;
    let begun = lines(&db).await.into_iter().filter(|line| line.2 == "journal.begun").count();
    assert_eq!(begun, 2);
    let report = verify(&db, &Known::default(), |_, _| {}).await.unwrap();
    assert!(report.whole && report.checkpoints >= 1, "the first one signed when it stopped: {report:?}");
    second.stop().await;
}
