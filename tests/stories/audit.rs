//! The record on the command line: listed, shown, exported, verified, without the service.

use std::{path::Path, process::Stdio};

use adjutant_api::{audit, store};
use serde_json::{Value, json};
use tokio::process::Command;

use super::world::SOON;

/// Runs `adjutant audit …` on the database of this folder: exit status, output, complaints.
async fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adjutant"));
    command.arg("--data-dir").arg(dir).arg("audit").args(args).current_dir(dir).stdin(Stdio::null());
    let output = tokio::time::timeout(SOON, command.output()).await.expect("it must end").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_read_and_verified_without_the_service() {
    let dir = tempfile::tempdir().unwrap();
    let (status, _, complaint) = run(dir.path(), &["verify"]).await;
    assert_eq!(status, 2, "there is no database");
    assert!(complaint.contains("cannot be opened"), "{complaint}");
    let db = store::open(&store::Database::Sqlite(dir.path().join("adjutant.db"))).await.unwrap();
    for number in 1..=3 {
        audit::configuration(&db, "api", &json!({ "number": number })).await.unwrap();
    }
    let (status, table, _) = run(dir.path(), &["list"]).await;
    assert!(status == 0 && table.matches("config.loaded").count() == 3, "{table}");
    let (_, lines, _) = run(dir.path(), &["list", "--json", "--limit", "1", "--kind", "config."]).await;
    let newest: Value = serde_json::from_str(&lines).unwrap();
    assert_eq!(newest["seq"], 3);
    let (status, shown, _) = run(dir.path(), &["show", "2", "--json"]).await;
    assert!(
        status == 0 && serde_json::from_str::<Value>(&shown).unwrap()["body"]["changed"] == json!(["number"])
    );
    assert_eq!(run(dir.path(), &["show", "4"]).await.0, 1);
    assert_eq!(run(dir.path(), &["export"]).await.1.lines().count(), 3);
    let (_, csv, _) = run(dir.path(), &["export", "--format", "csv"]).await;
    assert!(csv.starts_with("seq,") && csv.lines().count() == 4, "{csv}");
    assert_eq!(run(dir.path(), &["checkpoints"]).await.0, 0);

    let (status, told, _) = run(dir.path(), &["verify"]).await;
    assert!(status == 0 && told.starts_with("The record is whole: 3 entries, 1 to 3"), "{told}");
    let kept = told.rsplit(' ').next().unwrap().trim();
    assert_eq!(run(dir.path(), &["verify", "--checkpoint", kept]).await.0, 0);
    let other = format!("3:{}", "00".repeat(32));
    let (status, told, _) = run(dir.path(), &["verify", "--checkpoint", &other]).await;
    assert!(status == 1 && told.contains("rewritten"), "{told}");
    let (status, report, _) = run(dir.path(), &["verify", "--json", "--checkpoint", &other]).await;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((status, report["finding"]["wrong"].as_str()), (1, Some("rewritten")));
    assert_eq!(run(dir.path(), &["verify", "--checkpoint", "nonsense"]).await.0, 2);
}
