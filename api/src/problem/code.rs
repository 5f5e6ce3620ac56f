//! The stable codes, each with its HTTP status and what it says to a person.

use axum::http::StatusCode;

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
