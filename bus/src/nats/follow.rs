//! Following the journal: from a durable position, or from a sequence on without leaving anything behind.

use std::{collections::HashMap, sync::Arc, time::Duration};

use adjutant_metrics::bus::Lag;
use async_nats::jetstream::{
    self, AckKind,
    consumer::{AckPolicy, Consumer, DeliverPolicy, pull},
};
use async_trait::async_trait;
use futures::StreamExt;
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::{connect::Link, event::decode, topology::JOURNAL, trace};
use crate::{
    ports::{BusError, Followed, NothingToSettle, Settle},
    subject::Journals,
};

/// How many may follow without a durable position at once. Each has a consumer of one of these many names, so that the right
/// to create, pull and delete it can be given by name: a wildcard would cover everybody's consumers.
pub(crate) const FOLLOWERS: usize = 32;
/// Events that are asked for at once.
const AHEAD: usize = 64;
/// Pause before a follower that failed begins again.
const PAUSE: Duration = Duration::from_millis(200);
/// How often the server says that it is there while nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often it is asked how far a durable follower is.
const LOOK: Duration = Duration::from_secs(10);
/// After this time without its follower a consumer is removed by the server.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// The name of one of the consumers without a durable position. Those of different platforms have different names, so that
/// none can take events from another's.
pub(crate) fn follower(journals: &Journals, number: usize) -> String {
    match journals.platform() {
        Some(platform) => format!("follow-{platform}-{number}"),
        None => format!("follow-{number}"),
    }
}

/// Follows from the position that the consumer keeps.
pub(super) async fn durably(link: Link, consumer: Consumer<pull::Config>, out: mpsc::Sender<Followed>) {
    loop {
        match consumer.stream().max_messages_per_batch(AHEAD).heartbeat(HEARTBEAT).messages().await {
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

/// Tells how far a durable follower is behind, for as long as it follows.
pub(super) async fn lag(consumer: Consumer<pull::Config>, journals: Journals, out: mpsc::Sender<Followed>) {
    let Some(told) = journals.platform().map(|platform| Lag::of(platform.as_str())) else { return };
    loop {
        match consumer.get_info().await {
            Ok(info) => told.is(info.num_pending + info.num_ack_pending as u64),
            Err(error) => debug!(%error, "how far a follower is behind cannot be asked just now"),
        }
        if closed_within(LOOK, &out).await {
            return;
        }
    }
}

/// Follows after a sequence; begins again after the last event seen whenever the connection breaks.
pub(super) async fn after(link: Link, journals: Journals, mut after: u64, out: mpsc::Sender<Followed>) {
    loop {
        match open(&link, &journals, after).await {
            Ok((name, consumer)) => {
                let ended = pull(&consumer, &mut after, &out).await;
                let removed = link.jetstream.delete_consumer_from_stream(&name, JOURNAL).await;
                if let (Err(error), Err(_)) = (ended, removed) {
                    warn!(error, "following the journal was interrupted; going on");
                }
            }
            Err(error) => warn!(error, "the journal cannot be followed just now; trying again"),
        }
        if closed_within(PAUSE, &out).await {
            return;
        }
    }
}

/// A consumer of the first name that is free. One that is taken has other settings, for each carries a mark of its own.
async fn open(
    link: &Link,
    journals: &Journals,
    after: u64,
) -> Result<(String, Consumer<pull::Config>), String> {
    let first = rand::random_range(0..FOLLOWERS);
    let mut last = String::new();
    for step in 0..FOLLOWERS {
        let name = follower(journals, (first + step) % FOLLOWERS);
        let config = pull::Config {
            name: Some(name.clone()),
            filter_subject: journals.to_string(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after + 1 },
            ack_policy: AckPolicy::None,
            inactive_threshold: FORGOTTEN,
            memory_storage: true,
            num_replicas: 1,
            metadata: HashMap::from([("mark".to_owned(), format!("{:032x}", rand::random::<u128>()))]),
            ..pull::Config::default()
        };
        match link.jetstream.create_consumer_strict_on_stream(config, JOURNAL).await {
            Ok(consumer) => return Ok((name, consumer)),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}

async fn pull(
    consumer: &Consumer<pull::Config>,
    after: &mut u64,
    out: &mpsc::Sender<Followed>,
) -> Result<(), String> {
    let opened = consumer.stream().max_messages_per_batch(AHEAD).heartbeat(HEARTBEAT).messages().await;
    let mut messages = opened.map_err(|error| error.to_string())?;
    while let Some(next) = next_or_closed(&mut messages, out).await {
        let message = next.map_err(|error| error.to_string())?;
        let Ok(sequence) = message.info().map(|info| info.stream_sequence) else { continue };
        *after = sequence.max(*after);
        let Some(recorded) = decode(&message.subject, sequence, &message.payload) else { continue };
        let (trace, handle) = (trace::read(message.headers.as_ref()), Arc::new(NothingToSettle));
        if out.send(Followed { recorded, again: false, trace, handle }).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
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
    let (sequence, delivered) =
        message.info().map(|info| (info.stream_sequence, info.delivered)).unwrap_or_default();
    let Some(recorded) = decode(&message.subject, sequence, &message.payload) else {
        if let Err(error) = message.ack_with(AckKind::Term).await {
            warn!(%error, "an unreadable event could not be confirmed");
        }
        return true;
    };
    let reply = message.reply.as_ref().map(ToString::to_string).unwrap_or_default();
    let handle = Arc::new(Confirm { link: link.clone(), reply });
    let trace = trace::read(message.headers.as_ref());
    out.send(Followed { recorded, again: delivered > 1, trace, handle }).await.is_ok()
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
