//! The journal on JetStream: one subject per request, appended at the sequence that the writer knows.

use std::{sync::Arc, time::Duration};

use async_nats::{
    HeaderMap, Message, StatusCode,
    jetstream::{
        self, AckKind,
        consumer::{DeliverPolicy, pull},
    },
};
use async_trait::async_trait;
use futures::StreamExt;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tracing::{error, warn};

use super::{
    connect::{EXPECTED, Link, WRONG_LAST_SEQUENCE, meaning},
    provision::JOURNAL,
};
use crate::{
    event::Event,
    ports::{AppendError, BoxStream, BusError, Follow, Followed, Journal, Recorded, Settle},
    subject::{JournalKey, Journals, Subject},
    wire,
};

/// Most events in one answer to a read.
const BATCH: usize = 512;
/// Events handed to a follower that it has not taken yet.
const AHEAD: usize = 64;
/// Pause before a follower that failed begins again.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Clone)]
pub(super) struct NatsJournal {
    link: Link,
}

impl NatsJournal {
    pub(super) const fn new(link: Link) -> Self {
        Self { link }
    }

    /// Up to `most` events from a sequence on, and whether there may be more (batched direct get, ADR-31).
    async fn page(&self, filter: &str, from: u64, most: usize) -> Result<(Vec<Recorded>, bool), BusError> {
        let failed = |error: &dyn std::fmt::Display| BusError::Unavailable(error.to_string());
        let inbox = self.link.client.new_inbox();
        let mut answers = self.link.client.subscribe(inbox.clone()).await.map_err(|e| failed(&e))?;
        let wanted = json!({ "seq": from, "next_by_subj": filter, "batch": most }).to_string();
        let subject = format!("$JS.API.DIRECT.GET.{JOURNAL}");
        self.link.client.publish_with_reply(subject, inbox, wanted.into()).await.map_err(|e| failed(&e))?;
        let mut page = Vec::new();
        loop {
            let next = tokio::time::timeout(self.link.exchange, answers.next()).await;
            let Ok(Some(message)) = next else { return Err(failed(&"no answer to a read of the journal")) };
            match message.status {
                None => page.extend(recorded(&message)),
                Some(StatusCode::NOT_FOUND) => return Ok((page, false)),
                Some(StatusCode::NO_RESPONDERS) => {
                    return Err(failed(&"the journal cannot be read at the moment"));
                }
                Some(_) => {
                    let more = header(&message, "Nats-Num-Pending").is_some_and(|n| n != "0");
                    return Ok((page, more));
                }
            }
        }
    }
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.as_ref()?.get(name).map(|value| value.as_str())
}

/// An event read directly. One that cannot be decoded is passed over, loudly.
fn recorded(message: &Message) -> Option<Recorded> {
    let subject = header(message, "Nats-Subject")?;
    let sequence = header(message, "Nats-Sequence")?.parse().ok()?;
    decode(subject, sequence, &message.payload)
}

fn decode(subject: &str, sequence: u64, payload: &[u8]) -> Option<Recorded> {
    let Ok(Subject::Journal(key)) = subject.parse() else {
        error!(subject, sequence, "an event on a subject that is none of ours is passed over");
        return None;
    };
    match wire::decode::<Event>("event", payload) {
        Ok(event) => Some(Recorded { key, sequence, event }),
        Err(error) => {
            error!(%error, subject, sequence, "an event that cannot be read is passed over");
            None
        }
    }
}

#[async_trait]
impl Journal for NatsJournal {
    async fn append(&self, key: &JournalKey, expected: u64, event: &Event) -> Result<u64, AppendError> {
        let payload = wire::encode("event", event).map_err(BusError::from)?;
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, expected.to_string().as_str());
        let ack = self.link.store(Subject::Journal(key.clone()).to_string(), headers, payload, false).await?;
        match ack.error {
            None => Ok(ack.seq),
            Some(error) if WRONG_LAST_SEQUENCE.contains(&error.err_code) => {
                Err(AppendError::Conflict { expected })
            }
            Some(error) => Err(meaning(&error).into()),
        }
    }

    async fn read(&self, journals: &Journals, after: u64, most: usize) -> Result<Vec<Recorded>, BusError> {
        let filter = journals.to_string();
        let mut events: Vec<Recorded> = Vec::new();
        let mut from = after + 1;
        while events.len() < most {
            let (page, more) = self.page(&filter, from, BATCH.min(most - events.len())).await?;
            let Some(last) = page.last().map(|recorded| recorded.sequence) else { break };
            from = last + 1;
            events.extend(page);
            if !more {
                break;
            }
        }
        Ok(events)
    }

    async fn newest(&self) -> Result<u64, BusError> {
        let stream = self.link.jetstream.get_stream(JOURNAL).await;
        let stream = stream.map_err(|error| BusError::Unavailable(error.to_string()))?;
        Ok(stream.cached_info().state.last_sequence)
    }

    async fn follow(&self, journals: Journals, from: Follow) -> Result<BoxStream<Followed>, BusError> {
        let (out, stream) = mpsc::channel(AHEAD);
        match from {
            Follow::Durable(name) => {
                let found = self.link.jetstream.get_consumer_from_stream(&name, JOURNAL).await;
                let consumer = found.map_err(|error| {
                    BusError::Refused(format!("there is no durable follower `{name}`: {error}"))
                })?;
                tokio::spawn(follow_durably(self.link.clone(), consumer, out));
            }
            Follow::Now => {
                let after = self.newest().await?;
                tokio::spawn(follow_after(self.clone(), journals.to_string(), after, out));
            }
            Follow::After(after) => {
                tokio::spawn(follow_after(self.clone(), journals.to_string(), after, out));
            }
        }
        Ok(Box::pin(ReceiverStream::new(stream)))
    }
}

async fn follow_durably(
    link: Link,
    consumer: jetstream::consumer::Consumer<pull::Config>,
    out: mpsc::Sender<Followed>,
) {
    loop {
        let opened = consumer
            .stream()
            .max_messages_per_batch(AHEAD)
            .heartbeat(Duration::from_secs(5))
            .messages()
            .await;
        match opened {
            Ok(mut messages) => {
                while let Some(next) = next_or_closed(&mut messages, &out).await {
                    match next {
                        Ok(message) => {
                            if !pass_on(&link, message, &out).await {
                                return;
                            }
                        }
                        Err(error) => {
                            warn!(%error, "following the journal was interrupted; going on");
                            break;
                        }
                    }
                }
            }
            Err(error) => warn!(%error, "the journal cannot be followed just now; trying again"),
        }
        if closed_within(PAUSE, &out).await {
            return;
        }
    }
}

/// Follows without a durable position; begins again after the last event seen whenever the connection breaks.
async fn follow_after(journal: NatsJournal, filter: String, mut after: u64, out: mpsc::Sender<Followed>) {
    loop {
        let config = pull::OrderedConfig {
            // With a name of its own its subject carries the filter, by which the right to it is given.
            name: Some(format!("follow-{:016x}", rand::random::<u64>())),
            filter_subject: filter.clone(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after + 1 },
            ..pull::OrderedConfig::default()
        };
        let opened = async {
            let stream =
                journal.link.jetstream.get_stream_no_info(JOURNAL).await.map_err(|e| e.to_string())?;
            let consumer = stream.create_consumer(config).await.map_err(|e| e.to_string())?;
            consumer.messages().await.map_err(|e| e.to_string())
        };
        match opened.await {
            Ok(mut messages) => {
                while let Some(next) = next_or_closed(&mut messages, &out).await {
                    let message = match next {
                        Ok(message) => message,
                        Err(error) => {
                            warn!(%error, "following the journal was interrupted; going on");
                            break;
                        }
                    };
                    let Ok(sequence) = message.info().map(|info| info.stream_sequence) else { continue };
                    after = after.max(sequence);
                    let Some(recorded) = decode(&message.subject, sequence, &message.payload) else {
                        continue;
                    };
                    if out.send(Followed { recorded, handle: Arc::new(Nothing) }).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => warn!(%error, "the journal cannot be followed just now; trying again"),
        }
        if closed_within(PAUSE, &out).await {
            return;
        }
    }
}

/// The next message; none when the follower has gone away or the stream has ended.
async fn next_or_closed<T>(
    messages: &mut (impl futures::Stream<Item = T> + Unpin),
    out: &mpsc::Sender<Followed>,
) -> Option<T> {
    tokio::select! {
        next = messages.next() => next,
        () = out.closed() => None,
    }
}

async fn closed_within(time: Duration, out: &mpsc::Sender<Followed>) -> bool {
    tokio::time::timeout(time, out.closed()).await.is_ok()
}

/// Hands a message to the follower; says whether there still is one.
async fn pass_on(link: &Link, message: jetstream::Message, out: &mpsc::Sender<Followed>) -> bool {
    let sequence = message.info().map(|info| info.stream_sequence).unwrap_or_default();
    let Some(recorded) = decode(&message.subject, sequence, &message.payload) else {
        if let Err(error) = message.ack_with(AckKind::Term).await {
            warn!(%error, "an unreadable event could not be confirmed");
        }
        return true;
    };
    let reply = message.reply.as_ref().map(ToString::to_string).unwrap_or_default();
    out.send(Followed { recorded, handle: Arc::new(Confirm { link: link.clone(), reply }) }).await.is_ok()
}

struct Confirm {
    link: Link,
    reply: String,
}

#[async_trait]
impl Settle for Confirm {
    async fn acknowledge(&self) -> Result<(), BusError> {
        self.link.request(self.reply.clone(), None, "+ACK".into()).await.map(|_| ())
    }

    async fn extend(&self) -> Result<(), BusError> {
        self.link.send(self.reply.clone(), "+WPI".into()).await
    }

    async fn release(&self, delay: Duration) -> Result<(), BusError> {
        self.link.send(self.reply.clone(), format!("-NAK {{\"delay\":{}}}", delay.as_nanos()).into()).await
    }

    async fn bury(&self, _reason: &str) -> Result<(), BusError> {
        self.acknowledge().await
    }
}

/// There is nothing to settle for who follows without a durable position.
struct Nothing;

#[async_trait]
impl Settle for Nothing {
    async fn acknowledge(&self) -> Result<(), BusError> {
        Ok(())
    }
    async fn extend(&self) -> Result<(), BusError> {
        Ok(())
    }
    async fn release(&self, _delay: Duration) -> Result<(), BusError> {
        Ok(())
    }
    async fn bury(&self, _reason: &str) -> Result<(), BusError> {
        Ok(())
    }
}
