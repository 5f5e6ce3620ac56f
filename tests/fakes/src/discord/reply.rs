//! What a request is answered with, and what is noted of it.

use axum::{
    Json,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Call, FakeDiscord, Scope, throttle::Standing};

/// An error of Discord's.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) code: u64,
    pub(super) message: String,
    pub(super) errors: Value,
}

/// Status and body; null stands for no body.
pub(super) type Answer = Result<(u16, Value), Refused>;

impl Refused {
    pub(super) fn new(status: u16, code: u64, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), errors: Value::Null }
    }

    /// 50035: a field that Discord does not take; `path` as in `embeds.0.title`.
    pub(super) fn form(path: &str, why: &str) -> Self {
        let mut errors = json!({ "_errors": [{ "code": "BASE_TYPE_BAD", "message": why }] });
        for name in path.split('.').rev().filter(|name| !name.is_empty()) {
            errors = json!({ name: errors });
        }
        Self { errors, ..Self::new(400, 50_035, "Invalid Form Body") }
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({ "message": self.message, "code": self.code });
        if !self.errors.is_null() {
            body["errors"] = self.errors.clone();
        }
        body
    }
}

/// A request with all that is noted of it.
pub(super) struct Arrived {
    pub(super) fake: FakeDiscord,
    pub(super) call: Call,
}

impl Arrived {
    pub(super) fn answer(mut self, status: u16, body: &Value, standing: Option<&Standing>) -> Response {
        self.call.status = status;
        self.call.code = body["code"].as_u64().unwrap_or_default();
        self.note();
        let status = StatusCode::from_u16(status).unwrap();
        let mut response =
            if body.is_null() { status.into_response() } else { (status, Json(body)).into_response() };
        if let Some(standing) = standing {
            standing.tell(response.headers_mut());
        }
        response
    }

    pub(super) fn note(mut self) {
        self.call.took = self.call.at.elapsed();
        self.fake.record().calls.push(self.call);
    }

    pub(super) fn limited(mut self, scope: Scope, seconds: f64, standing: Option<&Standing>) -> Response {
        let (name, global) = match scope {
            Scope::User => ("user", false),
            Scope::Global => ("global", true),
            Scope::Shared => ("shared", false),
        };
        self.call.scope = name.to_owned();
        let body =
            json!({ "message": "You are being rate limited.", "retry_after": seconds, "global": global });
        let mut response = self.answer(429, &body, standing);
        let headers = response.headers_mut();
        // The header is in whole seconds, the body is exact.
        headers.insert("retry-after", HeaderValue::try_from(format!("{}", seconds.ceil())).unwrap());
        headers.insert("x-ratelimit-scope", HeaderValue::from_static(name));
        if global {
            headers.insert("x-ratelimit-global", HeaderValue::from_static("true"));
        }
        response
    }
}
