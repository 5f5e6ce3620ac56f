//! The floor: the same stored writes, made by a loop on the bare client that knows nothing of commands. A request is stored;
//! a worker takes it, stores two events for it, each at the sequence it expects, and acknowledges; a follower sees the second.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use adjutant_bus::nats::connect::Login;
use anyhow::{Context, Result};
use async_nats::{
    Client, ConnectOptions, HeaderMap,
    jetstream::{
        self, AckKind,
        consumer::{DeliverPolicy, pull},
        stream::{RetentionPolicy, StorageType},
    },
};
use futures::{StreamExt, TryStreamExt, stream::FuturesUnordered};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::{figures::Figures, whole};

/// Measures the loop.
pub(crate) async fn measure(url: &str, login: &Login, commands: usize, in_flight: usize) -> Result<Figures> {
    let client = connect(url, login).await?;
    let context = jetstream::new(client.clone());
    let run = Uuid::new_v4().simple().to_string();
    let (queue, log) = (format!("Q{run}"), format!("L{run}"));
    let stream = |name: &str, subject: String, retention| jetstream::stream::Config {
        name: name.to_owned(),
        subjects: vec![subject],
        storage: StorageType::File,
        retention,
        allow_direct: true,
        ..jetstream::stream::Config::default()
    };
    context.create_stream(stream(&queue, format!("bare.q.{run}"), RetentionPolicy::WorkQueue)).await?;
    let journal =
        context.create_stream(stream(&log, format!("bare.l.{run}.>"), RetentionPolicy::Limits)).await?;
    let config = pull::Config { durable_name: Some("w".to_owned()), ..pull::Config::default() };
    let consumer = context.create_consumer_on_stream(config, queue.clone()).await?;
    let worker = tokio::spawn(work(client.clone(), consumer, run.clone(), in_flight.max(16)));
    let ordered =
        pull::OrderedConfig { deliver_policy: DeliverPolicy::All, ..pull::OrderedConfig::default() };
    let mut events = journal.create_consumer(ordered).await?.messages().await?;
    let payload = whole::payload()?;
    let mut waiting: HashMap<String, Instant> = HashMap::new();
    let (mut latencies, mut submitted) = (Vec::with_capacity(commands), 0);
    let mut submitting = FuturesUnordered::new();
    let begun = Instant::now();
    while latencies.len() < commands {
        while submitted < commands && waiting.len() < in_flight {
            let id = Uuid::new_v4().simple().to_string();
            waiting.insert(id.clone(), Instant::now());
            submitting.push(submit(client.clone(), format!("bare.q.{run}"), id, payload.clone()));
            submitted += 1;
        }
        tokio::select! {
            Some(stored) = submitting.next() => stored?,
            event = events.try_next() => {
                let event = event?.context("the log ended")?;
                let id = event.subject.rsplit('.').next().unwrap_or_default();
                let last = event.headers.as_ref().is_some_and(|headers| headers.get("last").is_some());
                if last && let Some(since) = waiting.remove(id) {
                    latencies.push(since.elapsed());
                }
            }
        }
    }
    let took = begun.elapsed();
    worker.abort();
    context.delete_stream(&queue).await?;
    context.delete_stream(&log).await?;
    Ok(Figures::new(latencies, took))
}

async fn connect(url: &str, login: &Login) -> Result<Client> {
    let user = login.user.clone().unwrap_or_default();
    let password =
        login.password.as_ref().map(|password| password.expose_secret().to_owned()).unwrap_or_default();
    Ok(ConnectOptions::new().user_and_password(user, password).connect(url).await?)
}

async fn submit(client: Client, subject: String, id: String, payload: Vec<u8>) -> Result<()> {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", id.as_str());
    headers.insert("id", id.as_str());
    client.request_with_headers(subject, headers, payload.into()).await?;
    Ok(())
}

async fn work(
    client: Client,
    consumer: jetstream::consumer::Consumer<pull::Config>,
    run: String,
    slots: usize,
) -> Result<()> {
    let messages =
        consumer.stream().max_messages_per_batch(slots).expires(Duration::from_secs(30)).messages().await?;
    messages
        .map_err(anyhow::Error::from)
        .try_for_each_concurrent(slots, |message| {
            let (client, run) = (client.clone(), run.clone());
            async move {
                let id =
                    message.headers.as_ref().and_then(|headers| headers.get("id")).map(ToString::to_string);
                let subject = format!("bare.l.{run}.{}", id.unwrap_or_default());
                let first = append(&client, &subject, 0, &message.payload, false).await?;
                append(&client, &subject, first, &message.payload, true).await?;
                message.double_ack_with(AckKind::Ack).await.map_err(|error| anyhow::anyhow!(error))
            }
        })
        .await
}

async fn append(client: &Client, subject: &str, expected: u64, payload: &[u8], last: bool) -> Result<u64> {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Last-Subject-Sequence", expected.to_string().as_str());
    if last {
        headers.insert("last", "yes");
    }
    let answer = client.request_with_headers(subject.to_owned(), headers, payload.to_vec().into()).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload)?;
    answer.get("seq").and_then(serde_json::Value::as_u64).context("not stored")
}
