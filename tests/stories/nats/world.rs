//! The program as separate processes on servers of one's own, each the user that the shipped configuration has for its role.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use adjutant_bus::{
    open::{BusConfig, BusUrl, Role, Tls, open},
    ports::Bus,
};
use adjutant_servers::Nats;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::super::world::{LEASE, SOON, Worker, limits, server_binary, write_policy};

pub struct Installation {
    pub nats: Nats,
    dir: TempDir,
}

/// The server that the stories start.
pub fn binary() -> PathBuf {
    server_binary().unwrap_or_else(|| "nats-server".into())
}

impl Installation {
    /// Whoever may do what: everybody everything.
    pub fn on(nats: Nats) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_policy(&dir.path().join("policies"), "p, everyone, *, *, *, *, allow\n", "# none\n");
        Self { nats, dir }
    }

    /// On one server as shipped, with everything set up.
    pub async fn single() -> Self {
        let installation = Self::on(tokio::task::block_in_place(|| Nats::single(&binary())));
        installation.set_up().await;
        installation
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// On three servers as shipped, with three copies of everything.
    pub async fn cluster() -> Self {
        Self::on_cluster(tokio::task::block_in_place(|| Nats::cluster(&binary()))).await
    }

    /// On these three servers, with three copies of everything.
    pub async fn on_cluster(nats: Nats) -> Self {
        let installation = Self::on(nats);
        // A cluster that has just come up may still be choosing who leads.
        installation.until_success(|| installation.adjutant("admin", &["bus", "setup"])).await;
        installation
    }

    /// The bus in this process, as this user.
    pub async fn bus(&self, user: &str, role: Role) -> Bus {
        let config = BusConfig {
            url: BusUrl::Server(self.nats.url()),
            data_dir: self.path().to_owned(),
            nats_server: None,
            user: Some(user.to_owned()),
            password: Some(self.nats.password(user).to_owned().into()),
            credentials_file: None,
            nkey_file: None,
            tls: Tls::default(),
            replicas: self.nats.len(),
            limits: limits(),
            start_child: false,
        };
        open(&config).await.unwrap().role(role).await.unwrap()
    }

    pub async fn set_up(&self) {
        let made = self.adjutant("admin", &["bus", "setup"]).output().await.unwrap();
        assert!(made.status.success(), "{}", text(&made));
    }

    /// The program as this user, which it is by its role: nothing but the password is given.
    pub fn adjutant(&self, user: &str, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command.env("ADJUTANT_BUS__PASSWORD", self.nats.password(user));
        command
    }

    /// The program as nobody yet.
    pub fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adjutant"));
        command
            .args(args)
            .current_dir(self.path())
            .env("ADJUTANT_DATA_DIR", self.path().join("data"))
            .env("ADJUTANT_BUS__URL", self.nats.url())
            .env("ADJUTANT_BUS__REPLICAS", self.nats.len().to_string())
            .env("ADJUTANT_BUS__LEASE_SECONDS", LEASE.to_string())
            .env("ADJUTANT_POLICY__SOURCE", format!("dir:{}", self.path().join("policies").display()))
            .env("ADJUTANT_WORKER__GRACE_SECONDS", "10")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// A role as a process, with its log in a file.
    pub fn start(&self, user: &str, name: &str, args: &[&str]) -> Worker {
        self.launch(name, &mut self.adjutant(user, args))
    }

    pub fn launch(&self, name: &str, command: &mut Command) -> Worker {
        let log = std::fs::File::create(self.path().join(format!("{name}.log"))).unwrap();
        let out = std::fs::File::create(self.path().join(format!("{name}.out"))).unwrap();
        command.env("HOSTNAME", name).env("ADJUTANT_WORKER__NAME", name).stdout(out).stderr(log);
        Worker(command.spawn().unwrap())
    }

    /// Runs a command until it succeeds; what it says then.
    pub async fn until_success(&self, mut command: impl FnMut() -> Command) -> String {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let done = command().output().await.unwrap();
            if done.status.success() {
                return String::from_utf8(done.stdout).unwrap();
            }
            assert!(tokio::time::Instant::now() < deadline, "{}; {}", text(&done), self.logs());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What `adjutant bus status --json` tells, and whether it says that all is well.
    pub async fn status(&self) -> (Value, bool) {
        let told = self.adjutant("admin", &["bus", "status", "--json"]).output().await.unwrap();
        let json = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", text(&told)));
        (json, told.status.success())
    }

    pub fn logs(&self) -> String {
        let files = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = files.filter(|path| path.extension().is_some_and(|e| e == "log"));
        let last = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().rev().take(12).collect();
            format!("{}:\n{}", path.display(), lines.join("\n"))
        };
        logs.map(last).collect::<Vec<_>>().join("\n")
    }
}

pub fn text(output: &Output) -> String {
    format!(
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

impl Drop for Installation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "{}", self.logs());
        }
    }
}
