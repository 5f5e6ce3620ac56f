//! What services and people have said in channels, and how a matter changes one message.

use std::time::Duration;

use adjutant_bus::{
    actor::{Platform, Tenant},
    announcement::{Announcement, Link, Matter, Message, NoticeAction, Severity},
    destination::{self, Destination, Target},
    open::Role,
    ports::{Accepted, Bus},
    reply::Field,
    subject::Origin,
    wire::{self, Version},
};
use adjutant_fakes::slack::{FakeSlack, Fault, Posted};
use jiff::{SignedDuration, Timestamp};

use super::{super::world::write_policy, world::SlackWorld};

const ROWS: &str = "p, everyone, *, *, *, *, allow\np, svc:deployments, slack:T0ACME/*, notify, run, destination=deploys, allow\n";
const LOCK: &str = "svc:deployments, svc:deployments, Deployments\n";

async fn world() -> (SlackWorld, Bus) {
    let slack = SlackWorld::new(Duration::ZERO).await;
    write_policy(&slack.world.path().join("policies"), ROWS, LOCK);
    let api = slack.world.opened.role(Role::Api).await.unwrap();
    let channel =
        Target { platform: Platform::Slack, tenant: Tenant::new("T0ACME"), channel: "C0DEPLOY".to_owned() };
    let deploys = Destination { v: Version, name: "deploys".to_owned(), targets: vec![channel] };
    destination::store(&api, &deploys).await.unwrap();
    let service = slack.world.opened.role(Role::Demo).await.unwrap();
    (slack, service)
}

/// What the service says, so many seconds after the first.
fn said(id: &str, after: i64, text: &str, action: Option<NoticeAction>) -> Announcement {
    let begun: Timestamp = Timestamp::now() - SignedDuration::from_secs(30);
    Announcement {
        v: Version,
        id: id.to_owned(),
        destination: "deploys".to_owned(),
        message: Message {
            text: text.to_owned(),
            title: Some("Deployment of web".to_owned()),
            severity: Severity::Warning,
            fields: vec![Field { label: "version".to_owned(), value: "1.2.3".to_owned() }],
            links: vec![Link { label: "the run".to_owned(), url: "https://ci.example/7".to_owned() }],
            matter: action.map(|action| Matter { key: "web".to_owned(), action }),
        },
        sent_at: begun + SignedDuration::from_secs(after),
    }
}

/// Publishes it; `under` is what the bus knows it by, so that another one is a redelivery.
async fn announce(service: &Bus, under: &str, announcement: &Announcement) {
    let origin = Origin::new(Platform::Service, &Tenant::new("deployments"));
    let payload = wire::encode("announcement", announcement).unwrap();
    assert_eq!(service.outbox.submit(&origin, under, payload).await.unwrap(), Accepted::New);
}

fn in_channel(slack: &SlackWorld) -> Vec<Posted> {
    slack.fake.messages("C0DEPLOY").into_iter().filter(|one| one.thread.is_none()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matter_changes_one_message_until_it_is_resolved_in_its_thread() {
    let (slack, service) = world().await;
    let (_worker, _gateway) = (slack.worker("w0"), slack.gateway("g0").await);
    use NoticeAction::{Acknowledge, Resolve, Trigger, Update};

    let first = said("1", 0, "begins <!channel> *now*", Some(Trigger));
    announce(&service, "1", &first).await;
    let message = slack.answer("C0DEPLOY", None, "begins").await;
    let shown = message.all_text();
    for text in [
        "Deployment of web",
        "begins &lt;!channel&gt; *now*",
        "1.2.3",
        "the run",
        "https://ci.example/7",
        "from svc:deployments",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    for (id, after, text, action) in
        [("2", 1, "is half way", Update), ("3", 2, "is looked after by Ana", Acknowledge)]
    {
        announce(&service, id, &said(id, after, text, Some(action))).await;
        assert_eq!(slack.answer("C0DEPLOY", None, text).await.ts, message.ts);
    }
    announce(&service, "4", &said("4", 3, "is over", Some(Resolve))).await;
    slack.answer("C0DEPLOY", Some(&message.ts), "is over").await;
    assert_eq!(slack.answer("C0DEPLOY", None, "is over").await.ts, message.ts);

    // What comes again, or too late, changes nothing.
    announce(&service, "1 again", &first).await;
    announce(&service, "4 again", &said("4", 3, "is over", Some(Resolve))).await;
    announce(&service, "late", &said("late", 1, "comes late", Some(Update))).await;
    announce(&service, "closed", &said("closed", 5, "is closed already", Some(Resolve))).await;
    announce(&service, "plain", &said("plain", 6, "something else", None)).await;
    slack.answer("C0DEPLOY", None, "something else").await;
    assert_eq!(in_channel(&slack).len(), 2);
    assert_eq!(slack.fake.messages("C0DEPLOY").len(), 3);

    // The same matter again is a new message.
    announce(&service, "anew", &said("anew", 7, "begins anew", Some(Trigger))).await;
    let anew = slack.answer("C0DEPLOY", None, "begins anew").await;
    assert_ne!(anew.ts, message.ts);
    // One that was deleted is posted again.
    slack.fake.faults().next("chat.update", Fault::Error("message_not_found"));
    announce(&service, "gone", &said("gone", 8, "goes on elsewhere", Some(Update))).await;
    let elsewhere = slack.answer("C0DEPLOY", None, "goes on elsewhere").await;
    assert_ne!(elsewhere.ts, anew.ts);

    // A person says something too.
    slack.fake.mention("U0ANA", "C0GENERAL", "notify deploys the lights are on", None);
    let person = slack.answer("C0DEPLOY", None, "the lights are on").await;
    assert!(person.all_text().contains("from ana"), "{}", person.all_text());
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_was_posted_before_the_gateway_died_is_not_posted_again() {
    let (slack, service) = world().await;
    let _worker = slack.worker("w0");
    let gateway = slack.gateway("g0").await;
    // Slack posts it and its answer is lost; the gateway dies before it can look.
    slack.fake.faults().always("conversations.history", Some(Fault::Error("internal_error")));
    slack.fake.faults().next("chat.postMessage", Fault::DoneThen500);
    announce(&service, "1", &said("1", 25, "begins", Some(NoticeAction::Trigger))).await;
    let message = slack.answer("C0DEPLOY", None, "begins").await;
    drop(gateway);
    slack.fake.faults().always("conversations.history", None);
    let _gateway = slack.start_gateway("g1");
    let looked_up = |fake: &FakeSlack| {
        let record = fake.record();
        record
            .calls
            .iter()
            .find(|call| call.method == "conversations.history" && call.answer == "ok")
            .map(|_| ())
    };
    slack.fake.until("a look-up", Duration::from_secs(30), looked_up).await;
    announce(&service, "2", &said("2", 26, "goes on", Some(NoticeAction::Update))).await;
    announce(&service, "3", &said("3", 27, "last", None)).await;
    slack.answer("C0DEPLOY", None, "last").await;
    assert_eq!(slack.answer("C0DEPLOY", None, "goes on").await.ts, message.ts);
    assert_eq!(slack.fake.messages("C0DEPLOY").len(), 2);
    slack.assert_no_violations();
    slack.stop().await;
}
