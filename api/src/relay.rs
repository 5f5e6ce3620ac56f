//! The relay: what a transaction wants told on the bus is a row of the same transaction, and put on the bus once that is
//! committed, again and again until the bus has it. Told twice is harmless: every kind is idempotent.

use std::{sync::Arc, time::Duration};

use adjutant_bus::ports::{Bucket, BusError, Expect, StoreError as BusStoreError};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use uuid::Uuid;

use crate::{
    app::App,
    destinations, notices,
    store::{Db, StoreError, Tx, executing, reading},
};

pub(crate) const ENQUEUE: &str =
    "INSERT INTO relay (id, kind, target, payload, created_at) VALUES ($1, $2, $3, $4, $5)";
pub(crate) const WAITING: &str = "SELECT id, target, payload FROM relay WHERE sent_at IS NULL AND kind = $1 \
     ORDER BY created_at, id LIMIT 100";
pub(crate) const SENT: &str = "UPDATE relay SET sent_at = $1 WHERE id = $2";
pub(crate) const FORGET: &str = "DELETE FROM relay WHERE sent_at < $1";

/// A key has a new version: target is its id, the payload its version.
pub(crate) const REVOCATION: &str = "revocation";
/// A destination has changed: target is its name; what it is now stands in the database.
pub(crate) const DESTINATION: &str = "destination";
/// Something is to be said: target is a destination, the payload a message (JSON).
pub(crate) const ANNOUNCE: &str = "announce";

/// The kinds that are relayed here. A kind that the bus does not take does not hold up the others.
const KINDS: &[&str] = &[REVOCATION, DESTINATION, ANNOUNCE];

/// Rows of other processes are found after this time.
const POLL: Duration = Duration::from_millis(500);
/// What was sent is kept for so long, in milliseconds, and removed every so many rounds.
const KEPT: i64 = 3_600_000;
const ROUNDS: u32 = 600;

/// Wakes the relay of this process after a commit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wake(Arc<Notify>);

impl Wake {
    /// There is something.
    pub(crate) fn up(&self) {
        self.0.notify_one();
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    target: String,
    payload: String,
}

/// Puts a row into the transaction. Who commits it calls [`Wake::up`].
pub(crate) async fn enqueue(
    tx: &mut Tx,
    kind: &str,
    target: &str,
    payload: &str,
) -> Result<String, StoreError> {
    let id = Uuid::now_v7().to_string();
    let now = Timestamp::now().as_millisecond();
    executing!(tx, sqlx::query(ENQUEUE).bind(&id).bind(kind).bind(target).bind(payload).bind(now))?;
    Ok(id)
}

/// Relays until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut poll = tokio::time::interval(POLL);
    poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut round, mut quiet) = (0_u32, false);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = poll.tick() => {}
            () = app.wake.0.notified() => {}
        }
        for kind in KINDS {
            match pass(&app, kind).await {
                Ok(()) => quiet = false,
                // Once, not twice a second.
                Err(why) if !quiet => {
                    warn!(why, kind, "what is to be told on the bus waits");
                    quiet = true;
                }
                Err(_) => {}
            }
        }
        round += 1;
        if round >= ROUNDS {
            round = 0;
            if let Err(error) = forget(&app.db).await {
                warn!(%error, "what was told on the bus cannot be tidied away");
            }
        }
    }
}

/// Tells what waits of one kind, in order, until something cannot be told.
async fn pass(app: &App, kind: &str) -> Result<(), String> {
    loop {
        let waiting = waiting(&app.db, kind).await.map_err(|error| error.to_string())?;
        if waiting.is_empty() {
            return Ok(());
        }
        for row in &waiting {
            match tell(app, kind, row).await {
                Ok(()) => {}
                Err(BusError::Unavailable(why) | BusError::Full(why)) => return Err(why),
                // It will never be taken. The bound of revocation holds without the bus.
                Err(error) => {
                    error!(%error, kind, target = row.target, "the bus refused what was to be told")
                }
            }
            sent(&app.db, &row.id).await.map_err(|error| error.to_string())?;
        }
    }
}

async fn tell(app: &App, kind: &str, row: &Row) -> Result<(), BusError> {
    match kind {
        REVOCATION => {
            let value = row.payload.clone().into_bytes().into();
            let put = app.bus.store.put(Bucket::Revocations, &row.target, value, Expect::Anything).await;
            put.map(drop).map_err(|error| match error {
                BusStoreError::Bus(error) => error,
                BusStoreError::Conflict => BusError::Unavailable(error.to_string()),
            })
        }
        DESTINATION => destinations::told(app, &row.target).await,
        ANNOUNCE => notices::relay_announce(app, &row.id, &row.target, &row.payload).await,
        _ => Ok(()),
    }
}

async fn waiting(db: &Db, kind: &str) -> Result<Vec<Row>, StoreError> {
    reading!(db, at => sqlx::query_as(WAITING).bind(kind).fetch_all(at))
}

async fn sent(db: &Db, id: &str) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    executing!(&mut tx, sqlx::query(SENT).bind(Timestamp::now().as_millisecond()).bind(id))?;
    tx.commit().await
}

async fn forget(db: &Db) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    executing!(&mut tx, sqlx::query(FORGET).bind(Timestamp::now().as_millisecond() - KEPT))?;
    tx.commit().await
}
