//! The document is true: schemathesis calls everything in it with whatever it allows, and more.

use std::{path::Path, process::Stdio};

use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::{site::worker, world::World};

/// Every scope there is.
const ALL: [&str; 15] = [
    "keys:read",
    "keys:write",
    "keys:introspect",
    "requests:submit",
    "requests:read",
    "requests:cancel",
    "requests:decide",
    "commands:read",
    "notify:send",
    "destinations:read",
    "destinations:write",
    "audit:read",
    "policy:read",
    "policy:explain",
    "metrics:read",
];

async fn nothing_is_found(world: &World, arguments: &[&str]) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/schemathesis/bin/schemathesis");
    assert!(program.is_file(), "there is no schemathesis: run ./dev setup");
    let run = Command::new(program)
        .arg("--config-file")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis.toml"))
        .args([
            "run",
            "--checks",
            "all",
            "--max-examples",
            "25",
            "--workers",
            "2",
            "--no-color",
            "--seed",
            "1",
        ])
        .args(["--generation-database", "none", "--request-timeout", "20"])
        .args(arguments)
        .arg(world.url("/openapi.json"))
        .current_dir(world.dir.path())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(
        run.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_with_a_key() {
    // With a policy in force, for without one everything is refused.
    let world = World::speaking(None).await;
    let key = world.key("ci", &ALL).await;
    // With a worker, so that what is asked for comes to an end, and streams of it, too.
    let stop = CancellationToken::new();
    let worker = adjutant_workers::run(worker(), world.bus.clone(), world.policy.clone(), stop.clone());
    let worker = tokio::spawn(worker);
    nothing_is_found(&world, &["--header", &format!("Authorization: Bearer {key}")]).await;
    stop.cancel();
    worker.await.unwrap().unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_without_a_key() {
    let world = World::speaking(None).await;
    nothing_is_found(&world, &["--phases", "examples,coverage,fuzzing"]).await;
    world.stop().await;
}
