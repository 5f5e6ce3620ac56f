//! How the bus stands, for people: servers, streams, consumers, buckets, and what is wrong with them.

use std::collections::BTreeMap;

use async_nats::jetstream::{
    consumer,
    stream::{self, ClusterInfo},
};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;

use super::{
    connect::{Link, Login, connect, shown},
    filter::covers,
    topology::{self, COMMANDS, OUTBOX},
};
use crate::{
    ports::{BusError, Limits},
    role::Role,
};

/// From which part of its limit on something counts as nearly full, in per cent.
const NEARLY_FULL: u64 = 80;
/// How far a replica may be behind its leader under load.
const LAG: u64 = 1_000;

/// The bus as it stands.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BusStatus {
    /// The servers that answer.
    pub servers: Vec<ServerStatus>,
    /// Streams, then buckets.
    pub streams: Vec<StreamStatus>,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ServerStatus {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it was reached.
    pub address: String,
}

/// A stream, or the stream behind a bucket.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StreamStatus {
    /// `stream COMMANDS`, `bucket policy`.
    pub what: String,
    /// It is a bucket.
    pub bucket: bool,
    /// Messages, or entries.
    pub messages: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// The limit on them; none: the disk's.
    pub max_bytes: Option<u64>,
    /// How much of the limit is used.
    pub percent: Option<u64>,
    /// Copies that there should be.
    pub replicas: usize,
    /// The server that leads.
    pub leader: Option<String>,
    /// Replicas that are behind or away.
    pub lagging: Vec<String>,
    /// Its consumers that last.
    pub consumers: Vec<ConsumerStatus>,
}

/// A consumer.
#[derive(Clone, Debug, Serialize)]
pub struct ConsumerStatus {
    /// Its name.
    pub name: String,
    /// Messages that were not delivered yet.
    pub pending: u64,
    /// Delivered, and not confirmed yet.
    pub ack_pending: u64,
    /// Of these, delivered more than once.
    pub redelivered: u64,
    /// Those who ask for messages just now.
    pub waiting: u64,
    /// The server that leads.
    pub leader: Option<String>,
}

/// Looks at all of it.
pub(crate) async fn look(
    url: &str,
    login: &Login,
    limits: &Limits,
    replicas: usize,
) -> Result<BusStatus, BusError> {
    let link = connect(url, login, Role::Admin.as_str(), limits.exchange * 2).await?;
    let mut status = BusStatus::default();
    servers(&link, url, login, limits, &mut status).await;
    let wanted_consumers = topology::consumers(limits);
    for (what, wanted) in topology::all(limits, replicas) {
        let names = wanted_consumers.iter().filter(|(on, _)| *on == wanted.name);
        let names: Vec<&str> = names.filter_map(|(_, config)| config.durable_name.as_deref()).collect();
        match one(&link, what.clone(), &wanted, &names, &mut status.problems).await {
            Ok(stream) => status.streams.push(stream),
            Err(why) => status.problems.push(format!("the {what}: {why}")),
        }
    }
    Ok(status)
}

/// Each server by itself: those that are configured, and those of which these tell.
async fn servers(link: &Link, url: &str, login: &Login, limits: &Limits, status: &mut BusStatus) {
    let configured: Vec<&str> = url.split(',').collect();
    let scheme =
        configured.first().and_then(|first| first.split_once("://")).map_or("nats", |(scheme, _)| scheme);
    let told = link.client.server_info().connect_urls;
    let told: Vec<String> = told.iter().map(|address| format!("{scheme}://{address}")).collect();
    let mut found: BTreeMap<String, ServerStatus> = BTreeMap::new();
    for address in configured.iter().copied().chain(told.iter().map(String::as_str)) {
        match connect(address, login, Role::Admin.as_str(), limits.exchange).await {
            Ok(one) => {
                let info = one.client.server_info();
                let server =
                    ServerStatus { name: info.server_name, version: info.version, address: shown(address) };
                found.entry(info.server_id).or_insert(server);
            }
            Err(error) if configured.contains(&address) => status.problems.push(error.to_string()),
            // Servers tell the addresses by which they know each other, which may not be for everybody.
            Err(_) => {}
        }
    }
    status.servers = found.into_values().collect();
    status.servers.sort();
    let mut versions: Vec<&str> = status.servers.iter().map(|server| server.version.as_str()).collect();
    versions.dedup();
    if versions.len() > 1 {
        status.problems.push(format!("the servers have different versions: {}", versions.join(", ")));
    }
}

async fn one(
    link: &Link,
    what: String,
    wanted: &stream::Config,
    consumers: &[&str],
    problems: &mut Vec<String>,
) -> Result<StreamStatus, String> {
    let found = link.jetstream.get_stream(&wanted.name).await.map_err(|error| match error.kind() {
        async_nats::jetstream::context::GetStreamErrorKind::JetStream(told)
            if told.error_code() == async_nats::jetstream::ErrorCode::STREAM_NOT_FOUND =>
        {
            "it is not there; run `adjutant bus setup`".to_owned()
        }
        _ => format!("it does not answer: {error}"),
    })?;
    let info = found.cached_info();
    let max_bytes = u64::try_from(info.config.max_bytes).ok().filter(|limit| *limit > 0);
    let percent = max_bytes.map(|limit| part(info.state.bytes, limit));
    let mut status = StreamStatus {
        bucket: what.starts_with("bucket"),
        what,
        messages: info.state.messages,
        bytes: info.state.bytes,
        max_bytes,
        percent,
        replicas: info.config.num_replicas,
        leader: info.cluster.as_ref().and_then(|cluster| cluster.leader.clone()),
        ..StreamStatus::default()
    };
    let what = &status.what;
    if let Some(percent) = percent.filter(|percent| *percent >= NEARLY_FULL) {
        problems.push(format!("the {what} is {percent} % full"));
    }
    status.lagging = lagging(info.cluster.as_ref(), info.config.num_replicas, what, problems);
    if info.config.num_replicas < wanted.num_replicas {
        let (there, wanted) = (info.config.num_replicas, wanted.num_replicas);
        problems.push(format!("the {what} has {there} of {wanted} copies; run `adjutant bus setup`"));
    }
    if status.bucket {
        return Ok(status);
    }
    let all: Vec<consumer::Info> = found
        .consumers()
        .try_collect()
        .await
        .map_err(|error| format!("its consumers are not told: {error}"))?;
    for name in consumers {
        if !all.iter().any(|consumer| consumer.name == *name) {
            problems
                .push(format!("the consumer {name} of the {what} is not there; run `adjutant bus setup`"));
        }
    }
    for consumer in all.iter().filter(|consumer| consumer.config.durable_name.is_some()) {
        let of = format!("consumer {} of the {what}", consumer.name);
        lagging(consumer.cluster.as_ref(), info.config.num_replicas, &of, problems);
        status.consumers.push(ConsumerStatus {
            name: consumer.name.clone(),
            pending: consumer.num_pending,
            ack_pending: count(consumer.num_ack_pending),
            redelivered: count(consumer.num_redelivered),
            waiting: count(consumer.num_waiting),
            leader: consumer.cluster.as_ref().and_then(|cluster| cluster.leader.clone()),
        });
    }
    if [COMMANDS, OUTBOX].contains(&wanted.name.as_str()) {
        let filters: Vec<&str> = all.iter().map(|consumer| consumer.config.filter_subject.as_str()).collect();
        queue(&found, what, &filters, problems).await?;
    }
    Ok(status)
}

/// What waits in a queue: each subject needs a consumer, and room.
async fn queue(
    found: &stream::Stream,
    what: &str,
    filters: &[&str],
    problems: &mut Vec<String>,
) -> Result<(), String> {
    let most =
        u64::try_from(found.cached_info().config.max_messages_per_subject).ok().filter(|most| *most > 0);
    let failed = |error: &dyn std::fmt::Display| format!("its subjects are not told: {error}");
    let mut subjects = found.info_with_subjects(">").await.map_err(|error| failed(&error))?;
    while let Some(next) = subjects.next().await {
        let (subject, messages) = next.map_err(|error| failed(&error))?;
        if !filters.iter().any(|filter| covers(filter, &subject)) {
            problems
                .push(format!("the {what} holds {messages} messages on {subject}, which no consumer takes"));
        }
        if let Some(percent) =
            most.map(|most| part(count(messages), most)).filter(|percent| *percent >= NEARLY_FULL)
        {
            problems.push(format!("the {what} is {percent} % full for {subject}"));
        }
    }
    Ok(())
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn part(of: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(of) * 100 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

/// Replicas that are behind or away; a group without a leader takes nothing.
fn lagging(
    cluster: Option<&ClusterInfo>,
    replicas: usize,
    what: &str,
    problems: &mut Vec<String>,
) -> Vec<String> {
    let Some(cluster) = cluster.filter(|_| replicas > 1) else { return Vec::new() };
    if cluster.leader.as_deref().unwrap_or_default().is_empty() {
        problems.push(format!("the {what} has no leader"));
    }
    let mut behind = Vec::new();
    for peer in &cluster.replicas {
        let lag = peer.lag.unwrap_or_default();
        let why = match (peer.offline, peer.current) {
            (true, _) => "is away".to_owned(),
            (false, false) => format!("is {lag} behind"),
            (false, true) if lag > LAG => format!("is {lag} behind"),
            (false, true) => continue,
        };
        problems.push(format!("the {what}: its copy on {} {why}", peer.name));
        behind.push(peer.name.clone());
    }
    behind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_of_a_limit_is_told_in_whole_per_cent() {
        assert_eq!((part(0, 100), part(799, 1_000), part(u64::MAX, 1), part(1, 0)), (0, 79, u64::MAX, 100));
    }
}
