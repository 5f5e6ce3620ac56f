//! A work queue on JetStream.

use std::{sync::Arc, time::Duration};

use adjutant_metrics::bus::{Queue as Which, QueueMeter};
use async_nats::{
    HeaderMap,
    jetstream::{self, consumer::pull},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::OnceCell;
use tracing::error;

use super::{
    ack::meaning,
    connect::Link,
    topology::{COMMANDS, OUTBOX},
    trace,
};
use crate::{
    actor::Platform,
    ports::{Accepted, BusError, Delivery, Queue, Settle, Status},
    subject::{Origin, Subject, Token},
    wire::{MAX_MESSAGE, WireError},
};

/// How long the client may take beyond the time that the server was asked to wait.
const MARGIN: Duration = Duration::from_secs(2);

/// Header of a dead letter that says why it is one.
pub(super) const REASON: &str = "adjutant-reason";

/// Which queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Commands,
    Outbox,
}

impl Lane {
    const fn stream(self) -> &'static str {
        match self {
            Self::Commands => COMMANDS,
            Self::Outbox => OUTBOX,
        }
    }

    fn meter(self) -> QueueMeter {
        QueueMeter::new(match self {
            Self::Commands => Which::Commands,
            Self::Outbox => Which::Outbox,
        })
    }

    fn subject(self, origin: Origin) -> Subject {
        match self {
            Self::Commands => Subject::Command(origin),
            Self::Outbox => Subject::Notice(origin),
        }
    }
}

pub(super) struct NatsQueue {
    link: Link,
    lane: Lane,
    taker: String,
    meter: Arc<QueueMeter>,
    consumer: OnceCell<jetstream::consumer::Consumer<pull::Config>>,
}

impl NatsQueue {
    /// The queue as taken by this consumer.
    pub(super) fn open(link: &Link, lane: Lane, taker: &str) -> Self {
        let (link, meter) = (link.clone(), Arc::new(lane.meter()));
        Self { link, lane, taker: taker.to_owned(), meter, consumer: OnceCell::new() }
    }

    async fn consumer(&self) -> Result<&jetstream::consumer::Consumer<pull::Config>, BusError> {
        let get = || self.link.jetstream.get_consumer_from_stream(&self.taker, self.lane.stream());
        self.consumer.get_or_try_init(get).await.map_err(|error| BusError::Unavailable(error.to_string()))
    }

    /// What is there now, without waiting.
    async fn now(&self, most: usize) -> Result<Vec<Delivery>, BusError> {
        let pull = self.consumer().await?.fetch().max_messages(most);
        self.collect(pull.messages().await, self.link.exchange + MARGIN).await
    }

    /// The next message, within a time.
    async fn next(&self, wait: Duration) -> Result<Vec<Delivery>, BusError> {
        // No heartbeat: after the first one the client's batch is not woken by the message that follows it.
        let pull = self.consumer().await?.batch().max_messages(1).expires(wait);
        self.collect(pull.messages().await, wait + MARGIN).await
    }

    async fn collect(
        &self,
        batch: Result<pull::Batch, pull::BatchError>,
        bound: Duration,
    ) -> Result<Vec<Delivery>, BusError> {
        let mut batch = batch.map_err(|error| BusError::Unavailable(error.to_string()))?;
        let mut deliveries = Vec::new();
        let all = async {
            while let Some(message) = batch.next().await {
                match message {
                    Ok(message) => deliveries.extend(self.delivery(message).await),
                    Err(error) => return Err(BusError::Unavailable(error.to_string())),
                }
            }
            Ok(())
        };
        let ended = tokio::time::timeout(bound, all).await;
        match ended {
            Ok(Err(error)) if deliveries.is_empty() => Err(error),
            Err(_) if deliveries.is_empty() && *self.link.status.borrow() == Status::Disconnected => {
                Err(BusError::Unavailable("the server cannot be reached".to_owned()))
            }
            _ => Ok(deliveries),
        }
    }

    async fn delivery(&self, message: jetstream::Message) -> Option<Delivery> {
        let info = match message.info() {
            Ok(info) => {
                let attempt = u64::try_from(info.delivered).unwrap_or(1);
                self.meter.taken(attempt, since(info.published.unix_timestamp_nanos()));
                self.meter.waiting(info.pending);
                (info.stream_sequence, attempt)
            }
            Err(error) => {
                error!(%error, "a delivery without its place in the stream is left alone");
                return None;
            }
        };
        let origin = match message.subject.as_str().parse() {
            Ok(Subject::Command(origin) | Subject::Notice(origin)) => Some(origin),
            _ => None,
        };
        let handle = Handle {
            link: self.link.clone(),
            reply: message.reply.as_ref().map(ToString::to_string).unwrap_or_default(),
            subject: message.subject.to_string(),
            origin: origin.clone(),
            sequence: info.0,
            payload: message.payload.clone(),
            meter: self.meter.clone(),
        };
        let Some(origin) = origin else {
            error!(subject = %message.subject, "a message on a subject that is none of ours goes to the dead letters");
            if let Err(error) = handle.bury("not a subject of the bus").await {
                error!(%error, "it could not be stored there; it stays in the queue");
            }
            return None;
        };
        Some(Delivery {
            origin,
            sequence: info.0,
            attempt: info.1,
            payload: message.payload.clone(),
            trace: trace::read(message.headers.as_ref()),
            handle: Arc::new(handle),
        })
    }
}

#[async_trait]
impl Queue for NatsQueue {
    async fn submit(&self, origin: &Origin, id: &str, payload: Bytes) -> Result<Accepted, BusError> {
        if payload.len() > MAX_MESSAGE {
            return Err(WireError::TooLarge { size: payload.len() }.into());
        }
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", id);
        trace::write(&mut headers);
        let subject = self.lane.subject(origin.clone()).to_string();
        let ack = self.link.store(subject, headers, payload, true).await?;
        match ack.error {
            Some(error) => Err(meaning(&error)),
            None if ack.duplicate => {
                self.meter.duplicate();
                Ok(Accepted::Duplicate)
            }
            None => Ok(Accepted::New),
        }
    }

    async fn take(&self, most: usize, wait: Duration) -> Result<Vec<Delivery>, BusError> {
        let now = self.now(most).await?;
        if now.is_empty() {
            self.meter.waiting(0);
            self.next(wait).await
        } else {
            Ok(now)
        }
    }
}

struct Handle {
    link: Link,
    reply: String,
    subject: String,
    origin: Option<Origin>,
    sequence: u64,
    payload: Bytes,
    meter: Arc<QueueMeter>,
}

/// How long ago that was; clocks may differ.
fn since(nanoseconds: i128) -> Duration {
    let ago = jiff::Timestamp::now().as_nanosecond().saturating_sub(nanoseconds);
    u64::try_from(ago).map_or(Duration::ZERO, Duration::from_nanos)
}

#[async_trait]
impl Settle for Handle {
    async fn acknowledge(&self) -> Result<(), BusError> {
        self.link.request(self.reply.clone(), None, "+ACK".into()).await.map(|_| ())
    }

    async fn extend(&self) -> Result<(), BusError> {
        self.link.send(self.reply.clone(), "+WPI".into()).await
    }

    async fn release(&self, delay: Duration) -> Result<(), BusError> {
        let nak = if delay.is_zero() {
            "-NAK".to_owned()
        } else {
            format!("-NAK {{\"delay\":{}}}", delay.as_nanos())
        };
        self.link.send(self.reply.clone(), nak.into()).await
    }

    async fn bury(&self, reason: &str) -> Result<(), BusError> {
        let nobody = || Origin { platform: Platform::Service, tenant: Token::escape("") };
        let dead = Subject::Dead(self.origin.clone().unwrap_or_else(nobody)).to_string();
        let one_line: String =
            reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
        let mut headers = HeaderMap::new();
        headers.insert(REASON, one_line.as_str());
        headers.insert("adjutant-subject", self.subject.as_str());
        headers.insert("adjutant-sequence", self.sequence.to_string().as_str());
        headers.insert("Nats-Msg-Id", format!("{}-{}", self.subject, self.sequence).as_str());
        let ack = self.link.store(dead, headers, self.payload.clone(), true).await?;
        if let Some(error) = ack.error {
            return Err(meaning(&error));
        }
        if !ack.duplicate {
            self.meter.buried();
        }
        self.link.request(self.reply.clone(), None, format!("+TERM {one_line}").into()).await.map(|_| ())
    }
}
