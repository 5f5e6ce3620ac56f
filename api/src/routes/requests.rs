//! Commands over HTTP.

mod decide;
mod events;
pub(super) mod submit;

use axum::{
    Json,
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::Shared,
    auth::{Auth, RequestsRead},
    http::{Page, Params, after, limit},
    problem::{Problem, Problems},
    requests::{self, Filter, Listed, Shown},
};

/// Longest text of a filter.
const LONGEST_FILTER: usize = 255;

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(submit::submit, list))
        .routes(routes!(read))
        .merge(events::routes())
        .merge(decide::routes())
}

/// How a request stands.
#[utoipa::path(
    get,
    path = "/requests/{id}",
    tag = "requests",
    operation_id = "read_request",
    params(("id" = String, Path, description = "Id of the request, or its short id.")),
    responses((status = 200, description = "The request.", body = Shown), Problems)
)]
async fn read(
    State(app): State<Shared>,
    caller: Auth<RequestsRead>,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let found = requests::found(&app, &caller, &id).await?;
    Ok(Json(Shown::from(&found)))
}

/// Which requests.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wished {
    /// How they stand.
    #[param(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    state: Option<String>,
    /// Where they came from.
    #[param(pattern = "^(slack|discord|console|api|service)$")]
    platform: Option<String>,
    /// The command, with dots or blanks.
    #[param(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    command: Option<String>,
    /// Who asked: `svc:<name>`, or platform, tenant and user.
    #[param(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    actor: Option<String>,
    /// Only those that came in at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Most items, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The place to go on from, as an earlier page gave it.
    cursor: Option<String>,
}

/// The requests that the caller may see, newest first.
#[utoipa::path(
    get,
    path = "/requests",
    tag = "requests",
    operation_id = "list_requests",
    params(Wished),
    responses((status = 200, description = "A page of them.", body = Page<Listed>), Problems)
)]
async fn list(
    State(app): State<Shared>,
    caller: Auth<RequestsRead>,
    uri: Uri,
    Params(wished): Params<Wished>,
) -> Result<Response, Problem> {
    let limit = limit(wished.limit)?;
    let texts = [
        ("state", &wished.state),
        ("platform", &wished.platform),
        ("command", &wished.command),
        ("actor", &wished.actor),
    ];
    for (name, text) in texts {
        let good =
            |text: &String| text.chars().count() <= LONGEST_FILTER && !text.chars().any(char::is_control);
        if !text.as_ref().is_none_or(good) {
            return Err(Problem::invalid(name, "at most 255 characters, no control characters"));
        }
    }
    let platform = wished.platform.map(|text| text.parse()).transpose();
    let filter = Filter {
        service: (!requests::everything(&caller)).then(|| caller.service.clone()),
        state: wished.state,
        platform: platform.map_err(|error| Problem::invalid("platform", format!("{error}")))?,
        command: wished.command.map(|name| name.replace(' ', ".")),
        actor: wished.actor,
        since: wished.since.map(Timestamp::as_millisecond),
        after: after(wished.cursor.as_deref())?,
    };
    let items = requests::list(&app.db, &filter, limit).await?;
    Ok(Page::of(items, limit, Listed::place).answer(&uri))
}
