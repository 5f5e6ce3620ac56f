//! What is said in channels: by people with `notify`, by services over the bus.

use std::time::Duration;

use adjutant_bus::{
    actor::{Platform, Tenant},
    announcement::{Announcement, Matter, Message, NoticeAction, Severity},
    destination::{self, Destination, Target},
    event::Outcome,
    notice::Notice,
    open::Role,
    ports::{Accepted, Delivery},
    reply::Tone,
    spec::Visibility,
    subject::Origin,
    wire::{self, Version},
};
use jiff::Timestamp;

use super::world::{SOON, World};

const ALL: &str = "p, everyone, *, *, *, *, allow\np, svc:ci, slack:T0ACME/*, notify, run, destination=deploys|far|broken, allow\n";

async fn world() -> World {
    let world = World::with_policy(ALL).await;
    let target = |platform, tenant: &str, channel: &str| Target {
        platform,
        tenant: Tenant::new(tenant),
        channel: channel.to_owned(),
    };
    let slack = |channel| target(Platform::Slack, "T0ACME", channel);
    let far = target(Platform::Console, "local", "terminal");
    let destinations = [
        ("deploys", vec![slack("C0DEPLOY"), slack("C0OPS")]),
        ("secret", vec![slack("C0SECRET")]),
        ("far", vec![slack("C0DEPLOY"), far]),
        ("nowhere", vec![]),
    ];
    for (name, targets) in destinations {
        let one = Destination { v: Version, name: name.to_owned(), targets };
        destination::store(&world.bus, &one).await.unwrap();
    }
    world
}

/// The next notices to Slack, and their settlements.
async fn posted(world: &World, count: usize) -> Vec<Notice> {
    let outbox = world.memory.role(Role::Slack).outbox;
    let deadline = tokio::time::Instant::now() + SOON;
    let mut notices = Vec::new();
    while notices.len() < count {
        assert!(tokio::time::Instant::now() < deadline, "{count} must come: {notices:?}");
        for Delivery { payload, handle, .. } in outbox.take(10, Duration::from_secs(1)).await.unwrap() {
            notices.push(wire::decode("notice", &payload).unwrap());
            handle.acknowledge().await.unwrap();
        }
    }
    notices
}

async fn nothing_posted(world: &World) {
    for role in [Role::Slack, Role::Console] {
        let taken = world.memory.role(role).outbox.take(10, Duration::ZERO).await.unwrap();
        assert!(taken.is_empty());
    }
}

fn announcement(id: &str, destination: &str) -> Announcement {
    Announcement {
        v: Version,
        id: id.to_owned(),
        destination: destination.to_owned(),
        message: Message {
            text: "web is *down*".to_owned(),
            title: Some("Alert".to_owned()),
            severity: Severity::Error,
            matter: Some(Matter { key: "web".to_owned(), action: NoticeAction::Trigger }),
            ..Message::default()
        },
        sent_at: Timestamp::UNIX_EPOCH,
    }
}

/// Publishes as this service; `under` is the id that the bus knows it by.
async fn publish(world: &World, service: &str, under: &str, payload: impl Into<Vec<u8>>) -> Accepted {
    let origin = Origin::new(Platform::Service, &Tenant::new(service));
    world.memory.role(Role::Demo).outbox.submit(&origin, under, payload.into().into()).await.unwrap()
}

async fn announce(world: &World, service: &str, announcement: &Announcement) {
    let payload = wire::encode("announcement", announcement).unwrap();
    publish(world, service, &announcement.id, payload).await;
}

/// The reason of the next dead letter.
async fn buried(world: &World) -> String {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        if let [letter, ..] = world.memory.dead_letters().as_slice() {
            return letter.reason.clone();
        }
        assert!(tokio::time::Instant::now() < deadline, "it must be buried");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_person_says_something_in_every_channel_behind_a_name() {
    let world = world().await;
    let (outcome, reply) = world.ask("1", "notify deploys web is *down* since 12:00").await;
    assert_eq!((outcome, reply.title.as_str()), (Outcome::Succeeded, "On its way to `deploys` (2 channels)"));
    let notices = posted(&world, 2).await;
    let places: Vec<String> = notices.iter().map(|notice| notice.to.to_string()).collect();
    assert_eq!(places, ["slack:T0ACME/C0DEPLOY", "slack:T0ACME/C0OPS"]);
    let said = &notices[0];
    assert_eq!(
        (said.from.as_str(), said.reply.visibility, said.to.private),
        ("Ana", Visibility::Public, false)
    );
    assert_eq!(
        wire::encode("reply", &said.reply).unwrap(),
        wire::encode("reply", &notices[1].reply).unwrap()
    );
    insta::assert_json_snapshot!("said", said.reply);
    assert_ne!(notices[0].id, notices[1].id);
}

#[tokio::test]
async fn a_destination_that_is_not_there_is_told_with_what_may_be_meant() {
    let world = world().await;
    for (line, title, next) in [
        ("notify deploy hi", "No destination is named `deploy`", "Nothing was said. Did you mean `deploys`?"),
        (
            "notify Zebra hi",
            "No destination is named `Zebra`",
            "Nothing was said. There are `deploys`, `far`, `nowhere`, `secret`.",
        ),
        ("notify nowhere hi", "No channel is behind `nowhere`", "Nothing was said. Tell an operator."),
    ] {
        let (outcome, reply) = world.ask(line, line).await;
        assert_eq!((outcome, reply.tone, reply.title.as_str()), (Outcome::Failed, Tone::Failure, title));
        assert!(format!("{:?}", reply.body).contains(next), "{reply:?}");
    }
    nothing_posted(&world).await;
}

#[tokio::test]
async fn only_destinations_that_the_asker_may_use_are_suggested() {
    let policy = "p, everyone, *, notify, run, destination=secrets|other, allow\n";
    let world = World::with_policy(policy).await;
    let one = Destination { v: Version, name: "secret".to_owned(), targets: Vec::new() };
    destination::store(&world.bus, &one).await.unwrap();
    let (outcome, reply) = world.ask("1", "notify secrets hi").await;
    assert_eq!(outcome, Outcome::Failed);
    assert!(!format!("{reply:?}").contains("`secret`"), "{reply:?}");
    assert_eq!(world.ask("2", "notify secret hi").await.0, Outcome::Refused);
}

#[tokio::test]
async fn what_a_service_may_say_is_forwarded_under_its_name_from_the_subject() {
    let world = world().await;
    announce(&world, "ci", &announcement("a-1", "deploys")).await;
    let notices = posted(&world, 2).await;
    let said = &notices[0];
    assert_eq!((said.from.as_str(), said.to.to_string().as_str()), ("svc:ci", "slack:T0ACME/C0DEPLOY"));
    assert_eq!(said.matter, announcement("a-1", "deploys").message.matter);
    assert_eq!((said.reply.tone, said.sent_at), (Tone::Failure, Timestamp::UNIX_EPOCH));
    assert_eq!(world.memory.dead_letters(), []);
}

#[tokio::test]
async fn an_announcement_that_comes_twice_is_posted_once() {
    let world = world().await;
    let payload = wire::encode("announcement", &announcement("a-1", "deploys")).unwrap();
    // As after a redelivery: the bus takes it for new.
    for under in ["first", "second"] {
        assert_eq!(publish(&world, "ci", under, payload.clone()).await, Accepted::New);
    }
    announce(&world, "ci", &announcement("a-2", "deploys")).await;
    let notices = posted(&world, 4).await;
    let ids: std::collections::BTreeSet<&str> = notices.iter().map(|notice| notice.id.as_str()).collect();
    assert_eq!(ids.len(), 4);
    nothing_posted(&world).await;
}

#[tokio::test]
async fn what_a_service_may_not_say_goes_to_the_dead_letters_with_the_reason() {
    for (service, destination, reason) in [
        ("ci", "secret", "does not let svc:ci run `notify` with destination=secret in slack:T0ACME/C0SECRET"),
        // All or nothing: it may speak in the first channel, and not in the second.
        ("ci", "far", "does not let svc:ci run `notify` with destination=far in console:local/terminal"),
        ("stranger", "deploys", "does not let svc:stranger run `notify` with destination=deploys"),
        ("ci", "deploy", "there is no destination `deploy`"),
        ("ci", "No Name", "there is no destination `No Name`"),
        ("ci", "nowhere", "no channel is behind the destination `nowhere`"),
    ] {
        let world = world().await;
        announce(&world, service, &announcement("a-1", destination)).await;
        let told = buried(&world).await;
        assert!(told.contains(reason), "{told}");
        nothing_posted(&world).await;
    }
}

#[tokio::test]
async fn what_is_no_announcement_goes_to_the_dead_letters() {
    let silent = Announcement { message: Message::default(), ..announcement("a", "deploys") };
    let long = announcement(&"x".repeat(129), "deploys");
    for (payload, reason) in [
        (b"not JSON".to_vec(), "not a valid announcement"),
        (wire::encode("announcement", &silent).unwrap().to_vec(), "the announcement says nothing"),
        (
            wire::encode("announcement", &long).unwrap().to_vec(),
            "the id of an announcement has 1 to 128 characters",
        ),
    ] {
        let world = world().await;
        publish(&world, "ci", "a", payload).await;
        let told = buried(&world).await;
        assert!(told.contains(reason), "{told}");
        nothing_posted(&world).await;
    }
}

#[tokio::test]
async fn an_announcement_waits_while_no_policy_is_loaded() {
    let world = World::with_policy("nonsense\n").await;
    let one = Destination {
        v: Version,
        name: "deploys".to_owned(),
        targets: vec![Target {
            platform: Platform::Slack,
            tenant: Tenant::new("T0ACME"),
            channel: "C0DEPLOY".to_owned(),
        }],
    };
    destination::store(&world.bus, &one).await.unwrap();
    announce(&world, "ci", &announcement("a-1", "deploys")).await;
    world.mend(ALL).await;
    assert_eq!(posted(&world, 1).await[0].from, "svc:ci");
    assert_eq!(world.memory.dead_letters(), []);
}
