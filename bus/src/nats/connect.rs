//! One connection to a server: own inbox prefix, a time-out on every exchange, violations and slow consumers seen.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use adjutant_metrics::bus as told;
use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, HeaderMap, Message, Request,
    client::{RequestError, RequestErrorKind},
    jetstream,
};
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::watch, time::Instant};
use tracing::{debug, error, info, warn};

use super::ack::{PubAck, meaning, passes, read_ack};
use crate::ports::{BusError, Status};

/// How often a silent connection is tried; the client gives up at the third ping without answer.
const PING: Duration = Duration::from_secs(10);
/// How long the first connection may take.
const FIRST: Duration = Duration::from_secs(5);
/// For how many times the length of an exchange one that may be repeated is tried.
const TRIES: u32 = 3;
/// First pause before it is repeated; doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Second pause before a lost connection is tried again; the first is none. Doubles each time.
const FIRST_RECONNECT: Duration = Duration::from_millis(50);
/// Longest such pause.
const LONGEST_RECONNECT: Duration = Duration::from_secs(1);

/// Who connects, and by what they are known.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// User name.
    pub user: Option<String>,
    /// Password.
    pub password: Option<SecretString>,
    /// Credentials file (JWT and seed).
    pub credentials_file: Option<PathBuf>,
    /// File with the seed of an nkey.
    pub nkey_file: Option<PathBuf>,
    /// By what both ends know each other before anything else is said.
    pub tls: Tls,
    /// Prefix of the inboxes that this user may subscribe to.
    pub inbox: Option<String>,
}

/// Files for TLS, all in PEM. With any of them nothing is said in the clear, whatever the address is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Authorities whose servers are believed, in the place of those of the system.
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to the server.
    pub certificate_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
}

/// A connection with what is needed to use it.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) exchange: Duration,
    pub(crate) status: watch::Receiver<Status>,
}

/// Connects, or says why not in one line.
pub(crate) async fn connect(
    url: &str,
    login: &Login,
    name: &str,
    exchange: Duration,
) -> Result<Link, BusError> {
    let (report, status) = watch::channel(Status::Connected);
    let role = Arc::<str>::from(name);
    let options = options(login, name).await?.event_callback(move |event| {
        let (report, role) = (report.clone(), role.clone());
        async move { note(&event, &report, &role) }
    });
    let addresses: Vec<String> = url.split(',').map(str::to_owned).collect();
    let connecting = tokio::time::timeout(FIRST, options.connect(addresses)).await;
    let client = match connecting {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => return Err(failed(&shown(url), &error)),
        Err(_) => return Err(unreachable(&shown(url), "no answer")),
    };
    told::connection(name);
    let mut jetstream = jetstream::new(client.clone());
    jetstream.set_timeout(exchange);
    Ok(Link { jetstream, client, exchange, status })
}

/// An address without what stands before `@`, which may be a password.
pub(crate) fn shown(url: &str) -> String {
    let part = |part: &str| match part.rsplit_once('@') {
        Some((before, host)) => format!("{}://…@{host}", before.split("://").next().unwrap_or("nats")),
        None => part.chars().take(128).collect(),
    };
    url.split(',').map(part).collect::<Vec<_>>().join(",")
}

fn failed(url: &str, error: &ConnectError) -> BusError {
    let what_to_do = match error.kind() {
        // The client takes what the other end says against a certificate for trouble with the socket.
        ConnectErrorKind::Tls | ConnectErrorKind::Io if is_tls(error) => {
            "does bus.ca_file hold the authority of the server's certificate, is that for this host, and does the server want bus.certificate_file?"
        }
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            "is there such a user, and are bus.user and its password, nkey or credentials right?"
        }
        _ => return unreachable(url, &error.to_string()),
    };
    BusError::Unavailable(format!("{url}: {error}; {what_to_do}"))
}

fn is_tls(error: &ConnectError) -> bool {
    let told = error.to_string().to_lowercase();
    ["certificate", "tls", "handshake", "alert"].iter().any(|word| told.contains(word))
}

fn unreachable(url: &str, why: &str) -> BusError {
    BusError::Unavailable(format!(
        "{url}: {why}; is the server running there, and are bus.url, bus.user and bus.password right?"
    ))
}

pub(super) async fn options(login: &Login, name: &str) -> Result<ConnectOptions, BusError> {
    let mut options = ConnectOptions::new()
        .name(name)
        .ping_interval(PING)
        .connection_timeout(FIRST)
        .reconnect_delay_callback(delay);
    if let Some(file) = &login.credentials_file {
        options = options
            .credentials_file(file)
            .await
            .map_err(|error| unreadable("bus.credentials_file", file, &error))?;
    }
    if let Some(file) = &login.nkey_file {
        options = options.nkey(seed(file).await?);
    }
    if let (Some(user), Some(password)) = (&login.user, &login.password) {
        options = options.user_and_password(user.clone(), password.expose_secret().to_owned());
    }
    options = secured(options, &login.tls).await?;
    Ok(match &login.inbox {
        Some(inbox) => options.custom_inbox_prefix(inbox),
        None => options,
    })
}

/// How long to wait before a lost connection is tried again. The client's own pauses grow to four seconds: after an outage a service
/// would be missed by a worker that is back before it.
fn delay(attempts: usize) -> Duration {
    let Some(again) = attempts.checked_sub(2) else { return Duration::ZERO };
    let doublings = u32::try_from(again).unwrap_or(u32::MAX).min(16);
    let pause = FIRST_RECONNECT.saturating_mul(1 << doublings).min(LONGEST_RECONNECT);
    // Not all at once.
    pause.mul_f64(rand::random_range(0.5..1.0))
}

/// What the client itself would not tell: it takes a file without a certificate for an empty list.
async fn secured(mut options: ConnectOptions, tls: &Tls) -> Result<ConnectOptions, BusError> {
    let all = [
        ("bus.ca_file", &tls.ca_file, "CERTIFICATE-----"),
        ("bus.certificate_file", &tls.certificate_file, "CERTIFICATE-----"),
        ("bus.key_file", &tls.key_file, "PRIVATE KEY-----"),
    ];
    for (key, file, wanted) in all {
        let Some(file) = file else { continue };
        let text = read(key, file).await?;
        if !text.expose_secret().contains(wanted) {
            let what = wanted.trim_end_matches('-').to_lowercase();
            return Err(BusError::Refused(format!("{key}: {} holds no {what} in PEM", file.display())));
        }
        options = options.require_tls(true);
    }
    if let Some(file) = &tls.ca_file {
        options = options.add_root_certificates(file.clone());
    }
    match (&tls.certificate_file, &tls.key_file) {
        (Some(certificate), Some(key)) => {
            Ok(options.add_client_certificate(certificate.clone(), key.clone()))
        }
        (None, None) => Ok(options),
        _ => Err(BusError::Refused("bus.certificate_file and bus.key_file go together".to_owned())),
    }
}

/// The seed in a file: the first line that looks like one, for tools write remarks around it.
async fn seed(file: &Path) -> Result<String, BusError> {
    let text = read("bus.nkey_file", file).await?;
    let seeds = text.expose_secret().lines().map(str::trim).filter(|line| line.starts_with("SU"));
    let good = |seed: &&str| nkeys::KeyPair::from_seed(seed).is_ok();
    seeds.map(str::to_owned).find(|seed| good(&seed.as_str())).ok_or_else(|| {
        BusError::Refused(format!("bus.nkey_file: {} holds no seed of a user (SU…)", file.display()))
    })
}

async fn read(key: &str, file: &Path) -> Result<SecretString, BusError> {
    let text = tokio::fs::read_to_string(file).await;
    text.map(SecretString::from).map_err(|error| unreadable(key, file, &error))
}

fn unreadable(key: &str, file: &Path, error: &std::io::Error) -> BusError {
    BusError::Refused(format!("{key}: {} cannot be read: {error}", file.display()))
}

fn note(event: &Event, report: &watch::Sender<Status>, role: &str) {
    match event {
        Event::Connected => {
            info!("connected to the bus");
            // The first connection is none that was lost.
            if *report.borrow() == Status::Disconnected {
                told::reconnected(role);
            }
            report.send_replace(Status::Connected);
        }
        Event::Disconnected => {
            warn!("the connection to the bus is lost; trying again");
            report.send_replace(Status::Disconnected);
            told::disconnected(role);
        }
        // Violations of permissions come here, and nowhere else.
        Event::ServerError(error) => {
            told::complaint(role, &error.to_string());
            error!(%error, "the server refused something");
        }
        Event::SlowConsumer(id) => {
            told::slow_consumer(role);
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

    /// Stores a message; repeated as it is while it is not certain that it was stored and `again` allows it. A cluster that
    /// chooses another leader says so at once, and has one within seconds.
    pub(crate) async fn store(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
        again: bool,
    ) -> Result<PubAck, BusError> {
        let deadline = Instant::now() + self.exchange * TRIES;
        let mut pause = FIRST_PAUSE;
        loop {
            let asked = self.request(subject.clone(), Some(headers.clone()), payload.clone()).await;
            let failure = match asked.and_then(|message| read_ack(&message.payload)) {
                Ok(PubAck { error: Some(error), .. }) if passes(&error) => meaning(&error),
                Ok(ack) => return Ok(ack),
                Err(error @ BusError::Unavailable(_)) => error,
                Err(error) => return Err(error),
            };
            if !again || Instant::now() + pause > deadline {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
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

fn unanswered(error: &RequestError) -> BusError {
    match error.kind() {
        RequestErrorKind::NoResponders => BusError::Unavailable(
            "nothing stores this subject just now; if that stays so, run `adjutant bus setup`".to_owned(),
        ),
        RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
            BusError::Refused(error.to_string())
        }
        RequestErrorKind::TimedOut | RequestErrorKind::Other => BusError::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_is_tried_at_once_and_then_at_least_every_second() {
        assert_eq!([delay(0), delay(1)], [Duration::ZERO; 2]);
        assert!((25..50).contains(&delay(2).as_millis()), "{:?}", delay(2));
        for attempts in [7, 40, usize::MAX] {
            assert!((500..1_000).contains(&delay(attempts).as_millis()), "{attempts}");
        }
    }
}
