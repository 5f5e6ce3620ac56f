//! Names are labels, ids decide: the ways to cheat with groups, and who carries which reserved name.

use adjutant_bus::actor::{GroupId, Membership, Platform, Standing, Tenant};

use super::world::{BASE, MODEL, World, actor, decide};

const LOCK: &str = "slack:T0ACME/S0ENG, Engineering, Engineering\nslack:T0ACME/S0CON, Contractors, Contractors\n\
                    slack:T0ACME/S0TMP, Temps, Temps\ndiscord:9001/7001, Engineering, Engineering\nsvc:keds, svc:keds, KEDS\n";

async fn groups(
    platform: Platform,
    tenant: &str,
    user: &str,
    standing: Standing,
    ids: &[(Platform, &str, &str)],
) -> Vec<String> {
    let gate = World::with(BASE, MODEL, LOCK).gate().await;
    let ids = ids
        .iter()
        .map(|(platform, tenant, group)| GroupId::new(*platform, &Tenant::new(*tenant), group))
        .collect();
    gate.caller(&actor(platform, tenant, user, standing), &Membership::known(ids)).groups()
}

#[tokio::test]
async fn only_the_locked_id_at_its_own_home_counts() {
    use Platform::{Discord, Slack};
    use Standing::Member;
    let engineer = groups(Slack, "T0ACME", "U1", Member, &[(Slack, "T0ACME", "S0ENG")]).await;
    assert_eq!(engineer, ["Engineering", "everyone"]);
    assert_eq!(
        groups(Discord, "9001", "3", Member, &[(Discord, "9001", "7001")]).await,
        ["Engineering", "everyone"]
    );
    // A role of the same id or name in somebody else's guild, a locked id claimed from elsewhere, a group made later.
    assert_eq!(groups(Discord, "6666", "3", Member, &[(Discord, "6666", "7001")]).await, ["external"]);
    assert_eq!(groups(Discord, "6666", "3", Member, &[(Discord, "9001", "7001")]).await, ["external"]);
    assert_eq!(groups(Slack, "T0ACME", "U1", Member, &[(Discord, "9001", "7001")]).await, ["everyone"]);
    assert_eq!(groups(Slack, "T0ACME", "U1", Member, &[(Slack, "T0ACME", "S0FAKE")]).await, ["everyone"]);
    assert_eq!(
        groups(Slack, "T0ACME", "Engineering", Member, &[(Slack, "T0ACME", "Engineering")]).await,
        ["everyone"]
    );
    // Whoever is in Temps is in Contractors, for its denies too.
    let temp = groups(Slack, "T0ACME", "U1", Member, &[(Slack, "T0ACME", "S0TMP")]).await;
    assert_eq!(temp, ["Contractors", "Temps", "everyone"]);
}

#[tokio::test]
async fn what_the_platform_says_of_a_user_goes_before_their_groups() {
    use Platform::{Api, Discord, Service, Slack};
    let eng = [(Slack, "T0ACME", "S0ENG")];
    assert_eq!(groups(Slack, "T0ACME", "U1", Standing::Guest, &eng).await, ["guests"]);
    assert_eq!(groups(Slack, "T0ACME", "U1", Standing::External, &eng).await, ["external"]);
    assert_eq!(groups(Slack, "T6666", "U1", Standing::Member, &eng).await, ["external"]);
    assert_eq!(groups(Discord, "dm", "3", Standing::Member, &[]).await, ["external"]);
    assert_eq!(groups(Slack, "T0ACME", "B1", Standing::Bot, &eng).await, [""; 0]);
    assert_eq!(groups(Slack, "T0ACME", "U1", Standing::Deactivated, &eng).await, [""; 0]);
    assert_eq!(groups(Api, "key1", "keds", Standing::Service, &eng).await, ["svc:keds"]);
    assert_eq!(groups(Service, "keds", "keds", Standing::Service, &[]).await, ["svc:keds"]);
    assert_eq!(groups(Api, "key1", "unlocked", Standing::Service, &[]).await, [""; 0]);
}

#[tokio::test]
async fn a_lookup_that_failed_gives_no_groups_at_all() {
    let gate = World::with(BASE, MODEL, LOCK).gate().await;
    let unknown = Membership::Unknown { reason: "time-out".to_owned() };
    let caller = gate.caller(&actor(Platform::Slack, "T0ACME", "U1", Standing::Member), &unknown);
    assert_eq!(caller.groups(), [""; 0]);
    assert!(!decide(&gate, &caller, "deploy.promote").authorization.allowed);
}
