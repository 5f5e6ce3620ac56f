//! The peppers that a database's keys were made with, known again by eight bytes. A wrong pepper is found at the start, not by
//! every key failing.

use jiff::Timestamp;

use super::Keyring;
use crate::{
    audit,
    key::Peppers,
    store::{Db, StoreError, executing, fetching, reading},
};

pub(crate) const KNOWN: &str = "SELECT pepper_id, check_value FROM peppers ORDER BY pepper_id";
pub(crate) const INSERT: &str =
    "INSERT INTO peppers (pepper_id, check_value, created_at) VALUES ($1, $2, $3)";
pub(crate) const ON_OTHERS: &str = "SELECT (SELECT COUNT(*) FROM api_keys WHERE pepper_id <> $1 AND state <> 'revoked') \
     + (SELECT COUNT(*) FROM hook_secrets WHERE pepper_id <> $1)";

/// Why a database cannot be used with a pepper.
#[derive(Debug, thiserror::Error)]
pub enum PeppersError {
    /// It is not the one.
    #[error(
        "the pepper is not the one that this database's keys were made with: put it back (api.pepper, or the file `pepper` in \
         the data folder), or give it as api.previous_pepper to replace it"
    )]
    Wrong,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The number of the pepper in use. Noted if the database knows none yet, or if the one before is the one it knows.
pub(super) async fn know(db: &Db, peppers: &Peppers) -> Result<i64, PeppersError> {
    let mut tx = db.begin().await?;
    // Replicas that start at once go one after another.
    audit::lock(&mut tx).await?;
    let known: Vec<(i64, Vec<u8>)> = fetching!(&mut tx, at => sqlx::query_as(KNOWN).fetch_all(at))?;
    let of = |value: &[u8]| known.iter().find(|(_, check)| check == value).map(|(id, _)| *id);
    if let Some(id) = of(&peppers.check_value()) {
        return Ok(id);
    }
    let previous = peppers.previous_check_value();
    if !known.is_empty() && previous.and_then(|value| of(&value)).is_none() {
        return Err(PeppersError::Wrong);
    }
    let id = known.last().map_or(1, |(id, _)| id + 1);
    let now = Timestamp::now().as_millisecond();
    executing!(&mut tx, sqlx::query(INSERT).bind(id).bind(peppers.check_value()).bind(now))?;
    tx.commit().await?;
    Ok(id)
}

/// The peppers that a database knows: number and check value.
pub(crate) async fn known(db: &Db) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    reading!(db, at => sqlx::query_as(KNOWN).fetch_all(at))
}

impl Keyring {
    /// How many keys and secrets of hooks are still kept under another pepper than the one in use. They move when they are used.
    ///
    /// # Errors
    /// The database.
    pub async fn keys_on_old_pepper(&self) -> Result<i64, StoreError> {
        reading!(&self.db, at => sqlx::query_scalar(ON_OTHERS).bind(self.pepper_id).fetch_one(at))
    }
}
