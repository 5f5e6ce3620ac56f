//! What services have said in channels of Discord, and how a matter changes one message.

use std::time::Duration;

use adjutant_bus::{
    actor::{Platform, Tenant},
    announcement::{Announcement, Matter, Message, NoticeAction, Severity},
    destination::{self, Destination, Target},
    open::Role,
    ports::{Accepted, Bus},
    reply::Field,
    subject::Origin,
    wire::{self, Version},
};
use adjutant_fakes::discord::RestFault;
use jiff::{SignedDuration, Timestamp};

use super::{
    super::world::write_policy,
    world::{ADA, DEPLOYS, DiscordWorld, RANDOM},
};

const ROWS: &str = "p, everyone, *, *, *, *, allow\np, svc:deployments, discord:9001/*, notify, run, destination=deploys, allow\n";
const LOCK: &str = "svc:deployments, svc:deployments, Deployments\n";

async fn world() -> (DiscordWorld, Bus) {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    write_policy(&discord.world.path().join("policies"), ROWS, LOCK);
    let api = discord.world.opened.role(Role::Api).await.unwrap();
    let channel =
        Target { platform: Platform::Discord, tenant: Tenant::new("9001"), channel: DEPLOYS.to_owned() };
    let deploys = Destination { v: Version, name: "deploys".to_owned(), targets: vec![channel] };
    destination::store(&api, &deploys).await.unwrap();
    let service = discord.world.opened.role(Role::Demo).await.unwrap();
    (discord, service)
}

/// What the service says, so many seconds after the first.
async fn say(service: &Bus, id: &str, after: i64, text: &str, action: Option<NoticeAction>) {
    let announcement = Announcement {
        v: Version,
        id: id.to_owned(),
        destination: "deploys".to_owned(),
        message: Message {
            text: text.to_owned(),
            title: Some("Deployment of web".to_owned()),
            severity: Severity::Warning,
            fields: vec![Field { label: "version".to_owned(), value: "1.2.3".to_owned() }],
            links: Vec::new(),
            matter: action.map(|action| Matter { key: "web".to_owned(), action }),
        },
        sent_at: Timestamp::now() - SignedDuration::from_secs(30) + SignedDuration::from_secs(after),
    };
    let origin = Origin::new(Platform::Service, &Tenant::new("deployments"));
    let payload = wire::encode("announcement", &announcement).unwrap();
    let under = format!("{id}-{after}");
    assert_eq!(service.outbox.submit(&origin, &under, payload).await.unwrap(), Accepted::New);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matter_changes_one_message_until_it_is_resolved_below_it() {
    let (discord, service) = world().await;
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    use NoticeAction::{Resolve, Trigger, Update};
    // Discord takes it and does not say so: it is one message all the same.
    discord.fake.faults().next("POST /channels/{channel_id}/messages", RestFault::DoneThen500);
    say(&service, "1", 0, "begins @everyone", Some(Trigger)).await;
    let message = discord.message(DEPLOYS, "begins").await;
    for text in ["Deployment of web", "1.2.3", "from svc:deployments"] {
        assert!(message.texts().contains(text), "{text}: {}", message.texts());
    }
    say(&service, "2", 1, "is half way", Some(Update)).await;
    assert_eq!(discord.message(DEPLOYS, "is half way").await.id, message.id);
    say(&service, "3", 2, "is over", Some(Resolve)).await;
    let found = |fake: &adjutant_fakes::discord::FakeDiscord| {
        let all = fake.messages(DEPLOYS);
        let below =
            |one: &&adjutant_fakes::discord::Posted| one.reference.as_deref() == Some(message.id.as_str());
        (all.iter().any(|one| below(&one) && one.texts().contains("is over"))
            && all[0].texts().contains("is over"))
        .then_some(())
    };
    discord.fake.until("its end, in place and below", super::world::SLOW, found).await;
    // What comes too late changes nothing; the same matter again is a new message, and one that was deleted is posted again.
    say(&service, "late", 1, "comes late", Some(Update)).await;
    say(&service, "anew", 7, "begins anew", Some(Trigger)).await;
    let anew = discord.message(DEPLOYS, "begins anew").await;
    assert_ne!(anew.id, message.id);
    let gone = RestFault::Error { status: 404, code: 10_008, message: "Unknown Message" };
    discord.fake.faults().next("PATCH /channels/{channel_id}/messages/{message_id}", gone);
    say(&service, "gone", 8, "goes on elsewhere", Some(Update)).await;
    assert_ne!(discord.message(DEPLOYS, "goes on elsewhere").await.id, anew.id);
    assert!(discord.fake.messages(DEPLOYS).iter().all(|one| !one.texts().contains("comes late")));
    // A person says something too.
    discord.fake.say(ADA, RANDOM, "<@8002> notify deploys the lights are on");
    discord.message(DEPLOYS, "the lights are on").await;
    discord.assert_no_violations();
    discord.stop().await;
}
