//! What only a real server can do: fall, be restarted, refuse.

use std::time::Duration;

use adjutant_bus::{
    actor::{Platform, Tenant},
    event::Fact,
    id::Token,
    nats::server::{Server, find_binary},
    open::{BusConfig, BusUrl, Opened, Role, open},
    ports::{Accepted, Bucket, Change, Expect, Follow, Limits, Status},
    subject::{Journals, Origin},
};
use bytes::Bytes;
use futures::StreamExt;

use super::world::{SOON, World, binary, config, event, figure, key, limits, nats, origin, request, soon};

/// Submits until it is accepted, as a gateway does, with the same id each time.
async fn submit(world: &World, id: &str) -> Accepted {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        match world.console.commands.submit(&origin("t"), id, Bytes::from(id.to_owned())).await {
            Ok(accepted) => return accepted,
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_accepted_is_lost_when_the_server_is_killed_and_restarted() {
    let world = nats().await;
    let mut events =
        world.console.journal.follow(Journals::Platform(Platform::Console), Follow::Now).await.unwrap();
    for n in 0..10 {
        submit(&world, &format!("before{n}")).await;
    }
    let asked = request("before");
    let first = event(&asked, 1, &Token::new("w"), Fact::Claimed);
    let at = world.bus.journal.append(&key(&asked), 0, &first).await.unwrap();
    assert_eq!(soon(events.next()).await.unwrap().recorded.sequence, at);
    let reconnects = || figure("adjutant_bus_reconnects_total{connection=\"worker\"}");
    let before = reconnects();
    let server = world.opened().server().unwrap();
    server.fell().await;
    let mut status = world.bus.status.clone();
    soon(status.wait_for(|status| *status == Status::Disconnected)).await.unwrap();
    assert!(world.bus.journal.read(&Journals::All, 0, 10).await.is_err());
    server.raise().await;
    soon(status.wait_for(|status| *status == Status::Connected)).await.unwrap();
    submit(&world, "after").await;
    assert!(reconnects() > before, "it is counted");
    let mut seen = Vec::new();
    while seen.len() < 11 {
        let taken = world.bus.commands.take(20, Duration::from_secs(2)).await.unwrap_or_default();
        for delivery in taken {
            delivery.handle.acknowledge().await.unwrap();
            seen.push(delivery.payload);
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 11);
    let second = event(&asked, 2, &Token::new("w"), Fact::Started);
    let next = world.bus.journal.append(&key(&asked), at, &second).await.unwrap();
    assert_eq!(soon(events.next()).await.unwrap().recorded.sequence, next, "a follower goes on");
    world.stop().await;
}

/// The same server with these limits, as an admin sees it.
async fn with_limits(world: &World, limits: Limits) -> Opened {
    let connection = world.opened().server().unwrap().connection().clone();
    let login = connection.login(Role::Admin);
    let dir = tempfile::tempdir().unwrap();
    let url = BusUrl::Server(connection.url);
    let other = BusConfig { limits, url, user: login.user, password: login.password, ..config(&dir) };
    open(&other).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_twice_changes_nothing_and_what_differs_is_changed_in_place_or_kept() {
    let world = nats().await;
    submit(&world, "kept").await;
    let again = world.opened().set_up().await.unwrap();
    assert!(
        again.len() > 15 && again.iter().all(|made| made.to_string().ends_with(": as it should be")),
        "{again:#?}"
    );

    let larger =
        with_limits(&world, Limits { queue_per_origin: 99, lease: Duration::from_secs(3), ..limits() }).await;
    let made = larger.set_up().await.unwrap();
    let told: Vec<String> = made.iter().map(ToString::to_string).collect();
    assert!(told.contains(&"stream COMMANDS: changed: max_msgs_per_subject 20 → 99".to_owned()), "{told:#?}");
    assert!(
        told.contains(&"consumer workers of COMMANDS: changed: ack_wait 1s → 3s".to_owned()),
        "{told:#?}"
    );
    assert!(made.iter().all(|made| made.is_good() && !made.created), "{told:#?}");

    // What has been made larger stays: nothing that is stored may be dropped.
    let told: Vec<String> = world.opened().set_up().await.unwrap().iter().map(ToString::to_string).collect();
    let kept = "stream COMMANDS: left as it is: max_msgs_per_subject is 99, wanted 20".to_owned();
    assert!(told.contains(&kept), "{told:#?}");
    let taken = world.bus.commands.take(5, Duration::from_secs(5)).await.unwrap();
    assert_eq!(taken.len(), 1, "nothing was deleted");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_makes_nothing_and_says_in_one_line_what_is_missing_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&find_binary(binary().as_deref()).await.unwrap(), dir.path()).await.unwrap();
    let connection = server.connection().clone();
    let as_user = |role: Role| {
        let login = connection.login(role);
        let url = BusUrl::Server(connection.url.clone());
        BusConfig { url, user: login.user, password: login.password, ..config(&dir) }
    };
    // Even one that may: the user admin.
    for (role, user) in [(Role::Worker, Role::Worker), (Role::Slack, Role::Slack), (Role::Api, Role::Admin)] {
        let refused = open(&as_user(user)).await.unwrap().role(role).await.err().unwrap().to_string();
        assert!(
            refused.contains("is not there; run `adjutant bus setup`") && !refused.contains('\n'),
            "{refused}"
        );
    }
    let admin = open(&as_user(Role::Admin)).await.unwrap();
    assert!(admin.set_up().await.unwrap().iter().all(|made| made.created && made.is_good()));
    for role in Role::ALL {
        open(&as_user(role)).await.unwrap().role(role).await.unwrap();
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_is_told_who_has_the_folder_and_one_shot_commands_join() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(&config(&dir)).await.unwrap();
    let second = open(&config(&dir)).await.err().unwrap().to_string();
    assert!(second.contains(&format!("in use by process {}", std::process::id())), "{second}");
    let joining = BusConfig { url: BusUrl::Auto, start_child: false, ..config(&dir) };
    let joined = open(&joining).await.unwrap();
    assert!(joined.describe().contains("running Adjutant"), "{}", joined.describe());
    joined.role(Role::Console).await.unwrap();
    first.stop().await;
    assert!(open(&joining).await.unwrap().is_memory());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_server_and_a_wrong_address_are_told_plainly() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(&dir);
    config.url = BusUrl::Server("nats://127.0.0.1:1".to_owned());
    let error = open(&config).await.unwrap().role(Role::Worker).await.err().unwrap().to_string();
    assert!(error.contains("127.0.0.1:1") && error.contains("is the server running there"), "{error}");
    let error = "nats:/127.0.0.1".parse::<BusUrl>().unwrap_err().to_string();
    assert!(error.contains("nats://host:port"), "{error}");
    config.url = BusUrl::Child;
    config.nats_server = Some("/nowhere/nats-server".into());
    let error = open(&config).await.err().unwrap().to_string();
    assert!(error.contains("/nowhere/nats-server cannot be run"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_is_refused_what_is_not_its_own() {
    let world = nats().await;
    let asked = request("forged");
    let first = event(&asked, 1, &Token::new("w"), Fact::Claimed);
    // A gateway cannot write the record, a service cannot give commands as the console, a worker cannot give any.
    assert!(world.console.journal.append(&key(&asked), 0, &first).await.is_err());
    assert!(world.demo.journal.append(&key(&asked), 0, &first).await.is_err());
    for bus in [&world.demo, &world.bus] {
        assert!(bus.commands.submit(&origin("t"), "forged", "x".into()).await.is_err());
    }
    // A gateway cannot take the workers' messages, and cannot read another platform's journals.
    assert!(world.console.commands.take(1, Duration::from_millis(100)).await.is_err());
    assert!(world.console.journal.read(&Journals::All, 0, 1).await.is_err());
    // A gateway cannot look at, alter or delete the consumers of others.
    for consumer in ["gateway-discord", "gateway-slack"] {
        let durable = Follow::Durable(consumer.to_owned());
        assert!(world.console.journal.follow(Journals::All, durable).await.is_err(), "{consumer}");
    }
    assert_eq!(world.bus.journal.newest().await.unwrap(), 0, "nothing forged was stored");
    let refused = "adjutant_bus_errors_total{connection=\"gateway-console\",error=\"permission_violation\"}";
    let counted = async {
        while figure(refused) == 0.0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(counted).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_reads_and_follows_everything_and_writes_only_what_is_its_own() {
    let world = nats().await;
    let asked = request("a");
    let first = event(&asked, 1, &Token::new("w"), Fact::Claimed);
    let mut all = world.api.journal.follow(Journals::All, Follow::Now).await.unwrap();
    let at = world.bus.journal.append(&key(&asked), 0, &first).await.unwrap();
    assert_eq!(soon(all.next()).await.unwrap().recorded.sequence, at);
    let api = Journals::Platform(Platform::Api);
    let _its_own = world.api.journal.follow(api, Follow::After(at)).await.unwrap();
    assert_eq!(world.api.journal.read(&Journals::All, 0, 10).await.unwrap().len(), 1);
    let key_of_the_api = Origin::new(Platform::Api, &Tenant::new("key"));
    world.api.commands.submit(&key_of_the_api, "a", "x".into()).await.unwrap();
    let chat = Origin::new(Platform::Slack, &Tenant::new("T0ACME"));
    world.api.outbox.submit(&chat, "a", "x".into()).await.unwrap();
    for bucket in [Bucket::Revocations, Bucket::Mode, Bucket::Destinations] {
        world.api.store.put(bucket, "k", "v".into(), Expect::Anything).await.unwrap();
        assert_eq!(world.api.store.get(bucket, "k").await.unwrap().unwrap().value, "v");
    }
    world.api.store.put(Bucket::Presence, "api.a", "v".into(), Expect::Anything).await.unwrap();
    let mut present = world.api.store.watch(Bucket::Presence, "api").await.unwrap();
    assert!(matches!(soon(present.next()).await, Some(Change::Put(entry)) if entry.key == "api.a"));
    assert!(world.api.services.list(Duration::from_millis(300)).await.is_ok());

    assert!(world.api.commands.submit(&origin("t"), "forged", "x".into()).await.is_err());
    assert!(world.api.journal.append(&key(&asked), at, &first).await.is_err());
    assert!(world.api.commands.take(1, Duration::from_millis(100)).await.is_err());
    for (bucket, key) in [(Bucket::Policy, "bundle.1"), (Bucket::Locks, "k"), (Bucket::Presence, "worker.a")]
    {
        assert!(world.api.store.put(bucket, key, "v".into(), Expect::Anything).await.is_err(), "{key}");
    }
    // Who asks for a publication uploads what is to be published, and cannot publish it.
    for bus in [&world.api, &world.console] {
        assert!(bus.store.put(Bucket::Policy, "draft.ab", "v".into(), Expect::Anything).await.is_ok());
        assert!(bus.store.put(Bucket::Policy, "bundle.1", "v".into(), Expect::Anything).await.is_err());
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_speaks_under_its_own_name_only_and_gateways_keep_their_own_notices() {
    let world = nats().await;
    let service = |name: &str| Origin::new(Platform::Service, &Tenant::new(name));
    world.demo.outbox.submit(&service("deployments"), "a", "x".into()).await.unwrap();
    assert!(world.demo.outbox.submit(&service("ci"), "a", "x".into()).await.is_err());
    let taken = world.bus.outbox.take(1, Duration::from_secs(5)).await.unwrap();
    assert_eq!(taken[0].origin, service("deployments"));
    taken[0].handle.acknowledge().await.unwrap();
    let put = |key: &'static str| world.console.store.put(Bucket::Notices, key, "v".into(), Expect::Anything);
    put("console.a.b").await.unwrap();
    assert!(world.console.store.get(Bucket::Notices, "console.a.b").await.unwrap().is_some());
    world.console.store.remove(Bucket::Notices, "console.a.b", None).await.unwrap();
    assert!(put("slack.a.b").await.is_err());
    // A role tells that it is up itself, and not that another one is.
    for (role, key, may) in [
        (Role::Slack, "gateway-slack.a", true),
        (Role::Slack, "gateway-discord.a", false),
        (Role::Slack, "worker.a", false),
        (Role::Discord, "gateway-discord.a", true),
        (Role::Console, "gateway-console.a", true),
        (Role::Console, "api.a", false),
    ] {
        let told =
            world.role(role).await.store.put(Bucket::Presence, key, "v".into(), Expect::Anything).await;
        assert_eq!(told.is_ok(), may, "{role:?} {key}: {told:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taker_that_has_waited_long_is_given_the_message_at_once() {
    let world = nats().await;
    let waiting = tokio::spawn({
        let commands = world.bus.commands.clone();
        async move { commands.take(1, Duration::from_secs(10)).await }
    });
    // Long pulls went deaf after a second, which no shorter wait shows; nothing tells that a pull is that old.
    assert!(world.bus.commands.take(1, Duration::from_secs(2)).await.unwrap().is_empty());
    submit(&world, "late").await;
    let taken = soon(waiting).await.unwrap().unwrap();
    assert_eq!(taken.iter().map(|delivery| delivery.attempt).collect::<Vec<_>>(), [1]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_the_shipped_rights_works_on_a_server_named_by_its_address() {
    let world = nats().await;
    let connection = world.opened().server().unwrap().connection().clone();
    let login = connection.login(Role::Worker);
    let dir = tempfile::tempdir().unwrap();
    let named = BusConfig {
        url: BusUrl::Server(connection.url),
        user: login.user,
        password: login.password,
        ..config(&dir)
    };
    let bus = open(&named).await.unwrap().role(Role::Worker).await.unwrap();
    assert_eq!(bus.journal.newest().await.unwrap(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_not_in_the_process_group_that_a_terminal_interrupts() {
    let world = nats().await;
    let pid = nix::unistd::Pid::from_raw(world.opened().server().unwrap().pid().unwrap().try_into().unwrap());
    assert_eq!(nix::unistd::getpgid(Some(pid)).unwrap(), pid);
    assert_ne!(nix::unistd::getpgid(None).unwrap(), pid);
    world.stop().await;
}
