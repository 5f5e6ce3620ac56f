//! Discord's HTTP API: each call that is used, under its rate limits. Only the one host that is configured can be reached: no
//! other name is resolved, and no redirect followed. What Discord says of an error is kept short, and an address never shown: it
//! may hold the token that answers an interaction.

mod calls;
mod limits;
mod resolve;
mod send;

use std::time::Duration;

use adjutant_bus::lease::Good;
use adjutant_traces::{Attribute, Name, Span};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::Value;

pub(crate) use self::calls::MEMBERS;
use self::{limits::Limits, send::Http};
use crate::{render::File, snowflake::Snowflake};

/// Time-out of a call for which somebody waits within three seconds.
pub(crate) const FAST: Duration = Duration::from_millis(1_500);
/// Time-out of other calls.
pub(crate) const PATIENT: Duration = Duration::from_secs(10);

/// Why a call did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// Not now; again after this time.
    #[error("Discord asks to wait {0:?}")]
    Limited(Duration),
    /// Discord said no: the status, Discord's own code (0: none), and what it says.
    #[error("Discord refuses it: {what} (status {status}, code {code})")]
    Refused { status: u16, code: u64, what: String },
    /// Not known whether it was done.
    #[error("{0}")]
    Unknown(String),
}

impl CallError {
    pub(crate) const fn code(&self) -> Option<u64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Limited(_) | Self::Unknown(_) => None,
        }
    }
}

/// One call.
pub(crate) struct Call<'a> {
    method: Method,
    /// The path with placeholders: calls of one route share a limit.
    route: &'static str,
    path: String,
    /// The channel, guild or webhook whose limit it is.
    major: String,
    body: Option<Value>,
    files: &'a [File],
    patience: Duration,
    /// Callbacks and webhooks of an interaction need no token of the bot's.
    bot: bool,
    /// Callbacks do not count towards the limit over everything.
    exempt: bool,
    /// Asked just before the call leaves.
    good: Option<&'a Good>,
}

impl<'a> Call<'a> {
    fn new(method: Method, route: &'static str, path: String, major: impl ToString) -> Self {
        let major = major.to_string();
        Self {
            method,
            route,
            path,
            major,
            body: None,
            files: &[],
            patience: PATIENT,
            bot: true,
            exempt: false,
            good: None,
        }
    }

    fn route(&self) -> (Method, &'static str) {
        (self.method.clone(), self.route)
    }

    fn get(route: &'static str, path: String) -> Self {
        Self::new(Method::GET, route, path, "")
    }

    fn body(self, body: impl Into<Value>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    fn files(self, files: &'a [File]) -> Self {
        Self { files, ..self }
    }

    fn fast(self) -> Self {
        Self { patience: FAST, ..self }
    }

    fn of_interaction(self) -> Self {
        Self { bot: false, ..self }
    }

    /// Only while the lease is ours.
    fn while_good(self, good: &'a Good) -> Self {
        Self { good: Some(good), ..self }
    }
}

/// Discord's HTTP API for one bot.
pub(crate) struct Web {
    http: Http,
    limits: Limits,
    application: Snowflake,
}

impl Web {
    /// For the API under this base, such as `https://discord.com/api`.
    pub(crate) fn new(api_url: &str, token: &SecretString, application: Snowflake) -> Result<Self, String> {
        Ok(Self { http: Http::new(api_url, token)?, limits: Limits::new(), application })
    }

    /// The host of the API, and whether it is reached without TLS.
    pub(crate) fn host(&self) -> (&str, bool) {
        self.http.host()
    }

    /// Whether Discord has refused the token since the start.
    pub(crate) fn is_unauthorized(&self) -> bool {
        self.limits.is_unauthorized()
    }

    /// What Discord's clock says, as HTTP writes it.
    pub(crate) async fn date(&self) -> Result<Option<String>, String> {
        self.http.date(PATIENT).await
    }

    async fn call(&self, call: Call<'_>) -> Result<Value, CallError> {
        let span = Span::part(Name::CallPlatform).with(Attribute::Method(call.route));
        let answer = span.run(self.http.send(call, &self.limits)).await;
        span.set(Attribute::Outcome(match &answer {
            Ok(_) => "ok",
            Err(CallError::Limited(_)) => "limited",
            Err(CallError::Refused { .. }) => "refused",
            Err(CallError::Unknown(_)) => "unknown",
        }));
        answer
    }
}

/// Seen by the asker only (Discord: "Message Flags").
pub(crate) const EPHEMERAL: u64 = 1 << 6;

#[cfg(test)]
mod tests;
