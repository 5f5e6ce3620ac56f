//! Notices as they are kept: what was said, and how far it came in each channel.

use adjutant_bus::destination::Target;
use serde::{Deserialize, Serialize};

use crate::store::{Db, StoreError, Tx, executing, reading};

pub(crate) const ONE: &str =
    "SELECT id, destination, dedup_key, service, message, deliveries, created_at FROM notices WHERE id = $1";
pub(crate) const INSERT: &str = "INSERT INTO notices (id, destination, dedup_key, service, key_id, message, deliveries, \
     created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
pub(crate) const DELIVERED: &str = "UPDATE notices SET deliveries = $1 WHERE id = $2";

/// How far a notice came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// It is not certain that the bus has it.
    Pending,
    /// The bus has it.
    Accepted,
}

impl Status {
    /// The word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
        }
    }
}

/// A notice on its way to one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) target: Target,
    pub(crate) status: Status,
}

/// A notice as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) destination: String,
    pub(crate) dedup_key: Option<String>,
    pub(crate) service: String,
    /// JSON.
    pub(crate) message: String,
    /// JSON list.
    pub(crate) deliveries: String,
    pub(crate) created_at: i64,
}

impl Row {
    /// How far it came.
    pub(crate) fn deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        serde_json::from_str(&self.deliveries)
            .map_err(|_| StoreError::Fault(format!("the deliveries of notice {} cannot be read", self.id)))
    }
}

/// The notice of this id.
pub(crate) async fn one(db: &Db, id: &str) -> Result<Option<Row>, StoreError> {
    reading!(db, at => sqlx::query_as(ONE).bind(id).fetch_optional(at))
}

/// Keeps a new one; false when it is there already.
pub(super) async fn insert(tx: &mut Tx, row: &Row, key_id: &str) -> Result<bool, StoreError> {
    let inserted = executing!(
        tx,
        sqlx::query(INSERT)
            .bind(&row.id)
            .bind(&row.destination)
            .bind(&row.dedup_key)
            .bind(&row.service)
            .bind(key_id)
            .bind(&row.message)
            .bind(&row.deliveries)
            .bind(row.created_at)
    )?;
    Ok(inserted == 1)
}

/// Keeps how far it came.
pub(super) async fn delivered(db: &Db, id: &str, deliveries: &[Delivery]) -> Result<(), StoreError> {
    let text = serde_json::to_string(deliveries).map_err(|error| StoreError::Fault(error.to_string()))?;
    let mut tx = db.begin().await?;
    executing!(&mut tx, sqlx::query(DELIVERED).bind(text).bind(id))?;
    tx.commit().await
}
