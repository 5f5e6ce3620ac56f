//! The first administrator's key.

use std::time::Duration;

use jiff::Timestamp;

use super::{By, Changing, Keyring, KeyringError, NewKey, NewService, ServiceRow};
use crate::{
    key::{ApiKey, Kind},
    scope::{Right, Scope, Scopes},
    store::{StoreError, executing, fetching, reading},
};

pub(crate) const BOOTSTRAPPED: &str = "SELECT v FROM meta WHERE k = 'bootstrapped'";
pub(crate) const BOOTSTRAP: &str =
    "INSERT INTO meta (k, v) VALUES ('bootstrapped', $1) ON CONFLICT (k) DO NOTHING";

/// The service that owns administrators' keys made without one.
pub(crate) const SERVICE: &str = "admin";
/// Long enough to make a proper one.
const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

impl Keyring {
    /// Whether there was a first key already.
    pub(crate) async fn is_bootstrapped(&self) -> Result<bool, StoreError> {
        let there: Option<String> =
            reading!(&self.db, at => sqlx::query_scalar(BOOTSTRAPPED).fetch_optional(at))?;
        Ok(there.is_some())
    }

    /// Takes this key in as the first one, unless there was one already.
    pub(crate) async fn bootstrap(&self, by: &By, key: &ApiKey) -> Result<bool, KeyringError> {
        let mut changing = self.change().await?;
        let there: Option<String> =
            fetching!(&mut changing.tx, at => sqlx::query_scalar(BOOTSTRAPPED).fetch_optional(at))?;
        if there.is_some() {
            return Ok(false);
        }
        self.first(&mut changing, by, key).await?;
        self.finish(changing).await?;
        Ok(true)
    }

    /// Makes an administrator's key that ends in seven days, for the command line: whoever has the database has the system.
    ///
    /// # Errors
    /// The database.
    pub async fn bootstrap_again(&self, by: &By) -> Result<(String, ApiKey), KeyringError> {
        let key = ApiKey::generate(Kind::Admin);
        let mut changing = self.change().await?;
        let id = self.first(&mut changing, by, &key).await?;
        self.finish(changing).await?;
        Ok((id, key))
    }

    async fn first(&self, changing: &mut Changing, by: &By, key: &ApiKey) -> Result<String, KeyringError> {
        let now = Timestamp::now().as_millisecond();
        executing!(&mut changing.tx, sqlx::query(BOOTSTRAP).bind(now.to_string()))?;
        let service: ServiceRow = match changing.service(SERVICE).await? {
            Some(service) => service,
            None => {
                let description = "administrators".to_owned();
                let new = NewService { name: SERVICE.to_owned(), description, ..NewService::default() };
                changing.new_service(by, new).await?
            }
        };
        if service.disabled_at.is_some() {
            return Err(KeyringError::Conflict(
                "the service `admin` is disabled; enable it first".to_owned(),
            ));
        }
        let new = NewKey {
            kind: Kind::Admin,
            name: "bootstrap".to_owned(),
            scopes: Scopes::new(vec![Scope::whole(Right::Admin)]),
            allowed_cidrs: None,
            rate_per_s: None,
            rate_burst: None,
            expires_at: Some(now.saturating_add(i64::try_from(LIFE.as_millis()).unwrap_or_default())),
        };
        self.insert(changing, by, &service, &new, key, None).await
    }
}
