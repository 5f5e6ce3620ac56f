//! A `nats-server` that this process starts, watches over, and stops last. The tests start theirs by the same code.

mod config;
mod find;
mod supervise;

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

pub use self::{find::find_binary, supervise::Server};
use super::{connect::Login, permissions::inbox};
use crate::role::Role;

/// The file whose lock says that a server runs here.
const LOCK: &str = "nats.lock";
/// The file that tells other processes of the same user how to connect.
const CONNECTION: &str = "nats.json";

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No binary, or one that will not do.
    #[error("{0}")]
    Binary(String),
    /// Another process has a server here.
    #[error("{} is in use by process {holder}; stop that one, or choose another folder with --data-dir", .dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
        /// The process, as far as known.
        holder: String,
    },
    /// A file or a process does not work.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What happened.
        error: std::io::Error,
    },
    /// It does not come up.
    #[error("nats-server does not answer: {0}")]
    Silent(String),
}

pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> ServerError {
    let what = what.into();
    move |error| ServerError::Io { what, error }
}

/// How to connect to a running server.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Address, without credentials.
    pub url: String,
    passwords: Vec<(Role, SecretString)>,
}

impl Connection {
    /// The login of a role.
    #[must_use]
    pub fn login(&self, role: Role) -> Login {
        let password =
            self.passwords.iter().find(|(known, _)| *known == role).map(|(_, password)| password.clone());
        Login {
            user: Some(role.as_str().to_owned()),
            password,
            inbox: Some(inbox(role.as_str())),
            ..Login::default()
        }
    }
}

/// The connection as it stands in its file, readable by its owner alone.
#[derive(Serialize, Deserialize)]
struct Stored {
    url: String,
    passwords: Vec<(String, String)>,
}

fn store(dir: &Path, connection: &Connection) -> Result<(), ServerError> {
    let password = |(role, password): &(Role, SecretString)| {
        (role.as_str().to_owned(), password.expose_secret().to_owned())
    };
    let stored = Stored {
        url: connection.url.clone(),
        passwords: connection.passwords.iter().map(password).collect(),
    };
    let text = serde_json::to_vec(&stored).unwrap_or_default();
    write_private(&dir.join(CONNECTION), &text)
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, content: &[u8]) -> Result<(), ServerError> {
    let told = || format!("{} cannot be written", path.display());
    let opened = File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(content)).map_err(io(told()))
}

/// How to connect to the server that another process runs in this folder, if one does.
#[must_use]
pub fn discover(dir: &Path) -> Option<Connection> {
    let lock = File::options().write(true).open(dir.join(LOCK)).ok()?;
    if lock.try_lock().is_ok() {
        return None; // nobody holds it; the lock goes with the file handle
    }
    let stored: Stored = serde_json::from_slice(&fs::read(dir.join(CONNECTION)).ok()?).ok()?;
    let role = |name: &str| Role::ALL.into_iter().find(|role| role.as_str() == name);
    let passwords =
        stored.passwords.into_iter().filter_map(|(name, text)| Some((role(&name)?, text.into()))).collect();
    Some(Connection { url: stored.url, passwords })
}

/// Takes the folder for this process.
fn lock(dir: &Path) -> Result<File, ServerError> {
    fs::create_dir_all(dir).map_err(io(format!("{} cannot be created", dir.display())))?;
    let path = dir.join(LOCK);
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(io(format!("{} cannot be opened", path.display())))?;
    match file.try_lock() {
        Ok(()) => {
            let held = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
            held.map_err(io(format!("{} cannot be written", path.display())))?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&path).unwrap_or_default();
            Err(ServerError::InUse { dir: dir.to_owned(), holder: holder.trim().to_owned() })
        }
        Err(TryLockError::Error(error)) => Err(io(format!("{} cannot be locked", path.display()))(error)),
    }
}
