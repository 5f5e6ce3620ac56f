//! The program as its user meets it: commands, exit statuses, errors.

use std::{path::Path, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

use super::world::{SOON, World};

struct Ran {
    status: i32,
    out: String,
    err: String,
}

/// Runs the program in a folder, on an in-memory bus unless the arguments say otherwise.
async fn adjutant(dir: &Path, args: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adjutant"));
    command.args(args).current_dir(dir).env("ADJUTANT_DEMO__STEP_MILLISECONDS", "1").stdin(Stdio::null());
    for (name, value) in env {
        command.env(name, value);
    }
    let output = tokio::time::timeout(SOON, command.output()).await.expect("it must end").unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Slack gets the manifest of the commands that there are.
#[test]
fn the_slack_manifest_is_up_to_date() {
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_adjutant"))
        .args(["commands", "slack-manifest"])
        .env_remove("ADJUTANT_BLESS")
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/slack/manifest.yaml");
    if std::env::var_os("ADJUTANT_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), made, "ADJUTANT_BLESS=1 cargo test writes it anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_outcome_has_its_exit_status_without_anything_installed() {
    let dir = tempfile::tempdir().unwrap();
    let run = async |args: &[&str]| adjutant(dir.path(), &[&["run"], args].concat(), &[]).await;
    let pong = run(&["--", "ping", "are", "you", "there?"]).await;
    assert_eq!((pong.status, pong.out.as_str()), (0, "pong are you there?\n"), "{}", pong.err);
    let promoted = run(&["--", "deploy", "promote", "web", "staging", "production"]).await;
    assert_eq!(promoted.status, 0, "{}", promoted.err);
    let again = run(&["--", "deploy", "promote", "web", "staging", "production"]).await;
    assert!(again.out.contains("is in production already"), "state is kept: {}", again.out);
    let refused = run(&["--as", "pat", "--", "deploy promote web preview production"]).await;
    assert_eq!(refused.status, 3);
    assert!(
        refused.out.contains("env=production") && refused.out.contains("Engineering may"),
        "{}",
        refused.out
    );
    assert_eq!(run(&["--", "deploy", "promot", "web"]).await.status, 3);
    assert_eq!(run(&["--", "deploy", "promote", "web"]).await.status, 3);
    assert_eq!(run(&["--", "deploy", "promote", "nothing", "staging", "production"]).await.status, 4);
    assert_eq!(run(&["--", "status", "00000000"]).await.status, 4);
    assert_eq!(run(&["--as", "nobody", "--", "ping"]).await.status, 2);
    assert_eq!(run(&[]).await.status, 2);
    assert_eq!(adjutant(dir.path(), &["dance"], &[]).await.status, 2);
    let json = run(&["--json", "--", "ping"]).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["outcome"], &json["reply"]["title"]), (&"succeeded".into(), &"pong".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn run_times_out_when_nobody_answers_and_says_how_to_ask() {
    let world = World::new(Duration::ZERO).await;
    let output = world
        .adjutant(&["run", "--timeout", "4s", "--", "ping"])
        .stderr(Stdio::piped())
        .output()
        .await
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{err}");
    assert!(err.contains("no worker has taken it yet") && err.contains("`status "), "{err}");
    // What nobody waits for does not start later.
    let worker = world.worker("worker");
    let journals = world
        .eventually(async || {
            let journals = world.journals().await;
            (!journals.is_empty()).then_some(journals)
        })
        .await;
    let ends: Vec<_> =
        journals.values().flatten().filter_map(|r| r.event.fact.end()).map(|(end, _)| end).collect();
    assert_eq!(ends, [adjutant_bus::event::Outcome::Expired]);
    worker.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_system_answers_from_other_processes() {
    let world = World::new(Duration::ZERO).await;
    let worker = world.worker("worker");
    let mut console = world.adjutant(&["console"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = console.stdin.take().unwrap();
    lines.write_all(b"ping one\n/as pat\nwhoami\nnonsense\n").await.unwrap();
    drop(lines);
    let output = tokio::time::timeout(SOON, console.wait_with_output()).await.unwrap().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(
        out.contains("pong one")
            && out.contains("You are pat")
            && out.contains("There is no command `nonsense`"),
        "{out}"
    );
    let output = world.adjutant(&["run", "--", "history"]).output().await.unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("ping one"), "{out}");
    let dead = world.adjutant(&["bus", "dead"]).output().await.unwrap();
    assert!(String::from_utf8(dead.stdout).unwrap().contains("no dead letters"));
    assert!(world.adjutant(&["bus", "provision"]).output().await.unwrap().status.success());
    worker.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn up_without_a_terminal_serves_until_it_is_told_to_stop() {
    let dir = tempfile::tempdir().unwrap();
    let mut up = Command::new(env!("CARGO_BIN_EXE_adjutant"))
        .args(["--bus", "memory:"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(up.stdout.take().unwrap()).lines();
    let mut said = String::new();
    while !said.contains("told to stop") {
        said.push_str(
            &tokio::time::timeout(SOON, lines.next_line())
                .await
                .unwrap()
                .unwrap()
                .expect("it says what is running"),
        );
        said.push('\n');
    }
    for needle in
        ["Adjutant 0.", "in memory: nothing survives a restart", "policy   1 (", "worker", "deploy list"]
    {
        assert!(said.contains(needle), "{needle}: {said}");
    }
    kill(Pid::from_raw(i32::try_from(up.id().unwrap()).unwrap()), Signal::SIGTERM).unwrap();
    assert!(tokio::time::timeout(SOON, up.wait()).await.unwrap().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn five_mistakes_in_the_configuration_are_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = "data_dirr = \"x\"\n[worker]\nslots = 0\ngrace_seconds = \"soon\"\n[log]\nformat = \"xml\"\n";
    std::fs::write(dir.path().join("adjutant.toml"), file).unwrap();
    let ran = adjutant(dir.path(), &["config", "check"], &[("ADJUTANT_BUS__REPLICAS", "nine")]).await;
    assert_eq!(ran.status, 1);
    for needle in [
        "data_dirr",
        "did you mean data_dir?",
        "worker.slots",
        "worker.grace_seconds",
        "log.format",
        "ADJUTANT_BUS__REPLICAS",
        "5 mistakes",
    ] {
        assert!(ran.err.contains(needle), "{needle}: {}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_says_so_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let ran = async |args: &[&str]| adjutant(dir.path(), args, &[]).await;
    let unreachable = ran(&["worker", "--bus", "nats://127.0.0.1:1"]).await;
    assert_eq!(unreachable.status, 1);
    assert!(
        unreachable.err.contains("127.0.0.1:1") && unreachable.err.contains("is the server running there"),
        "{}",
        unreachable.err
    );
    let nonsense = ran(&["--bus", "http://x"]).await;
    assert!(nonsense.status == 1 && nonsense.err.contains("nats://host:port"), "{}", nonsense.err);
    let alone = ran(&["worker", "--bus", "memory:"]).await;
    assert!(alone.status == 1 && alone.err.contains("needs a bus that others are on"), "{}", alone.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_check_policy_and_see_every_finding() {
    let dir = tempfile::tempdir().unwrap();
    let clean = adjutant(dir.path(), &["policy", "check"], &[]).await;
    assert_eq!((clean.status, clean.out.as_str()), (0, "0 errors, 0 warnings\n"));
    assert_eq!(adjutant(dir.path(), &["policy", "test"], &[]).await.status, 0);
    let folder = dir.path().join("policies");
    std::fs::create_dir(&folder).unwrap();
    for name in ["model.conf", "policy.csv", "policy.lock", "policy.test", "policy.toml"] {
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name), folder.join(name))
            .unwrap();
    }
    let csv = std::fs::read_to_string(folder.join("policy.csv")).unwrap();
    let broken = csv.replace("deploy.rollback", "deploy.rolback").replace("p, Product, ", "p, product, ");
    std::fs::write(folder.join("policy.csv"), broken).unwrap();
    let found = adjutant(dir.path(), &["policy", "check"], &[]).await;
    assert_eq!(found.status, 1);
    assert!(
        found.out.contains("did you mean `deploy.rollback`?")
            && found.out.contains("did you mean `Product`?"),
        "{}",
        found.out
    );
    let json = adjutant(dir.path(), &["policy", "check", "--json"], &[]).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["findings"][0]["code"], "unknown-command");
    let gone =
        adjutant(dir.path(), &["policy", "check"], &[("ADJUTANT_POLICY__SOURCE", "dir:nowhere")]).await;
    assert!(gone.status == 2 && gone.err.contains("is not there"), "{}", gone.err);
}
