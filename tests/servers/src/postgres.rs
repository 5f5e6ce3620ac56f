//! A PostgreSQL of the tests' own: a folder, a port, no durability. It ends with the process that started it, whatever becomes of
//! that.

use std::{
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sys::{
        prctl,
        signal::{Signal, kill},
    },
    unistd::{Gid, Pid, Uid, chown, geteuid},
};
use tempfile::TempDir;

/// Whom PostgreSQL runs as when the tests run as root, which it refuses.
const NOBODY: u32 = 65534;
const START: Duration = Duration::from_secs(60);
/// Settings of a server whose content nobody needs tomorrow.
const SETTINGS: [&str; 6] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "log_min_messages=fatal",
    "listen_addresses=127.0.0.1",
];

/// A server.
pub struct Postgres {
    dir: TempDir,
    port: u16,
    process: Child,
    databases: AtomicUsize,
}

/// Starts processes from this thread only: the signal at a parent's death goes by the thread that forked.
fn starter() -> &'static std::sync::mpsc::Sender<Box<dyn FnOnce() + Send>> {
    static STARTER: OnceLock<std::sync::mpsc::Sender<Box<dyn FnOnce() + Send>>> = OnceLock::new();
    STARTER.get_or_init(|| {
        let (send, jobs) = std::sync::mpsc::channel::<Box<dyn FnOnce() + Send>>();
        std::thread::spawn(move || jobs.into_iter().for_each(|job| job()));
        send
    })
}

impl Postgres {
    /// One server for all tests of this process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of one's own.
    pub fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("adjutant-postgres").tempdir().unwrap();
        if geteuid().is_root() {
            chown(dir.path(), Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY))).unwrap();
        }
        let data = dir.path().join("data");
        let mut initdb = program("initdb");
        initdb.args([
            "--username=adjutant",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--no-locale",
            "-D",
        ]);
        let made = initdb.arg(&data).stdout(Stdio::null()).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = launch(dir.path(), port);
        let server = Self { dir, port, process, databases: AtomicUsize::new(0) };
        server.await_answer();
        server
    }

    /// The address of a new database.
    pub fn database(&self) -> String {
        let name = format!("db{}", self.databases.fetch_add(1, Ordering::SeqCst));
        let made = program("psql")
            .args(["--host=127.0.0.1", "--username=adjutant", "--dbname=postgres", "--no-psqlrc", "--quiet"])
            .arg(format!("--port={}", self.port))
            .arg(format!("--command=CREATE DATABASE {name}"))
            .output()
            .unwrap();
        assert!(made.status.success(), "psql: {}", String::from_utf8_lossy(&made.stderr));
        self.address(&name)
    }

    /// The address of a database.
    pub fn address(&self, name: &str) -> String {
        format!("postgres://adjutant@127.0.0.1:{}/{name}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it at once, as a crash would.
    pub fn crash(&mut self) {
        self.signal(Signal::SIGQUIT);
        self.process.wait().unwrap();
    }

    /// Starts it again on the same port, with what it has.
    pub fn start_again(&mut self) {
        self.process = launch(self.dir.path(), self.port);
        self.await_answer();
    }

    fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(i32::try_from(self.process.id()).unwrap()), signal);
    }

    fn await_answer(&self) {
        let begun = Instant::now();
        loop {
            let asked = program("psql")
                .args([
                    "--host=127.0.0.1",
                    "--username=adjutant",
                    "--dbname=postgres",
                    "--no-psqlrc",
                    "--command=SELECT 1",
                ])
                .arg(format!("--port={}", self.port))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() && asked.unwrap().success() {
                return;
            }
            assert!(begun.elapsed() < START, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.signal(Signal::SIGQUIT);
        let _ = self.process.wait();
    }
}

fn launch(dir: &Path, port: u16) -> Child {
    let mut postgres = program("postgres");
    postgres.arg("-D").arg(dir.join("data")).arg("-p").arg(port.to_string()).arg("-k").arg(dir);
    for setting in SETTINGS {
        postgres.args(["-c", setting]);
    }
    postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (send, started) = std::sync::mpsc::channel();
    let job = move || {
        // Without this a test that is killed leaves its server behind.
        #[allow(unsafe_code, reason = "the call is safe between fork and exec: it is one system call")]
        unsafe {
            postgres.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGQUIT)?));
        }
        send.send(postgres.spawn()).unwrap();
    };
    starter().send(Box::new(job)).unwrap();
    started.recv().unwrap().unwrap()
}

/// One of PostgreSQL's programs, as somebody whom it accepts.
fn program(name: &str) -> Command {
    let mut command = Command::new(find(name));
    command.current_dir("/");
    if geteuid().is_root() {
        command.gid(NOBODY).uid(NOBODY);
    }
    command
}

fn find(name: &str) -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = std::env::split_paths(&on_path).chain(versions.map(|version| version.path().join("bin")));
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("there is no `{name}` of PostgreSQL: run ./dev setup"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_gives_databases_and_comes_back_after_a_crash() {
        let mut server = Postgres::start();
        assert_ne!(server.database(), server.database());
        server.crash();
        assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
        server.start_again();
        server.database();
    }
}
