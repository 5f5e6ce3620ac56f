//! Streams, consumers and buckets as they should be: what `setup` makes, what a daemon checks, what `status` looks at.

use std::time::Duration;

use async_nats::jetstream::{
    consumer::{AckPolicy, DeliverPolicy, pull},
    stream::{self, Compression, DiscardPolicy, RetentionPolicy, StorageType},
};

use crate::{
    actor::Platform,
    ports::{Bucket, Limits},
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
/// The consumer of a work queue.
pub(crate) const WORKERS: &str = "workers";

const GIB: i64 = 1024 * 1024 * 1024;
const MIB: i64 = 1024 * 1024;
/// Longer than the longest hold, the platforms' retries and the longest outage of audit and gateways.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The four streams.
pub(crate) fn streams(limits: &Limits, replicas: usize) -> [stream::Config; 4] {
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

/// The consumers that last, each with its stream.
pub(crate) fn consumers(limits: &Limits) -> Vec<(&'static str, pull::Config)> {
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

/// The name of the stream behind a bucket.
pub(crate) fn stream_of(bucket: Bucket) -> String {
    format!("KV_{}", bucket.as_str())
}

/// A bucket as the stream that it is (ADR-8).
pub(crate) fn bucket(bucket: Bucket, limits: &Limits, replicas: usize) -> stream::Config {
    stream::Config {
        name: stream_of(bucket),
        subjects: vec![format!("$KV.{}.>", bucket.as_str())],
        max_messages_per_subject: match bucket {
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
        allow_message_ttl: true,
        subject_delete_marker_ttl: Some(Duration::from_secs(1)),
        discard: DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        num_replicas: replicas,
        storage: StorageType::File,
        ..stream::Config::default()
    }
}

/// All streams, those behind buckets too, each with what people call it.
pub(crate) fn all(limits: &Limits, replicas: usize) -> Vec<(String, stream::Config)> {
    let streams =
        streams(limits, replicas).into_iter().map(|config| (format!("stream {}", config.name), config));
    let buckets = Bucket::ALL
        .into_iter()
        .map(|name| (format!("bucket {}", name.as_str()), bucket(name, limits, replicas)));
    streams.chain(buckets).collect()
}
