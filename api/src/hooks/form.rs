//! The form `payload=<JSON>`, which Slack's and GitHub's senders may choose instead of a JSON body.

use std::borrow::Cow;

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use serde::Deserialize;

use super::error::HookError;

#[derive(Deserialize)]
struct Form {
    payload: String,
}

/// The media type, lower case, without parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The JSON of a body, out of its form if it is one.
pub(super) fn json<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Cow<'a, [u8]>, HookError> {
    // curl sends JSON under this type too, unless told otherwise; a form cannot begin with a brace.
    let brace = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if media_type(headers) != "application/x-www-form-urlencoded" || brace {
        return Ok(Cow::Borrowed(body));
    }
    let unfit = |_| HookError::Unfit {
        pointer: "/payload".into(),
        expected: "a form with one field `payload`",
        found: None,
    };
    let form: Form = serde_urlencoded::from_bytes(body).map_err(unfit)?;
    Ok(Cow::Owned(form.payload.into_bytes()))
}
