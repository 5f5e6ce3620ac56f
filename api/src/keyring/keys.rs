//! Keys: made once, shown once, kept as digests.

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{By, Changing, Keyring, KeyringError, ServiceRow, text};
use crate::{
    key::{ApiKey, Kind},
    scope::Scopes,
    store::{StoreError, executing},
};

pub(crate) const INSERT: &str = "INSERT INTO api_keys (id, service_id, kind, name, digest, pepper_id, hint, scopes, allowed_cidrs, \
     rate_per_s, rate_burst, state, created_at, created_by, expires_at, rotated_from) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'active', $12, $13, $14, $15)";

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it is for.
    pub kind: Kind,
    /// By what people know it.
    pub name: String,
    /// What it may do at most.
    pub scopes: Scopes,
    /// From where; none: anywhere.
    pub allowed_cidrs: Option<Vec<IpNet>>,
    /// Calls a second; none: the default.
    pub rate_per_s: Option<i64>,
    /// Calls at once; none: the default.
    pub rate_burst: Option<i64>,
    /// When it ends, in Unix milliseconds; none: never.
    pub expires_at: Option<i64>,
}

/// A key as it is kept, without its digest.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct KeyRow {
    /// UUIDv7.
    pub id: String,
    /// The service that owns it.
    pub service_id: String,
    /// Its name.
    pub service: String,
    /// `service` or `admin`.
    pub kind: String,
    /// By what people know it.
    pub name: String,
    /// The last three characters.
    pub hint: String,
    /// JSON list.
    pub scopes: String,
    /// JSON list; none: anywhere.
    pub allowed_cidrs: Option<String>,
    /// Calls a second.
    pub rate_per_s: Option<i64>,
    /// Calls at once.
    pub rate_burst: Option<i64>,
    /// `active`, `disabled` or `revoked`; `expired` comes from the clock.
    pub state: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Who made it.
    pub created_by: String,
    /// Unix milliseconds; none: never.
    pub expires_at: Option<i64>,
    /// Unix milliseconds.
    pub revoked_at: Option<i64>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// Why.
    pub revoke_reason: Option<String>,
    /// The key that it replaces.
    pub rotated_from: Option<String>,
    /// The key that replaces it.
    pub superseded_by: Option<String>,
    /// Unix milliseconds, to the minute.
    pub last_used_at: Option<i64>,
    /// From where it was used last.
    pub last_used_ip: Option<String>,
    /// Rises with each change.
    pub version: i64,
}

impl KeyRow {
    /// `active`, `disabled`, `revoked`, or `expired` by the clock.
    #[must_use]
    pub fn state_now(&self) -> &str {
        if self.state != "revoked" && self.is_expired() { "expired" } else { &self.state }
    }

    /// Whether its time is over.
    pub(super) fn is_expired(&self) -> bool {
        self.expires_at.is_some_and(|at| at <= Timestamp::now().as_millisecond())
    }

    /// Its scopes.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn scopes(&self) -> Result<Scopes, StoreError> {
        serde_json::from_str(&self.scopes)
            .map_err(|_| StoreError::Fault(format!("the scopes of key {} cannot be read", self.id)))
    }

    /// The networks from which it may be used; none: anywhere.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn networks(&self) -> Result<Option<Vec<IpNet>>, StoreError> {
        let read = |text: &String| serde_json::from_str(text);
        let unreadable = |_| StoreError::Fault(format!("the networks of key {} cannot be read", self.id));
        self.allowed_cidrs.as_ref().map(read).transpose().map_err(unreadable)
    }
}

impl Keyring {
    /// Makes a key of a service. The key itself is in the answer and nowhere else.
    ///
    /// # Errors
    /// `Misfit`, `Beyond`, `Conflict` when the service is disabled, or the database.
    pub async fn create_key(
        &self,
        by: &By,
        service: &ServiceRow,
        new: NewKey,
    ) -> Result<(String, ApiKey), KeyringError> {
        let key = ApiKey::generate(new.kind);
        let mut changing = self.change().await?;
        let there = changing.service(&service.id).await?.ok_or(KeyringError::Missing("service"))?;
        if there.disabled_at.is_some() {
            return Err(KeyringError::Conflict(format!("the service `{}` is disabled", there.name)));
        }
        let id = self.insert(&mut changing, by, &there, &new, &key, None).await?;
        self.finish(changing).await?;
        Ok((id, key))
    }

    /// Puts a key into the database, whoever made it.
    pub(super) async fn insert(
        &self,
        changing: &mut Changing,
        by: &By,
        service: &ServiceRow,
        new: &NewKey,
        key: &ApiKey,
        rotated_from: Option<&str>,
    ) -> Result<String, KeyringError> {
        text::name("name", &new.name)?;
        text::few("scopes", new.scopes.iter().count(), text::LIST)?;
        text::few("allowed_cidrs", new.allowed_cidrs.iter().flatten().count(), text::LIST)?;
        self.covers(&new.scopes)?;
        if new.kind == Kind::Admin {
            self.admin()?;
        }
        let id = Uuid::now_v7().to_string();
        let cidrs = new.allowed_cidrs.as_ref().map(|all| json!(all).to_string());
        executing!(
            &mut changing.tx,
            sqlx::query(INSERT)
                .bind(&id)
                .bind(&service.id)
                .bind(new.kind.as_str())
                .bind(&new.name)
                .bind(self.peppers.digest(key).as_bytes())
                .bind(self.pepper_id)
                .bind(key.hint())
                .bind(json!(new.scopes).to_string())
                .bind(&cidrs)
                .bind(new.rate_per_s)
                .bind(new.rate_burst)
                .bind(Timestamp::now().as_millisecond())
                .bind(&by.actor)
                .bind(new.expires_at)
                .bind(rotated_from)
        )?;
        let told = json!({
            "service": service.name, "kind": new.kind.as_str(), "name": new.name, "scopes": new.scopes,
            "expires_at": new.expires_at, "rotated_from": rotated_from,
        });
        changing.record(&by.entry("key.created", format!("key:{id}")).with(&told)).await?;
        Ok(id)
    }
}
