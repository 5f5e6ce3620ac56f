//! Every no over HTTP: RFC 9457 problem details with a stable code, what happened, and where in the input. Faults show an
//! incident id only; their cause is in the log.

mod code;
mod described;

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

pub use self::code::Code;
pub(crate) use self::described::Problems;
use crate::store::StoreError;

/// Where the codes are explained.
const DOCUMENT: &str = "https://github.com/adjutant-chatops/adjutant/blob/main/docs/api.md#";
/// The type that the IETF draft on rate limit headers registers.
const QUOTA: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// One thing in the input that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Misfit {
    /// Where: a JSON pointer (RFC 6901) such as `/scopes/0`, or the name of a parameter.
    pub pointer: String,
    /// What is wrong and what would fit.
    pub detail: String,
}

/// A no (RFC 9457).
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<Misfit>,
    extra: serde_json::Map<String, serde_json::Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a problem looks like.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, one line.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened here and what to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The stable code.
    pub code: &'static str,
    /// What does not fit, by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Misfit>,
    /// More, by code.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// This problem, with what happened and what to do.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            extra: serde_json::Map::new(),
            headers: Vec::new(),
        }
    }

    /// Something in the input does not fit.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Code::Invalid, "").and(pointer, detail)
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}, or it is not yours to see."))
    }

    /// A part that is needed does not answer; to be tried again after some seconds.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, detail).header(header::RETRY_AFTER, "2")
    }

    /// A fault of ours: logged with its cause under an incident id, which is all that is shown.
    pub fn fault(cause: &dyn std::fmt::Display) -> Self {
        let incident = format!("{:08x}", rand::random::<u32>());
        error!(%incident, %cause, "a call failed");
        Self::new(Code::Fault, format!("Tell an operator: incident {incident}.")).with("incident", incident)
    }

    /// The same, with one more thing that does not fit.
    #[must_use]
    pub fn and(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(Misfit { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// The same, with one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// The same, with one more header. A value that is no header value is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// What it looks like.
    #[must_use]
    pub fn body(self) -> ProblemBody {
        ProblemBody {
            kind: match self.code {
                Code::QuotaExceeded => QUOTA.to_owned(),
                code => format!("{DOCUMENT}{}", code.as_str()),
            },
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: self.detail,
            code: self.code.as_str(),
            errors: self.errors,
            extra: self.extra,
        }
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => {
                tracing::warn!(why, "the database does not answer");
                Self::unavailable("The database does not answer. Nothing was changed; try again.")
            }
            StoreError::Unconfirmed(why) => {
                tracing::warn!(why, "the database has not confirmed a change");
                Self::unavailable(
                    "The database has not confirmed it: it may have been done. Look before you repeat the call; commands and \
                     notices with the same Idempotency-Key are done once.",
                )
            }
            StoreError::Unwritable(why) => {
                error!(why, "the database cannot be written");
                let detail = "The database can be read but not written: its disk is full, or it is read-only. Nothing was \
                              changed. Tell an operator; once it can be written again, repeat the call.";
                Self::new(Code::ReadOnly, detail).header(header::RETRY_AFTER, "30")
            }
            StoreError::Exists => Self::new(Code::Conflict, "There is one already."),
            StoreError::Fault(_) => Self::fault(&error),
        }
    }
}

impl From<adjutant_bus::ports::BusError> for Problem {
    fn from(error: adjutant_bus::ports::BusError) -> Self {
        use adjutant_bus::ports::BusError;
        match error {
            BusError::Unavailable(why) => {
                tracing::warn!(why, "the bus does not answer");
                Self::unavailable("The bus does not answer; try again.")
            }
            BusError::Full(_) => Self::new(Code::Busy, "Wait until some have ended; nothing was accepted.")
                .header(header::RETRY_AFTER, "5"),
            BusError::Wire(error) => Self::new(Code::TooLarge, error.to_string()),
            BusError::Refused(_) => Self::fault(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let own = std::mem::take(&mut self.headers);
        let code = self.code;
        let (status, body) = (self.code.status(), self.body());
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = match code {
                Code::MissingKey => r#"Bearer realm="adjutant""#,
                _ => r#"Bearer realm="adjutant", error="invalid_token""#,
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        headers.extend(own);
        response.extensions_mut().insert(code);
        response
    }
}
