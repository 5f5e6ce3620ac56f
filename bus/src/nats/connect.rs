//! One connection to a server: own inbox prefix, a time-out on every exchange, violations and slow consumers seen.

use std::{path::PathBuf, time::Duration};

use async_nats::{
    Client, ConnectOptions, Event, HeaderMap, Message, Request,
    client::{RequestError, RequestErrorKind},
    jetstream,
};
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::watch;
use tracing::{debug, error, info, warn};

use crate::ports::{BusError, Status};

/// How often a silent connection is tried; the client gives up at the third ping without answer.
const PING: Duration = Duration::from_secs(10);
/// How long the first connection may take.
const FIRST: Duration = Duration::from_secs(5);
/// How often an exchange that may be repeated is tried.
const TRIES: usize = 3;

/// `wrong last sequence` (errors.json of nats-server).
pub(crate) const WRONG_LAST_SEQUENCE: [u64; 2] = [10071, 10164];
/// Header of a message that is stored only if its subject's last message has this sequence.
pub(crate) const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";

/// Who connects, and by what they are known.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// User name.
    pub user: Option<String>,
    /// Password.
    pub password: Option<SecretString>,
    /// Credentials file (JWT and seed).
    pub credentials_file: Option<PathBuf>,
    /// Prefix of the inboxes that this user may subscribe to.
    pub inbox: Option<String>,
}

/// A connection with what is needed to use it.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) exchange: Duration,
    pub(crate) status: watch::Receiver<Status>,
}

/// What the server says to a stored message (ADR-1 of the NATS architecture decision records).
#[derive(Debug, Deserialize)]
pub(crate) struct PubAck {
    #[serde(default)]
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) duplicate: bool,
    pub(crate) error: Option<ApiError>,
}

/// An error of the JetStream API.
#[derive(Debug, Deserialize)]
pub(crate) struct ApiError {
    #[serde(default)]
    pub(crate) err_code: u64,
    #[serde(default)]
    pub(crate) description: String,
}

/// Connects, or says why not in one line.
pub(crate) async fn connect(
    url: &str,
    login: &Login,
    name: &str,
    exchange: Duration,
) -> Result<Link, BusError> {
    let (report, status) = watch::channel(Status::Connected);
    let options = options(login, name).await?.event_callback(move |event| {
        let report = report.clone();
        async move { note(&event, &report) }
    });
    let addresses: Vec<String> = url.split(',').map(str::to_owned).collect();
    let connecting = tokio::time::timeout(FIRST, options.connect(addresses)).await;
    let shown = url.rsplit_once('@').map_or(url, |(_, host)| host);
    let client = match connecting {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => return Err(unreachable(shown, &error.to_string())),
        Err(_) => return Err(unreachable(shown, "no answer")),
    };
    let mut jetstream = jetstream::new(client.clone());
    jetstream.set_timeout(exchange);
    Ok(Link { jetstream, client, exchange, status })
}

fn unreachable(url: &str, why: &str) -> BusError {
    BusError::Unavailable(format!(
        "{url}: {why}; is the server running there, and are bus.url, bus.user and bus.password right?"
    ))
}

pub(super) async fn options(login: &Login, name: &str) -> Result<ConnectOptions, BusError> {
    let mut options = ConnectOptions::new().name(name).ping_interval(PING).connection_timeout(FIRST);
    if let Some(file) = &login.credentials_file {
        let told =
            |error: std::io::Error| BusError::Refused(format!("{} cannot be read: {error}", file.display()));
        options = options.credentials_file(file).await.map_err(told)?;
    }
    if let (Some(user), Some(password)) = (&login.user, &login.password) {
        options = options.user_and_password(user.clone(), password.expose_secret().to_owned());
    }
    Ok(match &login.inbox {
        Some(inbox) => options.custom_inbox_prefix(inbox),
        None => options,
    })
}

fn note(event: &Event, report: &watch::Sender<Status>) {
    match event {
        Event::Connected => {
            info!("connected to the bus");
            report.send_replace(Status::Connected);
        }
        Event::Disconnected => {
            warn!("the connection to the bus is lost; trying again");
            report.send_replace(Status::Disconnected);
        }
        // Violations of permissions come here, and nowhere else.
        Event::ServerError(error) => error!(%error, "the server refused something"),
        Event::SlowConsumer(id) => {
            error!(id, "messages were dropped because they were not taken fast enough")
        }
        other => debug!(event = %other, "bus connection"),
    }
}

impl Link {
    /// One exchange, bounded in time.
    pub(crate) async fn request(
        &self,
        subject: String,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<Message, BusError> {
        let mut request = Request::new().payload(payload).timeout(Some(self.exchange));
        if let Some(headers) = headers {
            request = request.headers(headers);
        }
        // The client's own time-out does not cover the wait for room in its queue.
        match tokio::time::timeout(self.exchange * 2, self.client.send_request(subject, request)).await {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(error)) => Err(unanswered(&error)),
            Err(_) => Err(BusError::Unavailable("no answer in time".to_owned())),
        }
    }

    /// Stores a message; repeated as it is while it is not certain that it was stored and `again` allows it.
    pub(crate) async fn store(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
        again: bool,
    ) -> Result<PubAck, BusError> {
        let mut tries = if again { TRIES } else { 1 };
        loop {
            tries -= 1;
            match self.request(subject.clone(), Some(headers.clone()), payload.clone()).await {
                Ok(message) => return read_ack(&message.payload),
                Err(BusError::Unavailable(_)) if tries > 0 => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends without waiting for an answer.
    pub(crate) async fn send(&self, subject: String, payload: Bytes) -> Result<(), BusError> {
        match tokio::time::timeout(self.exchange, self.client.publish(subject, payload)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(BusError::Unavailable(error.to_string())),
            Err(_) => Err(BusError::Unavailable("the connection takes nothing".to_owned())),
        }
    }
}

fn read_ack(payload: &[u8]) -> Result<PubAck, BusError> {
    serde_json::from_slice(payload)
        .map_err(|error| BusError::Refused(format!("the server's answer cannot be read: {error}")))
}

fn unanswered(error: &RequestError) -> BusError {
    match error.kind() {
        RequestErrorKind::NoResponders => BusError::Unavailable(
            "nothing stores this subject; is the bus provisioned, and JetStream up?".to_owned(),
        ),
        RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
            BusError::Refused(error.to_string())
        }
        RequestErrorKind::TimedOut | RequestErrorKind::Other => BusError::Unavailable(error.to_string()),
    }
}

/// What an error code of the JetStream API means to us (errors.json of nats-server).
pub(crate) fn meaning(error: &ApiError) -> BusError {
    let told = format!("{} ({})", error.description, error.err_code);
    match error.err_code {
        10077 | 10047 | 10023 | 10054 | 10122 => BusError::Full(told), // maximum messages or bytes, storage, message size
        10008 | 10074 | 10076 | 10007 => BusError::Unavailable(told),  // no leader, not ready, offline
        _ => BusError::Refused(told),
    }
}
