//! What stands in the path, read so that what cannot be read is told as a problem.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem};

/// The path's segments.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // What axum says of it may quote the path, and a path may hold a secret.
        let read = Path::from_request_parts(parts, state).await;
        read.map(|Path(segments)| Self(segments))
            .map_err(|_| Problem::new(Code::BadRequest, "The path cannot be read."))
    }
}
