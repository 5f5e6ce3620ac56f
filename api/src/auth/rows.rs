//! A key's row as verification reads it, joined with its service.

use crate::{
    key::Digest,
    store::{Db, StoreError, executing, reading},
};

pub(crate) const BY_DIGEST: &str = "SELECT k.id, k.service_id, s.name AS service, k.kind, k.name, k.digest, k.scopes, k.allowed_cidrs, \
     k.rate_per_s, k.rate_burst, k.state, k.created_at, k.expires_at, k.superseded_by, k.version, s.disabled_at \
     FROM api_keys k JOIN services s ON s.id = k.service_id WHERE k.digest = $1";

pub(crate) const REWRITE: &str =
    "UPDATE api_keys SET digest = $1, pepper_id = $2 WHERE id = $3 AND digest = $4";

/// The row.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) service_id: String,
    pub(super) service: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) digest: Vec<u8>,
    /// JSON list.
    pub(super) scopes: String,
    /// JSON list; none: from anywhere.
    pub(super) allowed_cidrs: Option<String>,
    pub(super) rate_per_s: Option<i64>,
    pub(super) rate_burst: Option<i64>,
    pub(super) state: String,
    pub(super) created_at: i64,
    pub(super) expires_at: Option<i64>,
    pub(super) superseded_by: Option<String>,
    pub(super) version: i64,
    pub(super) disabled_at: Option<i64>,
}

/// The row with this digest.
pub(super) async fn by_digest(db: &Db, digest: &[u8]) -> Result<Option<Row>, StoreError> {
    reading!(db, at => sqlx::query_as::<_, Row>(BY_DIGEST).bind(digest.to_vec()).fetch_optional(at))
}

/// Keeps a key under another pepper.
pub(super) async fn rewrite(
    db: &Db,
    id: &str,
    before: &Digest,
    digest: &Digest,
    pepper_id: i64,
) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    let (digest, before) = (digest.as_bytes().to_vec(), before.as_bytes().to_vec());
    executing!(&mut tx, sqlx::query(REWRITE).bind(&digest).bind(pepper_id).bind(id).bind(&before))?;
    tx.commit().await
}
