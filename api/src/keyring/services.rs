//! Services: who owns keys, and the name by which policy knows them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{By, Changing, KeyRow, Keyring, KeyringError, changes::is_admin, listing, text};
use crate::{
    key::Kind,
    scope::Right,
    store::{StoreError, executing, fetching, reading},
};

pub(crate) const INSERT: &str = "INSERT INTO services (id, name, description, owner, labels, created_at, created_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(crate) const BY_NAME: &str = "SELECT id, name, description, owner, labels, created_at, created_by, disabled_at, version \
     FROM services WHERE name = $1";
pub(crate) const ONE: &str = "SELECT id, name, description, owner, labels, created_at, created_by, disabled_at, version \
     FROM services WHERE id = $1 OR name = $1";
pub(crate) const LIST: &str = "SELECT id, name, description, owner, labels, created_at, created_by, disabled_at, version \
     FROM services WHERE (CAST($1 AS BIGINT) IS NULL OR created_at > $1 OR (created_at = $1 AND id > $2)) \
     ORDER BY created_at, id LIMIT $3";
pub(crate) const UPDATE: &str = "UPDATE services SET description = $1, owner = $2, labels = $3, disabled_at = $4, version = $5 \
     WHERE id = $6";

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

/// What is to be changed of a service; what is none stays. Its name never changes: policy goes by it.
#[derive(Clone, Debug, Default)]
pub struct ServiceChange {
    /// One line.
    pub description: Option<String>,
    /// Whom to ask.
    pub owner: Option<String>,
    /// Free labels, all of them.
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether its keys may be used.
    pub enabled: Option<bool>,
}

impl Keyring {
    /// Makes a service.
    ///
    /// # Errors
    /// `Misfit` for the name, `Conflict` when there is one of that name.
    pub async fn create_service(&self, by: &By, new: NewService) -> Result<ServiceRow, KeyringError> {
        let mut changing = self.change().await?;
        let row = changing.new_service(by, new).await?;
        self.finish(changing).await?;
        Ok(row)
    }

    /// The service of this name.
    ///
    /// # Errors
    /// The database.
    pub async fn service_named(&self, name: &str) -> Result<Option<ServiceRow>, KeyringError> {
        Ok(reading!(&self.db, at => sqlx::query_as::<_, ServiceRow>(BY_NAME).bind(name).fetch_optional(at))?)
    }

    /// The service of this name or id.
    ///
    /// # Errors
    /// `Missing`, or the database.
    pub async fn service(&self, name: &str) -> Result<ServiceRow, KeyringError> {
        if named(name).is_err() && name.parse::<Uuid>().is_err() {
            return Err(KeyringError::Missing("service"));
        }
        let row: Option<ServiceRow> =
            reading!(&self.db, at => sqlx::query_as(ONE).bind(name).fetch_optional(at))?;
        row.ok_or(KeyringError::Missing("service"))
    }

    /// Services, oldest first, after this one: when it was made, and its id.
    ///
    /// # Errors
    /// The database.
    pub async fn services(
        &self,
        after: Option<(i64, String)>,
        most: usize,
    ) -> Result<Vec<ServiceRow>, StoreError> {
        let (at, id) = after.unzip();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        reading!(&self.db, conn => sqlx::query_as(LIST).bind(at).bind(&id).bind(most).fetch_all(conn))
    }

    /// Changes a service. With `expected` only if that is its version; the last administrator's only with `force`.
    ///
    /// # Errors
    /// `Missing`, `Stale`, `Misfit`, `Beyond`, `Conflict`, or the database.
    pub async fn change_service(
        &self,
        by: &By,
        id: &str,
        change: ServiceChange,
        expected: Option<i64>,
        force: bool,
    ) -> Result<ServiceRow, KeyringError> {
        let mut changing = self.change().await?;
        let mut row = changing.service(id).await?.ok_or(KeyringError::Missing("service"))?;
        if expected.is_some_and(|version| version != row.version) {
            return Err(KeyringError::Stale(row.version));
        }
        if let Some(description) = change.description {
            text::line("description", &description, text::DESCRIPTION)?;
            row.description = description;
        }
        if let Some(owner) = change.owner {
            text::line("owner", &owner, text::LINE)?;
            row.owner = owner;
        }
        if let Some(labels) = change.labels {
            text::labels(&labels)?;
            row.labels = json!(labels).to_string();
        }
        let kind = match (change.enabled, row.disabled_at) {
            (Some(false), None) => {
                self.may_stop(&mut changing, &row, force).await?;
                row.disabled_at = Some(Timestamp::now().as_millisecond());
                "service.disabled"
            }
            (Some(true), Some(_)) => {
                for key in changing.keys_of(&row.id).await? {
                    self.may_change(&key)?;
                }
                row.disabled_at = None;
                "service.enabled"
            }
            _ => "service.changed",
        };
        if kind != "service.changed" {
            for key in changing.keys_of(&row.id).await? {
                changing.update(key).await?;
            }
        }
        let row = changing.update_service(row).await?;
        let told = json!({ "description": row.description, "owner": row.owner });
        changing.record(&by.entry(kind, format!("svc:{}", row.name)).with(&told)).await?;
        self.finish(changing).await?;
        Ok(row)
    }

    /// Disables a service and revokes all its keys.
    ///
    /// # Errors
    /// `Missing`, `Beyond`, `Conflict` for the last administrator's without `force`, or the database.
    pub async fn remove_service(&self, by: &By, id: &str, force: bool) -> Result<ServiceRow, KeyringError> {
        let mut changing = self.change().await?;
        let mut row = changing.service(id).await?.ok_or(KeyringError::Missing("service"))?;
        self.may_stop(&mut changing, &row, force).await?;
        let keys = changing.keys_of(&row.id).await?;
        if row.disabled_at.is_some() && keys.is_empty() {
            return Ok(row);
        }
        for key in keys {
            changing.revoke(by, key, "the service was removed").await?;
        }
        row.disabled_at = row.disabled_at.or_else(|| Some(Timestamp::now().as_millisecond()));
        let row = changing.update_service(row).await?;
        changing.record(&by.entry("service.removed", format!("svc:{}", row.name))).await?;
        self.finish(changing).await?;
        Ok(row)
    }

    /// Whether who asks may stop all keys of a service.
    async fn may_stop(
        &self,
        changing: &mut Changing,
        row: &ServiceRow,
        force: bool,
    ) -> Result<(), KeyringError> {
        let mut administers = false;
        for key in changing.keys_of(&row.id).await? {
            if key.kind == Kind::Admin.as_str() || key.scopes()?.admit(Right::Admin, None) {
                self.admin()?;
            }
            administers |= is_admin(&key)?;
        }
        if administers && !force && row.disabled_at.is_none() {
            changing.spare_an_admin("", &row.id).await?;
        }
        Ok(())
    }
}

impl Changing {
    pub(super) async fn service(&mut self, id: &str) -> Result<Option<ServiceRow>, StoreError> {
        fetching!(&mut self.tx, at => sqlx::query_as(ONE).bind(id).fetch_optional(at))
    }

    async fn keys_of(&mut self, service: &str) -> Result<Vec<KeyRow>, StoreError> {
        fetching!(&mut self.tx, at => sqlx::query_as(listing::OF_SERVICE).bind(service).fetch_all(at))
    }

    pub(super) async fn new_service(&mut self, by: &By, new: NewService) -> Result<ServiceRow, KeyringError> {
        named(&new.name)?;
        text::line("description", &new.description, text::DESCRIPTION)?;
        text::line("owner", &new.owner, text::LINE)?;
        text::labels(&new.labels)?;
        if self.service(&new.name).await?.is_some() {
            return Err(KeyringError::Conflict(format!("there is a service `{}` already", new.name)));
        }
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
        executing!(
            &mut self.tx,
            sqlx::query(INSERT)
                .bind(&row.id)
                .bind(&row.name)
                .bind(&row.description)
                .bind(&row.owner)
                .bind(&row.labels)
                .bind(row.created_at)
                .bind(&row.created_by)
        )?;
        let told = json!({ "service": row.id });
        self.record(&by.entry("service.created", format!("svc:{}", row.name)).with(&told)).await?;
        Ok(row)
    }

    async fn update_service(&mut self, row: ServiceRow) -> Result<ServiceRow, StoreError> {
        let row = ServiceRow { version: row.version + 1, ..row };
        executing!(
            &mut self.tx,
            sqlx::query(UPDATE)
                .bind(&row.description)
                .bind(&row.owner)
                .bind(&row.labels)
                .bind(row.disabled_at)
                .bind(row.version)
                .bind(&row.id)
        )?;
        Ok(row)
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
