//! Keys that end soon: said fourteen, three and one days before, once each, in the record and where the configuration says.

use std::{sync::Arc, time::Duration};

use adjutant_bus::announcement::{Message, Severity};
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    app::App,
    audit::{self, Entry},
    relay,
    store::{StoreError, executing, reading},
};

pub(crate) const ENDING: &str = "SELECT k.id, k.name, s.name AS service, k.expires_at, k.warned_days \
     FROM api_keys k JOIN services s ON s.id = k.service_id \
     WHERE k.state = 'active' AND k.superseded_by IS NULL AND s.disabled_at IS NULL \
     AND k.expires_at > $1 AND k.expires_at <= $2 ORDER BY k.expires_at, k.id LIMIT 1000";
pub(crate) const WARNED: &str = "UPDATE api_keys SET warned_days = $1 \
     WHERE id = $2 AND (warned_days IS NULL OR warned_days > $1)";

/// Days before the end.
const DAYS: [i64; 3] = [1, 3, 14];
/// A day in milliseconds.
const DAY: i64 = 86_400_000;
/// How often it is looked.
const EVERY: Duration = Duration::from_secs(3_600);

#[derive(sqlx::FromRow)]
struct Ending {
    id: String,
    name: String,
    service: String,
    expires_at: i64,
    warned_days: Option<i64>,
}

/// Warns until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        if let Err(error) = warn_all(&app).await {
            warn!(%error, "it cannot be found out which keys end soon; tried again later");
        }
    }
}

async fn warn_all(app: &App) -> Result<(), StoreError> {
    let now = Timestamp::now().as_millisecond();
    let ending: Vec<Ending> = reading!(&app.db, at =>
        sqlx::query_as(ENDING).bind(now).bind(now + 14 * DAY).fetch_all(at))?;
    for key in ending {
        let left = key.expires_at - now;
        let due = DAYS.into_iter().find(|days| left <= days * DAY);
        if let Some(days) = due.filter(|days| key.warned_days.is_none_or(|warned| warned > *days)) {
            warn_of(app, &key, days).await?;
        }
    }
    Ok(())
}

async fn warn_of(app: &App, key: &Ending, days: i64) -> Result<(), StoreError> {
    let mut tx = app.db.begin().await?;
    let mut head = audit::lock(&mut tx).await?;
    if executing!(&mut tx, sqlx::query(WARNED).bind(days).bind(&key.id))? == 0 {
        // Another replica was faster.
        return Ok(());
    }
    let end =
        Timestamp::from_millisecond(key.expires_at).map_or_else(|_| "-".to_owned(), |at| at.to_string());
    let told = json!({ "service": key.service, "name": key.name, "expires_at": end, "days": days });
    let entry = Entry::now("key.expires_soon", "adjutant", format!("key:{}", key.id)).with(&told);
    audit::append(&mut tx, &mut head, &entry).await?;
    if let Some(destination) = &app.config.warn_destination {
        let text = format!(
            "The key \"{}\" of the service {} ends at {end}. Rotate it before.",
            key.name, key.service
        );
        let severity = if days > 1 { Severity::Warning } else { Severity::Error };
        let title = Some("An API key ends soon".to_owned());
        let message = Message { text, title, severity, ..Message::default() };
        let payload = json!(message).to_string();
        relay::enqueue(&mut tx, relay::ANNOUNCE, destination, &payload).await?;
    }
    tx.commit().await?;
    app.wake.up();
    Ok(())
}
