//! What else the record holds, and how long: the policy in force, the configuration, retention.

use std::{path::Path, time::Duration};

use adjutant_api::{
    Api,
    audit::{Known, configuration, verify},
    store::{Database, Db},
};
use adjutant_bus::{
    memory::Memory,
    ports::{Bus, Limits},
};
use adjutant_policies::Options;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    journal::{copied, database, lines, live, request},
    world::{World, config},
};

fn bus() -> Bus {
    Memory::new(&Limits::default()).bus()
}

fn file(dir: &Path) -> Database {
    Database::Sqlite(dir.join("adjutant.db"))
}

/// The details of all entries of a kind.
async fn told(db: &Db, kind: &str) -> Vec<Value> {
    let lines = lines(db).await.into_iter().filter(|line| line.2 == kind);
    lines.map(|line| serde_json::from_str(&line.6).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_is_removed_and_the_rest_can_be_verified() {
    let (dir, bus) = (tempfile::tempdir().unwrap(), bus());
    let at = file(dir.path());
    let first = World::on(dir, at, bus.clone()).await;
    let db = database(first.dir.path()).await;
    let mut last = 0;
    for number in 0..700 {
        last = live(&bus, &request(&format!("Ev{number}"))).await;
    }
    let last = i64::try_from(last).unwrap();
    first.eventually(async || copied(&db).await.contains(&last).then_some(())).await;
    let dir = first.stop_and_keep().await;
    let before = lines(&db).await.last().unwrap().0;
    let short = Some(Duration::from_millis(1));
    let second = World::with(dir, bus.clone(), |config| config.audit_retention = short).await;
    second.eventually(async || (lines(&db).await[0].0 > before).then_some(())).await;
    let next = i64::try_from(live(&bus, &request("Ev-after")).await).unwrap();
    second.eventually(async || copied(&db).await.contains(&next).then_some(())).await;
    assert_eq!(copied(&db).await, [next - 2, next - 1, next], "what was removed is not copied again");
    let report = verify(&db, &Known::default(), |_, _| {}).await.unwrap();
    assert!(report.whole && report.first == before + 1 && report.checkpoints == 1, "{report:?}");
    assert_eq!(told(&db, "audit.retention").await[0]["up_to"], before);
    let _dir = second.stop_and_keep().await;
    let Db::Sqlite { write, .. } = &db else { panic!("SQLite") };
    sqlx::raw_sql("DELETE FROM audit_entries WHERE seq = (SELECT MIN(seq) FROM audit_entries)")
        .execute(write)
        .await
        .unwrap();
    let report = verify(&db, &Known::default(), |_, _| {}).await.unwrap();
    assert_eq!(report.finding.unwrap().seq, before + 1, "what retention did not remove is missed");
}

const EVERYTHING: &str = "p, everyone, *, *, *, *, allow\n";

/// A policy folder that can be changed.
fn policies() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/model.conf");
    std::fs::copy(model, dir.path().join("model.conf")).unwrap();
    std::fs::write(dir.path().join("policy.csv"), EVERYTHING).unwrap();
    std::fs::write(dir.path().join("policy.lock"), "svc:ci, svc:ci, CI\n").unwrap();
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn each_policy_is_recorded_once_and_a_refused_one_with_its_problem() {
    let (dir, policies, bus) = (tempfile::tempdir().unwrap(), policies(), bus());
    let options = Options::new(Some(policies.path().to_owned()));
    let of_second = config(dir.path(), file(dir.path()));
    let world = World::ruled(dir, bus.clone(), options, |_| {}).await;
    let other = Api::open(of_second, bus, world.policy.clone()).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(other.run(stop.clone()));
    let db = database(world.dir.path()).await;
    world.eventually(async || (told(&db, "policy.in_force").await.len() == 1).then_some(())).await;
    let csv = policies.path().join("policy.csv");
    std::fs::write(&csv, "nonsense").unwrap();
    world.policy.reload().await;
    world.eventually(async || (told(&db, "policy.refused").await.len() == 1).then_some(())).await;
    assert!(told(&db, "policy.refused").await[0]["problem"].is_string());
    std::fs::write(&csv, format!("{EVERYTHING}# another\n")).unwrap();
    world.policy.reload().await;
    world.eventually(async || (told(&db, "policy.in_force").await.len() == 2).then_some(())).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    let digests = told(&db, "policy.in_force").await;
    assert!(digests.len() == 2 && digests[0]["version"] != digests[1]["version"], "{digests:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_recorded_when_it_changes_by_its_keys_only() {
    let dir = tempfile::tempdir().unwrap();
    let db = database(dir.path()).await;
    let first = json!({ "bus": { "url": "nats://one", "password": "[redacted]" }, "slots": 4 });
    configuration(&db, "api", &first).await.unwrap();
    configuration(&db, "api", &first).await.unwrap();
    configuration(&db, "worker", &first).await.unwrap();
    let second = json!({ "bus": { "url": "nats://two", "password": "[redacted]" }, "more": true });
    configuration(&db, "api", &second).await.unwrap();
    let told = told(&db, "config.loaded").await;
    assert_eq!(told.len(), 3);
    assert_eq!(told[0]["changed"], json!(["bus.password", "bus.url", "slots"]));
    assert_eq!(told[2]["changed"], json!(["bus.url", "more", "slots"]));
    assert!(!lines(&db).await.iter().any(|line| line.6.contains("nats://")), "values are not told");
    assert!(verify(&db, &Known::default(), |_, _| {}).await.unwrap().whole);
}
