//! Who somebody is, from the configuration, through the real clients and strict fakes of both platforms.

use adjutant_fakes::{
    discord::{FakeDiscord, World as Guild},
    slack::{FakeSlack, World as Workspace},
};

use super::*;
use crate::config;

async fn world() -> (FakeSlack, FakeDiscord, Config) {
    let (slack, discord) =
        (FakeSlack::start(Workspace::standard()).await, FakeDiscord::start(Guild::default()).await);
    let settings = [
        ("SLACK__BOT_TOKEN", "xoxb-test-0".to_owned()),
        ("SLACK__API_URL", slack.api_url()),
        ("DISCORD__BOT_TOKEN", discord.world().bot_token.clone()),
        ("DISCORD__API_URL", discord.api_url()),
        ("DISCORD__TRUSTED_GUILDS", "9001".to_owned()),
        ("POLICY__TRUSTED_HOMES", "slack:T0ACME,slack:T0GONE,console:local".to_owned()),
    ];
    let settings = settings.map(|(name, value)| (format!("ADJUTANT_{name}"), value));
    let loaded = config::load(None, settings, Vec::new()).unwrap();
    (slack, discord, loaded.config)
}

#[tokio::test]
async fn somebody_is_found_wherever_they_are_at_home() {
    let (_slack, _discord, config) = world().await;
    let known = async |who: &str| {
        let (actor, membership) = member(&config, who).await.unwrap();
        let Membership::Known { groups, .. } = membership else { panic!("{who}: {membership:?}") };
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        (actor.to_string(), actor.standing, groups.join(" "))
    };
    let is = |who: &str, standing, groups: &str| (who.to_owned(), standing, groups.to_owned());
    assert_eq!(
        known("slack:T0ACME/U0ANA").await,
        is("slack:T0ACME/U0ANA", Standing::Member, "slack:T0ACME/S0ENG")
    );
    assert_eq!(
        known("discord:9001/4001").await,
        is("discord:9001/4001", Standing::Member, "discord:9001/7001")
    );
    assert_eq!(
        known("console:local/pat").await,
        is("console:local/pat", Standing::Member, "console:local/Product")
    );
    assert_eq!(known("svc:ci").await, is("service:ci/ci", Standing::Service, ""));
    // People of homes that are not trusted are strangers, and nobody is asked about them.
    for stranger in ["slack:T0EVIL/U0ANA", "discord:6666/4001", "discord:dm/4001"] {
        assert_eq!(known(stranger).await, is(stranger, Standing::External, ""));
    }
}

#[tokio::test]
async fn who_cannot_be_found_is_told_why() {
    let (_slack, _discord, config) = world().await;
    for (who, why) in [
        ("slack:T0ACME/U0NONE", "knows no user"),
        ("discord:9001/999", "knows no member"),
        ("slack:T0GONE/U1", "no token in slack.bot_token is for it"),
        ("console:local/eve", "knows no `eve`"),
        ("console:other/ana", "knows no `ana`"),
        ("api:key1/ci", "is written svc:<name>"),
        ("U0ANA", "is nobody: write slack:T0ACME/U1"),
        ("slack:/U1", "is nobody"),
        ("teams:T1/U1", "is nobody"),
        ("slack:T0ACME/U0ANA/x", "is nobody"),
        ("svc:", "is nobody"),
    ] {
        let told = member(&config, who).await.unwrap_err();
        assert!(told.contains(why), "{who}: {told}");
    }
}

#[tokio::test]
async fn homes_without_a_token_are_told_apart_from_homes_that_answer() {
    let (_slack, _discord, config) = world().await;
    let told = Directory::open(&config).await.ask(&BTreeSet::new()).await;
    let homes: Vec<String> = told.listings.iter().map(adjutant_bus::directory::Listing::home).collect();
    assert_eq!(homes, ["slack:T0ACME", "discord:9001"]);
    assert_eq!(told.unasked.keys().collect::<Vec<_>>(), ["slack:T0GONE"]);
}
