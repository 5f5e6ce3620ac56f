//! The rows as the journal moves them on, and the announcement of an outcome. Called by the copier, in its transaction, for each
//! event in order; an event that comes again changes nothing.

use adjutant_bus::{
    actor::Platform,
    announcement::{Message, Severity},
    event::{Opening, Outcome},
    id::RequestId,
    ports::Recorded,
    reply::{Field, Reply},
};
use jiff::Timestamp;

use super::shown::state;
use crate::store::{StoreError, Tx, executing, fetching};

pub(crate) const OPEN: &str = "INSERT INTO requests (id, run_id, platform, tenant, actor, service, command, state, policy, \
     created_at, last_sequence) VALUES ($1, $2, $3, $4, $5, $6, $7, 'accepted', $8, $9, 0) \
     ON CONFLICT (id) DO UPDATE SET policy = COALESCE(requests.policy, excluded.policy), \
     command = CASE WHEN excluded.command = '' THEN requests.command ELSE excluded.command END";
pub(crate) const ADVANCE: &str = "UPDATE requests SET state = COALESCE(CAST($2 AS TEXT), state), \
     started_at = COALESCE(started_at, CAST($3 AS BIGINT)), ended_at = COALESCE(ended_at, CAST($4 AS BIGINT)), \
     last_sequence = $5 WHERE id = $1 AND last_sequence < $5";
pub(crate) const ANNOUNCED: &str =
    "SELECT announce, command, actor, service FROM requests WHERE id = $1 AND announce IS NOT NULL";
pub(crate) const RELAY: &str = "INSERT INTO relay (id, kind, target, payload, created_at) VALUES ($1, 'announce', $2, $3, $4) \
     ON CONFLICT (id) DO NOTHING";

#[derive(sqlx::FromRow)]
struct Announced {
    announce: String,
    command: String,
    actor: String,
    service: Option<String>,
}

/// Moves a request's row on to this event, and has its outcome announced when it ends, once.
pub(crate) async fn view(tx: &mut Tx, recorded: &Recorded) -> Result<(), StoreError> {
    let id = recorded.key.request;
    if let Some(opening) = &recorded.event.opening {
        open(tx, id, opening).await?;
    }
    let at = recorded.event.at.as_millisecond();
    let state = state(&recorded.event.fact);
    let end = recorded.event.fact.end();
    let sequence = i64::try_from(recorded.sequence).unwrap_or(i64::MAX);
    let moved = executing!(
        tx,
        sqlx::query(ADVANCE)
            .bind(id.to_string())
            .bind(state)
            .bind((state == Some("started")).then_some(at))
            .bind(end.map(|_| at))
            .bind(sequence)
    )?;
    match end {
        Some((outcome, reply)) if moved == 1 => announce(tx, id, outcome, reply).await,
        _ => Ok(()),
    }
}

async fn open(tx: &mut Tx, id: RequestId, opening: &Opening) -> Result<(), StoreError> {
    let actor = &opening.request.actor;
    let service = matches!(actor.platform, Platform::Api | Platform::Service).then_some(&actor.user);
    let command = opening.invocation.as_ref().map(|invocation| invocation.path.dotted()).unwrap_or_default();
    executing!(
        tx,
        sqlx::query(OPEN)
            .bind(id.to_string())
            .bind(id.run().to_string())
            .bind(actor.platform.as_str())
            .bind(actor.tenant.as_str())
            .bind(actor.to_string())
            .bind(service)
            .bind(&command)
            .bind(opening.authorization.as_ref().map(|decision| &decision.policy))
            .bind(opening.request.received_at.as_millisecond())
    )
    .map(drop)
}

async fn announce(tx: &mut Tx, id: RequestId, outcome: Outcome, reply: &Reply) -> Result<(), StoreError> {
    let row: Option<Announced> =
        fetching!(tx, at => sqlx::query_as(ANNOUNCED).bind(id.to_string()).fetch_optional(at))?;
    let Some(row) = row else { return Ok(()) };
    let payload = serde_json::to_string(&message(id, &row, outcome, reply))
        .map_err(|error| StoreError::Fault(error.to_string()))?;
    executing!(
        tx,
        sqlx::query(RELAY)
            .bind(format!("announce:{id}"))
            .bind(&row.announce)
            .bind(payload)
            .bind(Timestamp::now().as_millisecond())
    )
    .map(drop)
}

/// What is said of an outcome: the title of the reply, never its parts, which were for the asker.
fn message(id: RequestId, row: &Announced, outcome: Outcome, reply: &Reply) -> Message {
    let command = if row.command.is_empty() { "a command".to_owned() } else { row.command.replace('.', " ") };
    let who = row.service.as_ref().map_or_else(|| row.actor.clone(), |service| format!("svc:{service}"));
    let word = outcome.as_str().replace('_', " ");
    let title = format!("{command}: {word}");
    let text = match reply.title.as_str() {
        "" => format!("{who} asked for {command}: {word}."),
        told => format!("{who} asked for {command}: {word}. {told}"),
    };
    let field = |label: &str, value: String| Field { label: label.to_owned(), value };
    Message {
        text,
        title: Some(title),
        severity: match outcome {
            Outcome::Succeeded => Severity::Success,
            Outcome::Failed | Outcome::TimedOut | Outcome::Interrupted => Severity::Error,
            Outcome::Refused | Outcome::Rejected | Outcome::Cancelled | Outcome::Expired => Severity::Warning,
        },
        fields: vec![field("run", id.run().to_string()), field("asked by", who)],
        ..Message::default()
    }
}
