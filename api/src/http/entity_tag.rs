//! Versions as entity tags (RFC 9110 §8.8.3): what is shown has one, and a change may ask that it has it still.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::problem::{Code, Problem};

/// An answer with the version of what it shows as its entity tag.
pub(crate) fn versioned<T: Serialize>(status: StatusCode, version: i64, body: T) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The version that `If-Match` asks for; none: any.
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        read(&parts.headers).map(Self)
    }
}

/// One tag of ours, or `*`. What we never gave is the tag of no version.
fn read(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let mut all = headers.get_all(header::IF_MATCH).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match version.and_then(|text| text.parse().ok()).filter(|_| all.next().is_none()) {
        Some(version) => Ok(Some(version)),
        None => Err(Problem::new(Code::PreconditionFailed, "Send the ETag of an earlier answer.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_ours_is_a_version_and_others_are_told_apart() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_static(text));
            read(&headers).map_err(|problem| problem.code())
        };
        assert_eq!(read("\"7\""), Ok(Some(7)));
        assert_eq!(read("*"), Ok(None));
        for none in ["\"abc\"", "7", "", "\"1\", \"2\"", "W/\"7\""] {
            assert_eq!(read(none), Err(Code::PreconditionFailed), "{none}");
        }
    }
}
