//! The life of a supervised server: started, brought back when it falls, stopped last.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};
use tracing::{debug, error, info, warn};

use super::{super::connect, Connection, ServerError, config, io, lock, store, write_private};
use crate::{ports::BusError, role::Role};

/// How long a server may take until JetStream answers.
const READY: Duration = Duration::from_secs(20);
/// How often a server that comes up is asked.
const ASK: Duration = Duration::from_millis(10);
/// How long a server may take to stop.
const STOP: Duration = Duration::from_secs(10);
/// First pause before a server that fell is started again; doubles each time it falls at once.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What the supervisor is told.
enum Order {
    /// Stop the server for good.
    Stop(oneshot::Sender<()>),
    /// Kill the server as a crash would, and leave it down until `Raise`.
    Fell(oneshot::Sender<()>),
    /// Start it again.
    Raise(oneshot::Sender<()>),
}

/// A running server.
pub struct Server {
    connection: Connection,
    orders: mpsc::Sender<Order>,
    pid: watch::Receiver<Option<u32>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server whose files are in `dir`, provisioned and ready for use.
    ///
    /// # Errors
    /// What does not work, or who has the folder.
    pub async fn start(binary: &Path, dir: &Path) -> Result<Self, ServerError> {
        let held = lock(dir)?;
        let dir = fs::canonicalize(dir).map_err(io(format!("{} is not there", dir.display())))?;
        let home = dir.join("nats");
        fs::create_dir_all(&home).map_err(io(format!("{} cannot be created", home.display())))?;
        let passwords = config::passwords();
        let mut process = Process { binary: binary.to_owned(), home, port: 0, passwords };
        let child = process.start().await?;
        process.port = process.find_port(&child).await?;
        let url = format!("nats://127.0.0.1:{}", process.port);
        let connection = Connection { url, passwords: process.passwords.clone() };
        ready(&connection).await?;
        // A later start must come up on the same port, so that clients find it.
        process.write_config()?;
        store(&dir, &connection)?;
        let (orders, inbox) = mpsc::channel(4);
        let (report, pid) = watch::channel(child.id());
        let task = tokio::spawn(supervise(process, child, inbox, report, held));
        Ok(Self { connection, orders, pid, task })
    }

    /// How to connect.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        *self.pid.borrow()
    }

    /// Stops it in good order.
    pub async fn stop(self) {
        self.order(Order::Stop).await;
        let _ = self.task.await;
    }

    /// Kills it as a crash would, and leaves it down until [`Self::raise`].
    pub async fn fell(&self) {
        self.order(Order::Fell).await;
    }

    /// Starts it again after [`Self::fell`], on the same port with the same files.
    pub async fn raise(&self) {
        self.order(Order::Raise).await;
    }

    async fn order(&self, order: impl FnOnce(oneshot::Sender<()>) -> Order) {
        let (done, wait) = oneshot::channel();
        if self.orders.send(order(done)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

/// What is needed to start the server, again and again.
struct Process {
    binary: PathBuf,
    home: PathBuf,
    port: u16,
    passwords: Vec<(Role, secrecy::SecretString)>,
}

/// What a server writes about its ports.
#[derive(Deserialize)]
struct Ports {
    #[serde(default)]
    nats: Vec<String>,
}

impl Process {
    fn config_file(&self) -> PathBuf {
        self.home.join("nats.conf")
    }

    fn write_config(&self) -> Result<(), ServerError> {
        let text = config::text(&self.home, self.port, &self.passwords);
        write_private(&self.config_file(), text.expose_secret().as_bytes())
    }

    async fn start(&self) -> Result<Child, ServerError> {
        self.write_config()?;
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(self.config_file());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        // A Ctrl-C in a terminal goes to the whole process group; the server is to stop last, when told to.
        command.process_group(0);
        dies_with_us(&mut command);
        let mut child =
            command.spawn().map_err(io(format!("{} cannot be started", self.binary.display())))?;
        if let Some(lines) = child.stderr.take() {
            tokio::spawn(async move {
                let mut lines = BufReader::new(lines).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    debug!(target: "nats-server", "{line}");
                }
            });
        }
        Ok(child)
    }

    /// The port that the server chose, from the file that it writes.
    async fn find_port(&self, child: &Child) -> Result<u16, ServerError> {
        let name =
            self.binary.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let pid = child.id().ok_or_else(|| {
            ServerError::Silent("it ended at once; see its log with --log nats-server=debug".to_owned())
        })?;
        let file = self.home.join(format!("{name}_{pid}.ports"));
        let deadline = Instant::now() + READY;
        while Instant::now() < deadline {
            let ports = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Ports>(&bytes).ok());
            let port = ports.and_then(|ports| ports.nats.first()?.rsplit(':').next()?.parse().ok());
            if let Some(port) = port {
                return Ok(port);
            }
            if !alive(pid) {
                break;
            }
            tokio::time::sleep(ASK).await;
        }
        Err(ServerError::Silent(
            "it does not say its port; see its log with --log nats-server=debug".to_owned(),
        ))
    }
}

/// A server must not outlive a process that was killed: its port and its files would stay taken.
#[expect(
    unsafe_code,
    reason = "a child can be tied to its parent only between fork and exec; prctl is safe to call there"
)]
fn dies_with_us(command: &mut Command) {
    #[cfg(target_os = "linux")]
    // SAFETY: the closure makes one system call, allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?));
    }
}

fn alive(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None).is_ok())
}

/// Waits until JetStream answers.
async fn ready(connection: &Connection) -> Result<(), ServerError> {
    let deadline = Instant::now() + READY;
    let login = connection.login(Role::Admin);
    loop {
        let tried = async {
            let link = connect::connect(&connection.url, &login, "admin", Duration::from_secs(2)).await?;
            link.request("$JS.API.INFO".to_owned(), None, "".into()).await.map(|_| ())
        };
        let why = match tried.await {
            Ok(()) => return Ok(()),
            Err(BusError::Unavailable(why) | BusError::Refused(why)) => why,
            Err(error) => error.to_string(),
        };
        if Instant::now() > deadline {
            return Err(ServerError::Silent(why));
        }
        tokio::time::sleep(ASK).await;
    }
}

/// Brings the server back when it falls, until told to stop. Holds the folder's lock meanwhile.
async fn supervise(
    process: Process,
    mut child: Child,
    mut orders: mpsc::Receiver<Order>,
    report: watch::Sender<Option<u32>>,
    _held: File,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        report.send_replace(child.id());
        let order = tokio::select! {
            status = child.wait() => {
                error!(?status, "the nats-server of this process has ended; starting it again");
                None
            }
            order = orders.recv() => order,
        };
        match order {
            Some(Order::Stop(done)) => {
                stop(&mut child).await;
                let _ = done.send(());
                return;
            }
            Some(Order::Fell(done)) => {
                let _ = child.kill().await;
                report.send_replace(None);
                let _ = done.send(());
                if !wait_for_raise(&mut orders).await {
                    return;
                }
            }
            Some(Order::Raise(done)) => {
                let _ = done.send(());
                continue;
            }
            None if orders.is_closed() => return stop(&mut child).await,
            None => {
                pause = if started.elapsed() > LONGEST_PAUSE {
                    FIRST_PAUSE
                } else {
                    (pause * 2).min(LONGEST_PAUSE)
                };
                tokio::time::sleep(pause).await;
            }
        }
        child = match process.start().await {
            Ok(child) => {
                info!("the nats-server of this process is started again");
                child
            }
            Err(error) => return error!(%error, "the nats-server of this process cannot be started again"),
        };
    }
}

/// Waits while the server lies felled; says whether it is to rise again.
async fn wait_for_raise(orders: &mut mpsc::Receiver<Order>) -> bool {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Raise(done) => {
                let _ = done.send(());
                return true;
            }
            Order::Fell(done) => drop(done.send(())),
            Order::Stop(done) => {
                let _ = done.send(());
                return false;
            }
        }
    }
    false
}

async fn stop(child: &mut Child) {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
    }
    if tokio::time::timeout(STOP, child.wait()).await.is_err() {
        warn!("nats-server does not stop by itself; killing it");
        let _ = child.kill().await;
    }
}
