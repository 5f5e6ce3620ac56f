//! Claims of `Idempotency-Key`s and the answers kept under them, as rows: one for each key of a caller.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    app::Shared,
    store::{Db, StoreError, executing, fetching},
};

pub(crate) const EXPIRE: &str =
    "DELETE FROM idempotency WHERE key_id = $1 AND idem_key = $2 AND expires_at <= $3";
pub(crate) const CLAIM: &str = "INSERT INTO idempotency (key_id, idem_key, fingerprint, state, created_at, expires_at) \
     VALUES ($1, $2, $3, 'in_flight', $4, $5) ON CONFLICT (key_id, idem_key) DO NOTHING";
pub(crate) const FIND: &str = "SELECT fingerprint, state, status, headers, body, created_at FROM idempotency \
     WHERE key_id = $1 AND idem_key = $2";
pub(crate) const TAKE_OVER: &str = "UPDATE idempotency SET created_at = $3 \
     WHERE key_id = $1 AND idem_key = $2 AND state = 'in_flight' AND created_at = $4";
pub(crate) const FINISH: &str = "UPDATE idempotency SET state = $4, status = $5, headers = $6, body = $7 \
     WHERE key_id = $1 AND idem_key = $2 AND state = 'in_flight' AND created_at = $3";
pub(crate) const RELEASE: &str =
    "DELETE FROM idempotency WHERE key_id = $1 AND idem_key = $2 AND state = 'in_flight' AND created_at = $3";
pub(crate) const PURGE: &str = "DELETE FROM idempotency WHERE expires_at <= $1";

/// For how long an answer is kept, in milliseconds.
const KEPT: i64 = 24 * 3600 * 1000;
/// After this time, in milliseconds, a call that left nothing is taken to have died.
const DEAD: i64 = 60_000;
/// How often what is over is removed.
const EVERY: Duration = Duration::from_secs(600);
/// Ends of calls that could not be kept at once, and the pauses between tries.
static LATER: Semaphore = Semaphore::const_new(256);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// One call under a key of its caller.
#[derive(Clone)]
pub(super) struct Claim {
    key_id: String,
    key: String,
    at: i64,
}

/// What was answered.
pub(super) struct Answer {
    /// `done`, or `shown` when it must not be given again.
    pub(super) state: &'static str,
    pub(super) status: u16,
    /// JSON list of names with values.
    pub(super) headers: Option<String>,
    pub(super) body: Option<Vec<u8>>,
}

/// An answer as it is kept.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    fingerprint: Vec<u8>,
    state: String,
    pub(super) status: Option<i64>,
    pub(super) headers: Option<String>,
    pub(super) body: Option<Vec<u8>>,
    created_at: i64,
}

/// How a key stands for a call.
pub(super) enum Standing {
    /// It is this call's.
    Claimed,
    /// An earlier call is being handled.
    InFlight,
    /// An earlier call was another one.
    Other,
    /// An earlier call showed what is shown once.
    Shown,
    /// An earlier call was answered.
    Done(Row),
}

impl Claim {
    pub(super) fn new(key_id: &str, key: &str) -> Self {
        Self { key_id: key_id.to_owned(), key: key.to_owned(), at: Timestamp::now().as_millisecond() }
    }

    /// Claims the key for this call, or tells how the earlier one stands.
    pub(super) async fn stake(&self, db: &Db, fingerprint: &[u8]) -> Result<Standing, StoreError> {
        let (key_id, key, now) = (&self.key_id, &self.key, self.at);
        let mut tx = db.begin().await?;
        executing!(&mut tx, sqlx::query(EXPIRE).bind(key_id).bind(key).bind(now))?;
        let claimed = executing!(
            &mut tx,
            sqlx::query(CLAIM).bind(key_id).bind(key).bind(fingerprint).bind(now).bind(now + KEPT)
        )?;
        if claimed == 1 {
            tx.commit().await?;
            return Ok(Standing::Claimed);
        }
        let row: Option<Row> =
            fetching!(&mut tx, at => sqlx::query_as(FIND).bind(key_id).bind(key).fetch_optional(at))?;
        let Some(row) = row else { return Ok(Standing::InFlight) };
        if row.fingerprint != fingerprint {
            return Ok(Standing::Other);
        }
        Ok(match row.state.as_str() {
            "in_flight" if row.created_at <= now - DEAD => {
                let taken = executing!(
                    &mut tx,
                    sqlx::query(TAKE_OVER).bind(key_id).bind(key).bind(now).bind(row.created_at)
                )?;
                tx.commit().await?;
                if taken == 1 { Standing::Claimed } else { Standing::InFlight }
            }
            "in_flight" => Standing::InFlight,
            "shown" => Standing::Shown,
            _ => Standing::Done(row),
        })
    }

    /// Keeps the answer, or lets the key go, so that the call can be repeated.
    pub(super) async fn settle(&self, db: &Db, answer: Option<&Answer>) -> Result<(), StoreError> {
        let mut tx = db.begin().await?;
        match answer {
            Some(answer) => executing!(
                &mut tx,
                sqlx::query(FINISH)
                    .bind(&self.key_id)
                    .bind(&self.key)
                    .bind(self.at)
                    .bind(answer.state)
                    .bind(i64::from(answer.status))
                    .bind(&answer.headers)
                    .bind(&answer.body)
            )?,
            None => {
                executing!(&mut tx, sqlx::query(RELEASE).bind(&self.key_id).bind(&self.key).bind(self.at))?
            }
        };
        tx.commit().await
    }

    /// Goes on trying to, so that whoever repeats the call when the database is back does not wait for a claim that nobody holds.
    /// Where there are too many, or it takes too long, the claim ages.
    pub(super) fn settle_later(self, db: Db, answer: Option<Answer>) {
        let Ok(place) = LATER.try_acquire() else { return };
        tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            while Timestamp::now().as_millisecond() < self.at + DEAD {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                if self.settle(&db, answer.as_ref()).await.is_ok() {
                    break;
                }
            }
            drop(place);
        });
    }
}

/// Removes what is over, until `stop`.
pub(crate) async fn purge(app: Shared, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        match purge_once(&app.db).await {
            Ok(removed) => debug!(removed, "kept answers are over"),
            Err(error) => warn!(%error, "kept answers that are over cannot be removed just now"),
        }
    }
}

async fn purge_once(db: &Db) -> Result<u64, StoreError> {
    let mut tx = db.begin().await?;
    let now = Timestamp::now().as_millisecond();
    let removed = executing!(&mut tx, sqlx::query(PURGE).bind(now))?;
    tx.commit().await?;
    Ok(removed)
}
