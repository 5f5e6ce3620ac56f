//! Commands implemented elsewhere: the NATS service protocol (ADR-32) over core NATS. A service needs nothing but a client.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, HeaderMap, Message, StatusCode, Subscriber};
use async_trait::async_trait;
use futures::{StreamExt, future, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{
    connect::Link,
    info::{COMMAND, offer},
    listing::{self, Listed},
    trace,
};
use crate::{
    TraceContext,
    ports::{Answer, BoxStream, BusError, CallError, Serve, Services, served},
    service::{Call, Frame, Offer},
    subject::Subject,
    wire,
};

/// How the inbox of whoever calls begins. What the server was made to send here by a detour has none to answer to.
const INBOXES: &str = "_INBOX";
/// Queue group of every endpoint, as the protocol has it.
pub(super) const GROUP: &str = "q";
/// Most services that one round of answers may name.
const MOST_SERVICES: usize = 1_000;
/// How long a service that is withdrawn may take to answer what it has been asked already.
const LAST_CALLS: Duration = Duration::from_secs(10);
/// Frames of one call that wait for its caller.
const FRAMES: usize = 64;

pub(super) struct NatsServices {
    link: Link,
}

impl NatsServices {
    pub(super) const fn new(link: Link) -> Self {
        Self { link }
    }
}

fn failed(error: &dyn std::fmt::Display) -> BusError {
    BusError::Unavailable(error.to_string())
}

#[async_trait]
impl Services for NatsServices {
    async fn list(&self, window: Duration) -> Result<Vec<Offer>, BusError> {
        let client = &self.link.client;
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await.map_err(|error| failed(&error))?;
        client.publish_with_reply("$SRV.INFO", inbox, "".into()).await.map_err(|error| failed(&error))?;
        let mut offers: HashMap<String, Offer> = HashMap::new();
        let gather = async {
            while let Some(message) = answers.next().await {
                if message.status == Some(StatusCode::NO_RESPONDERS) {
                    return;
                }
                if let Some(offer) = offer(&message.payload).filter(|_| offers.len() < MOST_SERVICES) {
                    offers.insert(offer.name.clone(), offer);
                }
            }
        };
        let _ = tokio::time::timeout(window, gather).await;
        let mut offers: Vec<Offer> = offers.into_values().collect();
        offers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(offers)
    }

    async fn call(&self, call: Call) -> Result<BoxStream<Result<Answer, CallError>>, CallError> {
        let client = &self.link.client;
        let payload = wire::encode("call", &call).map_err(BusError::from)?;
        let mut headers = HeaderMap::new();
        headers.insert("adjutant-request", call.request.to_string().as_str());
        headers.insert("adjutant-fence", call.fence.to_string().as_str());
        headers.insert("adjutant-deadline", call.deadline.to_string().as_str());
        trace::write(&mut headers);
        // An inbox of its own for each call: the client's `request` takes only the first frame.
        let inbox = client.new_inbox();
        let frames = client.subscribe(inbox.clone()).await.map_err(|error| failed(&error))?;
        let subject = Subject::Run(call.path.clone()).to_string();
        let sent = client.publish_with_reply_and_headers(subject, inbox, headers, payload).await;
        sent.map_err(|error| failed(&error))?;
        let (out, stream) = mpsc::channel(FRAMES);
        tokio::spawn(async move {
            let left = Duration::try_from(call.deadline.duration_since(Timestamp::now())).unwrap_or_default();
            let answered = tokio::time::timeout(left, pass_on(frames, &out)).await;
            let _ = out.send(answered.unwrap_or(Err(CallError::Deadline))).await;
        });
        Ok(Box::pin(ReceiverStream::new(stream)))
    }

    async fn offer(
        &self,
        offer: Offer,
        serve: Arc<dyn Serve>,
        concurrency: usize,
        stop: CancellationToken,
    ) -> Result<(), BusError> {
        let refused =
            |error: &dyn std::fmt::Display| BusError::Refused(format!("service {}: {error}", offer.name));
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if offer.name.is_empty() || !offer.name.chars().all(good) {
            return Err(refused(&"a name is of a-z, A-Z, 0-9, - and _"));
        }
        semver::Version::parse(&offer.version).map_err(|error| refused(&error))?;
        let client = &self.link.client;
        let slots = Arc::new(Semaphore::new(concurrency));
        let withdrawal = Withdrawal::new(stop.clone());
        let (mut endpoints, attending) = (Vec::new(), FuturesUnordered::new());
        for spec in &offer.commands {
            let spec_json = serde_json::to_string(spec).map_err(|error| refused(&error))?;
            let subject = Subject::Run(spec.path.clone()).to_string();
            let calls = client.queue_subscribe(subject.clone(), GROUP.to_owned()).await;
            let calls = calls.map_err(|error| refused(&error))?;
            let endpoint = Listed {
                name: spec.path.words().join("-"),
                subject,
                metadata: HashMap::from([(COMMAND.to_owned(), spec_json)]),
                calls: Arc::default(),
            };
            let desk = Desk {
                client: client.clone(),
                serve: serve.clone(),
                slots: slots.clone(),
                counted: endpoint.calls.clone(),
            };
            attending.push(desk.attend(calls, &withdrawal));
            endpoints.push(endpoint);
        }
        let count = u32::try_from(endpoints.len()).unwrap_or(u32::MAX);
        let listed = listing::list(client, &offer, endpoints).await.map_err(|error| refused(&error))?;
        let attending = attending.collect::<Vec<()>>();
        tokio::pin!(attending);
        let _ = future::select(Box::pin(stop.cancelled()), &mut attending).await;
        drop(listed);
        // What had come before the withdrawal is still answered.
        let rest = async {
            future::join(attending, withdrawal.fence(&self.link, count)).await;
            let all = u32::try_from(concurrency).unwrap_or(u32::MAX);
            let _ = slots.acquire_many(all).await;
        };
        let _ = tokio::time::timeout(LAST_CALLS, rest).await;
        Ok(())
    }
}

/// Hands frames to the caller until the last one, which is returned.
async fn pass_on(
    mut frames: Subscriber,
    out: &mpsc::Sender<Result<Answer, CallError>>,
) -> Result<Answer, CallError> {
    while let Some(message) = frames.next().await {
        match read(&message)? {
            Answer::Progress(sign) => drop(out.send(Ok(Answer::Progress(sign))).await),
            last => return Ok(last),
        }
    }
    Err(CallError::Bus(failed(&"the connection is gone")))
}

fn read(message: &Message) -> Result<Answer, CallError> {
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        return Err(CallError::NoService);
    }
    // A service built with a NATS client's own library may report errors in headers alone.
    let told = message.headers.as_ref().and_then(|headers| headers.get("Nats-Service-Error"));
    if let Some(told) = told {
        return Ok(Answer::Error(told.as_str().to_owned()));
    }
    match wire::decode::<Frame>("frame", &message.payload) {
        Ok(Frame::Progress { progress, .. }) => Ok(Answer::Progress(progress)),
        Ok(Frame::Result { reply, .. }) => Ok(Answer::Result(reply)),
        Ok(Frame::Error { message, .. }) => Ok(Answer::Error(message)),
        Err(error) => Err(CallError::Malformed(error.to_string())),
    }
}

/// How a service goes away without losing a call that was sent to it.
struct Withdrawal {
    stop: CancellationToken,
    /// One for each endpoint that has told the server.
    told: Semaphore,
    /// All that was sent before has come.
    over: CancellationToken,
}

impl Withdrawal {
    fn new(stop: CancellationToken) -> Self {
        Self { stop, told: Semaphore::new(0), over: CancellationToken::new() }
    }

    /// Waits until the server has heard of it: what it answers after that comes after all calls.
    async fn fence(&self, link: &Link, endpoints: u32) {
        let _ = tokio::time::timeout(link.exchange, self.told.acquire_many(endpoints)).await;
        if let Err(error) = link.request("$JS.API.INFO".to_owned(), None, "".into()).await {
            warn!(%error, "a service goes without knowing whether calls are on their way to it");
        }
        self.over.cancel();
    }
}

/// Where the calls to one endpoint are taken.
struct Desk {
    client: Client,
    serve: Arc<dyn Serve>,
    slots: Arc<Semaphore>,
    counted: Arc<AtomicU64>,
}

impl Desk {
    /// Answers calls, each in a task of its own, until the withdrawal is over.
    async fn attend(self, mut calls: Subscriber, withdrawal: &Withdrawal) {
        let mut going = false;
        loop {
            tokio::select! {
                biased;
                call = calls.next() => match call {
                    Some(call) => self.take(call).await,
                    None => return,
                },
                () = withdrawal.stop.cancelled(), if !going => {
                    going = true;
                    listing::withdraw(&mut calls).await;
                    withdrawal.told.add_permits(1);
                }
                () = withdrawal.over.cancelled() => return,
            }
        }
    }

    async fn take(&self, message: Message) {
        self.counted.fetch_add(1, Ordering::Relaxed);
        let Ok(slot) = self.slots.clone().acquire_owned().await else { return };
        let Some(reply) = message.reply.filter(|reply| reply.starts_with(INBOXES)) else {
            return warn!("a call that is none: nobody waits for its answer");
        };
        let (client, serve) = (self.client.clone(), self.serve.clone());
        let trace = trace::read(message.headers.as_ref());
        tokio::spawn(async move {
            let _slot = slot;
            let last = match wire::decode::<Call>("call", &message.payload) {
                Ok(call) => answer(&client, reply.to_string(), serve, call, trace).await,
                Err(error) => Frame::Error { v: wire::Version, message: error.to_string() },
            };
            send(&client, reply.to_string(), &last).await;
        });
    }
}

async fn answer(
    client: &Client,
    reply: String,
    serve: Arc<dyn Serve>,
    call: Call,
    trace: Option<TraceContext>,
) -> Frame {
    let (progress, mut signs) = mpsc::channel(FRAMES);
    let (to, subject) = (client.clone(), reply);
    let forward = tokio::spawn(async move {
        while let Some(progress) = signs.recv().await {
            send(&to, subject.clone(), &Frame::Progress { v: wire::Version, progress }).await;
        }
    });
    let served = tokio::spawn(served(serve, call, progress, trace)).await;
    let _ = forward.await;
    match served {
        Ok(Ok(reply)) => Frame::Result { v: wire::Version, reply },
        Ok(Err(message)) => Frame::Error { v: wire::Version, message },
        Err(fault) => {
            error!(%fault, "a service failed on a call");
            Frame::Error { v: wire::Version, message: "The service failed on this call.".to_owned() }
        }
    }
}

async fn send(client: &Client, subject: String, frame: &Frame) {
    let too_large = || Frame::Error {
        v: wire::Version,
        message: "The service's answer is too large to carry.".to_owned(),
    };
    let payload = wire::encode("frame", frame).or_else(|_| wire::encode("frame", &too_large()));
    match payload {
        Ok(payload) => {
            if let Err(error) = client.publish(subject, payload).await {
                warn!(%error, "an answer could not be sent");
            }
        }
        Err(error) => error!(%error, "an answer could not be written"),
    }
}
