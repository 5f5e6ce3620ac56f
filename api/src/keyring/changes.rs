//! What happens to a key after it was made: changed, disabled, revoked. Each change gives it a new version, which every replica is
//! told in the same breath.

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{By, Changing, KeyRow, Keyring, KeyringError, listing, text};
use crate::{
    key::{ApiKey, Kind},
    scope::{Right, Scopes},
    store::{StoreError, executing, fetching},
};

pub(crate) const UPDATE: &str = "UPDATE api_keys SET name = $1, scopes = $2, allowed_cidrs = $3, rate_per_s = $4, rate_burst = $5, \
     state = $6, expires_at = $7, revoked_at = $8, revoked_by = $9, revoke_reason = $10, superseded_by = $11, \
     warned_days = CASE WHEN expires_at = $7 THEN warned_days ELSE NULL END, \
     version = $12 WHERE id = $13";
pub(crate) const OTHER_ADMINS: &str = "SELECT COUNT(*) FROM api_keys k JOIN services s ON s.id = k.service_id \
     WHERE k.id <> $1 AND k.service_id <> $2 AND k.state = 'active' AND k.superseded_by IS NULL \
     AND (k.expires_at IS NULL OR k.expires_at > $3) AND k.scopes LIKE '%\"admin\"%' AND s.disabled_at IS NULL";

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It may.
    Active,
    /// Not for now.
    Disabled,
}

/// What is to be changed of a key; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// By what people know it.
    pub name: Option<String>,
    /// What it may do at most.
    pub scopes: Option<Scopes>,
    /// When it ends, in Unix milliseconds; inner none: never.
    pub expires_at: Option<Option<i64>>,
    /// From where; inner none: anywhere.
    pub allowed_cidrs: Option<Option<Vec<IpNet>>>,
    /// Calls a second, and at once; inner none: the default.
    pub rate: Option<Option<(i64, Option<i64>)>>,
    /// Whether it may be used.
    pub state: Option<State>,
}

impl Keyring {
    /// Changes a key. With `expected` only if that is its version; the last administrator's key only with `force`.
    ///
    /// # Errors
    /// `Missing`, `Stale`, `Misfit`, `Beyond`, `Conflict`, or the database.
    pub async fn change_key(
        &self,
        by: &By,
        id: &str,
        change: KeyChange,
        expected: Option<i64>,
        force: bool,
    ) -> Result<KeyRow, KeyringError> {
        let mut changing = self.change().await?;
        let before = changing.key(id).await?;
        self.may_change(&before)?;
        if expected.is_some_and(|version| version != before.version) {
            return Err(KeyringError::Stale(before.version));
        }
        if before.state == "revoked" {
            return Err(KeyringError::Conflict("a revoked key stays revoked; make a new one".to_owned()));
        }
        let told = told(&change);
        let after = self.changed(before.clone(), change)?;
        if !force && is_admin(&before)? && !is_admin(&after)? {
            changing.spare_an_admin(id, "").await?;
        }
        let after = changing.update(after).await?;
        changing.record(&by.entry("key.changed", format!("key:{id}")).with(&told)).await?;
        self.finish(changing).await?;
        Ok(after)
    }

    /// Revokes a key for good; one that is revoked stays as it is.
    ///
    /// # Errors
    /// `Missing`, `Misfit`, `Beyond`, `Conflict` for the last administrator's key without `force`, or the database.
    pub async fn revoke_key(
        &self,
        by: &By,
        id: &str,
        reason: &str,
        force: bool,
    ) -> Result<KeyRow, KeyringError> {
        text::line("reason", reason, text::LINE)?;
        let mut changing = self.change().await?;
        let row = changing.key(id).await?;
        if row.kind == Kind::Admin.as_str() || row.scopes()?.admit(Right::Admin, None) {
            self.admin()?;
        }
        if row.state == "revoked" {
            return Ok(row);
        }
        if !force && is_admin(&row)? {
            changing.spare_an_admin(id, "").await?;
        }
        let row = changing.revoke(by, row, reason).await?;
        self.finish(changing).await?;
        Ok(row)
    }

    /// Revokes the key that somebody holds in hand, whatever it is. Says nothing of whether there is one.
    ///
    /// # Errors
    /// The database.
    pub async fn revoke_leaked(&self, by: &By, key: &ApiKey) -> Result<(), KeyringError> {
        let mut changing = self.change().await?;
        let digests = [Some(self.peppers.digest(key)), self.peppers.previous_digest(key)];
        for digest in digests.into_iter().flatten() {
            let row: Option<KeyRow> = fetching!(&mut changing.tx, at =>
                sqlx::query_as(listing::BY_DIGEST).bind(digest.as_bytes().to_vec()).fetch_optional(at))?;
            if let Some(row) = row.filter(|row| row.state != "revoked") {
                changing.revoke(by, row, "leaked").await?;
                return Ok(self.finish(changing).await?);
            }
        }
        Ok(())
    }

    /// Whether who asks may change this key: it must not be able to do more than they.
    pub(super) fn may_change(&self, row: &KeyRow) -> Result<(), KeyringError> {
        if row.kind == Kind::Admin.as_str() {
            self.admin()?;
        }
        self.covers(&row.scopes()?)
    }

    fn changed(&self, mut row: KeyRow, change: KeyChange) -> Result<KeyRow, KeyringError> {
        if let Some(name) = change.name {
            text::name("name", &name)?;
            row.name = name;
        }
        if let Some(scopes) = change.scopes {
            text::few("scopes", scopes.iter().count(), text::LIST)?;
            self.covers(&scopes)?;
            row.scopes = json!(scopes).to_string();
        }
        if let Some(networks) = change.allowed_cidrs {
            text::few("allowed_cidrs", networks.iter().flatten().count(), text::LIST)?;
            row.allowed_cidrs = networks.map(|all| json!(all).to_string());
        }
        if let Some(rate) = change.rate {
            (row.rate_per_s, row.rate_burst) = (rate.map(|rate| rate.0), rate.and_then(|rate| rate.1));
        }
        if let Some(expires_at) = change.expires_at {
            row.expires_at = expires_at;
        }
        match change.state {
            Some(State::Active) => row.state = "active".to_owned(),
            Some(State::Disabled) => row.state = "disabled".to_owned(),
            None => {}
        }
        Ok(row)
    }
}

impl Changing {
    pub(super) async fn key(&mut self, id: &str) -> Result<KeyRow, KeyringError> {
        let row: Option<KeyRow> =
            fetching!(&mut self.tx, at => sqlx::query_as(listing::ONE).bind(id).fetch_optional(at))?;
        row.ok_or(KeyringError::Missing("key"))
    }

    /// Writes a row under its next version.
    pub(super) async fn update(&mut self, row: KeyRow) -> Result<KeyRow, StoreError> {
        let row = KeyRow { version: row.version + 1, ..row };
        executing!(
            &mut self.tx,
            sqlx::query(UPDATE)
                .bind(&row.name)
                .bind(&row.scopes)
                .bind(&row.allowed_cidrs)
                .bind(row.rate_per_s)
                .bind(row.rate_burst)
                .bind(&row.state)
                .bind(row.expires_at)
                .bind(row.revoked_at)
                .bind(&row.revoked_by)
                .bind(&row.revoke_reason)
                .bind(&row.superseded_by)
                .bind(row.version)
                .bind(&row.id)
        )?;
        self.revised(&row.id, row.version).await?;
        Ok(row)
    }

    pub(super) async fn revoke(&mut self, by: &By, row: KeyRow, reason: &str) -> Result<KeyRow, StoreError> {
        let row = KeyRow {
            state: "revoked".to_owned(),
            revoked_at: Some(Timestamp::now().as_millisecond()),
            revoked_by: Some(by.actor.clone()),
            revoke_reason: Some(reason.to_owned()),
            ..row
        };
        let row = self.update(row).await?;
        let told = json!({ "service": row.service, "name": row.name, "reason": reason });
        self.record(&by.entry("key.revoked", format!("key:{}", row.id)).with(&told)).await?;
        Ok(row)
    }

    /// Refuses when nobody but this key or this service could administer any more.
    pub(super) async fn spare_an_admin(&mut self, key: &str, service: &str) -> Result<(), KeyringError> {
        let now = Timestamp::now().as_millisecond();
        let others: i64 = fetching!(&mut self.tx, at =>
            sqlx::query_scalar(OTHER_ADMINS).bind(key).bind(service).bind(now).fetch_one(at))?;
        if others > 0 {
            return Ok(());
        }
        let told = "it is the last key that may administer; make another first, or say force=true";
        Err(KeyringError::Conflict(told.to_owned()))
    }
}

/// Whether a key may administer now.
pub(super) fn is_admin(row: &KeyRow) -> Result<bool, StoreError> {
    Ok(row.state == "active" && !row.is_expired() && row.scopes()?.admit(Right::Admin, None))
}

/// What is changed, for the record.
fn told(change: &KeyChange) -> Value {
    let mut told = serde_json::Map::new();
    let mut tell = |name: &str, value: Option<Value>| value.map(|value| told.insert(name.to_owned(), value));
    tell("name", change.name.as_ref().map(|name| json!(name)));
    tell("scopes", change.scopes.as_ref().map(|scopes| json!(scopes)));
    tell("expires_at", change.expires_at.map(|at| json!(at)));
    tell("allowed_cidrs", change.allowed_cidrs.as_ref().map(|all| json!(all)));
    tell("rate", change.rate.map(|rate| json!(rate)));
    tell(
        "state",
        change.state.map(|state| json!(if state == State::Active { "active" } else { "disabled" })),
    );
    Value::Object(told)
}
