//! Streams, consumers and buckets: created where they are missing, reported where they differ, never deleted.

use std::time::Duration;

use async_nats::jetstream::{
    consumer::{self, AckPolicy, DeliverPolicy, pull},
    context::GetStreamErrorKind,
    kv,
    stream::{self, Compression, DiscardPolicy, RetentionPolicy, StorageType},
};

use super::connect::Link;
use crate::{
    actor::Platform,
    ports::{Bucket, BusError, Limits},
    subject::{Journals, all_of},
};

/// Requests and decisions.
pub(crate) const COMMANDS: &str = "COMMANDS";
/// Events.
pub(crate) const JOURNAL: &str = "JOURNAL";
/// Notices.
pub(crate) const OUTBOX: &str = "OUTBOX";
/// What could not be handled.
pub(crate) const DEAD: &str = "DEAD";
/// What the names of streams behind buckets begin with.
pub(super) const KV: &str = "KV_";
/// The consumer of a work queue.
pub(crate) const WORKERS: &str = "workers";

const GIB: i64 = 1024 * 1024 * 1024;
const MIB: i64 = 1024 * 1024;
/// Longer than the longest hold, the platforms' retries and the longest outage of audit and gateways.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

fn streams(limits: &Limits, replicas: usize) -> [stream::Config; 4] {
    let base = |name: &str, kind: &str| stream::Config {
        name: name.to_owned(),
        subjects: vec![all_of(kind)],
        storage: StorageType::File,
        num_replicas: replicas,
        ..stream::Config::default()
    };
    let queue = |name: &str, kind: &str, max_bytes: i64, per_subject: i64| stream::Config {
        retention: RetentionPolicy::WorkQueue,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        max_messages_per_subject: per_subject,
        max_bytes,
        duplicate_window: limits.duplicate_window,
        ..base(name, kind)
    };
    [
        queue(COMMANDS, "cmd", GIB, limits.queue_per_origin),
        stream::Config {
            discard: DiscardPolicy::New,
            max_age: KEPT,
            max_bytes: 4 * GIB,
            allow_direct: true,
            deny_delete: true,
            deny_purge: true,
            compression: Some(Compression::S2),
            ..base(JOURNAL, "log")
        },
        queue(OUTBOX, "say", 256 * MIB, 4 * limits.queue_per_origin),
        stream::Config {
            discard: DiscardPolicy::Old,
            max_age: KEPT,
            max_bytes: 256 * MIB,
            ..base(DEAD, "dead")
        },
    ]
}

fn consumer(name: &str, filter: String, ack_wait: Duration, max_ack_pending: i64) -> pull::Config {
    pull::Config {
        durable_name: Some(name.to_owned()),
        filter_subject: filter,
        ack_policy: AckPolicy::Explicit,
        deliver_policy: DeliverPolicy::All,
        max_deliver: -1,
        ack_wait,
        max_ack_pending,
        ..pull::Config::default()
    }
}

fn consumers(limits: &Limits) -> Vec<(&'static str, pull::Config)> {
    // What a sender that died had not confirmed comes to the next one within seconds.
    let gateway = limits.handover();
    let workers = pull::Config {
        max_batch: 256,
        max_waiting: 512,
        ..consumer(WORKERS, all_of("cmd"), limits.lease, 1_024)
    };
    let mut consumers = vec![
        (COMMANDS, workers),
        (OUTBOX, consumer(WORKERS, crate::subject::notices(Platform::Service), gateway, 64)),
    ];
    for platform in [Platform::Slack, Platform::Discord, Platform::Console] {
        let name = format!("gateway-{platform}");
        consumers.push((JOURNAL, consumer(&name, Journals::Platform(platform).to_string(), gateway, 4_096)));
        consumers.push((OUTBOX, consumer(&name, crate::subject::notices(platform), gateway, 64)));
    }
    consumers
}

fn bucket(bucket: Bucket, limits: &Limits, replicas: usize) -> kv::Config {
    kv::Config {
        bucket: bucket.as_str().to_owned(),
        history: match bucket {
            Bucket::Policy => 10,
            // With more, an entry that expires over an older one leaves no marker, and watchers do not see it go.
            Bucket::Locks
            | Bucket::Presence
            | Bucket::Leases
            | Bucket::Revocations
            | Bucket::Mode
            | Bucket::Destinations
            | Bucket::Notices
            | Bucket::Sessions => 1,
        },
        max_age: limits.max_age(bucket).unwrap_or_default(),
        // Markers let watchers see that an entry has expired; one second is the shortest.
        limit_markers: Some(Duration::from_secs(1)),
        num_replicas: replicas,
        storage: StorageType::File,
        ..kv::Config::default()
    }
}

/// Creates what is missing.
pub(crate) async fn provision(link: &Link, limits: &Limits, replicas: usize) -> Result<(), BusError> {
    for config in streams(limits, replicas) {
        ensure_stream(link, config).await?;
    }
    for (stream, config) in consumers(limits) {
        ensure_consumer(link, stream, config).await?;
    }
    for name in Bucket::ALL {
        let config = bucket(name, limits, replicas);
        let wanted = behind(&config);
        if let Err(error) = link.jetstream.create_key_value(config).await {
            let what = bucket_name(name);
            let there = link.jetstream.get_stream(&wanted.name).await;
            let found = there.map_err(|_| missing(&what, &error))?.cached_info().config.clone();
            same(&what, &bucket_differences(&wanted, &found))?;
        }
    }
    Ok(())
}

/// Everything that provisioning makes, each stream with its name for people.
pub(super) struct Wanted {
    pub(super) streams: Vec<(String, stream::Config)>,
    pub(super) consumers: Vec<(&'static str, pull::Config)>,
}

pub(super) fn wanted(limits: &Limits, replicas: usize) -> Wanted {
    let streams = streams(limits, replicas).map(|config| (stream_name(&config.name), config));
    let buckets = Bucket::ALL.map(|name| (bucket_name(name), behind(&bucket(name, limits, replicas))));
    Wanted { streams: streams.into_iter().chain(buckets).collect(), consumers: consumers(limits) }
}

fn stream_name(name: &str) -> String {
    format!("stream {name}")
}

fn bucket_name(bucket: Bucket) -> String {
    format!("bucket {}", bucket.as_str())
}

/// The stream behind a bucket, as far as it is compared.
fn behind(config: &kv::Config) -> stream::Config {
    stream::Config {
        name: format!("{KV}{}", config.bucket),
        max_age: config.max_age,
        max_messages_per_subject: config.history,
        num_replicas: config.num_replicas,
        ..stream::Config::default()
    }
}

pub(super) fn bucket_differences(wanted: &stream::Config, found: &stream::Config) -> Vec<Difference> {
    let all = [
        ("max_age", format!("{:?}", wanted.max_age), format!("{:?}", found.max_age)),
        ("history", per_subject(wanted), per_subject(found)),
        ("replicas", wanted.num_replicas.to_string(), found.num_replicas.to_string()),
    ];
    all.into_iter().filter(|(_, wanted, found)| wanted != found).collect()
}

async fn ensure_stream(link: &Link, config: stream::Config) -> Result<(), BusError> {
    let name = config.name.clone();
    match link.jetstream.create_stream(&config).await {
        Ok(_) => Ok(()),
        Err(error) => match link.jetstream.get_stream(&name).await {
            Ok(stream) => same(&stream_name(&name), &differences(&config, &stream.cached_info().config)),
            Err(_) => Err(missing(&stream_name(&name), &error)),
        },
    }
}

pub(super) type Difference = (&'static str, String, String);

pub(super) fn differences(wanted: &stream::Config, found: &stream::Config) -> Vec<Difference> {
    let all = [
        ("subjects", format!("{:?}", wanted.subjects), format!("{:?}", found.subjects)),
        ("retention", format!("{:?}", wanted.retention), format!("{:?}", found.retention)),
        ("discard", format!("{:?}", wanted.discard), format!("{:?}", found.discard)),
        ("max_msgs_per_subject", per_subject(wanted), per_subject(found)),
        ("max_age", format!("{:?}", wanted.max_age), format!("{:?}", found.max_age)),
        ("max_bytes", wanted.max_bytes.to_string(), found.max_bytes.to_string()),
        ("duplicate_window", window(wanted), window(found)),
        ("storage", format!("{:?}", wanted.storage), format!("{:?}", found.storage)),
        ("replicas", wanted.num_replicas.to_string(), found.num_replicas.to_string()),
        ("deny_delete", wanted.deny_delete.to_string(), found.deny_delete.to_string()),
        ("deny_purge", wanted.deny_purge.to_string(), found.deny_purge.to_string()),
        ("allow_direct", wanted.allow_direct.to_string(), found.allow_direct.to_string()),
    ];
    all.into_iter().filter(|(_, wanted, found)| wanted != found).collect()
}

/// A window that is not asked for is the server's own.
fn window(config: &stream::Config) -> String {
    let work_queue = config.retention == RetentionPolicy::WorkQueue;
    if work_queue { format!("{:?}", config.duplicate_window) } else { String::new() }
}

/// No limit is written as 0 and answered as -1.
fn per_subject(config: &stream::Config) -> String {
    config.max_messages_per_subject.max(0).to_string()
}

async fn ensure_consumer(link: &Link, stream: &str, config: pull::Config) -> Result<(), BusError> {
    let name = config.durable_name.clone().unwrap_or_default();
    let what = consumer_name(&name, stream);
    match link.jetstream.create_consumer_strict_on_stream(config.clone(), stream).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let found = link.jetstream.get_consumer_from_stream::<pull::Config, _, _>(&name, stream).await;
            let found = found.map_err(|_| missing(&what, &error))?.cached_info().config.clone();
            same(&what, &consumer_differences(&config, &found))
        }
    }
}

pub(super) fn consumer_name(name: &str, stream: &str) -> String {
    format!("consumer {name} of stream {stream}")
}

/// The same for a consumer that was asked for by pulling and one as the server describes it.
pub(super) fn consumer_differences(wanted: &pull::Config, found: &consumer::Config) -> Vec<Difference> {
    let all = [
        ("filter_subject", wanted.filter_subject.clone(), found.filter_subject.clone()),
        ("ack_wait", format!("{:?}", wanted.ack_wait), format!("{:?}", found.ack_wait)),
        ("max_deliver", wanted.max_deliver.to_string(), found.max_deliver.to_string()),
        ("max_ack_pending", wanted.max_ack_pending.to_string(), found.max_ack_pending.to_string()),
    ];
    all.into_iter().filter(|(_, wanted, found)| wanted != found).collect()
}

fn same(what: &str, differences: &[Difference]) -> Result<(), BusError> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(BusError::Refused(format!(
        "the {what} is there with other settings, and is left as it is: {}",
        told(differences).join("; ")
    )))
}

/// Each difference in words.
pub(super) fn told(differences: &[Difference]) -> Vec<String> {
    let one = |(field, wanted, found): &Difference| format!("{field} is {found}, wanted {wanted}");
    differences.iter().map(one).collect()
}

fn missing(what: &str, error: &dyn std::fmt::Display) -> BusError {
    BusError::Refused(format!(
        "the {what} is not there and cannot be created ({error}); run `adjutant bus provision` with admin credentials"
    ))
}

/// Whether the streams are there, as they should be, and the buckets.
pub(crate) async fn is_provisioned(link: &Link, limits: &Limits, replicas: usize) -> Result<bool, BusError> {
    for wanted in streams(limits, replicas) {
        match link.jetstream.get_stream(&wanted.name).await {
            Ok(found) => {
                same(&format!("stream {}", wanted.name), &differences(&wanted, &found.cached_info().config))?;
            }
            Err(error) if matches!(error.kind(), GetStreamErrorKind::JetStream(_)) => return Ok(false),
            Err(error) => return Err(BusError::Unavailable(format!("stream {}: {error}", wanted.name))),
        }
    }
    for name in Bucket::ALL {
        match link.jetstream.get_stream(format!("KV_{}", name.as_str())).await {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), GetStreamErrorKind::JetStream(_)) => return Ok(false),
            Err(error) => return Err(BusError::Unavailable(format!("bucket {}: {error}", name.as_str()))),
        }
    }
    Ok(true)
}
