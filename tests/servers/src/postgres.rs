//! A real PostgreSQL: started in a folder of its own, on the loopback only, and gone with the process that started it.

mod binaries;
mod process;

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use self::{binaries::Binaries, process::Account};
use crate::watchdog::Watchdog;

const USER: &str = "adjutant";
/// What the watchdog does. The server's own lock file says which process to end, also after a restart.
const END: &str = r#"
pid=$(head -n 1 "$1/data/postmaster.pid")
if [ -n "$pid" ]; then
    kill -QUIT "$pid"
    kill -CONT "$pid"
    tries=0
    while kill -0 "$pid" && [ "$tries" -lt 200 ]; do tries=$((tries + 1)); sleep 0.05; done
    kill -KILL "$pid"
fi
"#;
/// How long a start or a stop may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);
/// Somebody else may take the free port before the server does.
const PORTS_TRIED: usize = 5;

/// A server. Dropped, it is stopped and its data removed; a process that ends without dropping it is survived by a watchdog, which does
/// the same.
pub struct Postgres {
    binaries: Binaries,
    account: Account,
    durable: bool,
    port: u16,
    databases: AtomicUsize,
    server: Option<Child>,
    // Dropped in this order, after the server was stopped.
    _watchdog: Watchdog,
    dir: TempDir,
}

impl Postgres {
    /// A server of the caller's own, which writes without waiting for the disk.
    pub fn start() -> Self {
        Self::new(false)
    }

    /// A server of the caller's own, which waits for the disk as one in production does.
    pub fn durable() -> Self {
        Self::new(true)
    }

    /// The server of this process: many tests, each with a [`database`](Self::database) of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn new(durable: bool) -> Self {
        let binaries = Binaries::find();
        let dir = tempfile::tempdir().expect("a folder for PostgreSQL");
        let account = Account::for_folder(dir.path());
        let watchdog = Watchdog::over(dir.path(), END);
        let mut initdb = account.command(&binaries.initdb(), dir.path());
        initdb.arg("-D").arg(dir.path().join("data")).args([
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        run(initdb.arg(format!("--username={USER}")));
        let databases = AtomicUsize::new(0);
        let (port, server) = (0, None);
        let mut postgres =
            Self { binaries, account, durable, port, databases, server, _watchdog: watchdog, dir };
        for _ in 0..PORTS_TRIED {
            postgres.port = free_port();
            if postgres.begin() {
                return postgres;
            }
        }
        panic!("PostgreSQL does not start: {}", postgres.log());
    }

    /// Where the server's own database is. No password: the server listens on the loopback only, and lives as long as a test.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// A new, empty database, whose name begins with this one. A name given again is another database.
    pub fn database(&self, name: &str) -> String {
        let name = format!("{name}_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut createdb = self.account.command(&self.binaries.createdb(), self.dir.path());
        createdb.args(["--host=127.0.0.1", "--no-password", &format!("--port={}", self.port)]);
        // Nobody is ever connected to template0, so that databases can be made side by side.
        run(createdb.args([&format!("--username={USER}"), "--template=template0", "--", &name]));
        self.url_of(&name)
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1, which stays the same when the server is started again.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The processes of the server, the postmaster first; none when it is stopped.
    pub fn processes(&self) -> Vec<u32> {
        let Some(server) = &self.server else { return Vec::new() };
        let mut all = vec![server.id()];
        all.extend(process::children(server.id()));
        all
    }

    /// Ends the connections and the server; the data stays.
    pub fn stop(&mut self) {
        self.end(Signal::SIGINT);
    }

    /// Ends the server as a crash does (it recovers when it is started again).
    pub fn crash(&mut self) {
        self.end(Signal::SIGQUIT);
    }

    /// Starts the server on its data and its port again, stopped before or not.
    pub fn restart(&mut self) {
        self.stop();
        assert!(self.begin(), "PostgreSQL does not start again: {}", self.log());
    }

    /// Lets every process of the server stand still: it accepts (the kernel does) and says nothing.
    pub fn pause(&mut self) {
        // The postmaster first, so that no process comes after the look.
        if let Some(server) = &self.server {
            process::signal(server.id(), Signal::SIGSTOP);
        }
        self.signal_all(Signal::SIGSTOP);
    }

    /// Lets them go on.
    pub fn resume(&mut self) {
        self.signal_all(Signal::SIGCONT);
    }

    fn signal_all(&self, signal: Signal) {
        for pid in self.processes() {
            process::signal(pid, signal);
        }
    }

    /// Whether it is ready; false: it has ended, as it does where the port is taken.
    fn begin(&mut self) -> bool {
        let log = std::fs::File::create(self.dir.path().join("log")).expect("a log for PostgreSQL");
        let on = if self.durable { "on" } else { "off" };
        let mut command = self.account.command(&self.binaries.postgres(), self.dir.path());
        command.arg("-D").arg(self.data()).arg("-p").arg(self.port.to_string());
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
            "shared_buffers=32MB",
            &format!("fsync={on}"),
            &format!("synchronous_commit={on}"),
            &format!("full_page_writes={on}"),
        ] {
            command.arg("-c").arg(setting);
        }
        let mut server = command.stderr(log).spawn().expect("PostgreSQL must start");
        let deadline = Instant::now() + PATIENCE;
        while !self.says_ready(server.id()) {
            if server.try_wait().expect("the server can be asked").is_some() {
                return false;
            }
            if Instant::now() > deadline {
                self.server = Some(server);
                panic!("PostgreSQL does not get ready: {}", self.log());
            }
            std::thread::sleep(POLL);
        }
        self.server = Some(server);
        true
    }

    /// The server writes how it is into the eighth line of its lock file; the first is whose file it is.
    fn says_ready(&self, pid: u32) -> bool {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines();
        lines.next() == Some(pid.to_string().as_str())
            && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    fn end(&mut self, signal: Signal) {
        self.resume();
        let Some(mut server) = self.server.take() else { return };
        process::signal(server.id(), signal);
        let deadline = Instant::now() + PATIENCE;
        while server.try_wait().expect("the server can be asked").is_none() {
            if Instant::now() > deadline {
                eprintln!("PostgreSQL does not end by itself; killing it");
                // It may have ended meanwhile.
                let _ = server.kill();
                server.wait().expect("a killed server ends");
                return;
            }
            std::thread::sleep(POLL);
        }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end(Signal::SIGQUIT);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

fn run(command: &mut Command) {
    let output = command.stderr(Stdio::piped()).output().expect("a program of PostgreSQL must start");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?} failed: {said}", command.get_program());
}
