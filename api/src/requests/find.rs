//! One request by its id, if the caller may see it: its own service's, or anybody's with the right to read the record.

use adjutant_bus::{
    actor::{Platform, Tenant},
    id::{RequestId, RunId},
    ports::Recorded,
    subject::{JournalKey, Journals, Origin},
};

use super::rows::{self, Row};
use crate::{app::App, auth::Principal, live::MOST, problem::Problem, scope::Right};

/// A request that was found.
pub(crate) struct Found {
    /// Its journal's name.
    pub(crate) key: JournalKey,
    /// Its journal so far; empty before a worker has begun it.
    pub(crate) events: Vec<Recorded>,
    /// Its row, if there is one.
    pub(crate) row: Option<Row>,
}

/// The request of this id (a UUID, or the short one that people see).
pub(crate) async fn found(app: &App, caller: &Principal, id: &str) -> Result<Found, Problem> {
    let unknown = || Problem::not_found("request");
    let (whole, run): (Option<RequestId>, RunId) = match id.parse::<RequestId>() {
        Ok(id) => (Some(id), id.run()),
        Err(_) => (None, id.parse().map_err(|_| unknown())?),
    };
    let events = app.bus.journal.read(&Journals::Run(run), 0, MOST).await?;
    let events = events.into_iter().filter(|event| whole.is_none_or(|id| event.key.request == id));
    let mut journals: Vec<(JournalKey, Vec<Recorded>)> = Vec::new();
    for event in events {
        match journals.iter_mut().find(|(key, _)| *key == event.key) {
            Some((_, events)) => events.push(event),
            None => journals.push((event.key.clone(), vec![event])),
        }
    }
    let rows = rows::by_id(&app.db, whole.map(|id| id.to_string()), &run.to_string()).await;
    // The newest first: two of the same short id are possible, if hardly so.
    for (key, events) in journals.into_iter().rev() {
        if sees(caller, &events) {
            let id = key.request.to_string();
            let row = rows.ok().and_then(|rows| rows.into_iter().find(|row| row.id == id));
            return Ok(Found { key, events, row });
        }
    }
    let row = rows?.into_iter().find(|row| {
        everything(caller) || row.platform == "api" && row.service.as_ref() == Some(&caller.service)
    });
    let row = row.ok_or_else(unknown)?;
    let request = row.id.parse().map_err(|_| unknown())?;
    let platform: Platform = row.platform.parse().map_err(|_| unknown())?;
    let origin = Origin::new(platform, &Tenant::new(row.tenant.clone()));
    Ok(Found { key: JournalKey { origin, request }, events: Vec::new(), row: Some(row) })
}

/// Whether the caller may see all requests.
pub(crate) fn everything(caller: &Principal) -> bool {
    caller.scopes.admit(Right::AuditRead, None)
}

fn sees(caller: &Principal, events: &[Recorded]) -> bool {
    let own = |event: &Recorded| {
        event.event.opening.as_ref().is_some_and(|opening| {
            opening.request.actor.platform == Platform::Api && opening.request.actor.user == caller.service
        })
    };
    everything(caller) || events.iter().any(own)
}
