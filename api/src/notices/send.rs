//! Sending: kept and recorded first, then put on the bus, one notice for each channel. The same notice again goes only where it
//! did not arrive.

use adjutant_bus::{announcement::Message, mode, notice::Notice, ports::BusError, wire};
use jiff::Timestamp;
use serde_json::json;
use tracing::{error, warn};

use super::{
    permission,
    rows::{self, Delivery, Row, Status},
};
use crate::{
    app::App, audit, auth::Principal, destinations, http::Exchange, problem::Problem, store::StoreError,
};

/// What is to be sent.
pub(crate) struct Outgoing {
    /// A UUID; the same notice has the same.
    pub(crate) id: String,
    pub(crate) destination: String,
    pub(crate) message: Message,
}

impl Outgoing {
    /// Whether this is the notice that is kept.
    pub(crate) fn is(&self, row: &Row) -> bool {
        let kept: Result<serde_json::Value, _> = serde_json::from_str(&row.message);
        row.destination == self.destination && kept.is_ok_and(|kept| kept == json!(self.message))
    }
}

/// What was sent.
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) dedup_key: Option<String>,
    pub(crate) deliveries: Vec<Delivery>,
}

/// Sends as this service.
///
/// # Errors
/// Why nothing was sent; when the bus has it for one channel at least, it is sent.
pub(crate) async fn send(
    app: &App,
    caller: &Principal,
    exchange: &Exchange,
    outgoing: Outgoing,
) -> Result<Sent, Problem> {
    let destination = destinations::one(&app.db, &outgoing.destination).await?;
    let destination = destination.ok_or_else(|| Problem::not_found("destination"))?;
    let earlier = rows::one(&app.db, &outgoing.id).await?;
    let mut deliveries = match &earlier {
        Some(row) => row.deliveries()?,
        None => {
            let pending = |target| Delivery { target, status: Status::Pending };
            destination.channels()?.into_iter().map(pending).collect()
        }
    };
    let targets: Vec<_> = deliveries.iter().map(|delivery| delivery.target.clone()).collect();
    let freeze = mode::load(&app.bus).await.ok().and_then(|mode| mode.is_frozen(Timestamp::now()));
    permission::check(&app.policy, freeze, &caller.actor(), &destination.name, &targets)?;
    let dedup_key = outgoing.message.matter.as_ref().map(|matter| matter.key.clone());
    if earlier.is_none() {
        keep(app, caller, exchange, &outgoing, dedup_key.clone(), &deliveries).await?;
    }
    let refused = submit(app, caller, &outgoing, &mut deliveries).await;
    if let Err(error) = rows::delivered(&app.db, &outgoing.id, &deliveries).await {
        // It is on the bus: saying otherwise would have it sent again.
        warn!(%error, notice = outgoing.id, "how far a notice came cannot be kept");
    }
    match refused {
        Some(refused) if deliveries.iter().all(|delivery| delivery.status == Status::Pending) => Err(refused),
        _ => Ok(Sent { id: outgoing.id, dedup_key, deliveries }),
    }
}

/// Keeps and records it. The record tells of the matter, not of the text.
async fn keep(
    app: &App,
    caller: &Principal,
    exchange: &Exchange,
    outgoing: &Outgoing,
    dedup_key: Option<String>,
    deliveries: &[Delivery],
) -> Result<(), Problem> {
    let text =
        |value: serde_json::Result<String>| value.map_err(|error| StoreError::Fault(error.to_string()));
    let told = json!({
        "destination": outgoing.destination,
        "severity": outgoing.message.severity,
        "dedup_key": dedup_key,
        "channels": deliveries.len(),
    });
    let row = Row {
        id: outgoing.id.clone(),
        destination: outgoing.destination.clone(),
        dedup_key,
        service: caller.service.clone(),
        message: text(serde_json::to_string(&outgoing.message))?,
        deliveries: text(serde_json::to_string(deliveries))?,
        created_at: Timestamp::now().as_millisecond(),
    };
    let mut tx = app.db.begin().await?;
    if rows::insert(&mut tx, &row, &caller.key_id).await? {
        let entry = caller.entry("notice.sent", format!("notice:{}", outgoing.id), exchange);
        audit::record(&mut tx, &entry.with(&told)).await?;
    }
    Ok(tx.commit().await?)
}

/// Puts it on the bus for each channel where it is not certain to be, and notes where it is now; the last reason why not.
async fn submit(
    app: &App,
    caller: &Principal,
    outgoing: &Outgoing,
    deliveries: &mut [Delivery],
) -> Option<Problem> {
    let (from, mut refused) = (caller.who(), None);
    for delivery in deliveries.iter_mut().filter(|delivery| delivery.status == Status::Pending) {
        let notice = Notice {
            v: wire::Version,
            id: Notice::id(&from, &outgoing.id, &delivery.target),
            from: from.clone(),
            to: delivery.target.place(),
            reply: outgoing.message.reply(),
            matter: outgoing.message.matter.clone(),
            sent_at: Timestamp::now(),
        };
        match app.bus.tell(&notice).await {
            Ok(_) => delivery.status = Status::Accepted,
            Err(error) => {
                error!(%error, notice = outgoing.id, "a notice was not accepted");
                refused = Some(problem(error));
            }
        }
    }
    refused
}

/// A full bus is not the caller's fault here, as it is with commands.
fn problem(error: BusError) -> Problem {
    match error {
        BusError::Full(_) => Problem::unavailable("Too many notices wait already; nothing was accepted."),
        error => error.into(),
    }
}
