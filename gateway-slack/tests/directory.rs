//! What Slack tells people who review policy, through the real client and a strict fake of Slack.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeSet, time::Duration};

use adjutant_bus::{
    actor::{GroupId, Membership, Platform, Standing, Tenant},
    directory::{Keepers, Listed, Listing},
};
use adjutant_fakes::slack::{FakeSlack, Fault, World};
use adjutant_gateway_slack::{Directory, Ingress, SlackConfig, SocketTiming};
use jiff::Timestamp;
use serde_json::json;

const HOME: &str = "slack:T0ACME";

async fn fake() -> FakeSlack {
    FakeSlack::start(World::standard()).await
}

fn config(fake: &FakeSlack, tokens: &[&str]) -> SlackConfig {
    SlackConfig {
        bot_tokens: tokens.iter().map(|token| (*token).into()).collect(),
        app_token: None,
        signing_secret: None,
        api_url: fake.api_url(),
        ingress: Ingress::Socket,
        command: "/adjutant".to_owned(),
        name: "test".to_owned(),
        handover: Duration::from_secs(1),
        timing: SocketTiming::default(),
    }
}

async fn directory(fake: &FakeSlack) -> Directory {
    Directory::open(&config(fake, &["xoxb-test-0"]), &[HOME.to_owned()])
        .await
        .map_err(|_| "a good token")
        .unwrap()
}

fn id(group: &str) -> GroupId {
    GroupId::new(Platform::Slack, &Tenant::new("T0ACME"), group)
}

fn found<'a>(listing: &'a Listing, group: &str) -> &'a Listed {
    listing
        .groups
        .iter()
        .find(|listed| listed.id == id(group))
        .unwrap_or_else(|| panic!("{group}: {listing:#?}"))
}

#[tokio::test]
async fn every_group_is_listed_with_why_it_may_not_be_locked() {
    let fake = fake().await;
    fake.world().add_group("S0FAR", "Vendors", &["U0ANA"], json!({ "is_external": true }));
    fake.world().add_group("S0OTH", "Other", &["U0ANA"], json!({ "team_id": "T0OTHER" }));
    let listing = directory(&fake).await.list(HOME, &BTreeSet::new()).await.unwrap();
    assert_eq!((listing.home().as_str(), listing.name.as_str()), (HOME, "Acme"));
    let problem = |group| found(&listing, group).problem.as_deref();
    assert_eq!(problem("S0ENG"), None);
    assert_eq!(problem("S0OLD"), Some("it is disabled"));
    assert_eq!(problem("S0FAR"), Some("it belongs to another organization"));
    assert_eq!(problem("S0OTH"), Some("it belongs to another workspace"));
    assert_eq!(found(&listing, "S0FAR").name, "Vendors");
    assert!(listing.groups.iter().all(|group| group.members.is_none() && group.keepers.is_none()));
    assert!(!fake.record().calls.iter().any(|call| call.method == "users.info"), "nobody asked for people");
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn those_that_are_looked_at_closely_tell_their_members_and_who_edits_them() {
    let fake = fake().await;
    let everyone = ["U0ANA", "U0GST", "U0ROB", "U0DEL", "U0EXT", "U0NONE"];
    fake.world().add_group("S0ALL", "All", &everyone, json!({ "is_editing_restricted": false }));
    fake.world().add_group(
        "S0IDP",
        "Idp",
        &[],
        json!({ "is_editing_restricted": false, "is_membership_locked": true }),
    );
    fake.world().add_group("S0ADM", "Admins", &[], json!({ "is_editing_restricted": true }));
    // Slack asks to wait now and then.
    fake.faults().next("users.info", Fault::Limited(1));
    let closely = ["S0ALL", "S0IDP", "S0ADM", "S0ENG"].map(id).into();
    let listing = directory(&fake).await.list(HOME, &closely).await.unwrap();
    let members = found(&listing, "S0ALL").members.clone().unwrap();
    let known: Vec<(&str, Option<Standing>)> =
        members.iter().map(|person| (person.shown(), person.standing)).collect();
    assert_eq!(
        known,
        [
            ("ana", Some(Standing::Member)),
            ("del", Some(Standing::Deactivated)),
            ("eve", Some(Standing::External)),
            ("gus", Some(Standing::Guest)),
            ("U0NONE", None),
            ("robot", Some(Standing::Bot)),
        ]
    );
    let keepers = |group| found(&listing, group).keepers.clone().unwrap();
    assert_eq!(keepers("S0ALL"), Keepers::Everyone);
    assert_eq!(keepers("S0IDP"), Keepers::Provider);
    assert_eq!(keepers("S0ADM"), Keepers::Administrators);
    assert_eq!(keepers("S0ENG"), Keepers::Untold);
    assert_eq!(found(&listing, "S0PRD").members, None, "only what is asked for");
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn somebody_is_who_slack_says_and_in_the_groups_that_give_rights() {
    let fake = fake().await;
    fake.world().add_group("S0FAR", "Vendors", &["U0ANA"], json!({ "is_external": true }));
    fake.world().add_group("S0OFF", "Off", &["U0ANA"], json!({ "date_delete": 1_700_000_000 }));
    let directory = directory(&fake).await;
    let begun = Timestamp::now();
    let member = async |user: &str| directory.member(HOME, user).await;
    let (ana, groups) = member("U0ANA").await.unwrap();
    assert_eq!(
        (ana.to_string().as_str(), ana.label.as_str(), ana.standing),
        ("slack:T0ACME/U0ANA", "ana", Standing::Member)
    );
    let Membership::Known { groups, as_of: Some(as_of) } = groups else { panic!("{groups:?}") };
    assert_eq!(groups, [id("S0ENG")]);
    assert!(begun <= as_of && as_of <= Timestamp::now(), "it is told when Slack said so: {as_of}");
    assert_eq!(member("U0GST").await.unwrap().0.standing, Standing::Guest);
    for (user, standing) in
        [("U0EXT", Standing::External), ("U0ROB", Standing::Bot), ("U0DEL", Standing::Deactivated)]
    {
        let (actor, groups) = member(user).await.unwrap();
        assert_eq!((actor.standing, groups), (standing, Membership::known(Vec::new())), "{user}");
    }
    assert_eq!(member("U0NONE").await.unwrap_err(), "Slack knows no user U0NONE in slack:T0ACME");
    assert!(member("ana&x=1").await.unwrap_err().contains("no id of a Slack user"));
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn groups_that_slack_does_not_tell_are_no_groups_not_the_old_ones() {
    let fake = fake().await;
    fake.faults().always("usergroups.list", Some(Fault::Error("internal_error")));
    let (_, groups) = directory(&fake).await.member(HOME, "U0ANA").await.unwrap();
    assert!(
        matches!(&groups, Membership::Unknown { reason } if reason.contains("which user groups")),
        "{groups:?}"
    );
    let listed = directory(&fake).await.list(HOME, &BTreeSet::new()).await;
    assert_eq!(listed.unwrap_err(), "Slack did not answer: internal_error");
    fake.faults().always("usergroups.list", None);
    fake.world().no_groups = true;
    let listing = directory(&fake).await.list(HOME, &BTreeSet::new()).await.unwrap();
    assert!(
        listing.groups.is_empty() && listing.untold[0].contains("plan has no user groups"),
        "{listing:?}"
    );
}

#[tokio::test]
async fn only_trusted_homes_are_asked() {
    let fake = fake().await;
    let other = ("xoxb-test-1".to_owned(), "T0OTHER".to_owned(), "Other".to_owned());
    fake.world().others.push(other);
    let both = config(&fake, &["xoxb-test-0", "xoxb-test-1"]);
    let directory = Directory::open(&both, &[HOME.to_owned()]).await.map_err(|_| "good tokens").unwrap();
    assert_eq!(directory.homes(), [HOME]);
    let why = directory.list("slack:T0OTHER", &BTreeSet::new()).await.unwrap_err();
    assert_eq!(why, "no token in slack.bot_token is for slack:T0OTHER");
    assert!(directory.member("slack:T0OTHER", "U0ANA").await.is_err());
    assert!(fake.record().calls.iter().all(|call| call.method == "auth.test"));
    let wrong = Directory::open(&config(&fake, &["xoxb-wrong"]), &[HOME.to_owned()]).await;
    let findings = wrong.err().unwrap();
    assert!(findings[0].found.contains("invalid_auth") && !findings[0].fix.is_empty(), "{findings:?}");
}
