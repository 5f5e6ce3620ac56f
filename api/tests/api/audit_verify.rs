//! Whoever can write the database can change the record, but not without being found out.

use adjutant_api::{
    audit::{self, AuditKey, Known, Report, Wrong, verify},
    store::Db,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{
    journal::{copied, database, live, request},
    sql::execute,
    world::World,
};

/// A record of more than 30 entries with a checkpoint at its end, of a service that has stopped.
async fn record() -> (TempDir, Db, Report) {
    let world = World::new().await;
    let db = database(world.dir.path()).await;
    let mut last = 0;
    for number in 0..10 {
        last = live(&world.bus, &request(&format!("Ev{number}"))).await;
    }
    let last = i64::try_from(last).unwrap();
    world.eventually(async || copied(&db).await.contains(&last).then_some(())).await;
    let dir = world.stop_and_keep().await;
    let report = verify(&db, &Known::default(), |_, _| {}).await.unwrap();
    assert!(report.whole && report.checkpoints == 1 && report.entries >= 31, "{report:?}");
    execute(&db, "DROP TRIGGER audit_entries_fixed").await;
    (dir, db, report)
}

async fn finding(db: &Db, known: &Known) -> Option<(i64, Wrong)> {
    let report = verify(db, known, |_, _| {}).await.unwrap();
    assert_eq!(report.whole, report.finding.is_none());
    report.finding.map(|finding| (finding.seq, finding.wrong))
}

/// Does this to a record, and gives what is found.
async fn after(sql: &'static str) -> Option<(i64, Wrong)> {
    let (_dir, db, _) = record().await;
    execute(&db, sql).await;
    finding(&db, &Known::default()).await
}

/// Computes the chain anew from this place on, as the format is documented.
async fn compute_anew(db: &Db, from: i64) {
    let Db::Sqlite { write, .. } = db else { panic!("SQLite") };
    let mut hash: Vec<u8> = sqlx::query_scalar("SELECT hash FROM audit_entries WHERE seq = $1")
        .bind(from - 1)
        .fetch_optional(write)
        .await
        .unwrap()
        .unwrap_or_default();
    let mut at = from;
    loop {
        let canonical = "SELECT json_array(seq, journal, journal_seq, at, kind, actor, key_id, target, outcome, request_id, ip, \
             body) FROM audit_entries WHERE seq = $1";
        let text: Option<String> =
            sqlx::query_scalar(canonical).bind(at).fetch_optional(write).await.unwrap();
        let Some(text) = text else { break };
        let mut next = Sha256::new();
        next.update(&hash);
        next.update(text);
        let next = next.finalize().to_vec();
        sqlx::query("UPDATE audit_entries SET prev_hash = $1, hash = $2 WHERE seq = $3")
            .bind(&hash)
            .bind(&next)
            .bind(at)
            .execute(write)
            .await
            .unwrap();
        hash = next;
        at += 1;
    }
    let head = format!("{}:{}", at - 1, hex(&hash));
    sqlx::query("UPDATE meta SET v = $1 WHERE k = 'audit_head'").bind(head).execute(write).await.unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_cannot_be_changed_while_the_trigger_is_there() {
    let world = World::new().await;
    let db = database(world.dir.path()).await;
    live(&world.bus, &request("Ev1")).await;
    world.eventually(async || (copied(&db).await.len() == 3).then_some(())).await;
    let Db::Sqlite { write, .. } = &db else { panic!("SQLite") };
    let changed = sqlx::query("UPDATE audit_entries SET actor = 'x'").execute(write).await;
    assert!(changed.unwrap_err().to_string().contains("append only"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_entry_is_named() {
    let body = "UPDATE audit_entries SET body = '{}' WHERE seq = 7";
    assert_eq!(after(body).await, Some((7, Wrong::Altered)));
    let actor = "UPDATE audit_entries SET actor = 'slack:T0/U2' WHERE seq = 12";
    assert_eq!(after(actor).await, Some((12, Wrong::Altered)));
    let time = "UPDATE audit_entries SET at = at + 1 WHERE seq = 1";
    assert_eq!(after(time).await, Some((1, Wrong::Altered)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_entry_is_named() {
    let middle = "DELETE FROM audit_entries WHERE seq IN (9, 10)";
    assert_eq!(after(middle).await, Some((9, Wrong::Removed)));
    let first = "DELETE FROM audit_entries WHERE seq = 1";
    assert_eq!(after(first).await, Some((1, Wrong::Removed)));
    let closed = "DELETE FROM audit_entries WHERE seq = 9;
        UPDATE audit_entries SET seq = -seq WHERE seq > 9;
        UPDATE audit_entries SET seq = -seq - 1 WHERE seq < 0";
    assert_eq!(after(closed).await, Some((9, Wrong::Removed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_off_tail_is_named() {
    let tail = "DELETE FROM audit_entries WHERE seq > 20";
    assert_eq!(after(tail).await, Some((21, Wrong::CutOff)));
    let (_dir, db, whole) = record().await;
    execute(&db, "DELETE FROM audit_entries WHERE seq > 20").await;
    execute(
        &db,
        "UPDATE meta SET v = (SELECT '20:' || lower(hex(hash)) FROM audit_entries WHERE seq = 20) WHERE k = 'audit_head'",
    )
    .await;
    assert_eq!(finding(&db, &Known::default()).await, Some((21, Wrong::CutOff)), "by the checkpoint");
    execute(&db, "DELETE FROM audit_checkpoints").await;
    assert_eq!(finding(&db, &Known::default()).await, None, "nothing is left in the database that knows");
    let kept = audit::kept(&format!("{}:{}", whole.last, whole.head)).unwrap();
    let known = Known { kept: vec![kept], ..Known::default() };
    assert_eq!(finding(&db, &known).await, Some((21, Wrong::CutOff)), "by what was kept elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn reordered_entries_are_named() {
    let rows = "UPDATE audit_entries SET seq = -1 WHERE seq = 8;
        UPDATE audit_entries SET seq = 8 WHERE seq = 15;
        UPDATE audit_entries SET seq = 15 WHERE seq = -1";
    assert_eq!(after(rows).await, Some((8, Wrong::Reordered)));
    let contents = "CREATE TABLE t AS SELECT * FROM audit_entries WHERE seq IN (8, 15);
        UPDATE audit_entries SET journal = NULL WHERE seq IN (8, 15);
        UPDATE audit_entries SET (journal, journal_seq, at, kind, actor, target, outcome, request_id, body) =
          (SELECT journal, journal_seq, at, kind, actor, target, outcome, request_id, body FROM t WHERE t.seq = 23 - audit_entries.seq)
          WHERE seq IN (8, 15)";
    assert_eq!(after(contents).await, Some((8, Wrong::Reordered)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inserted_entry_is_named() {
    let (_dir, db, whole) = record().await;
    execute(
        &db,
        "INSERT INTO audit_entries SELECT seq + 1, NULL, NULL, at, kind, 'slack:T0/U9', key_id, target, outcome, request_id, ip, \
         body, hash, hash FROM audit_entries ORDER BY seq DESC LIMIT 1",
    )
    .await;
    let (seq, wrong) = finding(&db, &Known::default()).await.unwrap();
    assert_eq!((seq, wrong), (whole.last + 1, Wrong::Altered), "its hash is invented");
    execute(&db, "DELETE FROM audit_entries WHERE actor = 'slack:T0/U9'").await;
    assert_eq!(finding(&db, &Known::default()).await, None);
    execute(
        &db,
        "UPDATE audit_entries SET seq = -seq WHERE seq > 9;
         UPDATE audit_entries SET seq = 1 - seq WHERE seq < 0;
         INSERT INTO audit_entries SELECT 10, NULL, NULL, at, kind, 'slack:T0/U9', key_id, target, outcome, request_id, ip, body, \
         hash, hash FROM audit_entries WHERE seq = 9",
    )
    .await;
    let (seq, _) = finding(&db, &Known::default()).await.unwrap();
    assert_eq!(seq, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_computed_anew_does_not_fit_the_checkpoint() {
    let (_dir, db, _) = record().await;
    compute_anew(&db, 1).await;
    assert_eq!(finding(&db, &Known::default()).await, None, "computing it anew changes nothing by itself");
    execute(&db, "UPDATE audit_entries SET actor = 'slack:T0/U9' WHERE seq = 7").await;
    compute_anew(&db, 7).await;
    assert_eq!(finding(&db, &Known::default()).await, Some((1, Wrong::Rewritten)));
    let report = verify(&db, &Known::default(), |_, _| {}).await.unwrap();
    let Db::Sqlite { read, .. } = &db else { panic!("SQLite") };
    let checkpoint: i64 =
        sqlx::query_scalar("SELECT seq FROM audit_checkpoints").fetch_one(read).await.unwrap();
    let detail = report.finding.unwrap().detail;
    assert!(checkpoint >= 7 && detail.contains(&format!("checkpoint {checkpoint}")), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_checkpoint_is_named() {
    let (_dir, db, whole) = record().await;
    execute(&db, "UPDATE audit_entries SET actor = 'slack:T0/U9' WHERE seq = 7").await;
    compute_anew(&db, 7).await;
    execute(
        &db,
        "UPDATE audit_checkpoints SET hash = (SELECT hash FROM audit_entries e WHERE e.seq = audit_checkpoints.seq)",
    )
    .await;
    assert_eq!(finding(&db, &Known::default()).await, Some((whole.last, Wrong::Forged)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_signed_anew_by_somebody_else_is_found_by_the_known_key() {
    let (dir, db, whole) = record().await;
    let right = AuditKey::load_or_make(&dir.path().join("audit-key")).unwrap().public();
    let pinned = Known { keys: vec![right], ..Known::default() };
    assert_eq!(finding(&db, &pinned).await, None);
    execute(&db, "UPDATE audit_entries SET actor = 'slack:T0/U9' WHERE seq = 7").await;
    compute_anew(&db, 7).await;
    execute(&db, "DELETE FROM audit_checkpoints").await;
    std::fs::remove_file(dir.path().join("audit-key")).unwrap();
    // The attacker lets a service of their own sign.
    let world = World::on(
        dir,
        adjutant_api::store::Database::Sqlite(path(&db).await),
        adjutant_bus::memory::Memory::new(&adjutant_bus::ports::Limits::default()).bus(),
    )
    .await;
    live(&world.bus, &request("Ev-new")).await;
    world.eventually(async || (copied(&db).await.len() > 30).then_some(())).await;
    let _dir = world.stop_and_keep().await;
    assert_eq!(finding(&db, &Known::default()).await, None, "without a known key nobody can tell");
    let (seq, wrong) = finding(&db, &pinned).await.unwrap();
    assert!(wrong == Wrong::Forged && seq > whole.last, "{seq} {wrong:?}");
}

async fn path(db: &Db) -> std::path::PathBuf {
    let Db::Sqlite { read, .. } = db else { panic!("SQLite") };
    let file: String = sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .fetch_one(read)
        .await
        .unwrap();
    file.into()
}
