//! One call over HTTP: its turn, the request, and what the answer means.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue},
    multipart::{Form, Part},
    redirect,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Call, CallError, limits::Limits, resolve::OneHost};

/// Version of the HTTP API.
const VERSION: &str = "v10";
/// Discord wants an address and a version in it (Discord: "User Agent").
const AGENT: &str =
    concat!("DiscordBot (https://github.com/adjutant-chatops/adjutant, ", env!("CARGO_PKG_VERSION"), ")");
/// Time-out of connecting.
const CONNECT: Duration = Duration::from_secs(3);
/// Most bytes of an answer that are read. The largest are lists of messages.
const LARGEST: usize = 4 * 1024 * 1024;
/// Most characters of what Discord says of an error.
const TOLD: usize = 300;

/// The connection.
pub(super) struct Http {
    client: Client,
    base: String,
    host: String,
    plain: bool,
    authorization: HeaderValue,
}

impl Http {
    pub(super) fn new(api_url: &str, token: &SecretString) -> Result<Self, String> {
        let url = Url::parse(api_url).map_err(|_| format!("discord.api_url: `{api_url}` is no address"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let plain = match url.scheme() {
            "https" => false,
            "http" if matches!(host.as_str(), "127.0.0.1" | "localhost" | "[::1]") => true,
            _ => return Err(format!("discord.api_url: `{api_url}` must begin with https://")),
        };
        let mut authorization = HeaderValue::try_from(format!("Bot {}", token.expose_secret()))
            .map_err(|_| "discord.bot_token has characters that no token has".to_owned())?;
        authorization.set_sensitive(true);
        // Whoever was first has chosen the same; without one neither HTTP nor the socket can speak TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .tls_backend_rustls()
            .dns_resolver(Arc::new(OneHost(host.clone())))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(AGENT)
            .connect_timeout(CONNECT)
            .build()
            .map_err(|error| format!("HTTP cannot be used: {}", error.without_url()))?;
        let base = format!("{}/{VERSION}", api_url.trim_end_matches('/'));
        Ok(Self { client, base, host, plain, authorization })
    }

    pub(super) fn host(&self) -> (&str, bool) {
        (&self.host, self.plain)
    }

    /// Waits for the call's turn, makes it, and says what came of it.
    pub(super) async fn send(&self, call: Call<'_>, limits: &Limits) -> Result<Value, CallError> {
        let turn = limits.turn(&call).await?;
        if call.good.is_some_and(|good| !good.is_good()) {
            return Err(CallError::Unknown("another replica sends by now".to_owned()));
        }
        let request = self.request(&call);
        let answered = tokio::time::timeout(call.patience, read(request)).await;
        let (status, headers, body) = match answered {
            Err(_) => return Err(CallError::Unknown("no answer in time".to_owned())),
            Ok(Err(error)) => return Err(CallError::Unknown(error)),
            Ok(Ok(answer)) => answer,
        };
        limits.learn(&call, status, &headers, &body);
        drop(turn);
        outcome(status, body, &headers)
    }

    /// The `Date` of an answer to a question that needs no token (Discord: "Get Gateway").
    pub(super) async fn date(&self, patience: Duration) -> Result<Option<String>, String> {
        let answered = read(self.client.get(format!("{}/gateway", self.base)));
        let (_, headers, _) =
            tokio::time::timeout(patience, answered).await.map_err(|_| "no answer in time".to_owned())??;
        Ok(headers.get(DATE).and_then(|value| value.to_str().ok()).map(str::to_owned))
    }

    fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let mut request = self.client.request(call.method.clone(), format!("{}{}", self.base, call.path));
        if call.bot {
            request = request.header(AUTHORIZATION, self.authorization.clone());
        }
        match &call.body {
            Some(body) if !call.files.is_empty() => {
                let mut body = body.clone();
                let named = call.files.iter().enumerate();
                let attachments: Vec<Value> =
                    named.map(|(index, file)| json!({ "id": index, "filename": file.name })).collect();
                if let Some(body) = body.as_object_mut() {
                    body.insert("attachments".to_owned(), attachments.into());
                }
                let mut form = Form::new().text("payload_json", body.to_string());
                for (index, file) in call.files.iter().enumerate() {
                    let part = Part::text(file.content.clone()).file_name(file.name.clone());
                    form = form.part(format!("files[{index}]"), part);
                }
                request.multipart(form)
            }
            Some(body) => request.json(body),
            None => request,
        }
    }
}

async fn read(request: RequestBuilder) -> Result<(StatusCode, HeaderMap, Value), String> {
    let told = |error: reqwest::Error| format!("the connection failed: {}", cause(&error.without_url()));
    let mut response: Response = request.send().await.map_err(told)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut whole = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(told)? {
        if whole.len() + chunk.len() > LARGEST {
            return Err("the answer is too long".to_owned());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok((status, headers, serde_json::from_slice(&whole).unwrap_or_default()))
}

/// The innermost reason.
fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    inner.to_string()
}

/// What an answer means. A good one that cannot be read is a good one.
fn outcome(status: StatusCode, body: Value, headers: &HeaderMap) -> Result<Value, CallError> {
    match status.as_u16() {
        200..=299 => Ok(body),
        429 => Err(CallError::Limited(super::limits::retry_after(headers, &body))),
        400..=499 => Err(CallError::Refused {
            status: status.as_u16(),
            code: body.get("code").and_then(Value::as_u64).unwrap_or_default(),
            what: told(&body),
        }),
        other => Err(CallError::Unknown(format!("status {other}"))),
    }
}

/// Discord's own words, and where in the body something is wrong.
fn told(body: &Value) -> String {
    let message = body.get("message").and_then(Value::as_str).unwrap_or("no reason is given");
    let errors = body.get("errors").map(|errors| format!(" {errors}")).unwrap_or_default();
    format!("{message}{errors}").chars().filter(|c| !c.is_control()).take(TOLD).collect()
}
