//! Looks at a server: everything that set-up would make, side by side with what is there. All is asked at once, and what this user
//! may not ask is known by the server's word, not by waiting.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event,
    jetstream::{
        consumer::{self, IntoConsumerConfig},
        stream,
    },
};
use futures::future;
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::watch;

use super::{
    ack::ApiError,
    connect::{self, Link, Login},
    filter::covers,
    settings::{CONSUMER, Difference, STREAM, differences},
    topology,
    version::{OLDEST, is_new_enough},
};
use crate::{
    look::{Blind, Clock, Consumer, Look, Part, Room, Seen, Stream},
    ports::{Limits, Status},
};

/// `stream not found`, `consumer not found` (errors.json of nats-server).
const NOT_FOUND: [u64; 2] = [10059, 10014];
/// How long the connection may take.
const FIRST: Duration = Duration::from_secs(5);
/// What is said of a server that takes the connection and says nothing.
const SILENT: &str = "no answer";
/// Asks for the subjects in a stream, too.
const WITH_SUBJECTS: &str = r#"{"subjects_filter":">"}"#;

/// Connects as this user and looks.
pub(crate) async fn look(url: &str, login: &Login, limits: &Limits, replicas: usize) -> Result<Look, Blind> {
    let (report, forbidden) = watch::channel(Vec::new());
    let report = Arc::new(report);
    let options = connect::options(login, "adjutant-doctor").await;
    let options = options.map_err(|error| Blind::NotLetIn(error.to_string()))?.event_callback(move |event| {
        let report = report.clone();
        async move {
            if let Event::ServerError(error) = event {
                report.send_modify(|told| told.push(error.to_string().to_lowercase()));
            }
        }
    });
    let client = dial(url, options).await?;
    let mut jetstream = async_nats::jetstream::new(client.clone());
    jetstream.set_timeout(limits.exchange);
    let (_, status) = watch::channel(Status::Connected);
    let link = Link { client, jetstream, exchange: limits.exchange, status };
    Ok(Asking { link, forbidden }.all(limits, replicas).await)
}

async fn dial(url: &str, options: ConnectOptions) -> Result<Client, Blind> {
    let addresses: Vec<String> = url.split(',').map(str::to_owned).collect();
    match tokio::time::timeout(FIRST, options.connect(addresses)).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                Blind::NotLetIn(error.to_string())
            }
            // The client's own time-out is as long as ours.
            ConnectErrorKind::TimedOut => Blind::Unreachable(SILENT.to_owned()),
            _ => Blind::Unreachable(error.to_string()),
        }),
        Err(_) => Err(Blind::Unreachable(SILENT.to_owned())),
    }
}

struct Asking {
    link: Link,
    /// What the server has refused so far.
    forbidden: watch::Receiver<Vec<String>>,
}

/// An answer of the JetStream API.
#[derive(Deserialize)]
struct Answer {
    error: Option<ApiError>,
    /// The server's clock.
    #[serde(rename = "ts")]
    at: Option<Timestamp>,
}

/// What is used of `$JS.API.INFO`.
#[derive(Deserialize)]
struct Account {
    #[serde(default)]
    storage: u64,
    limits: AccountLimits,
}

#[derive(Deserialize)]
struct AccountLimits {
    #[serde(default)]
    max_storage: i64,
}

impl Asking {
    async fn all(&self, limits: &Limits, replicas: usize) -> Look {
        let (all, durable) = (topology::all(limits, replicas), topology::consumers(limits));
        let streams = all.iter().map(|(name, config)| self.stream(name, config));
        let consumers = durable.iter().map(|(stream, config)| self.consumer(stream, config));
        let room = self.ask::<Account>("$JS.API.INFO", "");
        let (streams, consumers, (room, _)) =
            tokio::join!(future::join_all(streams), future::join_all(consumers), room);
        let filters: Vec<&str> = durable.iter().map(|(_, config)| config.filter_subject.as_str()).collect();
        let (mut parts, mut untaken, mut clock) = (Vec::new(), Vec::new(), None);
        for (part, subjects, at) in streams {
            clock = clock.or(at);
            let nobody =
                |(subject, _): &(String, usize)| !filters.iter().any(|filter| covers(filter, subject));
            untaken.extend(subjects.into_iter().filter(nobody));
            parts.push(part);
        }
        untaken.sort();
        let version = self.link.client.server_info().version;
        let most: i64 = all.iter().map(|(_, config)| config.max_bytes.max(0)).sum();
        let room = map(room, |account| Room {
            used: account.storage,
            most: u64::try_from(account.limits.max_storage).ok(),
            wanted: most.unsigned_abs(),
        });
        Look {
            new_enough: is_new_enough(&version),
            version,
            oldest: OLDEST.to_string(),
            room,
            clock,
            streams: parts,
            consumers,
            untaken,
        }
    }

    /// A stream; the subjects in it, if it is a work queue; and the clock.
    async fn stream(
        &self,
        name: &str,
        wanted: &stream::Config,
    ) -> (Part<Stream>, Vec<(String, usize)>, Option<Clock>) {
        let queue = wanted.retention == stream::RetentionPolicy::WorkQueue;
        let payload = if queue { WITH_SUBJECTS } else { "" };
        let (seen, clock) = self.ask::<Value>(&format!("$JS.API.STREAM.INFO.{}", wanted.name), payload).await;
        let subjects = match &seen {
            Seen::There(answer) if queue => subjects(answer),
            _ => Vec::new(),
        };
        let seen = map(read::<stream::Info>(seen), |info| there(wanted, &info));
        (Part { name: name.to_owned(), seen }, subjects, clock)
    }

    async fn consumer(&self, stream: &str, wanted: &consumer::pull::Config) -> Part<Consumer> {
        let name = wanted.durable_name.as_deref().unwrap_or_default();
        let (seen, _) = self.ask::<Value>(&format!("$JS.API.CONSUMER.INFO.{stream}.{name}"), "").await;
        let seen = map(read::<consumer::Info>(seen), |info| Consumer {
            differences: told(differences(&CONSUMER, &wanted.clone().into_consumer_config(), &info.config)).1,
            pending: info.num_pending,
            unconfirmed: info.num_ack_pending,
            waiting: info.num_waiting,
        });
        Part { name: format!("consumer {name} of stream {stream}"), seen }
    }

    /// One question, and what the server's clock said with the answer.
    async fn ask<T: DeserializeOwned>(&self, subject: &str, payload: &str) -> (Seen<T>, Option<Clock>) {
        let asked = Timestamp::now();
        let mut forbidden = self.forbidden.clone();
        let named = format!("\"{}\"", subject.to_lowercase());
        let refused = forbidden.wait_for(|told| told.iter().any(|told| told.contains(&named)));
        let answer = tokio::select! {
            answer = self.link.request(subject.to_owned(), None, payload.to_owned().into()) => answer,
            Ok(_) = refused => return (Seen::Forbidden, None),
        };
        let answered = Timestamp::now();
        let payload = match answer {
            Ok(message) => message.payload,
            Err(error) => return (Seen::Unanswered(error.to_string()), None),
        };
        let clock = serde_json::from_slice::<Answer>(&payload);
        let at = clock.as_ref().ok().and_then(|answer| answer.at);
        let clock_told = at.map(|told| Clock { asked, told, answered });
        match clock.map(|answer| answer.error) {
            Ok(Some(error)) if NOT_FOUND.contains(&error.err_code) => (Seen::Missing, clock_told),
            Ok(Some(error)) => (Seen::Unanswered(error.description), clock_told),
            _ => match serde_json::from_slice(&payload) {
                Ok(answer) => (Seen::There(answer), clock_told),
                Err(error) => (Seen::Unanswered(format!("the answer cannot be read: {error}")), None),
            },
        }
    }
}

/// How many messages there are of each subject.
fn subjects(answer: &Value) -> Vec<(String, usize)> {
    let of = |(subject, count): (&String, &Value)| {
        (subject.clone(), count.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default())
    };
    let there = answer.pointer("/state/subjects").and_then(Value::as_object);
    there.map(|subjects| subjects.iter().map(of).collect()).unwrap_or_default()
}

fn there(wanted: &stream::Config, info: &stream::Info) -> Stream {
    let (vital, differences) = told(differences(&STREAM, wanted, &info.config));
    // A server by itself says nothing of copies: its own is the one.
    let current = info.cluster.as_ref().map_or(1, |cluster| {
        usize::from(cluster.leader.as_deref().is_some_and(|leader| !leader.is_empty()))
            + cluster.replicas.iter().filter(|peer| peer.current && !peer.offline).count()
    });
    Stream {
        vital,
        differences,
        bytes: info.state.bytes,
        most_bytes: u64::try_from(info.config.max_bytes).ok().filter(|most| *most > 0),
        refuses: info.config.discard == stream::DiscardPolicy::New,
        copies: info.config.num_replicas,
        current,
        last: info.state.last_sequence,
    }
}

/// Those that are to be told, and whether nothing begins with one of them. What was made larger does no harm.
fn told<C>(differences: Vec<Difference<C>>) -> (bool, Vec<String>) {
    let told: Vec<Difference<C>> = differences.into_iter().filter(|one| !one.roomy).collect();
    (told.iter().any(|one| one.setting.vital), told.iter().map(ToString::to_string).collect())
}

fn read<T: DeserializeOwned>(seen: Seen<Value>) -> Seen<T> {
    match map(seen, serde_json::from_value) {
        Seen::There(Ok(read)) => Seen::There(read),
        Seen::There(Err(error)) => Seen::Unanswered(format!("the answer cannot be read: {error}")),
        Seen::Missing => Seen::Missing,
        Seen::Forbidden => Seen::Forbidden,
        Seen::Unanswered(why) => Seen::Unanswered(why),
    }
}

fn map<T, U>(seen: Seen<T>, with: impl FnOnce(T) -> U) -> Seen<U> {
    match seen {
        Seen::There(there) => Seen::There(with(there)),
        Seen::Missing => Seen::Missing,
        Seen::Forbidden => Seen::Forbidden,
        Seen::Unanswered(why) => Seen::Unanswered(why),
    }
}
