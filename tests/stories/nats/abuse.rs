//! The whole program on one server as shipped, each role its own user; and what each user is refused.

use std::collections::BTreeMap;

use adjutant_bus::{
    actor::{Actor, Platform, Tenant},
    open::Role,
    request::Submission,
    subject::Journals,
    wire,
};
use adjutant_fakes::slack::{FakeSlack, Posted, World as Workspace};
use serde_json::{Value, json};

use super::{
    super::world::{SOON, request},
    raw::Raw,
    world::Installation,
};

/// What must be the same before and after.
const WATCHED: [&str; 9] = [
    "COMMANDS",
    "JOURNAL",
    "OUTBOX",
    "DEAD",
    "KV_policy",
    "KV_mode",
    "KV_locks",
    "KV_revocations",
    "KV_destinations",
];

/// What somebody tries.
enum Try {
    Publish(&'static str),
    /// As a question, to which nobody answers.
    Ask(&'static str),
    /// With an answer that is to go somewhere else.
    Send(&'static str, &'static str),
    Subscribe(&'static str),
    Join(&'static str, &'static str),
}

use Try::{Ask, Join, Publish, Send, Subscribe};

/// Who is refused what.
const ABUSES: &[(&str, Try)] = &[
    // A service that gives commands or speaks as Slack, as another service, or as the API; that writes the record.
    ("svc-deployments", Publish("adjutant.v1.cmd.slack.T0ACME")),
    ("svc-deployments", Publish("adjutant.v1.cmd.service.ci")),
    ("svc-deployments", Publish("adjutant.v1.cmd.api.key")),
    ("svc-deployments", Publish("adjutant.v1.say.slack.T0ACME")),
    ("svc-deployments", Publish("adjutant.v1.say.service.ci")),
    ("svc-deployments", Publish("adjutant.v1.log.slack.T0ACME.run.id")),
    ("svc-deployments", Publish("$KV.policy.bundle.1")),
    // A service that calls another one past the worker, or answers for commands that are not its own.
    ("svc-deployments", Publish("adjutant.v1.run.ci")),
    ("svc-deployments", Join("adjutant.v1.run.ci", "q")),
    ("svc-deployments", Join("adjutant.v1.run.>", "q")),
    ("svc-deployments", Subscribe("adjutant.v1.run.deploy.promote")),
    ("svc-deployments", Join("adjutant.v1.run.deploy.promote", "mine")),
    ("svc-deployments", Join("adjutant.v1.adm.keys.introspect", "q")),
    ("svc-deployments", Subscribe("$SRV.INFO.ci")),
    ("svc-deployments", Subscribe("$SRV.>")),
    // A service that looks at JetStream at all.
    ("svc-deployments", Ask("$JS.API.STREAM.INFO.JOURNAL")),
    ("svc-deployments", Ask("$JS.API.STREAM.NAMES")),
    // A gateway that is another platform: commands, journal, consumers, inbox, leases, sessions.
    ("gateway-discord", Publish("adjutant.v1.cmd.slack.T0ACME")),
    ("gateway-slack", Publish("adjutant.v1.cmd.discord.9001")),
    ("gateway-slack", Publish("adjutant.v1.cmd.api.key")),
    ("gateway-slack", Ask("$JS.API.CONSUMER.MSG.NEXT.JOURNAL.gateway-discord")),
    ("gateway-slack", Ask("$JS.API.CONSUMER.MSG.NEXT.OUTBOX.gateway-discord")),
    ("gateway-slack", Ask("$JS.API.CONSUMER.MSG.NEXT.COMMANDS.workers")),
    ("gateway-slack", Ask("$JS.API.CONSUMER.INFO.JOURNAL.gateway-discord")),
    ("gateway-slack", Publish("$JS.ACK.JOURNAL.gateway-discord.1.1.1.1.0")),
    ("gateway-slack", Publish("$JS.ACK.COMMANDS.workers.1.1.1.1.0")),
    ("gateway-slack", Ask("$JS.API.DIRECT.GET.JOURNAL")),
    ("gateway-slack", Ask("$JS.API.STREAM.MSG.GET.JOURNAL")),
    ("gateway-slack", Ask("$JS.API.STREAM.INFO.COMMANDS")),
    ("gateway-slack", Subscribe("_INBOX_gateway-discord.>")),
    ("gateway-slack", Subscribe("_INBOX_worker.>")),
    ("gateway-slack", Subscribe("_INBOX.>")),
    ("gateway-slack", Subscribe(">")),
    ("gateway-slack", Subscribe("adjutant.v1.log.slack.>")),
    ("gateway-slack", Publish("$KV.leases.discord.sender")),
    ("gateway-slack", Publish("$KV.sessions.discord.0")),
    ("gateway-slack", Publish("$KV.policy.bundle.1")),
    ("gateway-slack", Publish("$KV.presence.gateway-discord.a")),
    ("gateway-slack", Publish("$KV.presence.worker.a")),
    ("gateway-slack", Ask("$JS.API.STREAM.MSG.GET.KV_presence")),
    ("gateway-slack", Publish("$KV.mode.pause")),
    // A gateway that follows the journals of all, or of another platform.
    ("gateway-slack", Ask("$JS.API.CONSUMER.CREATE.JOURNAL.follow-slack-0.adjutant.v1.log.discord.>")),
    ("gateway-slack", Ask("$JS.API.CONSUMER.CREATE.JOURNAL.follow-slack-0.adjutant.v1.log.>")),
    ("gateway-slack", Ask("$JS.API.CONSUMER.CREATE.JOURNAL.follow-slack-0")),
    ("gateway-slack", Ask("$JS.API.CONSUMER.CREATE.JOURNAL.mine.adjutant.v1.log.slack.>")),
    ("gateway-slack", Ask("$JS.API.CONSUMER.CREATE.JOURNAL")),
    ("gateway-slack", Ask("$JS.API.CONSUMER.DURABLE.CREATE.JOURNAL.gateway-slack")),
    // A gateway that calls a service past the worker, or writes the record.
    ("gateway-slack", Publish("adjutant.v1.run.deploy.promote")),
    ("gateway-discord", Publish("adjutant.v1.run.deploy.promote")),
    ("gateway-console", Publish("adjutant.v1.run.deploy.promote")),
    ("gateway-slack", Publish("adjutant.v1.log.slack.T0ACME.run.id")),
    // Whoever writes an entry and has the server send it on, as it is, to where they may not publish.
    (
        "gateway-discord",
        Send("$JS.API.DIRECT.GET.KV_leases.$KV.leases.discord.a", "adjutant.v1.cmd.slack.T0ACME"),
    ),
    ("gateway-discord", Send("$JS.API.DIRECT.GET.KV_leases", "adjutant.v1.run.deploy.promote")),
    ("gateway-console", Send("$JS.API.DIRECT.GET.KV_policy.$KV.policy.draft.a", "$KV.policy.bundle.9")),
    ("api", Send("$JS.API.DIRECT.GET.KV_policy.$KV.policy.draft.a", "$KV.policy.bundle.9")),
    // The API: no events, no calls, no commands but its own.
    ("api", Publish("adjutant.v1.log.api.key.run.id")),
    ("api", Publish("adjutant.v1.cmd.slack.T0ACME")),
    ("api", Publish("adjutant.v1.run.deploy.promote")),
    ("api", Publish("$KV.policy.bundle.1")),
    ("api", Ask("$JS.API.CONSUMER.MSG.NEXT.COMMANDS.workers")),
    // A worker gives no commands.
    ("worker", Publish("adjutant.v1.cmd.slack.T0ACME")),
    ("worker", Publish("adjutant.v1.cmd.console.local")),
    ("worker", Subscribe("_INBOX_api.>")),
    // Nobody but admin deletes, purges, changes or makes.
    ("worker", Ask("$JS.API.STREAM.DELETE.JOURNAL")),
    ("worker", Ask("$JS.API.STREAM.PURGE.COMMANDS")),
    ("worker", Ask("$JS.API.STREAM.UPDATE.JOURNAL")),
    ("worker", Ask("$JS.API.STREAM.MSG.DELETE.JOURNAL")),
    ("worker", Ask("$JS.API.STREAM.CREATE.MINE")),
    ("worker", Ask("$JS.API.CONSUMER.CREATE.COMMANDS.mine")),
    ("worker", Ask("$JS.API.CONSUMER.CREATE.JOURNAL.mine")),
    ("worker", Ask("$JS.API.CONSUMER.DELETE.COMMANDS.workers")),
    ("worker", Ask("$JS.API.STREAM.DELETE.KV_locks")),
    ("api", Ask("$JS.API.STREAM.DELETE.JOURNAL")),
    ("api", Ask("$JS.API.STREAM.PURGE.JOURNAL")),
    ("api", Ask("$JS.API.CONSUMER.DELETE.JOURNAL.gateway-slack")),
    ("gateway-slack", Ask("$JS.API.STREAM.DELETE.JOURNAL")),
    ("gateway-slack", Ask("$JS.API.STREAM.PURGE.OUTBOX")),
    ("gateway-slack", Ask("$JS.API.CONSUMER.DELETE.JOURNAL.gateway-slack")),
    ("gateway-slack", Ask("$JS.API.STREAM.LEADER.STEPDOWN.JOURNAL")),
    ("gateway-discord", Ask("$JS.API.STREAM.PURGE.JOURNAL")),
    ("gateway-console", Ask("$JS.API.STREAM.DELETE.KV_policy")),
    ("svc-deployments", Ask("$JS.API.STREAM.DELETE.JOURNAL")),
    ("svc-deployments", Ask("$JS.API.STREAM.PURGE.COMMANDS")),
];

/// The last sequence of each stream that is watched, and the names of its consumers.
async fn stored(admin: &mut Raw) -> BTreeMap<String, Value> {
    let mut stored = BTreeMap::new();
    for stream in WATCHED {
        let info = admin.ask(&format!("$JS.API.STREAM.INFO.{stream}"), "").await.unwrap();
        let names = admin.ask(&format!("$JS.API.CONSUMER.NAMES.{stream}"), "").await.unwrap();
        let mut consumers: Vec<String> =
            serde_json::from_value(names["consumers"].clone()).unwrap_or_default();
        // Who follows a journal or watches a bucket comes and goes.
        consumers.retain(|name| name == "workers" || name.starts_with("gateway-"));
        consumers.sort();
        stored.insert(stream.to_owned(), json!([info["state"]["last_seq"], info["config"], consumers]));
    }
    stored
}

/// The server can be made to publish where its user may not: an answer goes wherever the question says. What is published so
/// is no request and no call.
async fn detours(users: &mut BTreeMap<&str, Raw>, here: &Installation) {
    let mut forged = request("forged", "deploy promote web --to production");
    forged.actor = Actor { platform: Platform::Slack, tenant: Tenant::new("T0ACME"), ..forged.actor };
    let forged = wire::encode("request", &Submission::Request(forged)).unwrap();
    let forged = String::from_utf8(forged.to_vec()).unwrap();
    let admin = users.get_mut("admin").unwrap();
    let last = async |admin: &mut Raw, stream: &str| {
        let info = admin.ask(&format!("$JS.API.STREAM.INFO.{stream}"), "").await.unwrap();
        info["state"]["last_seq"].as_u64().unwrap()
    };
    let (journal, dead) = (last(admin, "JOURNAL").await, last(admin, "DEAD").await);

    // An entry of its own, pushed or asked for, with another's subject as the place where it is to go.
    let console = users.get_mut("gateway-console").unwrap();
    console.ask("$KV.policy.draft.forged", &forged).await.unwrap();
    let push = json!({ "stream_name": "KV_policy", "config": { "name": "forging", "deliver_policy": "all",
        "ack_policy": "none", "deliver_subject": "adjutant.v1.cmd.slack.T0ACME" } });
    console.ask("$JS.API.CONSUMER.CREATE.KV_policy.forging", &push.to_string()).await.unwrap();
    let entry = |key: &str| json!({ "last_by_subj": key }).to_string();
    let policy = "$JS.API.STREAM.MSG.GET.KV_policy";
    console.publish(policy, Some("adjutant.v1.run.deploy.promote"), &entry("$KV.policy.draft.forged")).await;
    let discord = users.get_mut("gateway-discord").unwrap();
    discord.ask("$KV.leases.discord.forged", &forged).await.unwrap();
    let leases = "$JS.API.STREAM.MSG.GET.KV_leases";
    discord.publish(leases, Some("adjutant.v1.cmd.slack.T0ACME"), &entry("$KV.leases.discord.forged")).await;
    assert_eq!(discord.said().await, Vec::<String>::new(), "it may ask, and say where the answer goes");

    let admin = users.get_mut("admin").unwrap();
    let deadline = tokio::time::Instant::now() + SOON;
    while last(admin, "DEAD").await == dead {
        assert!(tokio::time::Instant::now() < deadline, "what is no request goes to the dead letters");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // The worker is done with all that came before.
    here.until_success(|| here.adjutant("gateway-console", &["run", "ping"])).await;
    let pushed = admin.ask("$JS.API.CONSUMER.INFO.KV_policy.forging", "").await.unwrap();
    assert!(pushed["delivered"]["consumer_seq"].as_u64().unwrap_or_default() == 0, "{pushed}");
    let written = here.adjutant("admin", &["bus", "dead", "--json"]).output().await.unwrap();
    assert!(String::from_utf8_lossy(&written.stdout).contains("stream_msg_get_response"), "{written:?}");
    let events =
        here.bus("worker", Role::Worker).await.journal.read(&Journals::All, journal, 100).await.unwrap();
    assert!(events.iter().all(|one| one.key.origin.platform == Platform::Console), "{events:#?}");
    let demo = std::fs::read_to_string(here.path().join("demo.log")).unwrap();
    assert!(demo.contains("a call that is none"), "{demo}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_program_runs_on_what_ships_and_each_abuse_is_refused() {
    let here = Installation::single().await;
    let fake = FakeSlack::start(Workspace::standard()).await;
    let settings = format!(
        "[policy]\ntrusted_homes = [\"slack:T0ACME\", \"console:local\"]\n[slack]\nbot_token = \"xoxb-test-0\"\napp_token = \"xapp-test-0\"\napi_url = \"{}\"\n",
        fake.api_url()
    );
    std::fs::write(here.path().join("adjutant.toml"), settings).unwrap();
    let _worker = here.start("worker", "worker", &["worker"]);
    let _demo = here.start("svc-deployments", "demo", &["demo", "deployments"]);
    let mut api = here.adjutant("api", &["api"]);
    let _api = here.launch("api", api.env("ADJUTANT_API__LISTEN", "127.0.0.1:0"));
    let _slack = here.start("gateway-slack", "slack", &["gateway", "slack"]);
    let list = here.until_success(|| here.adjutant("gateway-console", &["run", "deploy", "list"])).await;
    assert!(list.contains("staging"), "{list}");
    fake.until("a socket", SOON, |fake| (fake.sockets() >= 1).then_some(())).await;
    let asked = fake.mention("U0ANA", "C0001", "deploy list", None);
    let answered = |fake: &FakeSlack| {
        let here = |one: &Posted| one.thread.as_deref() == Some(&*asked);
        fake.record().posted.iter().find(|one| here(one) && one.all_text().contains("Deployments")).cloned()
    };
    fake.until("an answer in Slack", SOON, answered).await;
    here.until_success(|| here.adjutant("admin", &["bus", "status"])).await;
    let (status, _) = here.status().await;
    let up: Vec<&str> =
        status["up"].as_array().unwrap().iter().map(|one| one["role"].as_str().unwrap()).collect();
    assert!(["worker", "api", "gateway-slack"].iter().all(|role| up.contains(role)), "{status}");

    let mut users: BTreeMap<&str, Raw> = BTreeMap::new();
    for user in
        ["admin", "worker", "gateway-console", "gateway-slack", "gateway-discord", "api", "svc-deployments"]
    {
        users.insert(user, Raw::connect(here.nats.port(), user, here.nats.password(user)).await);
    }
    let before = stored(users.get_mut("admin").unwrap()).await;
    for (user, what) in ABUSES {
        let raw = users.get_mut(user).unwrap();
        let inbox = format!("_INBOX_{user}.answer");
        let refusal = match what {
            Publish(subject) => {
                raw.publish(subject, None, "{}").await;
                format!("Publish to \"{subject}\"")
            }
            Ask(subject) => {
                raw.publish(subject, Some(&inbox), "{}").await;
                format!("Publish to \"{subject}\"")
            }
            Send(subject, to) => {
                raw.publish(subject, Some(to), "").await;
                format!("Publish to \"{subject}\"")
            }
            Subscribe(subject) => {
                raw.subscribe(subject, None).await;
                format!("Subscription to \"{subject}\"")
            }
            Join(subject, queue) => {
                raw.subscribe(subject, Some(queue)).await;
                format!("Subscription to \"{subject}\" using queue \"{queue}\"")
            }
        };
        let mut said = raw.said().await;
        // Said besides of a filter with a wildcard; it is published all the same.
        said.retain(|line| line != "-ERR 'Invalid Publish Subject'");
        let wanted = format!("-ERR 'Permissions Violation for {refusal}'");
        assert_eq!(said, [wanted], "{user}");
    }
    let admin = users.get_mut("admin").unwrap();
    assert_eq!(stored(admin).await, before, "nothing was stored, changed, made or removed");

    detours(&mut users, &here).await;
    let admin = users.get_mut("admin").unwrap();
    let before = stored(admin).await;

    // The record cannot be thinned out even by admin.
    let deleted = admin.ask("$JS.API.STREAM.MSG.DELETE.JOURNAL", "{\"seq\":1}").await.unwrap();
    assert_eq!(deleted["error"]["err_code"], 10057, "{deleted}");
    let purged = admin.ask("$JS.API.STREAM.PURGE.JOURNAL", "").await.unwrap();
    assert_eq!(purged["error"]["err_code"], 10110, "{purged}");
    let mut config = admin.ask("$JS.API.STREAM.INFO.JOURNAL", "").await.unwrap()["config"].clone();
    config["deny_delete"] = false.into();
    let changed = admin.ask("$JS.API.STREAM.UPDATE.JOURNAL", &config.to_string()).await.unwrap();
    assert!(changed["error"]["err_code"].is_number(), "{changed}");
    assert_eq!(stored(admin).await, before, "nothing was changed");
}
