//! A NATS server, or a cluster of three, with the configuration that ships and a user for each role: as in production, on the
//! loopback only, and gone with the process that started it.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::watchdog::Watchdog;

/// What the watchdog does to servers whose test process has gone.
const END: &str = r#"
for file in "$1"/*.pid; do kill -KILL "$(cat "$file")"; done
"#;
/// How long a start or a stop may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// Servers of a cluster.
const THREE: usize = 3;

/// What a test changes about the files that ship before a server reads them.
type Edit = Box<dyn Fn(&Path)>;

/// A server, or a cluster. Dropped, it is killed and its data removed.
pub struct Nats {
    nodes: Vec<Node>,
    passwords: BTreeMap<String, String>,
    config: &'static str,
    scheme: &'static str,
    binary: PathBuf,
    _watchdog: Watchdog,
    dir: TempDir,
}

struct Node {
    name: String,
    client: u16,
    monitor: u16,
    route: u16,
    process: Option<Child>,
}

impl Node {
    fn new(n: usize) -> Self {
        let name = format!("nats-{n}");
        Self { name, client: free_port(), monitor: free_port(), route: free_port(), process: None }
    }
}

impl Nats {
    /// One server with `deploy/nats/single.conf`, of which only the folder for the data is another one.
    pub fn single(binary: &Path) -> Self {
        Self::start_with(binary, "single.conf", "nats", 1, None)
    }

    /// One server with `deploy/nats/single.conf`, whose files (a copy in the folder that is given) are changed before it starts.
    pub fn edited(binary: &Path, scheme: &'static str, edit: Edit) -> Self {
        Self::start_with(binary, "single.conf", scheme, 1, Some(edit))
    }

    /// Three servers with `deploy/nats/cluster.conf`.
    pub fn cluster(binary: &Path) -> Self {
        Self::start_with(binary, "cluster.conf", "nats", THREE, None)
    }

    /// Three servers with `deploy/nats/cluster.conf`, whose files (a copy in the folder that is given) are changed before they start.
    pub fn edited_cluster(binary: &Path, edit: Edit) -> Self {
        Self::start_with(binary, "cluster.conf", "nats", THREE, Some(edit))
    }

    fn start_with(
        binary: &Path,
        config: &'static str,
        scheme: &'static str,
        nodes: usize,
        edit: Option<Edit>,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a folder for NATS");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/nats");
        for file in std::fs::read_dir(&shipped).expect("deploy/nats is there") {
            let file = file.expect("it can be listed").path();
            std::fs::copy(&file, dir.path().join(file.file_name().expect("a name")))
                .expect("it can be copied");
        }
        if let Some(edit) = edit {
            edit(dir.path());
        }
        let users = std::fs::read_to_string(dir.path().join("permissions.conf")).expect("permissions.conf");
        let mut passwords: BTreeMap<String, String> = variables(&users)
            .map(|variable| (variable.to_owned(), format!("pass-{}", variable.to_lowercase())))
            .collect();
        passwords.insert("NATS_ROUTE_PASSWORD".to_owned(), "pass-route".to_owned());
        let nodes = (0..nodes).map(Node::new).collect();
        let watchdog = Watchdog::over(dir.path(), END);
        let binary = binary.to_owned();
        let mut nats = Self { nodes, passwords, config, scheme, binary, _watchdog: watchdog, dir };
        for n in 0..nats.nodes.len() {
            nats.start(n);
        }
        nats.settled();
        nats
    }

    /// Where all of its servers are.
    pub fn url(&self) -> String {
        let each = |node: &Node| format!("{}://127.0.0.1:{}", self.scheme, node.client);
        self.nodes.iter().map(each).collect::<Vec<_>>().join(",")
    }

    /// Where the first of them is.
    pub fn port(&self) -> u16 {
        self.nodes[0].client
    }

    /// The port of the server with this number, for clients.
    pub fn port_of(&self, n: usize) -> u16 {
        self.nodes[n].client
    }

    /// Where its files are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The password of a user.
    pub fn password(&self, user: &str) -> &str {
        let variable = format!("NATS_{}_PASSWORD", user.to_ascii_uppercase().replace('-', "_"));
        self.passwords.get(&variable).unwrap_or_else(|| panic!("there is no user {user}"))
    }

    /// Which server has this name.
    pub fn named(&self, name: &str) -> usize {
        self.nodes.iter().position(|node| node.name == name).expect("a server of this name")
    }

    /// How many servers there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none, which is never so.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Starts one, with what it has on disk.
    pub fn start(&mut self, n: usize) {
        let routes: Vec<String> = self
            .nodes
            .iter()
            .map(|node| {
                format!(
                    "nats-route://route:{}@127.0.0.1:{}",
                    self.passwords["NATS_ROUTE_PASSWORD"], node.route
                )
            })
            .collect();
        let route_password = self.passwords["NATS_ROUTE_PASSWORD"].clone();
        let node = &mut self.nodes[n];
        let dir = self.dir.path();
        let config = dir.join(format!("{}.conf", node.name));
        if !config.exists() {
            std::fs::write(&config, own_config(dir, self.config, &node.name)).expect("it can be written");
        }
        let log =
            std::fs::File::options().create(true).append(true).open(dir.join(format!("{}.log", node.name)));
        let mut command = Command::new(&self.binary);
        command
            .arg("--config")
            .arg(&config)
            .args(["--addr", "127.0.0.1", "--port", &node.client.to_string()])
            .args(["--http_port", &node.monitor.to_string()])
            .arg("--pid")
            .arg(dir.join(format!("{}.pid", node.name)))
            .envs(&self.passwords)
            .env("NATS_SERVER_NAME", &node.name)
            .env("NATS_ROUTES", format!("[{}]", routes.join(", ")))
            .current_dir(dir)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log file"));
        if self.config == "cluster.conf" {
            command
                .arg("--cluster_listen")
                .arg(format!("nats://route:{route_password}@127.0.0.1:{}", node.route));
        }
        node.process = Some(command.spawn().expect("nats-server must start"));
    }

    /// Starts one more, which knows where the others are, with a configuration of its own: what the others have, changed.
    pub fn newcomer(&mut self, change: impl Fn(String) -> String) -> usize {
        let n = self.nodes.len();
        self.nodes.push(Node::new(n));
        self.change(n, change);
        self.start(n);
        n
    }

    /// Writes the configuration of a server anew: what ships, changed. It reads it when it starts or reloads.
    pub fn change(&self, n: usize, change: impl Fn(String) -> String) {
        let (dir, name) = (self.dir.path(), &self.nodes[n].name);
        let own = change(own_config(dir, self.config, name));
        std::fs::write(dir.join(format!("{name}.conf")), own).expect("it can be written");
    }

    /// Tells one something as operators do: `nats-server --signal reload`, `ldm`.
    pub fn order(&self, n: usize, word: &str) {
        let pid = self.dir.path().join(format!("{}.pid", self.nodes[n].name));
        let order = format!("{word}={}", pid.display());
        let done = Command::new(&self.binary).args(["--signal", &order]).output().expect("nats-server");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Whether one has ended by itself.
    pub fn has_ended(&mut self, n: usize) -> bool {
        let process = self.nodes[n].process.as_mut().expect("it was started");
        process.try_wait().expect("it can be asked").is_some()
    }

    /// What one answers at a path of its monitoring.
    pub fn monitored(&self, n: usize, path: &str) -> String {
        let answer = ask(self.nodes[n].monitor, path).expect("it answers");
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    /// Kills one as a crash would.
    pub fn kill(&mut self, n: usize) {
        self.end(n, Signal::SIGKILL);
    }

    /// Stops one in good order.
    pub fn stop(&mut self, n: usize) {
        self.end(n, Signal::SIGTERM);
    }

    fn end(&mut self, n: usize, signal: Signal) {
        let node = &mut self.nodes[n];
        let Some(mut process) = node.process.take() else { return };
        let _ = kill(Pid::from_raw(process.id().try_into().expect("a process id")), signal);
        process.wait().expect("it can be waited for");
        let _ = std::fs::remove_file(self.dir.path().join(format!("{}.pid", node.name)));
    }

    /// Waits until every server is well, and has all that it should have.
    pub fn settled(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        for n in 0..self.nodes.len() {
            loop {
                let node = &mut self.nodes[n];
                let asked = node.process.as_mut().map(|process| process.try_wait().expect("it can be asked"));
                let runs = asked == Some(None);
                if runs && is_well(node.monitor) {
                    break;
                }
                assert!(runs && Instant::now() < deadline, "server {n} is not well: {}", self.log(n));
                std::thread::sleep(POLL);
            }
        }
    }

    /// What one of them has written last.
    pub fn log(&self, n: usize) -> String {
        let path = self.dir.path().join(format!("{}.log", self.nodes[n].name));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        for n in 0..self.nodes.len() {
            self.kill(n);
        }
    }
}

/// The variables that a configuration names.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('$')
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            &rest[..end]
        })
        .filter(|name| name.starts_with("NATS_"))
}

/// Whether a server says that it is well, JetStream included.
fn is_well(port: u16) -> bool {
    ask(port, "/healthz").is_ok_and(|answer| answer.lines().next().is_some_and(|line| line.contains(" 200 ")))
}

/// What is answered at a path, with its head.
fn ask(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A configuration that ships, with a folder for the data of this server.
fn own_config(dir: &Path, shipped: &str, name: &str) -> String {
    let shipped = std::fs::read_to_string(dir.join(shipped)).expect("the configuration");
    let data = "store_dir: \"/data\"";
    assert!(shipped.contains(data), "{shipped}");
    shipped.replace(data, &format!("store_dir: {:?}", dir.join(name)))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}
