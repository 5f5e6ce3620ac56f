//! `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): the same call twice is done once, and answered alike. Kept
//! for a day for each key; answers that are no last word are not kept, and no answer that showed a key ever is.

mod claims;

use adjutant_traces::in_current;
use axum::{
    body::{Body, to_bytes},
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use tracing::warn;

pub(crate) use self::claims::purge;
use self::claims::{Answer, Claim, Row, Standing};
use crate::{
    app::Shared,
    audit::redact::cleaned,
    auth::Principal,
    problem::{Code, Problem},
    store::{Db, StoreError},
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Longest key, in characters.
const LONGEST: usize = 255;
/// Largest answer that is kept.
const MOST: usize = 256 * 1024;
/// Headers that are given again.
const GIVEN_AGAIN: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::LOCATION, header::ETAG, HeaderName::from_static("preference-applied")];

/// Marks an answer whose body must never be kept, because a key is shown in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShownOnce;

/// A call that is done once, if it has a key: else as it is.
pub(crate) struct Once {
    key: Option<String>,
    /// Method and path.
    what: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let key = key(&parts.headers)?;
        Ok(Self { key, what: format!("{} {}", parts.method, parts.uri.path()) })
    }
}

/// The call's key, if it has one: quoted (RFC 9651) or bare.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bad =
        || Problem::new(Code::BadRequest, "Idempotency-Key: 1 to 255 printable ASCII characters, once.");
    let text = value.to_str().ok().filter(|_| values.next().is_none()).ok_or_else(bad)?.trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let printable = bare.bytes().all(|b| (0x20..=0x7e).contains(&b));
    if bare.is_empty() || bare.len() > LONGEST || !printable { Err(bad()) } else { Ok(Some(bare.to_owned())) }
}

impl Once {
    /// The key.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// By what the same call is known again.
    pub(crate) fn fingerprint(&self, body: &[u8]) -> Vec<u8> {
        Sha256::new().chain_update(&self.what).chain_update([0]).chain_update(body).finalize().to_vec()
    }

    /// Does it once. It goes on when the caller hangs up, so that a repeated call finds its end.
    pub(crate) async fn guard(
        self,
        app: &Shared,
        caller: &Principal,
        body: &[u8],
        handle: impl Future<Output = Result<Response, Problem>> + Send + 'static,
    ) -> Response {
        let fingerprint = self.fingerprint(body);
        let Some(key) = self.key else { return handle.await.unwrap_or_else(Problem::into_response) };
        let claim = Claim::new(&caller.key_id, &key);
        match claim.stake(&app.db, &fingerprint).await {
            Ok(Standing::Claimed) => {}
            Ok(Standing::InFlight) => return in_progress(),
            Ok(Standing::Other) => return reused().into_response(),
            Ok(Standing::Shown) => {
                let detail =
                    "The first answer showed it, and it is kept nowhere. Revoke it and make another.";
                return Problem::new(Code::KeyAlreadyShown, detail).into_response();
            }
            Ok(Standing::Done(row)) => return replay(row),
            Err(error) => {
                if matches!(error, StoreError::Unconfirmed(_)) {
                    claim.settle_later(app.db.clone(), None);
                }
                return Problem::from(error).into_response();
            }
        }
        let db = app.db.clone();
        let done = tokio::spawn(in_current(async move {
            let response = handle.await.unwrap_or_else(Problem::into_response);
            finish(&db, claim, response).await
        }));
        done.await.unwrap_or_else(|fault| Problem::fault(&fault).into_response())
    }
}

/// The key was used for another call.
pub(crate) fn reused() -> Problem {
    let detail = "This Idempotency-Key was used for another call. Use a new one for each.";
    Problem::new(Code::IdempotencyKeyReused, detail)
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

/// Whether an answer is no last word: the same call may be answered otherwise. A key that was used for another call is not this
/// call's to keep anything under.
fn is_passing(response: &Response) -> bool {
    let status = response.status();
    status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED)
        || response.extensions().get() == Some(&Code::IdempotencyKeyReused)
}

/// Keeps the answer if it is the last word; else lets the key go.
async fn finish(db: &Db, claim: Claim, response: Response) -> Response {
    if is_passing(&response) {
        if let Err(error) = claim.settle(db, None).await {
            warn!(%error, "a call that may be repeated keeps its Idempotency-Key for now");
            claim.settle_later(db.clone(), None);
        }
        return response;
    }
    let (parts, body) = response.into_parts();
    let bytes = match to_bytes(body, MOST).await {
        Ok(bytes) => bytes,
        Err(fault) => return Problem::fault(&fault).into_response(),
    };
    let status = parts.status.as_u16();
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
    if let Err(error) = claim.settle(db, Some(&answer)).await {
        warn!(%error, "an answer cannot be kept under its Idempotency-Key for now");
        claim.settle_later(db.clone(), Some(answer));
    }
    Response::from_parts(parts, Body::from(bytes))
}
