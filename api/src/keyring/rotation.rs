//! Rotation: a new key that can do all that the old one could, and a while in which both are good.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{By, KeyRow, Keyring, KeyringError, NewKey};
use crate::key::{ApiKey, Kind};

/// How long the old key may stay good at most.
pub const LONGEST_GRACE: Duration = Duration::from_secs(30 * 24 * 3600);

impl Keyring {
    /// Makes a key that replaces this one: same service, name, scopes, limits and end. The old one ends after the grace, if it
    /// does not end sooner.
    ///
    /// # Errors
    /// `Missing`, `Misfit`, `Beyond`, `Conflict` when the key is not good or two generations are already, or the database.
    pub async fn rotate_key(
        &self,
        by: &By,
        id: &str,
        grace: Duration,
    ) -> Result<(KeyRow, ApiKey), KeyringError> {
        if grace > LONGEST_GRACE {
            return Err(KeyringError::Misfit("grace", "at most 30d".to_owned()));
        }
        let mut changing = self.change().await?;
        let old = changing.key(id).await?;
        self.may_change(&old)?;
        let conflict = |why: &str| Err(KeyringError::Conflict(why.to_owned()));
        if old.state != "active" || old.is_expired() {
            return conflict("only an active key is rotated; make a new one");
        }
        if old.superseded_by.is_some() {
            return conflict("it was rotated already; rotate the key that replaced it");
        }
        if let Some(before) = &old.rotated_from {
            let before = changing.key(before).await?;
            if before.state != "revoked" && !before.is_expired() {
                return conflict(
                    "the key before it is good still: two generations at most; revoke that one first",
                );
            }
        }
        let service = changing.service(&old.service_id).await?.ok_or(KeyringError::Missing("service"))?;
        let new = NewKey {
            kind: if old.kind == Kind::Admin.as_str() { Kind::Admin } else { Kind::Service },
            name: old.name.clone(),
            scopes: old.scopes()?,
            allowed_cidrs: old.networks()?,
            rate_per_s: old.rate_per_s,
            rate_burst: old.rate_burst,
            expires_at: old.expires_at,
        };
        let key = ApiKey::generate(new.kind);
        let new = self.insert(&mut changing, by, &service, &new, &key, Some(id)).await?;
        let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let until = Timestamp::now().as_millisecond().saturating_add(grace);
        let until = old.expires_at.map_or(until, |at| at.min(until));
        let old = KeyRow { expires_at: Some(until), superseded_by: Some(new.clone()), ..old };
        changing.update(old).await?;
        let told = json!({ "superseded_by": new, "until": until });
        changing.record(&by.entry("key.rotated", format!("key:{id}")).with(&told)).await?;
        let row = changing.key(&new).await?;
        self.finish(changing).await?;
        Ok((row, key))
    }
}
