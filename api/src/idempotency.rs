//! `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): the same call twice is done once, and answered alike. Kept
//! for a day for each key; answers that are no last word are not kept, and no answer that showed a key ever is.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    app::{App, Shared},
    audit::redact::cleaned,
    auth::Principal,
    problem::{Code, Problem},
    store::{Db, StoreError, executing, fetching},
};

pub(crate) const EXPIRE: &str =
    "DELETE FROM idempotency WHERE key_id = $1 AND idem_key = $2 AND expires_at <= $3";
pub(crate) const CLAIM: &str = "INSERT INTO idempotency (key_id, idem_key, fingerprint, state, created_at, expires_at) \
     VALUES ($1, $2, $3, 'in_flight', $4, $5) ON CONFLICT (key_id, idem_key) DO NOTHING";
pub(crate) const FIND: &str = "SELECT fingerprint, state, status, headers, body, created_at FROM idempotency \
     WHERE key_id = $1 AND idem_key = $2";
pub(crate) const TAKE_OVER: &str = "UPDATE idempotency SET created_at = $3 \
     WHERE key_id = $1 AND idem_key = $2 AND state = 'in_flight' AND created_at = $4";
pub(crate) const FINISH: &str = "UPDATE idempotency SET state = $4, status = $5, headers = $6, body = $7 \
     WHERE key_id = $1 AND idem_key = $2 AND state = 'in_flight' AND created_at = $3";
pub(crate) const RELEASE: &str =
    "DELETE FROM idempotency WHERE key_id = $1 AND idem_key = $2 AND state = 'in_flight' AND created_at = $3";
pub(crate) const PURGE: &str = "DELETE FROM idempotency WHERE expires_at <= $1";

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Longest key, in characters.
const LONGEST: usize = 255;
/// For how long an answer is kept, in milliseconds.
const KEPT: i64 = 24 * 3600 * 1000;
/// After this time, in milliseconds, a call that left nothing is taken to have died.
const DEAD: i64 = 60_000;
/// How often what is over is removed.
const EVERY: Duration = Duration::from_secs(600);
/// Largest answer that is kept.
const MOST: usize = 256 * 1024;
/// Headers that are given again.
const GIVEN_AGAIN: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::LOCATION, header::ETAG, HeaderName::from_static("preference-applied")];

/// Ends of calls that could not be kept at once, and the pauses between tries.
static LATER: Semaphore = Semaphore::const_new(256);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Marks an answer whose body must never be kept, because a key is shown in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShownOnce;

#[derive(sqlx::FromRow)]
struct Row {
    fingerprint: Vec<u8>,
    state: String,
    status: Option<i64>,
    headers: Option<String>,
    body: Option<Vec<u8>>,
    created_at: i64,
}

/// One call under a key.
struct Claim {
    key_id: String,
    key: String,
    at: i64,
}

/// The call's key, if it has one: quoted (RFC 9651) or bare.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bad =
        || Problem::new(Code::BadRequest, "Idempotency-Key: 1 to 255 printable ASCII characters, once.");
    let text = value.to_str().ok().filter(|_| values.next().is_none()).ok_or_else(bad)?.trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let printable = bare.bytes().all(|b| (0x20..=0x7e).contains(&b));
    if bare.is_empty() || bare.len() > LONGEST || !printable { Err(bad()) } else { Ok(Some(bare.to_owned())) }
}

/// Does it once, if the call has a key: else as it is. `what` is the method with the path, `handle` does it. It goes on when the
/// caller hangs up, so that a repeated call finds its end.
pub(crate) async fn guarded(
    app: &Shared,
    principal: &Principal,
    what: &str,
    headers: &HeaderMap,
    body: &[u8],
    handle: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let key = match key(headers) {
        Ok(Some(key)) => key,
        Ok(None) => return handle.await,
        Err(problem) => return problem.into_response(),
    };
    let fingerprint =
        Sha256::new().chain_update(what).chain_update([0]).chain_update(body).finalize().to_vec();
    let mine = Claim { key_id: principal.key_id.clone(), key, at: Timestamp::now().as_millisecond() };
    match claim(app, &mine, &fingerprint).await {
        Ok(None) => {}
        Ok(Some(response)) => return response,
        Err(error) => {
            if matches!(error, StoreError::Unconfirmed(_)) {
                settle_later(app.db.clone(), mine, None);
            }
            return Problem::from(error).into_response();
        }
    }
    let app = app.clone();
    let done = tokio::spawn(async move {
        let response = handle.await;
        finish(&app.db, mine, response).await
    });
    done.await.unwrap_or_else(|fault| Problem::fault(&fault).into_response())
}

/// Claims the key for this call, or tells how the earlier one stands.
async fn claim(app: &App, mine: &Claim, fingerprint: &[u8]) -> Result<Option<Response>, StoreError> {
    let (key_id, key, now) = (&mine.key_id, &mine.key, mine.at);
    let mut tx = app.db.begin().await?;
    executing!(&mut tx, sqlx::query(EXPIRE).bind(key_id).bind(key).bind(now))?;
    let claimed = executing!(
        &mut tx,
        sqlx::query(CLAIM).bind(key_id).bind(key).bind(fingerprint).bind(now).bind(now + KEPT)
    )?;
    if claimed == 1 {
        tx.commit().await?;
        return Ok(None);
    }
    let row: Option<Row> =
        fetching!(&mut tx, at => sqlx::query_as(FIND).bind(key_id).bind(key).fetch_optional(at))?;
    let Some(row) = row else { return Ok(Some(in_progress())) };
    if row.fingerprint != fingerprint {
        let detail = "This Idempotency-Key was used for another call. Use a new one for each.";
        return Ok(Some(Problem::new(Code::IdempotencyKeyReused, detail).into_response()));
    }
    match row.state.as_str() {
        "in_flight" if row.created_at <= now - DEAD => {
            let taken = executing!(
                &mut tx,
                sqlx::query(TAKE_OVER).bind(key_id).bind(key).bind(now).bind(row.created_at)
            )?;
            tx.commit().await?;
            Ok((taken != 1).then(in_progress))
        }
        "in_flight" => Ok(Some(in_progress())),
        "shown" => {
            let detail = "The first answer showed it, and it is kept nowhere. Revoke it and make another.";
            Ok(Some(Problem::new(Code::KeyAlreadyShown, detail).into_response()))
        }
        _ => Ok(Some(replay(row))),
    }
}

fn in_progress() -> Response {
    Problem::new(Code::InProgress, "Wait for its answer, or repeat the call in a moment.")
        .header(header::RETRY_AFTER, "1")
        .into_response()
}

fn replay(row: Row) -> Response {
    let status = row.status.and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
    let Some(status) = status else { return Problem::fault(&"a kept answer without status").into_response() };
    let mut response = (status, row.body.unwrap_or_default()).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    let kept: Vec<(String, String)> =
        row.headers.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    for (name, value) in kept {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Keeps the answer if it is the last word; else lets the key go, so that the call can be repeated.
async fn finish(db: &Db, claim: Claim, response: Response) -> Response {
    let status = response.status();
    let passing = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED);
    if passing {
        if let Err(error) = settle(db, &claim, None).await {
            warn!(%error, "a call that may be repeated keeps its Idempotency-Key for now");
            settle_later(db.clone(), claim, None);
        }
        return response;
    }
    let (parts, body) = response.into_parts();
    let bytes = match to_bytes(body, MOST).await {
        Ok(bytes) => bytes,
        Err(fault) => return Problem::fault(&fault).into_response(),
    };
    let answer = match parts.extensions.get::<ShownOnce>() {
        Some(ShownOnce) => Answer { state: "shown", status, headers: None, body: None },
        None => {
            let given = |name: HeaderName| {
                let value = parts.headers.get(&name)?.to_str().ok()?;
                Some((name.to_string(), value.to_owned()))
            };
            let kept: Vec<(String, String)> = GIVEN_AGAIN.into_iter().filter_map(given).collect();
            let headers = serde_json::to_string(&kept).ok();
            // Somebody may have put a key into a command, and the answer repeats it. It is not for us to keep.
            let body =
                str::from_utf8(&bytes).map_or_else(|_| bytes.to_vec(), |text| cleaned(text).into_bytes());
            Answer { state: "done", status, headers, body: Some(body) }
        }
    };
    if let Err(error) = settle(db, &claim, Some(&answer)).await {
        warn!(%error, "an answer cannot be kept under its Idempotency-Key for now");
        settle_later(db.clone(), claim, Some(answer));
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Goes on trying to keep how a call ended, so that whoever repeats it when the database is back does not wait for a claim that
/// nobody holds. Where there are too many, or it takes too long, the claim ages.
fn settle_later(db: Db, claim: Claim, answer: Option<Answer>) {
    let Ok(place) = LATER.try_acquire() else { return };
    tokio::spawn(async move {
        let mut pause = FIRST_PAUSE;
        while Timestamp::now().as_millisecond() < claim.at + DEAD {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            if settle(&db, &claim, answer.as_ref()).await.is_ok() {
                break;
            }
        }
        drop(place);
    });
}

struct Answer {
    state: &'static str,
    status: StatusCode,
    headers: Option<String>,
    body: Option<Vec<u8>>,
}

async fn settle(db: &Db, claim: &Claim, answer: Option<&Answer>) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    match answer {
        Some(answer) => executing!(
            &mut tx,
            sqlx::query(FINISH)
                .bind(&claim.key_id)
                .bind(&claim.key)
                .bind(claim.at)
                .bind(answer.state)
                .bind(i64::from(answer.status.as_u16()))
                .bind(&answer.headers)
                .bind(&answer.body)
        )?,
        None => {
            executing!(&mut tx, sqlx::query(RELEASE).bind(&claim.key_id).bind(&claim.key).bind(claim.at))?
        }
    };
    tx.commit().await
}

/// Removes what is over, until `stop`.
pub(crate) async fn purge(app: Shared, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        match purge_once(&app.db).await {
            Ok(removed) => debug!(removed, "kept answers are over"),
            Err(error) => warn!(%error, "kept answers that are over cannot be removed just now"),
        }
    }
}

async fn purge_once(db: &Db) -> Result<u64, StoreError> {
    let mut tx = db.begin().await?;
    let now = Timestamp::now().as_millisecond();
    let removed = executing!(&mut tx, sqlx::query(PURGE).bind(now))?;
    tx.commit().await?;
    Ok(removed)
}
