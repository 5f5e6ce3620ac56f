//! What Discord tells people who review policy, through the real client and a strict fake of Discord.
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
use adjutant_fakes::discord::{FakeDiscord, RestFault, Scope, User, World};
use adjutant_gateway_discord::{Directory, DiscordConfig, Ingress, Registered, SocketTiming};
use serde_json::json;

const HOME: &str = "discord:9001";
const MANAGE_ROLES: &str = "268435456";
const ADMINISTRATOR: &str = "8";

async fn fake() -> FakeDiscord {
    FakeDiscord::start(World::default()).await
}

/// The fake with the members intent.
async fn open_fake() -> FakeDiscord {
    let fake = fake().await;
    fake.world().disallowed_intents = 0;
    fake
}

fn directory(fake: &FakeDiscord) -> Directory {
    let config = DiscordConfig {
        bot_token: Some(fake.world().bot_token.clone().into()),
        application_id: None,
        public_key: None,
        api_url: fake.api_url(),
        ingress: Ingress::Gateway,
        trusted_guilds: ["9001".to_owned(), "9009".to_owned()].into(),
        registered: Registered::Everywhere,
        wait: Duration::ZERO,
        name: "test".to_owned(),
        handover: Duration::from_secs(1),
        timing: SocketTiming::default(),
    };
    Directory::open(&config).map_err(|_| "a good token").unwrap()
}

fn id(role: &str) -> GroupId {
    GroupId::new(Platform::Discord, &Tenant::new("9001"), role)
}

fn found<'a>(listing: &'a Listing, role: &str) -> &'a Listed {
    listing
        .groups
        .iter()
        .find(|listed| listed.id == id(role))
        .unwrap_or_else(|| panic!("{role}: {listing:#?}"))
}

/// Moderators stand above Engineering and may manage roles; Admins may do everything and stand below it.
fn with_moderators(fake: &FakeDiscord) {
    let mut world = fake.world();
    world.add_role("9001", "7010", "Moderators", json!({ "position": 9, "permissions": MANAGE_ROLES }));
    world.add_role("9001", "7011", "Admins", json!({ "position": 0, "permissions": ADMINISTRATOR }));
    world.add_role("9001", "7012", "Choir", json!({ "position": 8 }));
    world.join("4002", "9001", &["7010"]);
    world.join("4003", "9001", &["7011"]);
    world.join("4004", "9001", &["7011", "7012", "7001"]);
    world.join("4001", "9001", &["7010", "7001"]);
}

#[tokio::test]
async fn every_role_is_listed_with_why_it_may_not_be_locked() {
    let fake = fake().await;
    {
        let mut world = fake.world();
        world.add_role(
            "9001",
            "7020",
            "Boosters",
            json!({ "managed": true, "tags": { "premium_subscriber": null } }),
        );
        world.add_role("9001", "7021", "Linked", json!({ "tags": { "guild_connections": null } }));
        world.add_role("9001", "7022", "Robot", json!({ "managed": true, "tags": { "bot_id": "4004" } }));
        world.add_role("9001", "7023", "Patrons", json!({ "managed": true, "tags": { "subscription_listing_id": "5", "available_for_purchase": null } }));
        world.add_role("9001", "7024", "Games", json!({ "flags": 1 }));
    }
    let listing = directory(&fake).list(HOME, &BTreeSet::new()).await.unwrap();
    assert_eq!((listing.home().as_str(), listing.name.as_str()), (HOME, "Acme"));
    let problem = |role| found(&listing, role).problem.as_deref().unwrap_or_default();
    assert_eq!((problem("7001"), problem("7002")), ("", ""));
    assert!(problem("9001").contains("every member has"));
    assert!(problem("7020").contains("boosting"));
    assert!(problem("7021").contains("linking an account"));
    assert!(problem("7022").contains("a bot"));
    assert!(problem("7023").contains("bought"));
    assert!(problem("7024").contains("choose it themselves"));
    assert!(fake.record().calls.iter().all(|call| call.path == "/guilds/9001"), "nobody asked for people");
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn who_can_hand_out_a_locked_role_is_told_by_name() {
    let fake = open_fake().await;
    with_moderators(&fake);
    let limited = RestFault::Limited { scope: Scope::User, retry_after: 0.2 };
    fake.faults().next("GET /guilds/{guild_id}/members", limited);
    let listing = directory(&fake).list(HOME, &[id("7001")].into()).await.unwrap();
    let engineering = found(&listing, "7001");
    let Some(Keepers::People { people }) = &engineering.keepers else { panic!("{engineering:?}") };
    // Ben by his role; Robot, who is an administrator and has a higher role too. Cal stands below, and Ada owns the guild.
    assert_eq!(people.iter().map(|person| person.shown()).collect::<Vec<_>>(), ["Ben", "robot"]);
    let members = engineering.members.as_ref().unwrap();
    let known: Vec<_> = members.iter().map(|person| (person.shown(), person.standing)).collect();
    assert_eq!(known, [("Ada", Some(Standing::Member)), ("robot", Some(Standing::Bot))]);
    assert_eq!(found(&listing, "7002").members, None, "only what is asked for");
    assert_eq!((listing.untold.as_slice(), fake.violations()), (&[][..], Vec::new()));
}

#[tokio::test]
async fn a_guild_is_looked_through_to_its_last_member() {
    let fake = open_fake().await;
    with_moderators(&fake);
    for n in 0..1_500_u64 {
        let (id, roles) = (100_000 + n, if n == 1_499 { vec!["7010"] } else { Vec::new() });
        let roles = [("9001".to_owned(), roles.into_iter().map(str::to_owned).collect())].into();
        let user = User { id: id.to_string(), name: format!("user{n}"), roles, ..User::default() };
        fake.world().users.insert(id.to_string(), user);
    }
    let listing = directory(&fake).list(HOME, &[id("7001")].into()).await.unwrap();
    let Some(Keepers::People { people }) = &found(&listing, "7001").keepers else { panic!("people") };
    assert!(people.iter().any(|person| person.shown() == "user1499"), "{people:?}");
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn without_the_members_intent_the_roles_are_named_instead_and_it_says_so() {
    let fake = fake().await;
    with_moderators(&fake);
    let listing = directory(&fake).list(HOME, &[id("7001"), id("7010")].into()).await.unwrap();
    let engineering = found(&listing, "7001");
    assert_eq!(engineering.members, None);
    let groups = vec!["Moderators".to_owned(), "Admins".to_owned()];
    assert_eq!(engineering.keepers, Some(Keepers::Holders { groups }));
    assert_eq!(
        found(&listing, "7010").keepers,
        Some(Keepers::Holders { groups: Vec::new() }),
        "nobody stands above it"
    );
    assert!(listing.untold[0].contains("Server Members Intent"), "{listing:?}");
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn somebody_is_who_discord_says_and_only_where_the_guild_is_trusted() {
    let fake = fake().await;
    {
        let mut world = fake.world();
        world.add_guild("6666", "Evil", &[("7001", "Engineering")], "5666");
        world.join("4003", "6666", &["7001"]);
        world.users.get_mut("4002").unwrap().pending = true;
        world.users.insert(
            "4009".to_owned(),
            User { id: "4009".to_owned(), name: "zed".to_owned(), ..User::default() },
        );
    }
    let directory = directory(&fake);
    let (ada, groups) = directory.member(HOME, "4001").await.unwrap();
    assert_eq!(
        (ada.to_string().as_str(), ada.label.as_str(), ada.standing),
        ("discord:9001/4001", "Ada", Standing::Member)
    );
    assert_eq!(groups, Membership::known(vec![id("7001")]));
    for (user, standing) in [("4002", Standing::External), ("4004", Standing::Bot)] {
        let (actor, groups) = directory.member(HOME, user).await.unwrap();
        assert_eq!((actor.standing, groups), (standing, Membership::known(Vec::new())), "{user}");
    }
    let (direct, groups) = directory.member("discord:dm", "4001").await.unwrap();
    assert_eq!((direct.standing, groups), (Standing::External, Membership::known(Vec::new())));
    let why = async |home: &str, user: &str| directory.member(home, user).await.unwrap_err();
    assert_eq!(why(HOME, "4009").await, "Discord knows no member 4009 of discord:9001");
    assert_eq!(why(HOME, "5").await, "Discord knows no member 5 of discord:9001");
    assert_eq!(why("discord:6666", "4003").await, "discord:6666 is not among discord.trusted_guilds");
    assert!(why(HOME, "../../users/@me").await.contains("ids are digits"));
    assert!(why("discord:9009", "4001").await.contains("the bot is not in this guild"));
    assert!(directory.list("discord:9009", &BTreeSet::new()).await.unwrap_err().contains("invite it"));
    assert!(!fake.record().calls.iter().any(|call| call.path.contains("6666")));
    assert_eq!(fake.violations(), [""; 0]);
}
