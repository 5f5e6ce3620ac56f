//! Services: who owns keys, and the name by which policy knows them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{By, Keyring, KeyringError};
use crate::{
    audit,
    store::{StoreError, executing, reading},
};

pub(crate) const INSERT: &str = "INSERT INTO services (id, name, description, owner, labels, created_at, created_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(crate) const BY_NAME: &str = "SELECT id, name, description, owner, labels, created_at, created_by, disabled_at, version \
     FROM services WHERE name = $1";

/// Longest name of a service, in characters.
const LONGEST_NAME: usize = 63;

/// A service to be made.
#[derive(Clone, Debug, Default)]
pub struct NewService {
    /// `[a-z][a-z0-9-]{1,62}`; policy knows it as `svc:<name>`.
    pub name: String,
    /// One line.
    pub description: String,
    /// Whom to ask.
    pub owner: String,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
}

/// A service as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ServiceRow {
    /// UUIDv7.
    pub id: String,
    /// Its name.
    pub name: String,
    /// One line.
    pub description: String,
    /// Whom to ask.
    pub owner: String,
    /// JSON object.
    pub labels: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Who made it.
    pub created_by: String,
    /// Unix milliseconds; none: enabled.
    pub disabled_at: Option<i64>,
    /// Rises with each change.
    pub version: i64,
}

impl Keyring {
    /// Makes a service.
    ///
    /// # Errors
    /// `Misfit` for the name, `Conflict` when there is one of that name.
    pub async fn create_service(&self, by: &By, new: NewService) -> Result<ServiceRow, KeyringError> {
        named(&new.name)?;
        let row = ServiceRow {
            id: Uuid::now_v7().to_string(),
            labels: json!(new.labels).to_string(),
            name: new.name,
            description: new.description,
            owner: new.owner,
            created_at: Timestamp::now().as_millisecond(),
            created_by: by.actor.clone(),
            disabled_at: None,
            version: 1,
        };
        let mut tx = self.db.begin().await?;
        let inserted = executing!(
            &mut tx,
            sqlx::query(INSERT)
                .bind(&row.id)
                .bind(&row.name)
                .bind(&row.description)
                .bind(&row.owner)
                .bind(&row.labels)
                .bind(row.created_at)
                .bind(&row.created_by)
        );
        match inserted {
            Err(StoreError::Exists) => {
                return Err(KeyringError::Conflict(format!("there is a service `{}` already", row.name)));
            }
            inserted => inserted?,
        };
        let entry =
            by.entry("service.created", format!("svc:{}", row.name)).with(&json!({ "service": row.id }));
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// The service of this name.
    ///
    /// # Errors
    /// The database.
    pub async fn service_named(&self, name: &str) -> Result<Option<ServiceRow>, KeyringError> {
        Ok(reading!(&self.db, at => sqlx::query_as::<_, ServiceRow>(BY_NAME).bind(name).fetch_optional(at))?)
    }
}

fn named(name: &str) -> Result<(), KeyringError> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = (2..=LONGEST_NAME).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(letters);
    if good {
        return Ok(());
    }
    let told = "2 to 63 characters of a-z, 0-9 and -, the first a letter".to_owned();
    Err(KeyringError::Misfit("name", told))
}
