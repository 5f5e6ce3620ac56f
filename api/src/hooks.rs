//! What other systems send, as messages: one adapter for each sender's form. Pure: they know no sockets, no database and no bus.
//! Reading order: what went wrong, how JSON is read, the bounds of a message, the senders.

mod draft;
mod error;
mod form;
mod node;

mod alertmanager;
mod alerts;
mod cloudevents;
pub mod github;
mod grafana;
mod pagerduty;
mod slack;

use std::str::FromStr;

use adjutant_bus::announcement::Message;
use axum::http::HeaderMap;

pub use error::{HookError, Kind};

/// Whose form a payload has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// Prometheus Alertmanager, `webhook_configs`, version 4.
    Alertmanager,
    /// Grafana's unified alerting, webhook contact point.
    Grafana,
    /// PagerDuty's Events API v2.
    PagerDuty,
    /// GitHub's webhooks.
    GitHub,
    /// CloudEvents 1.0 over HTTP: structured, binary, batch.
    CloudEvents,
    /// Slack's incoming webhooks.
    Slack,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Alertmanager, Self::Grafana, Self::PagerDuty, Self::GitHub, Self::CloudEvents, Self::Slack];

    /// As it stands in the path.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Grafana => "grafana",
            Self::PagerDuty => "pagerduty",
            Self::GitHub => "github",
            Self::CloudEvents => "cloudevents",
            Self::Slack => "slack",
        }
    }
}

/// No sender of this name is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no hook of this name")]
pub struct UnknownHook;

impl FromStr for Hook {
    type Err = UnknownHook;

    fn from_str(name: &str) -> Result<Self, UnknownHook> {
        Self::ALL.into_iter().find(|hook| hook.as_str() == name).ok_or(UnknownHook)
    }
}

/// One message to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The sender's own id for deduplication, 128 characters at most.
    pub id: Option<String>,
    /// What is to be said.
    pub message: Message,
}

/// What a payload says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// In the order of the payload. Empty when the event was understood and is not worth a message, such as a label that
    /// was set on a pull request: each adapter's file says which those are.
    pub messages: Vec<Delivery>,
}

/// Reads what `hook` sends.
///
/// # Errors
/// When the payload is not of the sender's form; the error names the place and quotes no value.
pub fn read(hook: Hook, headers: &HeaderMap, body: &[u8]) -> Result<Read, HookError> {
    let messages = match hook {
        Hook::Alertmanager => vec![alertmanager::read(body)?],
        Hook::Grafana => vec![grafana::read(body)?],
        Hook::PagerDuty => vec![pagerduty::read(body)?],
        Hook::GitHub => github::read(headers, body)?,
        Hook::CloudEvents => cloudevents::read(headers, body)?,
        Hook::Slack => vec![slack::read(headers, body)?],
    };
    Ok(Read { messages })
}
