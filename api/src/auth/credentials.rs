//! The key in a request's headers: `Authorization: Bearer <key>` or `X-API-Key: <key>`. Never in an address, which ends up in
//! logs. Two different ones, or one header twice, is nobody.

use axum::http::{HeaderMap, HeaderName, header};

use crate::problem::{Code, Problem};

/// The second header.
pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The text that is presented as a key.
pub(super) fn presented(headers: &HeaderMap) -> Result<&str, Problem> {
    let bearer = one(headers, &header::AUTHORIZATION)?;
    let plain = one(headers, &X_API_KEY)?;
    let bearer = match bearer {
        None => None,
        Some(text) => Some(after_scheme(text)?),
    };
    match (bearer, plain) {
        (Some(bearer), Some(plain)) if bearer != plain => Err(ambiguous()),
        (Some(key), _) | (None, Some(key)) => Ok(key),
        (None, None) => Err(Problem::new(
            Code::MissingKey,
            "Send the key as `Authorization: Bearer <key>` or `X-API-Key: <key>`.",
        )),
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut all = headers.get_all(name).iter();
    let Some(first) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(ambiguous());
    }
    first.to_str().map(Some).map_err(|_| invalid())
}

/// What follows `Bearer` (RFC 6750 §2.1; the scheme in any case, RFC 9110 §11.1).
fn after_scheme(text: &str) -> Result<&str, Problem> {
    match text.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(key),
        _ => Err(Problem::new(Code::InvalidKey, "The only scheme is `Authorization: Bearer <key>`.")),
    }
}

fn ambiguous() -> Problem {
    Problem::new(Code::AmbiguousCredentials, "Send one key, in one header, once.")
}

/// One answer for everything that is no key of ours, so that nobody learns which are.
pub(super) fn invalid() -> Problem {
    Problem::new(Code::InvalidKey, "It is no key of this service.")
}
