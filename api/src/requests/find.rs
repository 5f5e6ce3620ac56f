//! One request by its id, if the caller may see it: its own service's, or anybody's with the right to read the record.

use adjutant_bus::{
    actor::{Platform, Tenant},
    event::Fact,
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
    /// Its journal so far, of its progress only the last; empty before a worker has begun it.
    pub(crate) events: Vec<Recorded>,
    /// Whether the caller's own service asked for it.
    pub(crate) own: bool,
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
    let mut journals: Vec<(JournalKey, Vec<Recorded>)> = Vec::new();
    let mut after = 0;
    loop {
        let page = app.bus.journal.read(&Journals::Run(run), after, MOST).await?;
        let is_last = page.len() < MOST;
        after = page.last().map_or(after, |event| event.sequence);
        for event in page.into_iter().filter(|event| whole.is_none_or(|id| event.key.request == id)) {
            match journals.iter_mut().find(|(key, _)| *key == event.key) {
                Some((_, events)) => keep(events, event),
                None => journals.push((event.key.clone(), vec![event])),
            }
        }
        if is_last {
            break;
        }
    }
    let rows = rows::by_id(&app.db, whole.map(|id| id.to_string()), &run.to_string()).await;
    // The newest first: two of the same short id are possible, if hardly so.
    for (key, events) in journals.into_iter().rev() {
        let own = is_own(caller, &events);
        if own || everything(caller) {
            let id = key.request.to_string();
            let row = rows.ok().and_then(|rows| rows.into_iter().find(|row| row.id == id));
            return Ok(Found { key, events, own, row });
        }
    }
    let owns = |row: &Row| row.platform == "api" && row.service.as_ref() == Some(&caller.service);
    let row = rows?.into_iter().find(|row| everything(caller) || owns(row)).ok_or_else(unknown)?;
    let own = owns(&row);
    let request = row.id.parse().map_err(|_| unknown())?;
    let platform: Platform = row.platform.parse().map_err(|_| unknown())?;
    let origin = Origin::new(platform, &Tenant::new(row.tenant.clone()));
    Ok(Found { key: JournalKey { origin, request }, events: Vec::new(), own, row: Some(row) })
}

/// Whether the caller may see all requests.
pub(crate) fn everything(caller: &Principal) -> bool {
    caller.scopes.admit(Right::AuditRead, None)
}

fn is_own(caller: &Principal, events: &[Recorded]) -> bool {
    events.iter().any(|event| {
        event.event.opening.as_ref().is_some_and(|opening| {
            opening.request.actor.platform == Platform::Api && opening.request.actor.user == caller.service
        })
    })
}

/// One more event. A request may tell of its progress very often; what it told before says nothing any more.
pub(crate) fn keep(events: &mut Vec<Recorded>, event: Recorded) {
    let is_progress = |event: &Recorded| matches!(event.event.fact, Fact::Progress { .. });
    match events.last_mut() {
        Some(last) if is_progress(last) && is_progress(&event) && last.event.opening.is_none() => {
            *last = event
        }
        _ => events.push(event),
    }
}
