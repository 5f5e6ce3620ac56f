//! Telling the bus what the database says of destinations.

use std::time::Duration;

use adjutant_bus::{
    destination::{self, Destination},
    ports::BusError,
    wire,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Row, list, one};
use crate::{
    app::{App, Shared},
    store::StoreError,
};

/// Destinations that are read at once.
const PAGE: usize = 200;
/// The pause after something failed.
const PAUSE: Duration = Duration::from_secs(2);
/// How often a destination that changes meanwhile is told again.
const TRIES: usize = 5;

/// Tells the bus how this destination is now. What the row of the relay says of it may be old; the database is not.
///
/// # Errors
/// When the bus or the database does not answer.
pub(crate) async fn relay(app: &App, target: &str) -> Result<(), BusError> {
    let mut now = one(&app.db, target).await.map_err(unavailable)?;
    for _ in 0..TRIES {
        match &now {
            Some(row) => destination::store(&app.bus, &known(row)?).await.map(drop)?,
            None => destination::remove(&app.bus, target).await?,
        }
        let after = one(&app.db, target).await.map_err(unavailable)?;
        if after == now {
            return Ok(());
        }
        now = after;
    }
    Err(BusError::Unavailable("the destination keeps changing".to_owned()))
}

/// Tells the bus at once after a commit. When that fails the relay does it later.
pub(crate) async fn publish(app: &App, name: &str) {
    if let Err(error) = relay(app, name).await {
        warn!(%error, destination = name, "workers are told of a destination later");
    }
}

/// Tells the bus of all destinations, until it knows: one in memory has forgotten them.
pub(crate) async fn publish_all(app: Shared, stop: CancellationToken) {
    let mut after: Option<String> = None;
    loop {
        match page(&app, after.as_deref()).await {
            Ok(None) => return,
            Ok(last) => after = last,
            Err(error) => {
                warn!(%error, "workers cannot be told of the destinations yet");
                if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                    return;
                }
            }
        }
        if stop.is_cancelled() {
            return;
        }
    }
}

/// Tells of some, and the name of the last one.
async fn page(app: &App, after: Option<&str>) -> Result<Option<String>, BusError> {
    let rows = list(&app.db, after, PAGE).await.map_err(unavailable)?;
    for row in &rows {
        match relay(app, &row.name).await {
            Err(BusError::Refused(why)) => warn!(why, destination = row.name, "it is left out"),
            told => told?,
        }
    }
    Ok(rows.last().map(|row| row.name.clone()))
}

fn known(row: &Row) -> Result<Destination, BusError> {
    let targets = row.channels().map_err(|error| BusError::Refused(error.to_string()))?;
    Ok(Destination { v: wire::Version, name: row.name.clone(), targets })
}

fn unavailable(error: StoreError) -> BusError {
    BusError::Unavailable(error.to_string())
}
