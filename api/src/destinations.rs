//! Destinations as they are kept: the database says what is so, the bus is told so that workers know. Every change is recorded
//! in its transaction.

mod publish;

use serde_json::{Value, json};

pub(crate) use self::publish::{publish, publish_all, relay as told};
use crate::{
    audit::{self, Entry},
    problem::{Code, Problem},
    relay,
    store::{Db, StoreError, Tx, executing, fetching, reading},
};

pub(crate) const ONE: &str =
    "SELECT name, description, targets, created_at, created_by, version FROM destinations WHERE name = $1";
pub(crate) const LIST: &str = "SELECT name, description, targets, created_at, created_by, version FROM destinations \
     WHERE (CAST($1 AS TEXT) IS NULL OR name > $1) ORDER BY name LIMIT $2";
pub(crate) const INSERT: &str = "INSERT INTO destinations (name, description, targets, created_at, created_by) \
     VALUES ($1, $2, $3, $4, $5)";
pub(crate) const UPDATE: &str = "UPDATE destinations SET description = $1, targets = $2, version = version + 1 \
     WHERE name = $3 AND version = $4";
pub(crate) const DELETE: &str = "DELETE FROM destinations WHERE name = $1 AND version = $2";

/// A destination as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) description: String,
    /// JSON list.
    pub(crate) targets: String,
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
    pub(crate) version: i64,
}

impl Row {
    /// The channels behind it.
    pub(crate) fn channels(&self) -> Result<Vec<adjutant_bus::destination::Target>, StoreError> {
        serde_json::from_str(&self.targets)
            .map_err(|_| StoreError::Fault(format!("the targets of {} cannot be read", self.name)))
    }
}

/// The destination of this name.
pub(crate) async fn one(db: &Db, name: &str) -> Result<Option<Row>, StoreError> {
    if !adjutant_bus::destination::is_name(name) {
        return Ok(None);
    }
    reading!(db, at => sqlx::query_as(ONE).bind(name).fetch_optional(at))
}

/// Up to `most`, by name, after this one.
pub(crate) async fn list(db: &Db, after: Option<&str>, most: usize) -> Result<Vec<Row>, StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    reading!(db, at => sqlx::query_as(LIST).bind(after).bind(most).fetch_all(at))
}

/// Makes one.
pub(crate) async fn create(db: &Db, row: &Row, entry: Entry) -> Result<(), Problem> {
    let mut tx = db.begin().await?;
    let inserted = executing!(
        &mut tx,
        sqlx::query(INSERT)
            .bind(&row.name)
            .bind(&row.description)
            .bind(&row.targets)
            .bind(row.created_at)
            .bind(&row.created_by)
    );
    if matches!(inserted, Err(StoreError::Exists)) {
        return Err(Problem::new(Code::Conflict, "There is a destination of this name already."));
    }
    inserted?;
    tell(&mut tx, row, &row.targets, entry).await?;
    Ok(tx.commit().await?)
}

/// Changes one by `change`, if it is still at this version.
pub(crate) async fn update(
    db: &Db,
    name: &str,
    version: Option<i64>,
    entry: Entry,
    change: impl FnOnce(&mut Row) + Send,
) -> Result<Row, Problem> {
    let mut tx = db.begin().await?;
    let mut row = held(&mut tx, name, version).await?;
    change(&mut row);
    let updated = executing!(
        &mut tx,
        sqlx::query(UPDATE).bind(&row.description).bind(&row.targets).bind(name).bind(row.version)
    )?;
    if updated == 0 {
        return Err(changed());
    }
    row.version += 1;
    tell(&mut tx, &row, &row.targets, entry).await?;
    tx.commit().await?;
    Ok(row)
}

/// Removes one, if it is still at this version, and the secrets of its hooks with it.
pub(crate) async fn delete(db: &Db, name: &str, version: Option<i64>, entry: Entry) -> Result<(), Problem> {
    let mut tx = db.begin().await?;
    let row = held(&mut tx, name, version).await?;
    if executing!(&mut tx, sqlx::query(DELETE).bind(name).bind(row.version))? == 0 {
        return Err(changed());
    }
    tell(&mut tx, &row, "", entry).await?;
    Ok(tx.commit().await?)
}

async fn held(tx: &mut Tx, name: &str, version: Option<i64>) -> Result<Row, Problem> {
    let row: Option<Row> = fetching!(tx, at => sqlx::query_as(ONE).bind(name).fetch_optional(at))?;
    let row = row.ok_or_else(|| Problem::not_found("destination"))?;
    if version.is_some_and(|version| version != row.version) { Err(changed()) } else { Ok(row) }
}

fn changed() -> Problem {
    Problem::new(Code::PreconditionFailed, "Read it again, then decide again.")
}

/// Records the change, and has the bus told of it.
async fn tell(tx: &mut Tx, row: &Row, payload: &str, entry: Entry) -> Result<(), StoreError> {
    let targets: Value = serde_json::from_str(payload).unwrap_or_default();
    audit::record(tx, &entry.with(&json!({ "targets": targets }))).await?;
    relay::enqueue(tx, relay::DESTINATION, &row.name, payload).await.map(drop)
}
