//! Under what the service works: the policy in force, or why one was refused, and the configuration. Each change is recorded once,
//! whichever replica sees it first.

use std::{collections::BTreeMap, time::Duration};

use adjutant_policies::Status;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Entry, Head, append, hex,
    journal::OURSELVES,
    lock,
    position::{READ, WRITE},
};
use crate::{
    app::Shared,
    store::{Db, StoreError, Tx, executing, fetching},
};

/// How often the policy is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Most characters of why a policy was refused.
const LONGEST_PROBLEM: usize = 2_000;
const IN_FORCE: &str = "audit_policy";
const REFUSED: &str = "audit_policy_refused";

/// Records the configuration, then watches the policy, until `stop`.
pub(crate) async fn run(app: Shared, configuration: Option<Value>, stop: CancellationToken) {
    let mut left = configuration;
    let mut seen = Seen::default();
    loop {
        if let Some(effective) = &left {
            match self::configuration(&app.db, "api", effective).await {
                Ok(()) => left = None,
                Err(error) => warn!(%error, "the configuration could not be recorded; trying again"),
            }
        }
        if let Err(error) = seen.look(&app.db, &app.policy.status()).await {
            warn!(%error, "the policy could not be recorded; trying again");
        }
        if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
    }
}

/// What this replica has seen of the policy, so that the database is asked only when that changes.
#[derive(Default)]
struct Seen {
    version: Option<String>,
    problem: Option<String>,
}

impl Seen {
    async fn look(&mut self, db: &Db, status: &Status) -> Result<(), StoreError> {
        if self.version != status.version {
            if let Some(version) = &status.version {
                let digest = digest_in(version);
                let body = json!({ "version": version, "loaded_at": status.loaded_at });
                once(db, IN_FORCE, digest, &Entry::now("policy.in_force", OURSELVES, digest).with(&body))
                    .await?;
            }
            self.version.clone_from(&status.version);
        }
        if self.problem != status.problem {
            let problem: Option<String> =
                status.problem.as_ref().map(|problem| problem.chars().take(LONGEST_PROBLEM).collect());
            let body = json!({ "problem": problem, "in_force": status.version });
            let entry = Entry::now("policy.refused", OURSELVES, "policy").with(&body);
            match &problem {
                Some(problem) => once(db, REFUSED, &digest(problem.as_bytes()), &entry).await?,
                // The same problem may come again, and is then another refusal.
                None => forget(db, REFUSED).await?,
            }
            self.problem.clone_from(&status.problem);
        }
        Ok(())
    }
}

/// The digest in a version such as `3 (7f3c9a1e)`; the number counts the loads of one process only.
fn digest_in(version: &str) -> &str {
    let inner = version.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    inner.map_or(version, |(digest, _)| digest)
}

fn digest(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

/// Appends the entry unless the last one under this key told the same.
async fn once(db: &Db, key: &str, told: &str, entry: &Entry) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    let mut head: Head = lock(&mut tx).await?;
    if known(&mut tx, key).await?.as_deref() != Some(told) {
        append(&mut tx, &mut head, entry).await?;
        remember(&mut tx, key, told).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn forget(db: &Db, key: &str) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    lock(&mut tx).await?;
    if known(&mut tx, key).await?.is_some_and(|told| !told.is_empty()) {
        remember(&mut tx, key, "").await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn known(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    fetching!(tx, at => sqlx::query_scalar(READ).bind(key).fetch_optional(at))
}

async fn remember(tx: &mut Tx, key: &str, told: &str) -> Result<(), StoreError> {
    executing!(tx, sqlx::query(WRITE).bind(key).bind(told)).map(drop)
}

/// Records as `config.loaded` the effective configuration of a role, of which secrets are left out already: its digest and the
/// keys whose values are others than the last time. Nothing, if none is.
///
/// # Errors
/// The database.
pub async fn configuration(db: &Db, role: &str, effective: &Value) -> Result<(), StoreError> {
    let mut now = BTreeMap::new();
    flatten("", effective, &mut now);
    let written = |values: &BTreeMap<String, String>| {
        serde_json::to_string(values).map_err(|error| StoreError::Fault(error.to_string()))
    };
    let (key, text) = (format!("audit_config:{role}"), written(&now)?);
    let mut tx = db.begin().await?;
    let mut head = lock(&mut tx).await?;
    let last = known(&mut tx, &key).await?;
    if last.as_ref() == Some(&text) {
        return Ok(());
    }
    let last: BTreeMap<String, String> =
        last.and_then(|last| serde_json::from_str(&last).ok()).unwrap_or_default();
    let keys = last.keys().chain(now.keys().filter(|key| !last.contains_key(*key)));
    let mut changed: Vec<&String> = keys.filter(|key| last.get(*key) != now.get(*key)).collect();
    changed.sort();
    let body = json!({ "digest": digest(text.as_bytes()), "changed": changed });
    append(&mut tx, &mut head, &Entry::now("config.loaded", OURSELVES, role).with(&body)).await?;
    remember(&mut tx, &key, &text).await?;
    tx.commit().await
}

/// Every value's digest by its dotted key.
fn flatten(key: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, member, into);
            }
        }
        value => {
            into.insert(key.to_owned(), digest(value.to_string().as_bytes()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::digest_in;

    #[test]
    fn the_digest_of_a_version_is_found() {
        assert_eq!(digest_in("3 (7f3c9a1e)"), "7f3c9a1e");
        assert_eq!(digest_in("odd"), "odd");
    }
}
