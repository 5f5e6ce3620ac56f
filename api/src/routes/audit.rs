//! The record over HTTP: searched, exported, verified.

use axum::{
    Json,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures::TryStreamExt;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tracing::warn;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::Shared,
    audit::{self, Filter, Format, Known, Order, Report, Shown, ShownCheckpoint},
    auth::{AuditRead, Auth},
    http::{Page, Paging},
    problem::{Code, Problem, Problems},
};

/// Longest text to look for, in characters.
const LONGEST: usize = 512;
/// Walks along the whole chain at a time; others wait.
static WALKS: Semaphore = Semaphore::const_new(2);

/// The routes of this noun.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(export))
        .routes(routes!(verify))
        .routes(routes!(checkpoints))
        .routes(routes!(one))
}

/// Which entries, and how many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Not before this time (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Before this time (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// By this actor: `slack:<team>/<user>`, `svc:<name>`, `operator:<user>`.
    #[param(max_length = 512)]
    actor: Option<String>,
    /// Of this kind; with a dot at the end, such as `request.`: of all kinds that begin so.
    #[param(max_length = 512)]
    kind: Option<String>,
    /// About this target.
    #[param(max_length = 512)]
    target: Option<String>,
    /// With this outcome.
    #[param(max_length = 512)]
    outcome: Option<String>,
    /// Of this request.
    #[param(max_length = 512)]
    request_id: Option<String>,
    /// Which end comes first.
    #[param(inline)]
    order: Option<Order>,
    /// Most items, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The place to go on from, as an earlier page gave it.
    cursor: Option<String>,
}

/// Which entries, and in which form.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Not before this time (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Before this time (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// By this actor: `slack:<team>/<user>`, `svc:<name>`, `operator:<user>`.
    #[param(max_length = 512)]
    actor: Option<String>,
    /// Of this kind; with a dot at the end, such as `request.`: of all kinds that begin so.
    #[param(max_length = 512)]
    kind: Option<String>,
    /// About this target.
    #[param(max_length = 512)]
    target: Option<String>,
    /// With this outcome.
    #[param(max_length = 512)]
    outcome: Option<String>,
    /// Of this request.
    #[param(max_length = 512)]
    request_id: Option<String>,
    /// Which end comes first; oldest first if nothing is said.
    #[param(inline)]
    order: Option<Order>,
    /// The form of the file; NDJSON if nothing is said.
    #[param(inline)]
    format: Option<Format>,
}

impl Asked {
    fn filter(self) -> Result<Filter, Problem> {
        filter(Filter {
            since: self.since,
            until: self.until,
            actor: self.actor,
            kind: self.kind,
            target: self.target,
            outcome: self.outcome,
            request_id: self.request_id,
        })
    }
}

impl Wanted {
    fn filter(self) -> Result<Filter, Problem> {
        filter(Filter {
            since: self.since,
            until: self.until,
            actor: self.actor,
            kind: self.kind,
            target: self.target,
            outcome: self.outcome,
            request_id: self.request_id,
        })
    }
}

/// The filter, if its texts are not too long. A character that the record cannot hold fits nothing.
fn filter(mut filter: Filter) -> Result<Filter, Problem> {
    let texts = [
        ("actor", &mut filter.actor),
        ("kind", &mut filter.kind),
        ("target", &mut filter.target),
        ("outcome", &mut filter.outcome),
        ("request_id", &mut filter.request_id),
    ];
    for (name, text) in texts {
        let Some(text) = text else { continue };
        if text.chars().count() > LONGEST {
            return Err(Problem::invalid(name, format!("at most {LONGEST} characters")));
        }
        *text = text.replace('\0', "\u{fffd}");
    }
    Ok(filter)
}

/// Parameters that can be read.
fn read<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    query.map(|Query(read)| read).map_err(|rejection| Problem::new(Code::BadRequest, rejection.body_text()))
}

/// Entries, newest first. With `Accept: application/x-ndjson` or `text/csv` it is an export of all that fit.
#[utoipa::path(
    get, path = "/v1/audit", tag = "audit", operation_id = "list_audit", params(Asked),
    responses(
        (status = 200, description = "A page of entries.", content(
            (Page<Shown> = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        )),
        Problems,
    )
)]
async fn list(
    _caller: Auth<AuditRead>,
    State(app): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = read(query)?;
    let order = asked.order;
    let paging = Paging { limit: asked.limit, cursor: asked.cursor.clone() };
    let (limit, cursor) = (paging.limit()?, paging.after()?);
    let filter = asked.filter()?;
    if let Some(format) = file(&headers) {
        return Ok(download(&app, filter, order.unwrap_or(Order::Asc), format));
    }
    let order = order.unwrap_or_default();
    let from = match cursor {
        Some((_, of)) if of != order.as_str() => {
            return Err(Problem::invalid("cursor", "a cursor of a page in the other order"));
        }
        cursor => cursor.map(|(seq, _)| seq),
    };
    let found = audit::find(&app.db, &filter, order, from, limit + 1).await?;
    let items = found.into_iter().map(Shown::from).collect();
    Ok(Page::of(items, limit, |item: &Shown| (item.seq, order.as_str().to_owned())).answer(&uri))
}

/// The form of a file, if one is asked for before JSON.
fn file(headers: &HeaderMap) -> Option<Format> {
    let accepted = headers.get(header::ACCEPT)?.to_str().ok()?;
    let kinds = accepted.split(',').filter_map(|kind| kind.split(';').next()).map(str::trim);
    kinds
        .map(|kind| match kind {
            "application/x-ndjson" => Some(Format::Ndjson),
            "text/csv" => Some(Format::Csv),
            _ => None,
        })
        .next()
        .flatten()
}

/// All entries that fit, as a file.
#[utoipa::path(
    get, path = "/v1/audit/export", tag = "audit", operation_id = "export_audit", params(Wanted),
    responses(
        (status = 200, description = "The file.", content(
            (String = "application/x-ndjson"), (String = "text/csv"),
        )),
        Problems,
    )
)]
async fn export(
    _caller: Auth<AuditRead>,
    State(app): State<Shared>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let wanted = read(query)?;
    let (order, format) = (wanted.order.unwrap_or(Order::Asc), wanted.format.unwrap_or_default());
    Ok(download(&app, wanted.filter()?, order, format))
}

fn download(app: &Shared, filter: Filter, order: Order, format: Format) -> Response {
    let lines = audit::export(app.db.clone(), filter, order, format)
        .inspect_err(|error| warn!(%error, "an export of the record broke off"));
    let name = format!("attachment; filename=\"audit.{}\"", format.extension());
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (StatusCode::OK, headers, Body::from_stream(lines)).into_response()
}

/// Whether the record is whole, and the first entry that is not as it was written. Walks through all of it: for a large record
/// use `adjutant audit verify`.
#[utoipa::path(
    get, path = "/v1/audit/verify", tag = "audit", operation_id = "verify_audit",
    responses((status = 200, description = "What was found.", body = Report), Problems)
)]
async fn verify(_caller: Auth<AuditRead>, State(app): State<Shared>) -> Result<Json<Report>, Problem> {
    let _one = WALKS.acquire().await.map_err(|closed| Problem::fault(&closed))?;
    Ok(Json(audit::verify(&app.db, &Known::default(), |_, _| {}).await?))
}

/// The signed checkpoints, newest first.
#[utoipa::path(
    get, path = "/v1/audit/checkpoints", tag = "audit", operation_id = "list_audit_checkpoints", params(Paging),
    responses((status = 200, description = "A page of checkpoints.", body = Page<ShownCheckpoint>), Problems)
)]
async fn checkpoints(
    _caller: Auth<AuditRead>,
    State(app): State<Shared>,
    uri: Uri,
    query: Result<Query<Paging>, QueryRejection>,
) -> Result<Response, Problem> {
    let paging = read(query)?;
    let limit = paging.limit()?;
    let found = audit::checkpoints(&app.db, paging.after()?, limit + 1).await?;
    let items = found.into_iter().map(ShownCheckpoint::from).collect();
    Ok(Page::of(items, limit, |item: &ShownCheckpoint| (item.seq, item.kind.clone())).answer(&uri))
}

/// One entry.
#[utoipa::path(
    get, path = "/v1/audit/{seq}", tag = "audit", operation_id = "get_audit_entry",
    params(("seq" = i64, Path, description = "Its place in the chain.", minimum = 1)),
    responses((status = 200, description = "The entry.", body = Shown), Problems)
)]
async fn one(
    _caller: Auth<AuditRead>,
    State(app): State<Shared>,
    seq: Result<Path<i64>, PathRejection>,
) -> Result<Json<Shown>, Problem> {
    let Path(seq) = seq.map_err(|_| Problem::not_found("entry"))?;
    let kept = audit::one(&app.db, seq).await?;
    kept.map(|kept| Json(kept.into())).ok_or_else(|| Problem::not_found("entry"))
}
