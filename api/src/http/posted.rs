//! A JSON body with its bytes, for calls that may be repeated under an Idempotency-Key.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use super::Body;
use crate::problem::{Code, Problem};

/// A JSON body, and the bytes that it came as.
pub(crate) struct Posted<T>(pub(crate) T, pub(crate) Bytes);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Posted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let read = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await;
        let bytes = read.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(Code::TooLarge, "See the limits in the documentation.")
            }
            _ => Problem::new(Code::BadRequest, "The body broke off."),
        })?;
        let again = Request::from_parts(parts, bytes.clone().into());
        let Body(body) = Body::from_request(again, state).await?;
        Ok(Self(body, bytes))
    }
}

/// The parameters of a query, read strictly.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Query::<T>::from_request_parts(parts, state).await;
        read.map(|Query(params)| Self(params))
            .map_err(|rejection| Problem::new(Code::Invalid, rejection.body_text()))
    }
}
