//! Calls that were not let in, for the record: one entry a minute for each address and reason, so that nobody fills it.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use parking_lot::Mutex;
use serde_json::json;

use super::limits::network;
use crate::{
    audit::{self, Entry},
    http::Exchange,
    problem::Code,
    store::{Db, StoreError},
};

/// An address and reason is noted again after this time.
const AGAIN: Duration = Duration::from_secs(60);
/// Addresses and reasons remembered. When there are more, those beyond are not noted.
const MOST: usize = 10_000;
/// Entries that wait to be written.
const WAITING: usize = 64;

#[derive(Default)]
struct Noted {
    at: HashMap<(Option<IpAddr>, Code), Instant>,
    waiting: Vec<Entry>,
}

/// Refusals of this replica.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<Noted>);

impl Refusals {
    /// Notes that a call was answered with this code, if that is a refusal.
    pub(crate) fn note(&self, exchange: &Exchange, code: Code) {
        if !matches!(code.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return;
        }
        let place = (exchange.address.map(network), code);
        let mut noted = self.0.lock();
        if noted.at.get(&place).is_some_and(|at| at.elapsed() < AGAIN) {
            return;
        }
        if noted.at.len() >= MOST {
            noted.at.retain(|_, at| at.elapsed() < AGAIN);
        }
        if noted.at.len() >= MOST || noted.waiting.len() >= WAITING {
            return;
        }
        noted.at.insert(place, Instant::now());
        let (who, key_id) = exchange.caller.get().cloned().unzip();
        let entry = Entry::now("auth.refused", who.unwrap_or_else(|| "unknown".to_owned()), "api");
        let entry = Entry { key_id, ip: exchange.ip(), outcome: Some("refused".to_owned()), ..entry };
        noted.waiting.push(entry.with(&json!({ "code": code.as_str() })));
    }

    /// Writes what waits. What cannot be written is lost: it is a sample, and the log and the metrics have it besides.
    pub(super) async fn flush(&self, db: &Db) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut self.0.lock().waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        let mut head = audit::lock(&mut tx).await?;
        for entry in &waiting {
            audit::append(&mut tx, &mut head, entry).await?;
        }
        tx.commit().await
    }
}
