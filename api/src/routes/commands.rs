//! The catalogue over HTTP.

use adjutant_bus::{
    actor::Membership,
    line,
    spec::{Action, CommandSpec, Effect, Visibility},
};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::{App, Shared},
    audit::hex,
    auth::{Auth, CommandsRead, Principal},
    catalogue::{self, Catalogue},
    http::Params,
    problem::{Problem, Problems},
    scope::Right,
};

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// A command.
#[derive(Serialize, ToSchema)]
struct Command {
    /// Its name with dots, as policy and scopes know it.
    command: String,
    /// Its name as people type it.
    name: String,
    /// Other names.
    aliases: Vec<String>,
    /// One line.
    summary: String,
    /// Paragraphs, Markdown.
    details: String,
    /// Whole lines as a person would type them.
    examples: Vec<String>,
    /// One line that shows its arguments.
    usage: String,
    /// The right it needs: `run`, `view` or `approve`.
    #[schema(value_type = String)]
    action: Action,
    /// What it does to the world: `read`, `idempotent` or `mutating`.
    #[schema(value_type = String)]
    effect: Effect,
    /// Who sees its answer: `private` or `public`.
    #[schema(value_type = String)]
    visibility: Visibility,
    /// After how many seconds it is given up.
    timeout_seconds: u64,
    /// Whether the asker must confirm it.
    confirm: bool,
    /// How many others must approve it.
    approvals: u32,
    /// The arguments one by one.
    #[schema(value_type = Vec<Object>)]
    arguments: Value,
    /// JSON Schema (2020-12) of `args` in a request for it.
    #[schema(value_type = Object)]
    schema: Value,
    /// Whether policy may allow it to the caller, with some arguments at least.
    allowed: bool,
}

/// The commands.
#[derive(Serialize, ToSchema)]
struct Commands {
    /// By name.
    items: Vec<Command>,
}

/// Which commands.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wished {
    /// Also those that the key's scopes do not admit.
    #[serde(default)]
    all: bool,
}

/// The commands that there are.
#[utoipa::path(
    get,
    path = "/commands",
    tag = "commands",
    operation_id = "list_commands",
    params(Wished, ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses(
        (status = 200, description = "The commands.", body = Commands),
        (status = 304, description = "As before."),
        Problems,
    )
)]
async fn list(
    State(app): State<Shared>,
    caller: Auth<CommandsRead>,
    Params(wished): Params<Wished>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let catalogue = Catalogue::new(app.specs.borrow().clone());
    let limited = !wished.all && caller.scopes.admit_some(Right::RequestsSubmit);
    let admitted = |spec: &&CommandSpec| {
        !limited || caller.scopes.admit(Right::RequestsSubmit, Some(&spec.path.dotted()))
    };
    let mut items: Vec<Command> =
        catalogue.iter().filter(admitted).map(|spec| command(&app, &caller, spec)).collect();
    items.sort_by(|a, b| a.command.cmp(&b.command));
    answer(&headers, &Commands { items })
}

/// One command.
#[utoipa::path(
    get,
    path = "/commands/{path}",
    tag = "commands",
    operation_id = "read_command",
    params(
        ("path" = String, Path, description = "Its name, with dots or blanks."),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer."),
    ),
    responses(
        (status = 200, description = "The command.", body = Command),
        (status = 304, description = "As before."),
        Problems,
    )
)]
async fn read(
    State(app): State<Shared>,
    caller: Auth<CommandsRead>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let catalogue = Catalogue::new(app.specs.borrow().clone());
    let spec = catalogue.named(&path).ok_or_else(|| Problem::not_found("command"))?;
    answer(&headers, &command(&app, &caller, spec))
}

/// The answer with its ETag, or that it is as before.
fn answer(headers: &HeaderMap, value: &impl Serialize) -> Result<Response, Problem> {
    let text = serde_json::to_vec(value).map_err(|error| Problem::fault(&error))?;
    let digest = Sha256::digest(&text);
    let tag = format!("\"{}\"", hex(digest.get(..16).unwrap_or_default()));
    let before = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let same = before
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*");
    Ok(if same {
        (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
    } else {
        ([(header::ETAG, tag), (header::CONTENT_TYPE, "application/json".to_owned())], text).into_response()
    })
}

fn command(app: &App, caller: &Principal, spec: &CommandSpec) -> Command {
    let gate = app.policy.gate();
    let allowed = gate.is_some_and(|gate| {
        let known = gate.caller(&caller.actor(), &Membership::known(Vec::new()));
        gate.could(&known, &caller.place().to_string(), &spec.path.dotted(), spec.action)
    });
    Command {
        command: spec.path.dotted(),
        name: spec.path.to_string(),
        aliases: spec.aliases.iter().map(ToString::to_string).collect(),
        summary: spec.summary.clone(),
        details: spec.details.clone(),
        examples: spec.examples.clone(),
        usage: line::usage(spec),
        action: spec.action,
        effect: spec.effect,
        visibility: spec.visibility,
        timeout_seconds: spec.timeout_seconds,
        confirm: spec.confirm,
        approvals: spec.approvals,
        arguments: json!(spec.args),
        schema: catalogue::schema(spec),
        allowed,
    }
}
