//! Whether commands may run.

use std::sync::Arc;

use adjutant_bus::{
    mode::{self, Pause},
    wire::Version,
};
use axum::{Extension, Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::Shared,
    audit,
    auth::{Admin, AnyKey, Auth},
    http::{Body, Exchange},
    problem::{Problem, Problems},
};

/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(read, write))
}

/// `active`, or `paused`: nothing but reading runs.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// Commands run.
    Active,
    /// Nothing but reading runs.
    Paused,
}

/// What is in force.
#[derive(Serialize, ToSchema)]
#[schema(as = Mode)]
struct Shown {
    /// Whether commands may run.
    mode: Word,
    /// Who has paused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

impl From<Option<Pause>> for Shown {
    fn from(pause: Option<Pause>) -> Self {
        match pause {
            None => Self { mode: Word::Active, by: None, reason: None, since: None },
            Some(pause) => Self {
                mode: Word::Paused,
                by: Some(pause.by),
                reason: Some(pause.reason),
                since: Some(pause.since),
            },
        }
    }
}

/// Whether commands may run.
#[utoipa::path(
    get,
    path = "/mode",
    tag = "mode",
    operation_id = "read_mode",
    responses((status = 200, description = "What is in force.", body = Shown), Problems)
)]
async fn read(State(app): State<Shared>, _caller: Auth<AnyKey>) -> Result<Json<Shown>, Problem> {
    Ok(Json(mode::load(&app.bus).await?.pause.into()))
}

/// What is to be in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Whether commands may run.
    mode: Word,
    /// Why, one line; must be given for a pause.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Pause all commands but those that read, or let them run again.
#[utoipa::path(
    put,
    path = "/mode",
    tag = "mode",
    operation_id = "write_mode",
    request_body = Wanted,
    responses((status = 200, description = "It is in force.", body = Shown), Problems)
)]
async fn write(
    State(app): State<Shared>,
    caller: Auth<Admin>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Shown>, Problem> {
    let reason = wanted.reason.unwrap_or_default().trim().to_owned();
    if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(Problem::invalid("/reason", format!("one line of at most {LONGEST_REASON} characters")));
    }
    if wanted.mode == Word::Paused && reason.is_empty() {
        return Err(Problem::invalid("/reason", "people are told why; say it in one line"));
    }
    let kind = match wanted.mode {
        Word::Active => "mode.activated",
        Word::Paused => "mode.paused",
    };
    let entry = caller.entry(kind, "mode", &exchange).with(&json!({ "reason": reason }));
    let mut tx = app.db.begin().await?;
    audit::record(&mut tx, &entry).await?;
    tx.commit().await?;
    let pause = match wanted.mode {
        Word::Active => {
            mode::resume(&app.bus).await?;
            None
        }
        Word::Paused => {
            let pause = Pause { v: Version, by: caller.who(), reason, since: Timestamp::now() };
            mode::pause(&app.bus, &pause).await?;
            Some(pause)
        }
    };
    Ok(Json(pause.into()))
}
