//! Calls of Slack's Web API: through slack-morphism's connector, each with a time-out, with answers sorted by what the caller
//! does about them. While Slack has said "not before", a method is not called.

use std::{collections::HashMap, sync::Arc, time::Duration};

use adjutant_traces::{Attribute, Name, Span};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use slack_morphism::{
    SlackApiToken, SlackApiTokenValue, SlackClient, SlackClientApiCallContext, SlackClientHttpConnector,
    errors::SlackClientError,
    hyper_tokio::{SlackClientHyperConnector, SlackClientHyperHttpsConnector},
};
use tokio::time::Instant;

/// Time-out of a call behind which nobody waits for an acknowledgement.
pub(crate) const PATIENT: Duration = Duration::from_secs(5);
/// Time-out of a call inside the platform's three seconds.
pub(crate) const FAST: Duration = Duration::from_millis(1_200);
/// How long a method rests when Slack does not say it.
const REST: Duration = Duration::from_secs(1);

/// The connection to one Slack, shared by all workspaces.
pub(crate) type Client = SlackClient<SlackClientHyperHttpsConnector>;

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// Not before this time has passed.
    #[error("Slack asks to wait {0:?}")]
    Limited(Duration),
    /// Slack refuses, with this code. Nothing was done.
    #[error("Slack refuses: {code}{}", needed.as_ref().map(|scope| format!(" (the scope {scope})")).unwrap_or_default())]
    Refused {
        /// Slack's error code.
        code: String,
        /// The scope that is missing, if that is it.
        needed: Option<String>,
    },
    /// It may have been done or not.
    #[error("Slack did not answer: {0}")]
    Unknown(String),
}

impl CallError {
    /// Slack's error code, if it refused.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Limited(_) | Self::Unknown(_) => None,
        }
    }
}

/// The client for one base URL. Plain HTTP is for loopback only.
///
/// # Errors
/// What is wrong with the address, or with the system's certificates.
pub(crate) fn client(api_url: &str) -> Result<Arc<Client>, String> {
    let plain = check_url(api_url)?;
    // Fails only if a provider is there already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let tls = hyper_rustls::HttpsConnectorBuilder::new()
        .with_native_roots()
        .map_err(|error| format!("the system's root certificates cannot be read: {error}"))?;
    let https = if plain { tls.https_or_http() } else { tls.https_only() }.enable_all_versions().build();
    let connector = SlackClientHyperConnector::from(https).with_slack_api_url(api_url.trim_end_matches('/'));
    Ok(Arc::new(SlackClient::new(connector)))
}

/// Whether the address is of a loopback, where no TLS is needed.
pub(crate) fn check_url(api_url: &str) -> Result<bool, String> {
    let url = reqwest::Url::parse(api_url).map_err(|error| format!("`{api_url}` is no address: {error}"))?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme() {
        "https" => Ok(loopback),
        "http" if loopback => Ok(true),
        _ => Err(format!("`{api_url}` must begin with https:// (http:// is for loopback only)")),
    }
}

/// The Web API as one token sees it.
#[derive(Clone)]
pub(crate) struct Web {
    client: Arc<Client>,
    token: SlackApiToken,
    /// Until when a method may not be called.
    held: Arc<Mutex<HashMap<&'static str, Instant>>>,
}

impl Web {
    pub(crate) fn new(client: Arc<Client>, token: &SecretString) -> Self {
        let token = SlackApiToken::new(SlackApiTokenValue(token.expose_secret().to_owned()));
        Self { client, token, held: Arc::default() }
    }

    /// Whether the API is on the loopback without TLS.
    pub(crate) fn is_plain(&self) -> bool {
        let own = self.client.http_api.connector.create_method_uri_path("auth.test");
        own.is_ok_and(|own| own.scheme() == "http")
    }

    /// Writes: a JSON POST.
    pub(crate) async fn post(
        &self,
        method: &'static str,
        body: &Value,
        patience: Duration,
    ) -> Result<Value, CallError> {
        let session = self.client.open_session(&self.token);
        self.bounded(method, patience, session.http_session_api.http_post(method, body, None)).await
    }

    /// Reads: a GET.
    pub(crate) async fn get(
        &self,
        method: &'static str,
        parameters: &[(&str, String)],
        patience: Duration,
    ) -> Result<Value, CallError> {
        let session = self.client.open_session(&self.token);
        let parameters: Vec<(&str, Option<&String>)> =
            parameters.iter().map(|(name, value)| (*name, Some(value))).collect();
        self.bounded(method, patience, session.http_session_api.http_get(method, &parameters, None)).await
    }

    /// Posts to a `response_url`, which needs no token.
    pub(crate) async fn respond(&self, url: &str, body: &Value) -> Result<(), CallError> {
        let target = self.answer_url(url)?;
        let span = tracing::Span::none();
        let context = SlackClientApiCallContext {
            rate_control_params: None,
            token: None,
            tracing_span: &span,
            is_sensitive_url: true,
        };
        let sent = self.client.http_api.connector.http_post_uri::<Value, Value>(target, body, context);
        let span = Span::part(Name::CallPlatform).with(Attribute::Method("response_url"));
        let answer = match span.run(tokio::time::timeout(PATIENT, sent)).await {
            Err(_) => Err(CallError::Unknown("no answer in time".to_owned())),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(sort(&error)),
        };
        span.set(Attribute::Outcome(told(&answer)));
        answer
    }

    /// Uploads the bytes of a file to the address that Slack gave, without the token.
    pub(crate) async fn upload(&self, url: &str, content: &[u8]) -> Result<(), CallError> {
        let target = self.upload_url(url)?;
        let span = tracing::Span::none();
        let context = SlackClientApiCallContext {
            rate_control_params: None,
            token: None,
            tracing_span: &span,
            is_sensitive_url: true,
        };
        let kind = "application/octet-stream".to_owned();
        let sent =
            self.client.http_api.connector.http_post_uri_binary::<Value>(target, kind, content, context);
        match tokio::time::timeout(PATIENT, sent).await {
            Err(_) => Err(CallError::Unknown("no answer in time".to_owned())),
            // What it says is plain text; anything but a refusal is good.
            Ok(Ok(_) | Err(SlackClientError::ProtocolError(_))) => Ok(()),
            Ok(Err(error)) => Err(sort(&error)),
        }
    }

    /// Only Slack's own hosts, or the configured one, are answered.
    fn answer_url(&self, url: &str) -> Result<reqwest::Url, CallError> {
        let refused = || CallError::Refused { code: "foreign_response_url".to_owned(), needed: None };
        let url = reqwest::Url::parse(url).map_err(|_| refused())?;
        let known = matches!(url.host_str(), Some("hooks.slack.com" | "hooks.slack-gov.com"));
        if known && url.scheme() == "https" || self.is_own_host(&url) { Ok(url) } else { Err(refused()) }
    }

    fn upload_url(&self, url: &str) -> Result<reqwest::Url, CallError> {
        let refused = || CallError::Refused { code: "foreign_upload_url".to_owned(), needed: None };
        let url = reqwest::Url::parse(url).map_err(|_| refused())?;
        if url.scheme() == "https" || self.is_own_host(&url) { Ok(url) } else { Err(refused()) }
    }

    fn is_own_host(&self, url: &reqwest::Url) -> bool {
        let own = self.client.http_api.connector.create_method_uri_path("auth.test");
        own.is_ok_and(|own| own.origin() == url.origin())
    }

    async fn bounded(
        &self,
        method: &'static str,
        patience: Duration,
        call: impl Future<Output = Result<Value, SlackClientError>>,
    ) -> Result<Value, CallError> {
        if let Some(rest) = self.rests(method) {
            return Err(CallError::Limited(rest));
        }
        let span = Span::part(Name::CallPlatform).with(Attribute::Method(method));
        let answer = match span.run(tokio::time::timeout(patience, call)).await {
            Err(_) => Err(CallError::Unknown("no answer in time".to_owned())),
            // The client takes a page of some proxy, sent with status 200, for an empty answer.
            Ok(Ok(answer)) if answer.get("ok") != Some(&Value::Bool(true)) => {
                Err(CallError::Unknown("an answer that does not say ok".to_owned()))
            }
            Ok(answer) => answer.map_err(|error| sort(&error)),
        };
        span.set(Attribute::Outcome(told(&answer)));
        if let Err(CallError::Limited(rest)) = &answer {
            adjutant_metrics::gateway::limited("slack");
            self.held.lock().insert(method, Instant::now() + *rest);
        }
        answer
    }

    /// For how long a method may not be called yet.
    pub(crate) fn rests(&self, method: &str) -> Option<Duration> {
        let held = self.held.lock().get(method).copied()?;
        held.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero())
    }
}

/// What came of a call, for a trace.
const fn told<T>(answer: &Result<T, CallError>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(CallError::Limited(_)) => "limited",
        Err(CallError::Refused { .. }) => "refused",
        Err(CallError::Unknown(_)) => "unknown",
    }
}

/// What an error of the client means. Its own text is never passed on: it holds whole bodies.
fn sort(error: &SlackClientError) -> CallError {
    match error {
        SlackClientError::RateLimitError(limit) => CallError::Limited(limit.retry_after.unwrap_or(REST)),
        SlackClientError::ApiError(api) => match api.code.as_str() {
            "ratelimited" | "rate_limited" | "message_limit_exceeded" => CallError::Limited(REST),
            code @ ("fatal_error" | "internal_error" | "service_unavailable" | "request_timeout") => {
                CallError::Unknown(code.to_owned())
            }
            code => {
                let body: Option<Value> =
                    api.http_response_body.as_ref().and_then(|body| serde_json::from_str(body).ok());
                let needed = body.and_then(|body| Some(body.get("needed")?.as_str()?.to_owned()));
                CallError::Refused { code: code.to_owned(), needed }
            }
        },
        SlackClientError::HttpError(http) if http.status_code.is_client_error() => {
            CallError::Refused { code: format!("http_{}", http.status_code.as_u16()), needed: None }
        }
        SlackClientError::HttpError(http) => {
            CallError::Unknown(format!("status {}", http.status_code.as_u16()))
        }
        SlackClientError::ProtocolError(_) => CallError::Unknown("an answer that is no JSON".to_owned()),
        _ => CallError::Unknown("the connection failed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_may_be_plain() {
        assert_eq!(check_url("https://slack.com/api"), Ok(false));
        assert_eq!(check_url("http://127.0.0.1:8080/api"), Ok(true));
        for wrong in
            ["http://slack.com/api", "ftp://slack.com", "slack.com", "http://127.0.0.1.evil.example/api"]
        {
            assert!(check_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_foreign_answer_address_is_not_called() {
        let web = Web::new(client("http://127.0.0.1:9/api").unwrap(), &SecretString::from("xoxb-test"));
        assert!(web.answer_url("https://hooks.slack.com/commands/T1/2/3").is_ok());
        assert!(web.answer_url("http://127.0.0.1:9/respond/1").is_ok());
        for wrong in [
            "https://hooks.slack.com.evil.example/x",
            "http://hooks.slack.com/x",
            "http://127.0.0.1:10/x",
            "x",
        ] {
            assert!(web.answer_url(wrong).is_err(), "{wrong}");
        }
        assert!(web.upload_url("https://files.slack.com/upload/v1/x").is_ok());
        assert!(web.upload_url("http://files.slack.com/upload/v1/x").is_err());
    }
}
