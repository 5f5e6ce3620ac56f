//! A running installation is backed up as docs/backup.md says, lost, brought back and verified, with the commands of that page.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use adjutant_servers::Postgres;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::world::{SOON, World, server_binary};

/// The block of the page that contains this.
fn block(containing: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/backup.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .find(|block| block.contains(containing))
        .unwrap_or_else(|| panic!("no block with {containing}"))
        .to_owned()
}

/// Where the programs are that the page names: this one, and those of PostgreSQL.
fn path() -> std::ffi::OsString {
    let mut folders = vec![Path::new(env!("CARGO_BIN_EXE_adjutant")).parent().unwrap().to_owned()];
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/postgres/bin"));
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    folders.extend(installed.map(|version| version.unwrap().path().join("bin")));
    std::env::join_paths(folders).unwrap()
}

async fn output(command: &mut Command) -> (bool, String) {
    let output = tokio::time::timeout(SOON, command.stdin(Stdio::null()).output())
        .await
        .expect("it must end")
        .unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), text)
}

async fn shell(dir: &Path, script: &str, database: Option<&str>) -> String {
    let mut command = Command::new("sh");
    command.args(["-euc", script]).current_dir(dir).env("PATH", path());
    if let Some(database) = database {
        command.env("ADJUTANT_API__DATABASE", database);
    }
    let (good, text) = output(&mut command).await;
    assert!(good, "{script}{text}");
    text
}

/// An installation on one machine, in one folder.
struct Installation {
    dir: tempfile::TempDir,
}

impl Installation {
    fn adjutant(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adjutant"));
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null()).kill_on_drop(true);
        command
            .env("ADJUTANT_BUS__NATS_SERVER", server_binary().expect("a nats-server: run ./dev setup"))
            .env("ADJUTANT_POLICY__SOURCE", "bus")
            .env("ADJUTANT_DEMO__STEP_MILLISECONDS", "1");
        command
    }

    async fn said(&self, args: &[&str]) -> String {
        let (good, text) = output(&mut self.adjutant(args)).await;
        assert!(good, "{args:?}: {text}");
        text
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Everything in one process, and where its API is.
    async fn up(&self) -> (Child, String) {
        let mut up = self
            .adjutant(&["up"])
            .env("ADJUTANT_BUS__URL", "child:")
            .env("ADJUTANT_API__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.log()).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(up.stdout.take().unwrap()).lines();
        let mut base = String::new();
        loop {
            let line = tokio::time::timeout(SOON, lines.next_line()).await.expect("it must start").unwrap();
            let line = line.unwrap_or_else(|| panic!("{}", std::fs::read_to_string(self.log()).unwrap()));
            if let Some((_, rest)) = line.split_once("http://") {
                base = format!("http://{}", rest.split('/').next().unwrap());
            }
            if line.contains("told to stop") {
                return (up, base);
            }
        }
    }

    async fn down(&self, mut up: Child) {
        kill(Pid::from_raw(i32::try_from(up.id().unwrap()).unwrap()), Signal::SIGTERM).unwrap();
        assert!(tokio::time::timeout(SOON, up.wait()).await.expect("it must stop").unwrap().success());
    }

    async fn until(&self, args: &[&str], needle: &str) -> String {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let (_, text) = output(&mut self.adjutant(args)).await;
            if text.contains(needle) {
                return text;
            }
            assert!(tokio::time::Instant::now() < deadline, "{args:?} must say {needle}: {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn accepted(base: &str, key: &str) -> bool {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = client.get(format!("{base}/v1/keys/self")).bearer_auth(key).send().await.unwrap();
    asked.status().is_success()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_on_one_machine_is_lost_and_brought_back() {
    let it = Installation { dir: tempfile::tempdir().unwrap() };
    let (up, base) = it.up().await;
    it.said(&["policy", "publish", "--as-operator", "--reason", "the first"]).await;
    it.until(&["run", "--", "deploy", "promote", "web", "staging", "production"], "Promoted web").await;
    it.said(&["keys", "service-add", "ci"]).await;
    let made = it.said(&["keys", "issue", "ci", "--json"]).await;
    let made: Value = serde_json::from_str(&made).unwrap();
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(accepted(&base, &key).await);
    let whole = ["audit", "export", "--kind", "request.succeeded"];
    it.until(&whole, "promote").await;

    // While it runs, the database; then, stopped, everything.
    shell(it.dir.path(), &block("VACUUM INTO"), None).await;
    it.down(up).await;
    shell(it.dir.path(), &block("tar -czf"), None).await;
    let before = it.said(&["audit", "export"]).await;
    std::fs::remove_dir_all(it.dir.path().join(".adjutant")).unwrap();
    let told = shell(it.dir.path(), &block("tar -xzf"), None).await;
    assert!(told.contains("The record is whole"), "{told}");
    assert_eq!(it.said(&["audit", "export"]).await, before);

    let (up, base) = it.up().await;
    assert!(accepted(&base, &key).await, "keys are as they were");
    it.until(&["policy", "history"], "the first").await;
    it.until(&["run", "--", "history"], "deploy promote web").await;
    it.down(up).await;

    // The database as it was a while ago: the journal is copied from there on, and nothing is missing.
    for file in ["adjutant.db", "adjutant.db-wal", "adjutant.db-shm"] {
        let _ = std::fs::remove_file(it.dir.path().join(".adjutant").join(file));
    }
    std::fs::copy(it.dir.path().join("backup/adjutant.db"), it.dir.path().join(".adjutant/adjutant.db"))
        .unwrap();
    let (up, _) = it.up().await;
    let text = it.until(&["audit", "export", "--kind", "request.succeeded"], "history").await;
    assert_eq!(text.matches("promote").count(), it.said(&whole).await.matches("promote").count());
    assert!(it.said(&["audit", "verify"]).await.contains("The record is whole"));
    it.down(up).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_older_than_the_record_is_not_copied_until_a_new_one_begins() {
    let it = Installation { dir: tempfile::tempdir().unwrap() };
    let (up, _) = it.up().await;
    it.said(&["policy", "publish", "--as-operator", "--reason", "the first"]).await;
    it.until(&["run", "--", "ping", "early"], "pong early").await;
    it.down(up).await;
    shell(it.dir.path(), "mkdir backup && cp -a .adjutant/nats backup/nats", None).await;
    let (up, _) = it.up().await;
    it.until(&["run", "--", "ping", "late"], "pong late").await;
    it.until(&["audit", "export", "--kind", "request.succeeded"], "late").await;
    it.down(up).await;
    shell(it.dir.path(), "rm -r .adjutant/nats && cp -a backup/nats .adjutant/nats", None).await;

    let (up, _) = it.up().await;
    let deadline = tokio::time::Instant::now() + SOON;
    while !std::fs::read_to_string(it.log()).unwrap().contains("an older copy of the bus was restored") {
        assert!(tokio::time::Instant::now() < deadline, "{}", std::fs::read_to_string(it.log()).unwrap());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    it.down(up).await;
    shell(it.dir.path(), &block("streams/JOURNAL"), None).await;
    let (up, _) = it.up().await;
    it.until(&["run", "--", "ping", "afterwards"], "pong afterwards").await;
    it.until(&["audit", "export", "--kind", "request.succeeded"], "afterwards").await;
    let begun = it.said(&["audit", "export", "--kind", "journal.begun"]).await;
    assert_eq!(begun.lines().filter(|line| line.contains("journal.begun")).count(), 2, "{begun}");
    assert!(it.said(&["audit", "verify"]).await.contains("The record is whole"));
    it.down(up).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_on_postgresql_is_dumped_and_brought_back() {
    let databases =
        tokio::task::spawn_blocking(|| ["before", "after"].map(|name| Postgres::shared().database(name)));
    let [before, after] = databases.await.unwrap();
    let world = World::new(Duration::ZERO).await;
    let on = |database: &str, args: &[&str]| {
        let mut command = world.adjutant(args);
        command.env("ADJUTANT_API__DATABASE", database);
        command
    };
    let (good, text) = output(&mut on(&before, &["keys", "service-add", "ci"])).await;
    assert!(good, "{text}");
    let (_, issued) = output(&mut on(&before, &["keys", "issue", "ci", "--json"])).await;
    assert!(issued.contains("\"key\""), "{issued}");
    let (_, record) = output(&mut on(&before, &["audit", "export"])).await;
    assert!(record.contains("key.created"), "{record}");
    shell(world.path(), &block("pg_dump"), Some(&before)).await;
    let told = shell(world.path(), &block("pg_restore"), Some(&after)).await;
    assert!(told.contains("The record is whole"), "{told}");
    let (_, listed) = output(&mut on(&after, &["keys", "list", "--json"])).await;
    assert_eq!(listed, output(&mut on(&before, &["keys", "list", "--json"])).await.1);
    assert_eq!(output(&mut on(&after, &["audit", "export"])).await.1, record);
    world.stop().await;
}
