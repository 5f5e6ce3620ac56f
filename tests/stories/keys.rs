//! Keys on the command line: made, listed, stopped for a while and for good, told to programs; what is wrong with the words.

use std::{path::Path, process::Stdio};

use serde_json::Value;
use tokio::{io::AsyncBufReadExt, process::Command};

use super::world::{SOON, World};

/// Runs `adjutant keys …` on the database of this folder: exit status, output, complaints.
async fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output = adjutant(dir).arg("keys").args(args).output();
    let output = tokio::time::timeout(SOON, output).await.expect("it must end").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn adjutant(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adjutant"));
    command.arg("--data-dir").arg(dir).current_dir(dir).env("USER", "ana").env_remove("SUDO_USER");
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The same with `--json`, when it is done.
async fn told(dir: &Path, args: &[&str]) -> Value {
    let (status, out, err) = run(dir, &[args, &["--json"]].concat()).await;
    assert_eq!(status, 0, "{args:?}: {err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_lives_and_ends_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let made = told(dir, &["service-add", "ci", "--owner", "platform", "--description", "builds"]).await;
    assert_eq!((&made[0]["name"], &made[0]["enabled"]), (&"ci".into(), &true.into()));
    let services = told(dir, &["services"]).await;
    assert_eq!(services[0]["owner"], "platform");
    let (_, table, _) = run(dir, &["services"]).await;
    assert!(table.contains("ci") && table.contains("enabled") && table.contains("builds"), "{table}");

    let key = told(
        dir,
        &["issue", "ci", "--scope", "requests:submit:deploy.*,requests:read", "--cidr", "10.0.0.0/8"],
    )
    .await;
    let (id, text) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    assert!(text.starts_with("adk_") && text.len() == 32);
    assert_eq!(key["created_by"], "operator:ana");
    assert_eq!(key["allowed_cidrs"][0], "10.0.0.0/8");
    let (status, out, err) =
        run(dir, &["issue", "ci", "--name", "other", "--never-expires", "--quiet"]).await;
    assert_eq!((status, out.trim().len(), err.as_str()), (0, 32, ""), "the key and nothing else");

    for (word, state) in [("disable", "disabled"), ("enable", "active"), ("disable", "disabled")] {
        assert_eq!(told(dir, &[word, id]).await[0]["state"], state);
        assert_eq!(told(dir, &["show", id]).await[0]["state"], state);
    }
    let (status, _, err) = run(dir, &["rotate", id]).await;
    assert_eq!(status, 1, "only an active key is rotated");
    assert!(err.contains("only an active key"), "{err}");
    told(dir, &["enable", id]).await;
    let next = told(dir, &["rotate", id, "--grace", "1h"]).await;
    assert_ne!(next["key"], text);
    assert_eq!(told(dir, &["show", id]).await[0]["superseded_by"], next["id"]);
    assert_eq!(told(dir, &["revoke", id, "--reason", "done"]).await[0]["state"], "revoked");
    let (status, _, err) = run(dir, &["enable", id]).await;
    assert_eq!(status, 1, "a revoked key stays revoked");
    assert!(err.contains("a revoked key stays revoked"), "{err}");
    let listed = told(dir, &["list", "--service", "ci"]).await;
    let states: Vec<&str> =
        listed.as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["revoked", "active", "active"]);
    let (_, table, _) = run(dir, &["list"]).await;
    assert!(table.contains(id) && table.contains("revoked"), "{table}");
    // Of no key more than its last characters: not in lists, nor in the record.
    let record = adjutant(dir).args(["audit", "export"]).output().await.unwrap();
    let record = String::from_utf8(record.stdout).unwrap();
    for shown in [&listed.to_string(), &table, &record] {
        assert!(!shown.contains("adk_"), "{shown}");
    }
    let by_ana = record.lines().filter(|line| line.contains("\"operator:ana\"")).count();
    assert!(by_ana >= 9 && record.contains("key.revoked"), "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_words_is_told_with_its_exit_status() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let nobody = "0190c0de-0000-7000-8000-000000000000";
    for args in [
        &[][..],
        &["make"],
        &["issue"],
        &["issue", "ci", "--scope", "everything"],
        &["issue", "ci", "--expires-in", "soon"],
        &["issue", "ci", "--never-expires", "--expires-in", "1d"],
        &["issue", "ci", "--quiet", "--json"],
        &["disable"],
        &["disable", "7"],
        &["enable", nobody, "more"],
        &["rotate", nobody, "--grace", "-1h"],
        &["revoke", "--reason", "x"],
        &["services", "ci"],
        &["service-add"],
    ] {
        let (status, out, err) = run(dir, args).await;
        assert_eq!((status, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains("Usage:") || err.contains("error:"), "{args:?}: {err}");
    }
    assert!(!dir.join("adjutant.db").exists(), "wrong words do nothing");
    for (args, why) in [
        (&["issue", "ci"][..], "service-add ci"),
        (&["show", nobody], "there is no such key"),
        (&["enable", nobody], "there is no such key"),
        (&["service-add", "Not A Name"], "name: "),
        (&["check", "adk_00000000000000000000004D684b"], "the checksum does not fit"),
    ] {
        let (status, out, err) = run(dir, args).await;
        assert_eq!((status, out.as_str()), (1, ""), "{args:?}: {err}");
        assert!(err.contains(why), "{args:?}: {err}");
    }
    assert_eq!(run(dir, &["check", "adk_00000000000000000000004D684a"]).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_have_not_moved_to_the_new_pepper_are_counted() {
    let world = World::new(std::time::Duration::ZERO).await;
    let (old, new) = ("11".repeat(32), "22".repeat(32));
    for args in [&["service-add", "ci"][..], &["issue", "ci"], &["issue", "ci"]] {
        let mut command = world.adjutant(&[&["keys"], args].concat());
        let ran = command.env("ADJUTANT_API__PEPPER", &old).stderr(Stdio::piped()).output().await.unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    let mut api = world.adjutant(&["api"]);
    api.env("ADJUTANT_API__LISTEN", "127.0.0.1:0").env("ADJUTANT_API__PEPPER", &new);
    let mut api = api.env("ADJUTANT_API__PREVIOUS_PEPPER", &old).spawn().unwrap();
    let mut lines = tokio::io::BufReader::new(api.stdout.take().unwrap()).lines();
    let said = tokio::time::timeout(SOON, lines.next_line()).await.expect("it must start").unwrap().unwrap();
    let base = said.split_once("http").map(|(_, rest)| format!("http{rest}")).unwrap();
    let admin = std::fs::read_to_string(world.path().join("bootstrap-admin-key")).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    world
        .eventually(async || {
            let metrics =
                client.get(format!("{base}/metrics")).bearer_auth(admin.trim()).send().await.ok()?;
            metrics.text().await.ok()?.contains("adjutant_api_keys_on_old_pepper 2\n").then_some(())
        })
        .await;
    drop(api);
    world.stop().await;
}
