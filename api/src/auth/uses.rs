//! When and from where keys and secrets of hooks were used last: noted in memory, written now and then in one transaction, to the minute.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::store::{Db, StoreError, executing};

pub(crate) const USED: &str = "UPDATE api_keys SET last_used_at = $1, last_used_ip = $2 \
     WHERE id = $3 AND (last_used_at IS NULL OR last_used_at <= $4)";

pub(crate) const HOOK_USED: &str = "UPDATE hook_secrets SET last_used_at = $1, last_used_ip = $2 \
     WHERE id = $3 AND (last_used_at IS NULL OR last_used_at <= $4)";

/// Keys noted between two flushes; what is beyond is noted next time.
const MOST: usize = 50_000;
/// What is kept is this exact, in milliseconds.
const GRAIN: i64 = 60_000;

type Noted = HashMap<String, (i64, Option<IpAddr>)>;

/// What was used since the last flush.
pub(crate) struct Uses {
    /// Writes one.
    statement: &'static str,
    noted: Mutex<Noted>,
}

impl Uses {
    /// Uses of keys.
    pub(super) fn of_keys() -> Self {
        Self { statement: USED, noted: Mutex::default() }
    }

    /// Uses of secrets of hooks.
    pub(super) fn of_hooks() -> Self {
        Self { statement: HOOK_USED, noted: Mutex::default() }
    }

    pub(crate) fn note(&self, key: &str, address: Option<IpAddr>) {
        let now = Timestamp::now().as_millisecond();
        let mut noted = self.noted.lock();
        if let Some(known) = noted.get_mut(key) {
            *known = (now, address);
        } else if noted.len() < MOST {
            noted.insert(key.to_owned(), (now, address));
        }
    }

    /// Writes what was noted; what cannot be written is kept for the next time.
    pub(super) async fn flush(&self, db: &Db) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.noted.lock());
        if noted.is_empty() {
            return Ok(());
        }
        let written = write(db, self.statement, &noted).await;
        if written.is_err() {
            let mut newer = self.noted.lock();
            noted.into_iter().take(MOST).for_each(|(key, use_)| {
                newer.entry(key).or_insert(use_);
            });
        }
        written
    }
}

async fn write(db: &Db, statement: &'static str, noted: &Noted) -> Result<(), StoreError> {
    // In one order everywhere, so that two replicas never wait for each other.
    let sorted: BTreeMap<_, _> = noted.iter().collect();
    let mut tx = db.begin().await?;
    for (key, (at, address)) in sorted {
        let address = address.map(|address| address.to_string());
        executing!(&mut tx, sqlx::query(statement).bind(*at).bind(&address).bind(key).bind(*at - GRAIN))?;
    }
    tx.commit().await
}
