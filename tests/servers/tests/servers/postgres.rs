//! PostgreSQL.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use adjutant_servers::Postgres;

use super::wire::ask;

/// How long a test waits for something that must come.
const SOON: Duration = Duration::from_secs(60);
/// Set for the process that `a_killed_process_leaves_no_server` starts and kills.
const HOLDER: &str = "ADJUTANT_TEST_HOLDS_A_SERVER";

fn value(url: &str, sql: &str) -> Option<String> {
    ask(url, sql).unwrap().unwrap()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn alive(pid: u32) -> bool {
    state(pid).is_some_and(|state| state != 'Z')
}

fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

#[test]
fn each_database_is_one_of_its_own() {
    let server = Postgres::shared();
    let (one, other) = (server.database("notes"), server.database("notes"));
    assert_ne!(one, other);
    value(&one, "CREATE TABLE here (n int)");
    assert_eq!(value(&one, "SELECT count(*) FROM here").as_deref(), Some("0"));
    assert!(ask(&other, "SELECT count(*) FROM here").unwrap().unwrap_err().contains("42P01"));
    let nowhere = server.url().replace("/postgres", "/nowhere");
    assert!(ask(&nowhere, "SELECT 1").unwrap().unwrap_err().contains("3D000"));
}

#[test]
fn databases_are_made_side_by_side() {
    let server = Postgres::shared();
    let made: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| server.database("side"))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for url in made {
        assert_eq!(value(&url, "SELECT 1").as_deref(), Some("1"));
    }
}

#[test]
fn only_a_durable_one_waits_for_the_disk() {
    assert_eq!(value(&Postgres::shared().url(), "SHOW fsync").as_deref(), Some("off"));
    let durable = Postgres::durable();
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(value(&durable.url(), &format!("SHOW {setting}")).as_deref(), Some("on"), "{setting}");
    }
}

#[test]
fn a_restart_keeps_the_address_and_the_data() {
    let mut server = Postgres::durable();
    let url = server.database("kept");
    value(&url, "CREATE TABLE kept AS SELECT 7 AS n");
    server.restart();
    assert_eq!(value(&url, "SELECT n FROM kept").as_deref(), Some("7"));
    server.crash();
    assert!(ask(&url, "SELECT 1").is_err());
    server.restart();
    assert_eq!(value(&url, "SELECT n FROM kept").as_deref(), Some("7"));
}

#[test]
fn a_stopped_server_leaves_no_process_and_a_dropped_one_no_folder() {
    let mut server = Postgres::start();
    let url = server.url();
    let folder = value(&url, "SHOW data_directory").unwrap();
    let processes = server.processes();
    assert!(processes.len() > 1, "{processes:?}");
    server.stop();
    eventually("every process must end", || processes.iter().all(|pid| !alive(*pid)));
    assert!(ask(&url, "SELECT 1").is_err());
    assert_eq!(server.processes(), []);
    drop(server);
    assert!(!Path::new(&folder).exists());
}

#[test]
fn a_paused_server_answers_when_it_is_resumed() {
    let mut server = Postgres::start();
    let url = server.url();
    server.pause();
    let processes = server.processes();
    eventually("every process must stand still", || processes.iter().all(|pid| state(*pid) == Some('T')));
    let (answered, answer) = mpsc::channel();
    std::thread::spawn(move || answered.send(value(&url, "SELECT 1")));
    server.resume();
    assert_eq!(answer.recv_timeout(SOON).unwrap().as_deref(), Some("1"));
    server.pause();
    let processes = server.processes();
    drop(server);
    eventually("a paused server ends too", || processes.iter().all(|pid| !alive(*pid)));
}

#[test]
fn a_killed_process_leaves_no_server() {
    if std::env::var_os(HOLDER).is_some() {
        let server = Postgres::shared();
        eprintln!("holds {} {:?}", value(&server.url(), "SHOW data_directory").unwrap(), server.processes());
        // Until it is killed; or its input ends, which is the end of the test that started it.
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
        return;
    }
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "servers::postgres::a_killed_process_leaves_no_server", "--nocapture"])
        .env(HOLDER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stderr.take().unwrap()).lines().map(Result::unwrap);
    let held = lines.find_map(|line| Some(line.strip_prefix("holds ")?.to_owned())).expect("it holds one");
    let (folder, pids) = held.split_once(" [").unwrap();
    let pids: Vec<u32> = pids.trim_end_matches(']').split(", ").map(|pid| pid.parse().unwrap()).collect();
    assert!(alive(pids[0]), "the postmaster runs");
    holder.kill().unwrap();
    holder.wait().unwrap();
    eventually("the server must end with its holder", || pids.iter().all(|pid| !alive(*pid)));
    let dir = Path::new(folder).parent().unwrap();
    eventually("the folder must go", || !dir.exists());
}
