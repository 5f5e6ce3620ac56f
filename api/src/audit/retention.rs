//! Retention: once a day the place up to which entries are too old is signed, recorded, and then what lies before it is removed, in
//! steps. The signed place is where verification begins from then on.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tracing::{info, warn};

use super::{
    Entry, Head, append,
    checkpoint::{Checkpoint, Kind, RETENTION},
    hex,
    journal::OURSELVES,
    lock, read,
    signing::AuditKey,
};
use crate::store::{Db, StoreError, Tx, executing, fetching, reading};

pub(crate) const YOUNGEST_TO_KEEP: &str = "SELECT MIN(seq) FROM audit_entries WHERE at >= $1";
pub(crate) const HASH: &str = "SELECT hash FROM audit_entries WHERE seq = $1";
pub(crate) const REMOVE: &str = "DELETE FROM audit_entries WHERE seq IN \
     (SELECT seq FROM audit_entries WHERE seq <= $1 ORDER BY seq LIMIT 1000)";
pub(crate) const REMOVE_CHECKPOINTS: &str = "DELETE FROM audit_checkpoints WHERE seq < $1";

/// Steps at a time; the copier waits for them.
const STEPS: usize = 5;
/// How often the place is moved.
const DAILY: Duration = Duration::from_secs(24 * 3600);

/// Removes what is too old.
pub(super) struct Retention {
    keep: Option<Duration>,
    key: AuditKey,
    /// Up to which place entries are to be removed, and when it was signed; not known before the database was asked.
    boundary: Option<(i64, Timestamp)>,
    /// Whether nothing is left to be removed.
    done: bool,
}

impl Retention {
    /// Entries are kept for this long; none: for ever.
    pub(super) const fn new(keep: Option<Duration>, key: AuditKey) -> Self {
        Self { keep, key, boundary: None, done: false }
    }

    /// Does some of the work, if there is any.
    pub(super) async fn pass(&mut self, db: &Db) {
        let Some(keep) = self.keep else { return };
        if let Err(error) = self.work(db, keep).await {
            warn!(%error, "old entries of the record could not be removed; trying again");
        }
    }

    async fn work(&mut self, db: &Db, keep: Duration) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let (boundary, at) = match self.boundary {
            Some(known) => known,
            None => {
                let newest =
                    reading!(db, at => sqlx::query_as::<_, Checkpoint>(RETENTION).fetch_optional(at))?;
                let at = newest.as_ref().and_then(|newest| Timestamp::from_millisecond(newest.at).ok());
                (newest.map_or(0, |newest| newest.seq), at.unwrap_or(Timestamp::MIN))
            }
        };
        self.boundary = Some((boundary, at));
        if at.checked_add(DAILY).is_ok_and(|next| next <= now) {
            let oldest = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
            let moved = move_boundary(db, &self.key, boundary, oldest).await?;
            self.boundary = Some((moved.unwrap_or(boundary), now));
            self.done = false;
        }
        for _ in 0..STEPS {
            if self.done {
                return Ok(());
            }
            self.done = step(db, self.boundary.map_or(0, |(boundary, _)| boundary)).await?;
        }
        Ok(())
    }
}

/// Signs and records the new place, if there is something to remove.
async fn move_boundary(
    db: &Db,
    key: &AuditKey,
    before: i64,
    oldest: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let mut tx = db.begin().await?;
    let mut head = lock(&mut tx).await?;
    let youngest: Option<i64> = fetching!(&mut tx, at => sqlx::query_scalar::<_, Option<i64>>(YOUNGEST_TO_KEEP)
        .bind(oldest.as_millisecond())
        .fetch_one(at))?;
    let seq = youngest.map_or(head.seq, |youngest| youngest - 1);
    let Some(hash) = hash(&mut tx, seq).await?.filter(|_| seq > before) else { return Ok(None) };
    let checkpoint = Checkpoint::sign(key, &Head { seq, hash }, Kind::Retention);
    checkpoint.keep(&mut tx).await?;
    let body = json!({ "up_to": seq, "hash": hex(&checkpoint.hash), "older_than": oldest.to_string() });
    append(&mut tx, &mut head, &Entry::now("audit.retention", OURSELVES, seq.to_string()).with(&body))
        .await?;
    tx.commit().await?;
    checkpoint.tell();
    Ok(Some(seq))
}

async fn hash(tx: &mut Tx, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
    fetching!(tx, at => sqlx::query_scalar(HASH).bind(seq).fetch_optional(at))
}

/// Removes some; whether nothing is left up to this place.
async fn step(db: &Db, boundary: i64) -> Result<bool, StoreError> {
    if read::first(db).await?.is_none_or(|first| first > boundary) {
        return Ok(true);
    }
    let mut tx = db.begin().await?;
    let removed = executing!(&mut tx, sqlx::query(REMOVE).bind(boundary))?;
    executing!(&mut tx, sqlx::query(REMOVE_CHECKPOINTS).bind(boundary))?;
    tx.commit().await?;
    info!(removed, boundary, "old entries of the record are removed");
    Ok(false)
}
