//! Reading the record: one entry, or those that fit a filter, page by page.

use super::Entry;
use crate::store::{Db, StoreError, reading};

pub(crate) const ONE: &str = "SELECT seq, journal, journal_seq, at, kind, actor, key_id, target, outcome, request_id, ip, body, \
     prev_hash, hash FROM audit_entries WHERE seq = $1";
pub(crate) const AFTER: &str = "SELECT seq, journal, journal_seq, at, kind, actor, key_id, target, outcome, request_id, ip, body, \
     prev_hash, hash FROM audit_entries WHERE seq > $1 ORDER BY seq LIMIT $2";
pub(crate) const FIRST: &str = "SELECT MIN(seq) FROM audit_entries";

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Kept {
    /// Its place in the chain.
    pub seq: i64,
    /// What it says.
    #[sqlx(flatten)]
    pub entry: Entry,
    /// The hash of the one before; empty in the first.
    pub prev_hash: Vec<u8>,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// The entry at this place.
///
/// # Errors
/// The database.
pub async fn one(db: &Db, seq: i64) -> Result<Option<Kept>, StoreError> {
    reading!(db, at => sqlx::query_as::<_, Kept>(ONE).bind(seq).fetch_optional(at))
}

/// The entries after this place, oldest first.
pub(super) async fn after(db: &Db, seq: i64, most: i64) -> Result<Vec<Kept>, StoreError> {
    reading!(db, at => sqlx::query_as::<_, Kept>(AFTER).bind(seq).bind(most).fetch_all(at))
}

/// The place of the first entry.
pub(super) async fn first(db: &Db) -> Result<Option<i64>, StoreError> {
    reading!(db, at => sqlx::query_scalar::<_, Option<i64>>(FIRST).fetch_one(at))
}
