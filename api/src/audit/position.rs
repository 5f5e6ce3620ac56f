//! Up to where each journal is copied. Kept in `meta` and moved in the transaction that appends, so that nothing is copied twice or
//! passed over; entries of the journal count, too, should the row have been lost.

use crate::store::{StoreError, Tx, executing, fetching};

pub(crate) const READ: &str = "SELECT v FROM meta WHERE k = $1";
pub(crate) const WRITE: &str =
    "INSERT INTO meta (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v";
pub(crate) const NEWEST: &str = "SELECT MAX(journal_seq) FROM audit_entries WHERE journal = $1";

fn key(journal: &str) -> String {
    format!("audit_position:{journal}")
}

/// The newest sequence of this journal that is in the record; none: the journal is new to it. To be asked while the head is locked.
pub(super) async fn read(tx: &mut Tx, journal: &str) -> Result<Option<i64>, StoreError> {
    let kept: Option<String> =
        fetching!(tx, at => sqlx::query_scalar(READ).bind(key(journal)).fetch_optional(at))?;
    let newest: Option<i64> = fetching!(tx, at => sqlx::query_scalar(NEWEST).bind(journal).fetch_one(at))?;
    Ok(kept.and_then(|text| text.parse().ok()).max(newest))
}

/// Moves it.
pub(super) async fn write(tx: &mut Tx, journal: &str, position: i64) -> Result<(), StoreError> {
    executing!(tx, sqlx::query(WRITE).bind(key(journal)).bind(position.to_string())).map(drop)
}
