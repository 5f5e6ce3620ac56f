//! Services and their keys as they are kept: made, listed, changed, with an entry of the record in the same transaction. Used by
//! the routes and by the command line alike.

mod changes;
mod first;
mod keys;
mod listing;
pub(crate) mod peppers;
mod rotation;
mod services;
pub(crate) mod text;

use std::{fmt, sync::Arc};

pub use self::{
    changes::{KeyChange, State},
    keys::{KeyRow, NewKey},
    listing::KeyFilter,
    peppers::PeppersError,
    rotation::LONGEST_GRACE,
    services::{NewService, ServiceChange, ServiceRow},
};
use crate::{
    audit::{self, Entry, Head},
    key::Peppers,
    problem::{Code, Problem},
    relay,
    scope::{Right, Scopes},
    store::{Db, StoreError, Tx},
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
    /// Who asks does not hold this scope.
    #[error("this needs the scope `{0}`")]
    Beyond(String),
    /// It was changed meanwhile: its version is this one.
    #[error("it was changed meanwhile and has version {0} now")]
    Stale(i64),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyringError> for Problem {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Misfit(place, detail) => Self::invalid(format!("/{place}"), detail),
            KeyringError::Missing(what) => Self::not_found(what),
            KeyringError::Conflict(detail) => Self::new(Code::Conflict, detail),
            KeyringError::Beyond(scope) => {
                let detail = format!("Nobody grants or changes what they do not hold: `{scope}`.");
                Self::new(Code::InsufficientScope, detail).with("required_scope", scope)
            }
            KeyringError::Stale(version) => {
                Self::new(Code::PreconditionFailed, "Read it again, then decide.").with("version", version)
            }
            KeyringError::Store(error) => error.into(),
        }
    }
}

/// What is done at once, in this process, when a key has changed: its id and its version.
pub(crate) type Told = Arc<dyn Fn(&str, i64) + Send + Sync>;

/// The services and keys of a database.
#[derive(Clone)]
pub struct Keyring {
    db: Db,
    peppers: Peppers,
    pepper_id: i64,
    told: Option<Told>,
    /// What may be granted at most; none: everything.
    ceiling: Option<Scopes>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("ceiling", &self.ceiling).finish_non_exhaustive()
    }
}

/// A change under way, with the head of the record locked: changes of services and keys of all replicas go one after another, so
/// that what is read here stays true until the end.
struct Changing {
    tx: Tx,
    head: Head,
    changed: Vec<(String, i64)>,
}

impl Keyring {
    /// Over this database. The pepper in use is known again, or noted as the first or the next one.
    ///
    /// # Errors
    /// When the keys of the database were made with another pepper.
    pub async fn open(db: Db, peppers: Peppers) -> Result<Self, PeppersError> {
        let pepper_id = peppers::know(&db, &peppers).await?;
        Ok(Self { db, peppers, pepper_id, told: None, ceiling: None })
    }

    /// The same, which tells changes in this process at once.
    pub(crate) fn telling(self, told: Told) -> Self {
        Self { told: Some(told), ..self }
    }

    /// The same for somebody who holds these scopes: nobody grants, or changes, what they do not hold.
    #[must_use]
    pub fn within(&self, held: &Scopes) -> Self {
        Self { ceiling: Some(held.clone()), ..self.clone() }
    }

    /// The pepper in use, as the database knows it.
    pub(crate) const fn pepper_id(&self) -> i64 {
        self.pepper_id
    }

    fn covers(&self, scopes: &Scopes) -> Result<(), KeyringError> {
        let lacking = self.ceiling.as_ref().and_then(|held| held.lacking(scopes));
        lacking.map_or(Ok(()), |scope| Err(KeyringError::Beyond(scope.to_string())))
    }

    fn admin(&self) -> Result<(), KeyringError> {
        match &self.ceiling {
            Some(held) if !held.admit(Right::Admin, None) => {
                Err(KeyringError::Beyond(Right::Admin.to_string()))
            }
            _ => Ok(()),
        }
    }

    async fn change(&self) -> Result<Changing, StoreError> {
        let mut tx = self.db.begin().await?;
        let head = audit::lock(&mut tx).await?;
        Ok(Changing { tx, head, changed: Vec::new() })
    }

    /// Makes it last, and tells it.
    async fn finish(&self, changing: Changing) -> Result<(), StoreError> {
        changing.tx.commit().await?;
        if let Some(told) = &self.told {
            changing.changed.iter().for_each(|(key, version)| told(key, *version));
        }
        Ok(())
    }
}

impl Changing {
    async fn record(&mut self, entry: &Entry) -> Result<(), StoreError> {
        audit::append(&mut self.tx, &mut self.head, entry).await
    }

    /// A key has this version now: every replica shall know.
    async fn revised(&mut self, key: &str, version: i64) -> Result<(), StoreError> {
        relay::enqueue(&mut self.tx, relay::REVOCATION, key, &version.to_string()).await?;
        self.changed.push((key.to_owned(), version));
        Ok(())
    }
}
