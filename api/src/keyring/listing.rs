//! Keys as they are looked at: one, or those that fit a filter, page by page.

use super::{KeyRow, Keyring, KeyringError};
use crate::store::{StoreError, reading};

/// All columns but the digest, and then what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT k.id, k.service_id, s.name AS service, k.kind, k.name, k.hint, k.scopes, k.allowed_cidrs, k.rate_per_s, \
             k.rate_burst, k.state, k.created_at, k.created_by, k.expires_at, k.revoked_at, k.revoked_by, k.revoke_reason, \
             k.rotated_from, k.superseded_by, k.last_used_at, k.last_used_ip, k.version \
             FROM api_keys k JOIN services s ON s.id = k.service_id ",
            $rest
        )
    };
}

pub(crate) const ONE: &str = select!("WHERE k.id = $1");
pub(crate) const BY_DIGEST: &str = select!("WHERE k.digest = $1");
pub(crate) const OF_SERVICE: &str =
    select!("WHERE k.service_id = $1 AND k.state <> 'revoked' ORDER BY k.created_at, k.id");
pub(crate) const LIST: &str = select!(
    "WHERE (CAST($1 AS TEXT) IS NULL OR s.name = $1 OR s.id = $1) \
     AND (CAST($2 AS TEXT) IS NULL OR CASE WHEN k.state <> 'revoked' AND k.expires_at IS NOT NULL AND k.expires_at <= $3 \
     THEN 'expired' ELSE k.state END = $2) \
     AND (CAST($4 AS BIGINT) IS NULL OR k.expires_at < $4) \
     AND (CAST($5 AS BIGINT) IS NULL OR COALESCE(k.last_used_at, k.created_at) < $5) \
     AND (CAST($6 AS BIGINT) IS NULL OR k.created_at > $6 OR (k.created_at = $6 AND k.id > $7)) \
     ORDER BY k.created_at, k.id LIMIT $8"
);

/// Which keys.
#[derive(Clone, Debug, Default)]
pub struct KeyFilter {
    /// Of this service, by name or id.
    pub service: Option<String>,
    /// `active`, `disabled`, `revoked` or `expired`.
    pub state: Option<&'static str>,
    /// That end before this time, in Unix milliseconds.
    pub expires_before: Option<i64>,
    /// That were not used since this time, in Unix milliseconds.
    pub unused_since: Option<i64>,
    /// After this key: when it was made, and its id.
    pub after: Option<(i64, String)>,
}

impl Keyring {
    /// The key with this id.
    ///
    /// # Errors
    /// `Missing`, or the database.
    pub async fn key(&self, id: &str) -> Result<KeyRow, KeyringError> {
        let row: Option<KeyRow> = reading!(&self.db, at => sqlx::query_as(ONE).bind(id).fetch_optional(at))?;
        row.ok_or(KeyringError::Missing("key"))
    }

    /// Keys that fit, oldest first.
    ///
    /// # Errors
    /// The database.
    pub async fn keys(&self, filter: &KeyFilter, most: usize) -> Result<Vec<KeyRow>, StoreError> {
        let (after, id) = filter.after.clone().unzip();
        reading!(&self.db, at => sqlx::query_as(LIST)
            .bind(&filter.service)
            .bind(filter.state)
            .bind(jiff::Timestamp::now().as_millisecond())
            .bind(filter.expires_before)
            .bind(filter.unused_since)
            .bind(after)
            .bind(&id)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(at))
    }
}
