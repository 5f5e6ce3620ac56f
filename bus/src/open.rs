//! Where the bus comes from: `bus.url` is `auto`, `memory:`, `child:` or the address of a server.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use secrecy::SecretString;
use tokio::time::Instant;

use crate::{
    look::{Blind, Look},
    memory::Memory,
    nats::{
        self,
        connect::{Login, shown},
        permissions::inbox,
        server::{self, Server, ServerError},
        setup::Made,
        status::BusStatus,
    },
    ports::{Bus, BusError, Limits},
};

pub use crate::{nats::connect::Tls, role::Role};

/// What the plain line says when nothing is installed.
const IN_MEMORY: &str = "in memory: nothing survives a restart and no other process can join; install nats-server >= 2.11 for both";

/// How long another process may take to set up a server that it has just started.
const JOIN: Duration = Duration::from_secs(5);
/// How often it is looked at meanwhile.
const ASK: Duration = Duration::from_millis(100);

/// Where the bus is to come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BusUrl {
    /// A running child of this data directory, else a child if a usable `nats-server` is installed, else memory.
    #[default]
    Auto,
    /// In this process.
    Memory,
    /// A `nats-server` that this process starts and supervises.
    Child,
    /// A server that is there: `nats://…` or `tls://…`, several separated by commas.
    Server(String),
}

/// Text that is no bus address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no bus address: use auto, memory:, child:, nats://host:port or tls://host:port")]
pub struct BusUrlError(String);

impl FromStr for BusUrl {
    type Err = BusUrlError;
    fn from_str(text: &str) -> Result<Self, BusUrlError> {
        let server = |part: &str| {
            let rest = part.strip_prefix("nats://").or_else(|| part.strip_prefix("tls://"));
            rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
        };
        match text {
            "auto" => Ok(Self::Auto),
            "memory:" | "memory" => Ok(Self::Memory),
            "child:" | "child" => Ok(Self::Child),
            text if text.split(',').all(server) => Ok(Self::Server(text.to_owned())),
            _ => Err(BusUrlError(shown(text))),
        }
    }
}

impl fmt::Display for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Memory => f.write_str("memory:"),
            Self::Child => f.write_str("child:"),
            Self::Server(url) => f.write_str(&shown(url)),
        }
    }
}

/// How to come by the bus.
#[derive(Clone, Debug)]
pub struct BusConfig {
    /// Where it is to come from.
    pub url: BusUrl,
    /// Folder for a child's files.
    pub data_dir: PathBuf,
    /// The `nats-server` to start; none: the one on `PATH`.
    pub nats_server: Option<PathBuf>,
    /// User name at the server.
    pub user: Option<String>,
    /// Password at the server.
    pub password: Option<SecretString>,
    /// Credentials file (JWT and seed) for the server.
    pub credentials_file: Option<PathBuf>,
    /// File with the seed of the user's nkey.
    pub nkey_file: Option<PathBuf>,
    /// Files for TLS.
    pub tls: Tls,
    /// Copies that a cluster keeps of each stream: 1, 3 or 5.
    pub replicas: usize,
    /// Limits of time and size.
    pub limits: Limits,
    /// Whether `auto` may start a child; one-shot commands join a running one or use memory.
    pub start_child: bool,
}

/// Why there is no bus.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The server cannot be reached, or refuses.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The supervised server does not start.
    #[error(transparent)]
    Server(#[from] ServerError),
}

enum Source {
    Memory(Memory),
    Child(Server),
    Joined(server::Connection),
    Server(String, Box<BusConfig>),
}

/// A bus that is there.
pub struct Opened {
    source: Source,
    limits: Limits,
    replicas: usize,
}

/// Comes by the bus as configured.
///
/// # Errors
/// One line that says what is wrong and what to do.
pub async fn open(config: &BusConfig) -> Result<Opened, OpenError> {
    let source = match &config.url {
        BusUrl::Memory => memory(config),
        BusUrl::Server(url) => Source::Server(url.clone(), Box::new(config.clone())),
        BusUrl::Child => child(config).await?,
        BusUrl::Auto => match server::discover(&config.data_dir) {
            Some(connection) => Source::Joined(connection),
            None if config.start_child
                && server::find_binary(config.nats_server.as_deref()).await.is_ok() =>
            {
                child(config).await?
            }
            None => memory(config),
        },
    };
    let opened = Opened { source, limits: config.limits.clone(), replicas: config.replicas };
    if matches!(opened.source, Source::Child(_)) {
        let made = opened.set_up().await?;
        if let Some(differs) = made.iter().find(|made| !made.is_good()) {
            return Err(BusError::Refused(differs.to_string()).into());
        }
    }
    Ok(opened)
}

/// A bus as a check from outside finds it.
pub enum Found {
    /// Nothing but one process at a time can use it; why.
    Memory(String),
    /// No server runs in this data folder; what would be started, or why nothing could be.
    NotRunning(Result<PathBuf, String>),
    /// There is a server, or an address of one.
    Server(Opened),
}

/// Finds the bus as configured. Nothing is started, and no server is asked.
pub async fn find(config: &BusConfig) -> Found {
    let opened =
        |source| Found::Server(Opened { source, limits: config.limits.clone(), replicas: config.replicas });
    let running = || server::discover(&config.data_dir).map(Source::Joined).map(opened);
    let binary = || server::find_binary(config.nats_server.as_deref());
    match &config.url {
        BusUrl::Memory => Found::Memory("as bus.url says".to_owned()),
        BusUrl::Server(url) => opened(Source::Server(url.clone(), Box::new(config.clone()))),
        BusUrl::Child => match running() {
            Some(running) => running,
            None => Found::NotRunning(binary().await.map_err(|error| error.to_string())),
        },
        BusUrl::Auto => match (running(), binary().await) {
            (Some(running), _) => running,
            (None, Ok(binary)) => Found::NotRunning(Ok(binary)),
            (None, Err(error)) => Found::Memory(error.to_string()),
        },
    }
}

/// Whether an Adjutant runs a server in this data directory.
#[must_use]
pub fn is_running(data_dir: &std::path::Path) -> bool {
    server::discover(data_dir).is_some()
}

fn memory(config: &BusConfig) -> Source {
    Source::Memory(Memory::new(&config.limits))
}

async fn child(config: &BusConfig) -> Result<Source, OpenError> {
    let binary = server::find_binary(config.nats_server.as_deref()).await?;
    Ok(Source::Child(Server::start(&binary, &config.data_dir).await?))
}

/// How this role logs in at a server of one's own. Who gives a secret and no name is the user of the role's own name.
fn login(config: &BusConfig, url: &str, role: Role) -> Login {
    let by_secret = config.password.is_some() || config.nkey_file.is_some();
    let own = || (by_secret && !url.contains('@')).then(|| role.as_str().to_owned());
    let user = config.user.clone().or_else(own);
    Login {
        password: config.password.clone(),
        credentials_file: config.credentials_file.clone(),
        nkey_file: config.nkey_file.clone(),
        tls: config.tls.clone(),
        // The shipped rights let a user subscribe to inboxes of its own name only.
        inbox: user.as_deref().map(inbox),
        user,
    }
}

impl Opened {
    /// Where the server is and how this role logs in; the memory if there is no server.
    fn address(&self, role: Role) -> Result<(String, Login), &Memory> {
        match &self.source {
            Source::Memory(memory) => Err(memory),
            Source::Child(server) => Ok((server.connection().url.clone(), server.connection().login(role))),
            Source::Joined(connection) => Ok((connection.url.clone(), connection.login(role))),
            Source::Server(url, config) => Ok((url.clone(), login(config, url, role))),
        }
    }

    /// The bus as this role sees it. On a server: connects, checks its version, and that
    /// all is there that the role needs.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do.
    pub async fn role(&self, role: Role) -> Result<Bus, OpenError> {
        let (url, login) = match self.address(role) {
            Ok(address) => address,
            Err(memory) => return Ok(memory.role(role)),
        };
        let deadline = Instant::now() + JOIN;
        loop {
            match nats::bus(&url, &login, role, &self.limits).await {
                // Whoever has started the server is just setting it up.
                Err(BusError::Refused(_))
                    if matches!(self.source, Source::Joined(_)) && Instant::now() < deadline =>
                {
                    tokio::time::sleep(ASK).await;
                }
                done => return Ok(done?),
            }
        }
    }

    /// The bus as a role sees it, whatever is or is not there: nothing is checked or created.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn as_it_is(&self, role: Role) -> Result<Bus, OpenError> {
        let (url, login) = match self.address(role) {
            Ok(address) => address,
            Err(memory) => return Ok(memory.role(role)),
        };
        Ok(nats::as_it_is(&url, &login, role, &self.limits).await?)
    }

    /// Looks at everything that set-up would make, and changes nothing. There is nothing to look at in memory.
    ///
    /// # Errors
    /// Why the server does not let itself be looked at.
    pub async fn look(&self) -> Result<Look, Blind> {
        let nothing = |_: &Memory| Blind::Unreachable("there is no server".to_owned());
        let (url, login) = self.address(Role::Admin).map_err(nothing)?;
        nats::look::look(&url, &login, &self.limits, self.replicas).await
    }

    /// Makes streams, consumers and buckets as they should be: creates what is missing, changes what may be changed without
    /// losing anything, and leaves the rest. Nothing on a bus in memory.
    ///
    /// # Errors
    /// The server cannot be reached, or does not let this user look.
    pub async fn set_up(&self) -> Result<Vec<Made>, OpenError> {
        match self.address(Role::Admin) {
            Ok((url, login)) => Ok(nats::set_up(&url, &login, &self.limits, self.replicas).await?),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// How the bus stands, as an admin sees it; nothing of a bus in memory.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn status(&self) -> Result<BusStatus, OpenError> {
        match self.address(Role::Admin) {
            Ok((url, login)) => Ok(nats::status::look(&url, &login, &self.limits, self.replicas).await?),
            Err(_) => Ok(BusStatus::default()),
        }
    }

    /// The supervised server, if this process has one.
    #[must_use]
    pub const fn server(&self) -> Option<&Server> {
        match &self.source {
            Source::Child(server) => Some(server),
            Source::Memory(_) | Source::Joined(_) | Source::Server(..) => None,
        }
    }

    /// The newest dead letters, oldest first: each message whole, and why it is there.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn dead_letters(&self, most: u64) -> Result<Vec<(bytes::Bytes, String)>, OpenError> {
        let (url, login) = match self.address(Role::Admin) {
            Ok(address) => address,
            Err(memory) => {
                return Ok(memory
                    .dead_letters()
                    .into_iter()
                    .map(|dead| (dead.payload, dead.reason))
                    .collect());
            }
        };
        Ok(nats::dead_letters(&url, &login, &self.limits, most).await?)
    }

    /// Whether nothing but this process can use it.
    #[must_use]
    pub const fn is_memory(&self) -> bool {
        matches!(self.source, Source::Memory(_))
    }

    /// One plain line: where the bus is.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.source {
            Source::Memory(_) => IN_MEMORY.to_owned(),
            Source::Child(server) => {
                format!("nats-server of this process at {}", shown(&server.connection().url))
            }
            Source::Joined(connection) => {
                format!("nats-server of a running Adjutant at {}", shown(&connection.url))
            }
            Source::Server(url, _) => shown(url),
        }
    }

    /// Stops a supervised server; all else is left as it is.
    pub async fn stop(self) {
        if let Source::Child(server) = self.source {
            server.stop().await;
        }
    }
}
