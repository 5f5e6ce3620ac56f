//! The previous version and this one side by side on one bus and one database, as during a rolling upgrade.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use adjutant_bus::{event::Outcome, id::RequestId};
use adjutant_servers::Postgres;
use nix::sys::signal::{Signal, kill};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::world::{SOON, World, assert_whole};

/// Commands in flight at once.
const LOAD: usize = 100;
/// How long each takes.
const TAKES: Duration = Duration::from_millis(150);

fn this() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_adjutant"))
}

/// The program of the previous version, which `./dev previous` builds; without it nothing can be said about upgrades.
fn previous() -> PathBuf {
    let target = this().ancestors().nth(2).unwrap();
    let program = target.join("previous/adjutant");
    assert!(
        program.is_file(),
        "the previous version is not at {}: `./dev previous` builds it, and needs git history with a version before this one",
        program.display()
    );
    program
}

async fn said(mut command: Command) -> String {
    let output = tokio::time::timeout(SOON, command.stderr(Stdio::piped()).output())
        .await
        .expect("it must end")
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.trim().to_owned()
}

/// Both share the load; one of them is killed, the other is stopped and started again.
async fn both_share_the_load(killed: &Path, stopped: &Path) {
    let world = World::new(TAKES).await;
    let (victim, leaver) = (world.worker_of(killed, "victim"), world.worker_of(stopped, "leaver"));
    // Both are there before there is anything to do: each has its log.
    for name in ["victim", "leaver"] {
        let log = world.path().join(format!("{name}.log"));
        world.eventually(async || (std::fs::metadata(&log).unwrap().len() > 0).then_some(())).await;
    }
    let submit = |n: usize| {
        let world = &world;
        async move { world.submit(&format!("upgrade{n}"), "deploy mutating").await }
    };
    let requests: Vec<RequestId> = futures::future::join_all((0..LOAD).map(submit)).await;
    world.eventually(async || (world.called() >= LOAD / 4).then_some(())).await;
    victim.signal(Signal::SIGKILL);
    let second = world.worker_of(killed, "second");
    world.eventually(async || (world.called() >= LOAD / 2).then_some(())).await;
    leaver.stop().await;
    let third = world.worker_of(stopped, "third");
    let ends = world.ended(&requests).await;
    assert_whole(&world.journals().await, &requests, &world.calls);
    let calls = world.calls.lock().clone();
    for id in &requests {
        let times = calls.get(id).map_or(0, Vec::len);
        match ends[id] {
            Outcome::Succeeded => assert_eq!(times, 1, "{id}"),
            // What the killed one had under way.
            Outcome::Interrupted => assert!(times <= 1, "{id} was run {times} times"),
            other => panic!("{id}: {other:?}"),
        }
    }
    let interrupted = ends.values().filter(|end| **end == Outcome::Interrupted).count();
    assert!(interrupted <= 16, "no more than the slots of the one that was killed: {interrupted}");
    second.stop().await;
    third.stop().await;
    drop(victim);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_worker_is_killed_beside_this_one_and_nothing_is_lost_or_doubled() {
    both_share_the_load(&previous(), this()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn this_worker_is_killed_beside_the_previous_one_and_nothing_is_lost_or_doubled() {
    both_share_the_load(this(), &previous()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn either_version_asks_and_reads_what_the_other_has_run() {
    let previous = previous();
    let world = World::new(Duration::ZERO).await;
    for (asks, works) in [(previous.as_path(), this()), (this(), previous.as_path())] {
        let worker = world.worker_of(works, "worker");
        let json =
            said(world.program(asks, &["run", "--json", "--", "deploy", "say", "across-versions"])).await;
        let ran: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(ran["outcome"], "succeeded", "{json}");
        let run = ran["run"].as_str().unwrap_or_else(|| panic!("{json}"));
        worker.stop().await;
        // The other version works now, and tells what this one wrote down.
        let worker = world.worker_of(asks, "reader");
        for reader in [asks, works] {
            let status = said(world.program(reader, &["run", "--", "status", run])).await;
            assert!(status.contains("deploy say across-versions"), "{status}");
            let history = said(world.program(reader, &["run", "--", "history"])).await;
            assert!(history.contains("deploy say across-versions"), "{history}");
        }
        worker.stop().await;
    }
    world.stop().await;
}

/// A replica of the API.
struct Api(Child);

impl Api {
    async fn start(world: &World, program: &Path, database: &str, name: &str) -> Self {
        let log = std::fs::File::create(world.path().join(format!("{name}.log"))).unwrap();
        let mut command = on(world, program, database, &["api"]);
        let mut process = command.env("ADJUTANT_API__LISTEN", "127.0.0.1:0").stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = tokio::time::timeout(SOON, lines.next_line()).await.expect("it must start").unwrap();
        assert!(said.is_some_and(|line| line.contains("http")), "{name} must start: see its log");
        Self(process)
    }

    async fn stop(mut self) {
        let pid = i32::try_from(self.0.id().unwrap()).unwrap();
        kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM).unwrap();
        assert!(tokio::time::timeout(SOON, self.0.wait()).await.expect("it must stop").unwrap().success());
    }
}

fn on(world: &World, program: &Path, database: &str, args: &[&str]) -> Command {
    let mut command = world.program(program, args);
    command.env("ADJUTANT_API__DATABASE", database);
    command
}

/// The record is kept by the previous version, by both in turn, and by this one; both read it and find it whole.
async fn a_record_goes_over(database: &str) {
    let previous = previous();
    let world = World::new(Duration::ZERO).await;
    let worker = world.worker("worker");
    let api = Api::start(&world, &previous, database, "api-before").await;
    let before = world.submit("before", "deploy mutating").await;
    recorded(&world, this(), database, before).await;
    // This one brings the tables up to date while the previous one runs.
    let next = Api::start(&world, this(), database, "api-after").await;
    let between = world.submit("between", "deploy mutating").await;
    recorded(&world, this(), database, between).await;
    api.stop().await;
    let after = world.submit("after", "deploy mutating").await;
    recorded(&world, this(), database, after).await;
    assert!(said(on(&world, this(), database, &["audit", "verify"])).await.contains("The record is whole"));
    // Back again: the previous version serves, or says that the tables are newer than it is.
    let back = on(&world, &previous, database, &["audit", "verify"]).output().await.unwrap();
    if back.status.success() {
        let again = Api::start(&world, &previous, database, "api-back").await;
        next.stop().await;
        let back = world.submit("back", "deploy mutating").await;
        recorded(&world, &previous, database, back).await;
        assert!(
            said(on(&world, this(), database, &["audit", "verify"])).await.contains("The record is whole")
        );
        again.stop().await;
    } else {
        let told = String::from_utf8_lossy(&back.stderr).into_owned();
        assert!(told.contains("was previously applied but is missing"), "{told}");
        next.stop().await;
    }
    worker.stop().await;
    world.stop().await;
}

/// Waits until the record has the end of this request, once.
async fn recorded(world: &World, reader: &Path, database: &str, id: RequestId) {
    let ended = world.eventually(async || {
        let output = on(world, reader, database, &["audit", "export", "--kind", "request.succeeded"])
            .output()
            .await
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let found = text.lines().filter(|line| line.contains(&id.to_string())).count();
        (found > 0).then_some(found)
    });
    assert_eq!(ended.await, 1, "{id}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_in_postgresql_goes_from_one_version_to_the_next_and_back() {
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database("upgrade")).await.unwrap();
    a_record_goes_over(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_record_in_a_file_are_read_by_the_next_version() {
    let (previous, dir) = (previous(), tempfile::tempdir().unwrap());
    let run = async |program: &Path, args: &[&str]| {
        let mut command = Command::new(program);
        command
            .arg("--data-dir")
            .arg(dir.path())
            .args(args)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        said(command).await
    };
    run(&previous, &["keys", "service-add", "ci"]).await;
    let made: Value =
        serde_json::from_str(&run(&previous, &["keys", "issue", "ci", "--json"]).await).unwrap();
    let id = made["id"].as_str().unwrap();
    let listed: Value = serde_json::from_str(&run(this(), &["keys", "show", id, "--json"]).await).unwrap();
    assert!(listed.to_string().contains("active"), "{listed}");
    run(this(), &["keys", "revoke", id]).await;
    assert!(run(this(), &["audit", "verify"]).await.contains("The record is whole"));
}
