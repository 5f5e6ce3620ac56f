//! Services and their keys as they are kept: made, listed, changed, with an entry of the record in the same transaction. Used by
//! the routes and by the command line alike.

mod keys;
mod services;

pub use self::{
    keys::{KeyRow, NewKey},
    services::{NewService, ServiceRow},
};
use crate::{
    audit::Entry,
    key::Peppers,
    store::{Db, StoreError},
};

/// Who changes something: for the record.
#[derive(Clone, Debug)]
pub struct By {
    /// `svc:<name>`, or `operator:<user>` for the command line.
    pub actor: String,
    /// By which key.
    pub key_id: Option<String>,
    /// From which address.
    pub ip: Option<String>,
}

impl By {
    /// The command line, as this user of the machine.
    #[must_use]
    pub fn operator(user: &str) -> Self {
        Self { actor: format!("operator:{user}"), key_id: None, ip: None }
    }

    pub(crate) fn entry(&self, kind: &str, target: impl Into<String>) -> Entry {
        Entry {
            key_id: self.key_id.clone(),
            ip: self.ip.clone(),
            ..Entry::now(kind, self.actor.clone(), target)
        }
    }
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Something given does not fit: where, and what would fit.
    #[error("{0}: {1}")]
    Misfit(&'static str, String),
    /// There is no such service or key.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// It stands against what is there.
    #[error("{0}")]
    Conflict(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The services and keys of a database.
#[derive(Clone, Debug)]
pub struct Keyring {
    db: Db,
    peppers: Peppers,
}

impl Keyring {
    /// Over this database, with the peppers under which digests are stored.
    #[must_use]
    pub const fn new(db: Db, peppers: Peppers) -> Self {
        Self { db, peppers }
    }
}
