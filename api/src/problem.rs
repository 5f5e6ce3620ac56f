//! Every no over HTTP: RFC 9457 problem details with a stable code, what happened, and where in the input. Faults show an
//! incident id only; their cause is in the log.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use crate::store::StoreError;

/// Where the codes are explained.
const DOCUMENT: &str = "https://github.com/adjutant-chatops/adjutant/blob/main/docs/api.md#";
/// The type that the IETF draft on rate limit headers registers.
const QUOTA: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $status:ident, $title:literal;)+) => {
        /// The stable codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word in answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// What it says to a person, one line.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

codes! {
    /// The request cannot be read.
    BadRequest = "bad_request", BAD_REQUEST, "The request cannot be read";
    /// Two different keys, or one header twice.
    AmbiguousCredentials = "ambiguous_credentials", BAD_REQUEST, "More than one key was presented";
    /// No key.
    MissingKey = "missing_key", UNAUTHORIZED, "A key is needed";
    /// No key of ours.
    InvalidKey = "invalid_key", UNAUTHORIZED, "The key is not valid";
    /// Its time is over.
    KeyExpired = "key_expired", UNAUTHORIZED, "The key has expired";
    /// It was revoked.
    KeyRevoked = "key_revoked", UNAUTHORIZED, "The key was revoked";
    /// It, or its service, is disabled.
    KeyDisabled = "key_disabled", UNAUTHORIZED, "The key is disabled";
    /// Not from this address.
    AddressNotAllowed = "address_not_allowed", FORBIDDEN, "The key may not be used from this address";
    /// The key's scopes do not admit it.
    InsufficientScope = "insufficient_scope", FORBIDDEN, "The key's scopes do not admit this";
    /// Policy does not allow it.
    NotAllowed = "not_allowed", FORBIDDEN, "Policy does not allow this";
    /// A command was refused for another reason.
    Refused = "refused", FORBIDDEN, "The command was refused";
    /// There is no such thing, or it is somebody else's.
    NotFound = "not_found", NOT_FOUND, "There is no such thing";
    /// Not with this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This method is not for this address";
    /// None of the forms asked for.
    NotAcceptable = "not_acceptable", NOT_ACCEPTABLE, "It cannot be given in the form asked for";
    /// It is there already, or stands against what is there.
    Conflict = "conflict", CONFLICT, "It stands against what is there";
    /// The request has ended.
    AlreadyEnded = "already_ended", CONFLICT, "The request has ended already";
    /// A key is shown once.
    KeyAlreadyShown = "key_already_shown", CONFLICT, "The key was made and shown already";
    /// The same Idempotency-Key is at work.
    InProgress = "request_in_progress", CONFLICT, "The same call is being handled";
    /// It was changed meanwhile.
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "It was changed meanwhile";
    /// Too many bytes.
    TooLarge = "too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// Not JSON.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body must be JSON";
    /// It can be read, and does not fit.
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "Something in the request does not fit";
    /// The same Idempotency-Key with another content.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key was used for another call";
    /// Too often.
    QuotaExceeded = "quota_exceeded", TOO_MANY_REQUESTS, "Too many calls";
    /// Too much waits already.
    Busy = "busy", TOO_MANY_REQUESTS, "Too many commands of this key are waiting";
    /// A fault of ours.
    Fault = "fault", INTERNAL_SERVER_ERROR, "Something went wrong here";
    /// A part that is needed does not answer.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "This cannot be served just now";
    /// The database takes no changes.
    ReadOnly = "read_only", SERVICE_UNAVAILABLE, "Nothing can be changed just now";
}

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

/// The problems that any call may meet, for the OpenAPI document.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum Problems {
    /// The request cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(#[to_schema] ProblemBody),
    /// No key, or none that is valid.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] ProblemBody),
    /// The key's scopes, its addresses or policy do not allow it.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] ProblemBody),
    /// There is no such thing, or it is somebody else's.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] ProblemBody),
    /// It cannot be given in the form asked for.
    #[response(status = 406, content_type = "application/problem+json")]
    NotAcceptable(#[to_schema] ProblemBody),
    /// It stands against what is there.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] ProblemBody),
    /// It was changed meanwhile.
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(#[to_schema] ProblemBody),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] ProblemBody),
    /// The body must be JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(#[to_schema] ProblemBody),
    /// Something in the request does not fit.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(#[to_schema] ProblemBody),
    /// Too many calls, or too many commands waiting.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(#[to_schema] ProblemBody),
    /// A fault of ours.
    #[response(status = 500, content_type = "application/problem+json")]
    Fault(#[to_schema] ProblemBody),
    /// A part that is needed does not answer.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] ProblemBody),
}
