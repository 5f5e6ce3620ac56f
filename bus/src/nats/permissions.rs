//! What each user may publish and subscribe to: the one table. A supervised server runs with exactly these rights, so that
//! development meets the same refusals as production, and `deploy/nats/permissions.conf` is made of it.

use super::{
    follow::{FOLLOWERS, follower},
    topology::{COMMANDS, JOURNAL, OUTBOX, WORKERS},
};
use crate::{
    actor::{Platform, Tenant},
    ports::Bucket,
    role::Role,
    spec::CommandPath,
    subject::{Journals, Origin, Subject, all_of, commands},
};

/// The name under which the demo service speaks, and under which its commands stand.
pub(crate) const DEMO: (&str, &str) = ("deployments", "deploy");
/// The name by which what Adjutant itself answers is listed.
pub(crate) const API_SERVICE: &str = "adjutant-api";

/// What a user may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) publish: Vec<String>,
    pub(crate) subscribe: Vec<String>,
    /// Answers that the user may send to each request it receives, and for how long.
    pub(crate) responses: Option<(u32, &'static str)>,
}

/// What a role works with, as far as it must be there before it starts.
pub(crate) struct Needs {
    pub(crate) streams: &'static [&'static str],
    /// Stream and name.
    pub(crate) consumers: Vec<(&'static str, String)>,
    pub(crate) buckets: &'static [Bucket],
}

/// What a role works with.
pub(crate) fn needs(role: Role) -> Needs {
    let gateway = |platform: Platform, buckets| {
        let own = format!("gateway-{platform}");
        Needs { streams: &[JOURNAL, OUTBOX], consumers: vec![(JOURNAL, own.clone()), (OUTBOX, own)], buckets }
    };
    match role {
        Role::Worker => Needs {
            streams: &[COMMANDS, JOURNAL, OUTBOX],
            consumers: vec![(COMMANDS, WORKERS.to_owned()), (OUTBOX, WORKERS.to_owned())],
            buckets: &[Bucket::Policy, Bucket::Locks, Bucket::Mode, Bucket::Destinations, Bucket::Presence],
        },
        Role::Slack => gateway(Platform::Slack, &GATEWAY),
        Role::Discord => gateway(Platform::Discord, &GATEWAY),
        Role::Console => gateway(Platform::Console, &TERMINAL),
        Role::Api => Needs {
            streams: &[JOURNAL, COMMANDS, OUTBOX],
            consumers: Vec::new(),
            buckets: &[
                Bucket::Policy,
                Bucket::Revocations,
                Bucket::Mode,
                Bucket::Destinations,
                Bucket::Presence,
                Bucket::Leases,
            ],
        },
        // A service is a plain NATS program; an admin is there to make what is missing.
        Role::Demo | Role::Admin => Needs { streams: &[], consumers: Vec::new(), buckets: &[] },
    }
}

const GATEWAY: [Bucket; 4] = [Bucket::Leases, Bucket::Notices, Bucket::Sessions, Bucket::Presence];
/// The terminal is where admins publish a policy and look at what each replica runs.
const TERMINAL: [Bucket; 5] =
    [Bucket::Leases, Bucket::Notices, Bucket::Sessions, Bucket::Policy, Bucket::Presence];

/// The prefix of the inboxes of a user.
pub(crate) fn inbox(user: &str) -> String {
    format!("_INBOX_{user}")
}

/// The rights of a role.
pub(crate) fn rights(role: Role) -> Rights {
    let own = format!("{}.>", inbox(role.as_str()));
    let asks = |publish| Rights { publish, subscribe: vec![own.clone()], responses: None };
    match role {
        Role::Admin => {
            Rights { publish: vec![">".to_owned()], subscribe: vec![">".to_owned()], responses: None }
        }
        Role::Worker => asks(worker()),
        Role::Console => asks(console()),
        Role::Slack => asks(gateway(Role::Slack, Platform::Slack)),
        Role::Discord => asks(gateway(Role::Discord, Platform::Discord)),
        Role::Api => {
            let answers = [format!("{} q", all_of("adm"))];
            let subscribe = [own].into_iter().chain(answers).chain(listed(API_SERVICE)).collect();
            Rights { publish: api(), subscribe, responses: Some((1, "1m")) }
        }
        Role::Demo => demo(),
    }
}

/// The demo is a service as any other.
fn demo() -> Rights {
    let (name, command) = DEMO;
    service(name, &command.parse().into_iter().collect::<Vec<_>>())
}

/// The rights of a service that offers these commands, each with all that stand under it.
///
/// It answers whoever calls: the list of what it may publish does not bound its answers, so only workers may call services.
pub(crate) fn service(name: &str, offered: &[CommandPath]) -> Rights {
    let own = Origin::new(Platform::Service, &Tenant::new(name));
    let publish = [
        Subject::Command(own.clone()).to_string(),
        Subject::Notice(own).to_string(),
        all_of("adm"),
        JETSTREAM.to_owned(),
    ];
    let mut subscribe = vec![format!("{}.>", inbox(&format!("svc-{name}")))];
    for path in offered {
        let call = Subject::Run(path.clone());
        subscribe.extend([format!("{call} q"), format!("{call}.> q")]);
    }
    subscribe.extend(listed(name));
    Rights { publish: publish.to_vec(), subscribe, responses: Some((1_000, "5m")) }
}

/// What a service hears to be listed (ADR-32): what is asked of all, of its name, and of each of its replicas.
fn listed(name: &str) -> Vec<String> {
    let forms =
        |verb: &str| [format!("$SRV.{verb}"), format!("$SRV.{verb}.{name}"), format!("$SRV.{verb}.{name}.*")];
    ["PING", "INFO", "STATS"].into_iter().flat_map(forms).collect()
}

/// Asking all services what they offer.
const LIST: &str = "$SRV.INFO";
/// Whether there is JetStream.
const JETSTREAM: &str = "$JS.API.INFO";

fn worker() -> Vec<String> {
    let mut publish: Vec<String> = ["log", "run", "say", "dead"].map(all_of).to_vec();
    publish.push(LIST.to_owned());
    publish.extend(daemon(Role::Worker));
    publish.extend(read());
    publish.extend(["policy", "locks", "mode", "destinations", "presence"].into_iter().flat_map(watch));
    publish.extend(["$KV.locks.>".to_owned(), present(Role::Worker)]);
    publish.push("$KV.mode.freeze".to_owned());
    // A worker publishes a policy for whoever may; what is to be published is uploaded by the one who asks.
    publish.push("$KV.policy.>".to_owned());
    publish
}

fn gateway(role: Role, platform: Platform) -> Vec<String> {
    let journals = Journals::Platform(platform);
    let mut publish = vec![commands(platform)];
    publish.extend(daemon(role));
    publish.push(LIST.to_owned());
    // One sender per platform holds a lease. The store's rights go by key.
    publish.extend(keep("leases", platform));
    publish.extend(keep("notices", platform));
    publish.extend(keep("sessions", platform));
    publish.push(present(role));
    publish.extend(follow(&journals));
    publish
}

fn console() -> Vec<String> {
    let mut publish = gateway(Role::Console, Platform::Console);
    publish.extend(["policy", "presence"].into_iter().flat_map(watch));
    publish.push("$KV.policy.draft.>".to_owned());
    publish
}

fn api() -> Vec<String> {
    let mut publish = vec![commands(Platform::Api), all_of("say"), LIST.to_owned()];
    publish.extend(daemon(Role::Api));
    publish.extend(read());
    publish.extend(follow(&Journals::All));
    publish.extend(follow(&Journals::Platform(Platform::Api)));
    publish.extend(["policy", "revocations", "mode", "destinations", "presence"].into_iter().flat_map(watch));
    publish.extend(["revocations", "mode", "destinations"].map(|bucket| format!("$KV.{bucket}.>")));
    publish.extend([present(Role::Api), "$KV.policy.draft.>".to_owned()]);
    publish.extend(keep("leases", Platform::Api));
    publish
}

/// Following these journals without a durable position. What is followed is bound by the subject, the consumer by its name.
fn follow(journals: &Journals) -> Vec<String> {
    let mut publish = Vec::new();
    for number in 0..FOLLOWERS {
        let name = follower(journals, number);
        publish.push(format!("$JS.API.CONSUMER.CREATE.JOURNAL.{name}.{journals}"));
        publish.extend(
            ["INFO", "MSG.NEXT", "DELETE"].map(|verb| format!("$JS.API.CONSUMER.{verb}.JOURNAL.{name}")),
        );
    }
    publish
}

/// Reading all journals.
fn read() -> [String; 2] {
    ["$JS.API.DIRECT.GET.JOURNAL".to_owned(), "$JS.API.DIRECT.GET.JOURNAL.>".to_owned()]
}

/// Reading an entry of a bucket: an envelope, never the bare entry, which could be sent to any subject.
fn get(bucket: &str) -> String {
    format!("$JS.API.STREAM.MSG.GET.KV_{bucket}")
}

/// Telling that one is up, as what one is.
fn present(role: Role) -> String {
    format!("$KV.presence.{}.>", role.as_str())
}

/// Reading a bucket, and writing what it has of a platform.
fn keep(bucket: &str, platform: Platform) -> [String; 2] {
    [get(bucket), format!("$KV.{bucket}.{platform}.>")]
}

/// What a daemon asks at its start, and the consumers that it pulls.
fn daemon(role: Role) -> Vec<String> {
    let needs = needs(role);
    let mut publish = vec![JETSTREAM.to_owned()];
    publish.extend(needs.streams.iter().map(|stream| format!("$JS.API.STREAM.INFO.{stream}")));
    publish.extend(needs.buckets.iter().map(|bucket| format!("$JS.API.STREAM.INFO.KV_{}", bucket.as_str())));
    publish.extend(needs.consumers.iter().flat_map(|(stream, consumer)| pull(stream, consumer)));
    publish
}

/// Pulling a consumer, and acknowledging in both forms that servers use.
fn pull(stream: &str, consumer: &str) -> Vec<String> {
    vec![
        format!("$JS.API.CONSUMER.INFO.{stream}.{consumer}"),
        format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"),
        format!("$JS.ACK.{stream}.{consumer}.>"),
        format!("$JS.ACK.*.*.{stream}.{consumer}.>"),
    ]
}

/// Watching a bucket: without the bare form a watch times out, without flow control it stops dead.
fn watch(bucket: &str) -> Vec<String> {
    vec![
        get(bucket),
        format!("$JS.API.CONSUMER.CREATE.KV_{bucket}"),
        format!("$JS.API.CONSUMER.CREATE.KV_{bucket}.>"),
        format!("$JS.FC.KV_{bucket}.>"),
    ]
}
