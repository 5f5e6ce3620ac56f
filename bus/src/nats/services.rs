//! Commands implemented elsewhere: the NATS service protocol (ADR-32) over core NATS. A service needs nothing but a client.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_nats::{Client, HeaderMap, Message, StatusCode, Subscriber, service::ServiceExt};
use async_trait::async_trait;
use futures::{StreamExt, future, stream::FuturesUnordered};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::connect::Link;
use crate::{
    ports::{Answer, BoxStream, BusError, CallError, Serve, Services},
    service::{Call, Frame, Offer},
    spec::CommandSpec,
    subject::Subject,
    wire,
};

/// Key of an endpoint's metadata that holds its `CommandSpec` as JSON.
const COMMAND: &str = "adjutant.command";
/// How the inbox of whoever calls begins. What the server was made to send here by a detour has none to answer to.
const INBOXES: &str = "_INBOX";
/// Queue group of every endpoint, as the protocol has it.
const GROUP: &str = "q";
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

/// What a service answers to `$SRV.INFO`, as far as we care.
#[derive(Deserialize)]
struct Info {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    subject: String,
    #[serde(default)]
    metadata: Option<HashMap<String, String>>,
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
        let service = self.link.client.service_builder().description(&offer.description);
        let service = service.start(&offer.name, &offer.version).await.map_err(|error| refused(&error))?;
        let slots = Arc::new(Semaphore::new(concurrency));
        let endpoints = FuturesUnordered::new();
        for spec in &offer.commands {
            let spec_json = serde_json::to_string(spec).map_err(|error| refused(&error))?;
            let endpoint = service
                .endpoint_builder()
                .name(spec.path.words().join("-"))
                .metadata(HashMap::from([(COMMAND.to_owned(), spec_json)]))
                .queue_group(GROUP)
                .add(Subject::Run(spec.path.clone()).to_string())
                .await
                .map_err(|error| refused(&error))?;
            endpoints.push(attend(endpoint, self.link.client.clone(), serve.clone(), slots.clone()));
        }
        let attending = endpoints.collect::<Vec<()>>();
        tokio::pin!(attending);
        let _ = future::select(Box::pin(stop.cancelled()), &mut attending).await;
        service.stop().await.map_err(|error| failed(&error))?;
        // What had come before the withdrawal is still answered.
        let rest = async {
            attending.await;
            let all = u32::try_from(concurrency).unwrap_or(u32::MAX);
            let _ = slots.acquire_many(all).await;
        };
        let _ = tokio::time::timeout(LAST_CALLS, rest).await;
        Ok(())
    }
}

/// The offer in a service's answer; an answer that is none of ours is passed over.
fn offer(payload: &[u8]) -> Option<Offer> {
    let info: Info = serde_json::from_slice(payload).ok()?;
    let commands: Vec<CommandSpec> =
        info.endpoints.iter().filter_map(|endpoint| command(&info.name, endpoint)).collect();
    let Info { name, version, description, .. } = info;
    (!commands.is_empty()).then_some(Offer { name, version, description, commands })
}

fn command(service: &str, endpoint: &Endpoint) -> Option<CommandSpec> {
    let text = endpoint.metadata.as_ref()?.get(COMMAND)?;
    let spec: CommandSpec = match serde_json::from_str(text) {
        Ok(spec) => spec,
        Err(error) => {
            warn!(%error, service, "a service describes a command in a way that cannot be read");
            return None;
        }
    };
    if endpoint.subject == Subject::Run(spec.path.clone()).to_string() {
        return Some(spec);
    }
    warn!(service, subject = endpoint.subject, command = %spec.path, "a service offers a command on another command's subject");
    None
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

/// Answers the calls to one endpoint, each in a task of its own.
async fn attend(
    mut endpoint: async_nats::service::endpoint::Endpoint,
    client: Client,
    serve: Arc<dyn Serve>,
    slots: Arc<Semaphore>,
) {
    while let Some(request) = endpoint.next().await {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let (client, serve) = (client.clone(), serve.clone());
        let Some(reply) = request.message.reply.clone().filter(|reply| reply.starts_with(INBOXES)) else {
            warn!("a call that is none: nobody waits for its answer");
            continue;
        };
        tokio::spawn(async move {
            let _slot = slot;
            let last = match wire::decode::<Call>("call", &request.message.payload) {
                Ok(call) => answer(&client, reply.to_string(), serve, call).await,
                Err(error) => Frame::Error { v: wire::Version, message: error.to_string() },
            };
            send(&client, reply.to_string(), &last).await;
        });
    }
}

async fn answer(client: &Client, reply: String, serve: Arc<dyn Serve>, call: Call) -> Frame {
    let (progress, mut signs) = mpsc::channel(FRAMES);
    let (to, subject) = (client.clone(), reply);
    let forward = tokio::spawn(async move {
        while let Some(progress) = signs.recv().await {
            send(&to, subject.clone(), &Frame::Progress { v: wire::Version, progress }).await;
        }
    });
    let served = tokio::spawn(async move { serve.serve(call, progress).await }).await;
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
