//! What each role may publish and subscribe to. A supervised server runs with exactly these rights, so that development meets
//! the same refusals as production.

use super::follow::{FOLLOWERS, follower};
use crate::{
    actor::{Platform, Tenant},
    role::Role,
    subject::{Journals, Origin, Subject, all_of, commands},
};

/// The name under which the demo service speaks.
const DEMO: &str = "deployments";

/// What a user may do.
pub(crate) struct Rights {
    pub(crate) publish: Vec<String>,
    pub(crate) subscribe: Vec<String>,
    /// Answers that the user may send to each request it receives, and for how long.
    pub(crate) responses: Option<(u32, &'static str)>,
}

/// The prefix of the inboxes of a user.
pub(crate) fn inbox(user: &str) -> String {
    format!("_INBOX_{user}")
}

/// The rights of a role.
pub(crate) fn rights(role: Role) -> Rights {
    let own = format!("{}.>", inbox(role.as_str()));
    match role {
        Role::Admin => {
            Rights { publish: vec![">".to_owned()], subscribe: vec![">".to_owned()], responses: None }
        }
        Role::Worker => Rights { publish: worker(), subscribe: vec![own], responses: None },
        Role::Console => Rights { publish: console(), subscribe: vec![own], responses: None },
        Role::Slack => Rights { publish: gateway(Platform::Slack), subscribe: vec![own], responses: None },
        Role::Discord => {
            Rights { publish: gateway(Platform::Discord), subscribe: vec![own], responses: None }
        }
        Role::Api => Rights {
            publish: api(),
            subscribe: vec![own, format!("{} q", all_of("adm")), "$SRV.>".to_owned()],
            responses: Some((1, "1m")),
        },
        Role::Demo => Rights {
            publish: service(DEMO),
            subscribe: vec![own, format!("{} q", all_of("run.deploy")), "$SRV.>".to_owned()],
            responses: Some((1_000, "5m")),
        },
    }
}

fn worker() -> Vec<String> {
    let mut publish: Vec<String> = ["log", "run", "say", "dead"].map(all_of).to_vec();
    publish.push("$SRV.>".to_owned());
    publish.extend(daemon());
    publish.extend(pull("COMMANDS", "workers"));
    publish.extend(pull("OUTBOX", "workers"));
    publish.extend(read());
    publish.extend(["policy", "locks", "mode", "destinations", "presence"].into_iter().flat_map(watch));
    publish.extend(["$KV.locks.>".to_owned(), "$KV.presence.worker.>".to_owned()]);
    publish.push("$KV.mode.freeze".to_owned());
    // A worker publishes a policy for whoever may; what is to be published is uploaded by the one who asks.
    publish.push("$KV.policy.>".to_owned());
    publish
}

fn gateway(platform: Platform) -> Vec<String> {
    let journals = Journals::Platform(platform);
    let own = format!("gateway-{platform}");
    let mut publish = vec![commands(platform)];
    publish.extend(daemon());
    publish.extend(pull("JOURNAL", &own));
    publish.extend(pull("OUTBOX", &own));
    publish.push("$SRV.INFO".to_owned());
    // One sender per platform holds a lease. The store's rights go by key.
    publish.extend(keep("leases", platform));
    publish.extend(keep("notices", platform));
    publish.extend(keep("sessions", platform));
    publish.extend(follow(&journals));
    publish
}

/// The terminal is where admins publish a policy and look at what each replica runs.
fn console() -> Vec<String> {
    let mut publish = gateway(Platform::Console);
    publish.extend(["policy", "presence"].into_iter().flat_map(watch));
    publish.push("$KV.policy.draft.>".to_owned());
    publish
}

fn api() -> Vec<String> {
    let mut publish = vec![commands(Platform::Api), all_of("say"), "$SRV.>".to_owned()];
    publish.extend(daemon());
    publish.extend(read());
    publish.extend(follow(&Journals::All));
    publish.extend(follow(&Journals::Platform(Platform::Api)));
    publish.extend(["policy", "revocations", "mode", "destinations", "presence"].into_iter().flat_map(watch));
    publish.extend(["revocations", "mode", "destinations"].map(|bucket| format!("$KV.{bucket}.>")));
    publish.extend(["$KV.presence.api.>", "$KV.policy.draft.>"].map(str::to_owned));
    publish.extend(keep("leases", Platform::Api));
    publish
}

/// A service says something under its own name, and asks what it may ask of everybody.
fn service(name: &str) -> Vec<String> {
    let own = Subject::Notice(Origin::new(Platform::Service, &Tenant::new(name))).to_string();
    let mut publish = vec![own, all_of("adm")];
    publish.extend(daemon());
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

/// Reading and writing what a bucket has of a platform.
fn keep(bucket: &str, platform: Platform) -> [String; 2] {
    [
        format!("$JS.API.DIRECT.GET.KV_{bucket}.$KV.{bucket}.{platform}.>"),
        format!("$KV.{bucket}.{platform}.>"),
    ]
}

/// What every daemon asks at its start.
fn daemon() -> Vec<String> {
    vec!["$JS.API.INFO".to_owned(), "$JS.API.STREAM.INFO.*".to_owned()]
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
        format!("$JS.API.DIRECT.GET.KV_{bucket}.>"),
        format!("$JS.API.CONSUMER.CREATE.KV_{bucket}"),
        format!("$JS.API.CONSUMER.CREATE.KV_{bucket}.>"),
        format!("$JS.FC.KV_{bucket}.>"),
    ]
}
