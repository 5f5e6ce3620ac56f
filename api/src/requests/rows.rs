//! The rows of requests: one for each, whatever its platform. The journal is the truth; these are for lists, and for what is not
//! in a journal yet.

use adjutant_bus::{actor::Platform, id::RequestId};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Principal,
    store::{Db, StoreError, executing, fetching, reading},
};

pub(crate) const INSERT: &str = "INSERT INTO requests (id, run_id, platform, tenant, actor, service, command, state, announce, \
     labels, created_at, fingerprint) VALUES ($1, $2, 'api', $3, $4, $5, $6, 'submitted', $7, $8, $9, $10) \
     ON CONFLICT (id) DO NOTHING";
pub(crate) const THERE: &str = "SELECT state, fingerprint FROM requests WHERE id = $1";
pub(crate) const MOVE: &str = "UPDATE requests SET state = $2 WHERE id = $1 AND last_sequence = 0";
pub(crate) const BY_ID: &str = "SELECT id, run_id, platform, tenant, actor, service, command, state, policy, announce, labels, \
     created_at, started_at, ended_at FROM requests WHERE id = $1 OR run_id = $2 ORDER BY created_at DESC LIMIT 8";
pub(crate) const LIST: &str = "SELECT id, run_id, platform, tenant, actor, service, command, state, policy, announce, labels, \
     created_at, started_at, ended_at FROM requests \
     WHERE (CAST($1 AS TEXT) IS NULL OR (platform = 'api' AND service = CAST($1 AS TEXT))) \
     AND (CAST($2 AS TEXT) IS NULL OR state = CAST($2 AS TEXT)) \
     AND (CAST($3 AS TEXT) IS NULL OR platform = CAST($3 AS TEXT)) \
     AND (CAST($4 AS TEXT) IS NULL OR command = CAST($4 AS TEXT)) \
     AND (CAST($5 AS TEXT) IS NULL OR actor = CAST($5 AS TEXT) OR (platform = 'api' AND 'svc:' || service = CAST($5 AS TEXT))) \
     AND (CAST($6 AS BIGINT) IS NULL OR created_at >= CAST($6 AS BIGINT)) \
     AND (CAST($7 AS BIGINT) IS NULL OR created_at < CAST($7 AS BIGINT) \
          OR (created_at = CAST($7 AS BIGINT) AND id < CAST($8 AS TEXT))) \
     ORDER BY created_at DESC, id DESC LIMIT $9";

/// A row.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) run_id: String,
    pub(crate) platform: String,
    pub(crate) tenant: String,
    pub(crate) actor: String,
    pub(crate) service: Option<String>,
    pub(crate) command: String,
    pub(crate) state: String,
    pub(crate) policy: Option<String>,
    pub(crate) announce: Option<String>,
    pub(crate) labels: String,
    pub(crate) created_at: i64,
    pub(crate) started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
}

/// A new row.
pub(super) struct New<'a> {
    pub(super) id: RequestId,
    pub(super) caller: &'a Principal,
    pub(super) command: &'a str,
    pub(super) announce: Option<&'a str>,
    pub(super) labels: String,
    pub(super) fingerprint: &'a [u8],
}

/// What is there of a request.
#[derive(sqlx::FromRow)]
pub(super) struct There {
    pub(super) state: String,
    /// Of the call that asked for it; none: it was asked for otherwise.
    pub(super) fingerprint: Option<Vec<u8>>,
}

/// Puts a row there, unless it is; tells what is there then.
pub(super) async fn insert(db: &Db, new: &New<'_>) -> Result<There, StoreError> {
    let mut tx = db.begin().await?;
    let id = new.id.to_string();
    executing!(
        &mut tx,
        sqlx::query(INSERT)
            .bind(&id)
            .bind(new.id.run().to_string())
            .bind(&new.caller.key_id)
            .bind(new.caller.actor().to_string())
            .bind(&new.caller.service)
            .bind(new.command)
            .bind(new.announce)
            .bind(&new.labels)
            .bind(Timestamp::now().as_millisecond())
            .bind(new.fingerprint)
    )?;
    let there: There = fetching!(&mut tx, at => sqlx::query_as(THERE).bind(&id).fetch_one(at))?;
    tx.commit().await?;
    Ok(there)
}

/// Notes how a submission went, as long as nothing else is known.
pub(super) async fn moved(db: &Db, id: RequestId, state: &str) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    executing!(&mut tx, sqlx::query(MOVE).bind(id.to_string()).bind(state))?;
    tx.commit().await
}

/// The rows of an id, or of a run id.
pub(super) async fn by_id(db: &Db, id: Option<String>, run: &str) -> Result<Vec<Row>, StoreError> {
    let id = id.unwrap_or_default();
    reading!(db, at => sqlx::query_as::<_, Row>(BY_ID).bind(&id).bind(if id.is_empty() { run } else { "" }).fetch_all(at))
}

/// Which requests are asked for.
#[derive(Default)]
pub(crate) struct Filter {
    /// Only those of this service.
    pub(crate) service: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) platform: Option<Platform>,
    pub(crate) command: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) since: Option<i64>,
    pub(crate) after: Option<(i64, String)>,
}

/// A request in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed {
    /// Id of the request.
    id: String,
    /// The short id that people see.
    run_id: String,
    /// How it stands.
    state: String,
    /// Where it came from.
    platform: String,
    /// Who asked: `svc:<name>`, or platform, tenant and user.
    actor: String,
    /// The command, with dots; empty while it is not known.
    command: String,
    /// The policy version that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_version: Option<String>,
    /// The caller's own labels.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    labels: serde_json::Value,
    /// When it came in.
    #[schema(value_type = String, format = DateTime)]
    created_at: Option<Timestamp>,
    /// When it started.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
    #[serde(skip)]
    order: i64,
}

impl Listed {
    /// Its place in the list.
    pub(crate) fn place(&self) -> (i64, String) {
        (self.order, self.id.clone())
    }
}

/// A time as the wire has it.
pub(super) fn time(at: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}

impl From<Row> for Listed {
    fn from(row: Row) -> Self {
        Self {
            actor: match (&row.service, row.platform.as_str()) {
                (Some(service), "api") => format!("svc:{service}"),
                _ => row.actor,
            },
            labels: serde_json::from_str(&row.labels).unwrap_or_default(),
            created_at: time(row.created_at),
            started_at: row.started_at.and_then(time),
            ended_at: row.ended_at.and_then(time),
            order: row.created_at,
            id: row.id,
            run_id: row.run_id,
            state: row.state,
            platform: row.platform,
            command: row.command,
            policy_version: row.policy,
        }
    }
}

/// The newest that fit, one more than a page.
pub(crate) async fn list(db: &Db, filter: &Filter, limit: usize) -> Result<Vec<Listed>, StoreError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let (at_time, at_id) = filter.after.clone().unzip();
    let rows: Vec<Row> = reading!(db, at => sqlx::query_as::<_, Row>(LIST)
        .bind(&filter.service)
        .bind(&filter.state)
        .bind(filter.platform.map(Platform::as_str))
        .bind(&filter.command)
        .bind(&filter.actor)
        .bind(filter.since)
        .bind(at_time)
        .bind(&at_id)
        .bind(most)
        .fetch_all(at))?;
    Ok(rows.into_iter().map(Listed::from).collect())
}
