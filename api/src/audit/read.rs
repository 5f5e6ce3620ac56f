//! Reading the record: one entry, or those that fit a filter, page by page.

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Checkpoint, Entry};
use crate::store::{Db, StoreError, reading};

macro_rules! filtered {
    ($place:literal, $request:literal, $order:literal) => {
        concat!(
            "SELECT seq, journal, journal_seq, at, kind, actor, key_id, target, outcome, request_id, ip, body, prev_hash, hash \
             FROM audit_entries WHERE ",
            $place,
            " AND (CAST($2 AS BIGINT) IS NULL OR at >= $2) AND (CAST($3 AS BIGINT) IS NULL OR at < $3) \
             AND (CAST($4 AS TEXT) IS NULL OR actor = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR kind = $5 OR ($5 LIKE '%.' AND substr(kind, 1, length($5)) = $5)) \
             AND (CAST($6 AS TEXT) IS NULL OR target = $6) AND (CAST($7 AS TEXT) IS NULL OR outcome = $7) AND ",
            $request,
            " ORDER BY seq ",
            $order,
            " LIMIT $9"
        )
    };
}

pub(crate) const ONE: &str = "SELECT seq, journal, journal_seq, at, kind, actor, key_id, target, outcome, request_id, ip, body, \
     prev_hash, hash FROM audit_entries WHERE seq = $1";
pub(crate) const AFTER: &str = "SELECT seq, journal, journal_seq, at, kind, actor, key_id, target, outcome, request_id, ip, body, \
     prev_hash, hash FROM audit_entries WHERE seq > $1 ORDER BY seq LIMIT $2";
pub(crate) const FIRST: &str = "SELECT MIN(seq) FROM audit_entries";
pub(crate) const LAST: &str = "SELECT MAX(seq) FROM audit_entries";
pub(crate) const RISING: &str = filtered!("seq > $1", "CAST($8 AS TEXT) IS NULL", "ASC");
pub(crate) const FALLING: &str = filtered!("seq < $1", "CAST($8 AS TEXT) IS NULL", "DESC");
// Apart, so that the index on requests is used.
pub(crate) const RISING_OF: &str = filtered!("seq > $1", "request_id = $8", "ASC");
pub(crate) const FALLING_OF: &str = filtered!("seq < $1", "request_id = $8", "DESC");
pub(crate) const CHECKPOINTS: &str = "SELECT seq, hash, at, kind, public_key, signature FROM audit_checkpoints \
     WHERE seq < $1 OR (seq = $1 AND kind < $2) ORDER BY seq DESC, kind DESC LIMIT $3";

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

/// Which entries are meant. All that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// By this actor.
    pub actor: Option<String>,
    /// Of this kind; with a dot at the end, such as `request.`: of all kinds that begin so.
    pub kind: Option<String>,
    /// About this target.
    pub target: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Of this request.
    pub request_id: Option<String>,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    #[default]
    Desc,
}

impl Order {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

/// The entry at this place.
///
/// # Errors
/// The database.
pub async fn one(db: &Db, seq: i64) -> Result<Option<Kept>, StoreError> {
    reading!(db, at => sqlx::query_as::<_, Kept>(ONE).bind(seq).fetch_optional(at))
}

/// The entries that fit, from one end or on from this place, `most` at most.
///
/// # Errors
/// The database.
pub async fn find(
    db: &Db,
    filter: &Filter,
    order: Order,
    from: Option<i64>,
    most: usize,
) -> Result<Vec<Kept>, StoreError> {
    let sql = match (order, &filter.request_id) {
        (Order::Asc, None) => RISING,
        (Order::Desc, None) => FALLING,
        (Order::Asc, Some(_)) => RISING_OF,
        (Order::Desc, Some(_)) => FALLING_OF,
    };
    let end = if order == Order::Asc { i64::MIN } else { i64::MAX };
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    reading!(db, at => sqlx::query_as::<_, Kept>(sql)
        .bind(from.unwrap_or(end))
        .bind(filter.since.map(Timestamp::as_millisecond))
        .bind(filter.until.map(Timestamp::as_millisecond))
        .bind(&filter.actor)
        .bind(&filter.kind)
        .bind(&filter.target)
        .bind(&filter.outcome)
        .bind(&filter.request_id)
        .bind(most)
        .fetch_all(at))
}

/// The checkpoints, newest first, from the newest or on from this place and kind, `most` at most.
///
/// # Errors
/// The database.
pub async fn checkpoints(
    db: &Db,
    from: Option<(i64, String)>,
    most: usize,
) -> Result<Vec<Checkpoint>, StoreError> {
    let (seq, kind) = from.unwrap_or((i64::MAX, String::new()));
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    reading!(db, at => sqlx::query_as::<_, Checkpoint>(CHECKPOINTS).bind(seq).bind(&kind).bind(most).fetch_all(at))
}

/// The entries after this place, oldest first.
pub(super) async fn after(db: &Db, seq: i64, most: i64) -> Result<Vec<Kept>, StoreError> {
    reading!(db, at => sqlx::query_as::<_, Kept>(AFTER).bind(seq).bind(most).fetch_all(at))
}

/// The place of the first entry.
pub(super) async fn first(db: &Db) -> Result<Option<i64>, StoreError> {
    reading!(db, at => sqlx::query_scalar::<_, Option<i64>>(FIRST).fetch_one(at))
}

/// The place of the last entry.
pub(super) async fn last(db: &Db) -> Result<Option<i64>, StoreError> {
    reading!(db, at => sqlx::query_scalar::<_, Option<i64>>(LAST).fetch_one(at))
}
