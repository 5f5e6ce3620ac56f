//! The journal on JetStream: one subject per request, appended at the sequence that the writer knows.

use async_nats::{HeaderMap, Message, StatusCode};
use async_trait::async_trait;
use futures::StreamExt;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    ack::{EXPECTED, WRONG_LAST_SEQUENCE, meaning},
    connect::Link,
    event::decode,
    follow,
    topology::JOURNAL,
    trace,
};
use crate::{
    event::Event,
    ports::{AppendError, BoxStream, BusError, Follow, Followed, Journal, Recorded},
    subject::{JournalKey, Journals, Subject},
    wire,
};

/// Most events in one answer to a read.
const BATCH: usize = 512;
/// Events handed to a follower that it has not taken yet.
const AHEAD: usize = 64;

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

#[async_trait]
impl Journal for NatsJournal {
    async fn append(&self, key: &JournalKey, expected: u64, event: &Event) -> Result<u64, AppendError> {
        let payload = wire::encode("event", event).map_err(BusError::from)?;
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, expected.to_string().as_str());
        trace::write(&mut headers);
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
        let (config, state) = (&stream.cached_info().config, &stream.cached_info().state);
        let limit = u64::try_from(config.max_bytes).unwrap_or_default();
        adjutant_metrics::bus::journal_size(state.bytes, limit);
        Ok(state.last_sequence)
    }

    async fn identity(&self) -> Result<String, BusError> {
        let stream = self.link.jetstream.get_stream(JOURNAL).await;
        let stream = stream.map_err(|error| BusError::Unavailable(error.to_string()))?;
        Ok(format!("{JOURNAL}@{}", stream.cached_info().created.unix_timestamp_nanos()))
    }

    async fn follow(&self, journals: Journals, from: Follow) -> Result<BoxStream<Followed>, BusError> {
        let (out, stream) = mpsc::channel(AHEAD);
        match from {
            Follow::Durable(name) => {
                let found = self.link.jetstream.get_consumer_from_stream(&name, JOURNAL).await;
                let consumer = found.map_err(|error| {
                    BusError::Refused(format!("there is no durable follower `{name}`: {error}"))
                })?;
                tokio::spawn(follow::lag(consumer.clone(), journals, out.clone()));
                tokio::spawn(follow::durably(self.link.clone(), consumer, out));
            }
            Follow::Now => {
                let after = self.newest().await?;
                tokio::spawn(follow::after(self.link.clone(), journals, after, out));
            }
            Follow::After(after) => {
                tokio::spawn(follow::after(self.link.clone(), journals, after, out));
            }
        }
        Ok(Box::pin(ReceiverStream::new(stream)))
    }
}
