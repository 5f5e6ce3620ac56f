//! A JSON body, read strictly: what does not fit is told with its place, and unknown members are refused by the types.

use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
};
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem};

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Json::from_request(request, state).await.map(|Json(body)| Self(body)).map_err(problem)
    }
}

fn problem(rejection: JsonRejection) -> Problem {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            Problem::new(Code::UnsupportedMediaType, "Send `Content-Type: application/json`.")
        }
        JsonRejection::JsonSyntaxError(error) => Problem::new(Code::BadRequest, inner(&error)),
        JsonRejection::JsonDataError(error) => {
            let told = inner(&error);
            // The reader tells the place before the first colon, as `scopes[0]`.
            let (place, detail) = told.split_once(": ").unwrap_or(("", told.as_str()));
            Problem::invalid(pointer(place), detail)
        }
        other if other.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Code::TooLarge, "See the limits in the documentation.")
        }
        _ => Problem::new(Code::BadRequest, "The body broke off."),
    }
}

/// What the JSON reader itself says.
fn inner(error: &dyn std::error::Error) -> String {
    let told = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    told.chars().take(300).collect()
}

/// `scopes[0].name` as a JSON pointer.
fn pointer(path: &str) -> String {
    let mut pointer = String::new();
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        pointer.push('/');
        pointer.push_str(part);
    }
    pointer
}
