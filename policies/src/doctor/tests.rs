//! Each finding, and that a clean home has none.

use adjutant_bus::{
    actor::{Platform, Standing, Tenant},
    directory::{Keepers, Listed, Listing, Person},
};

use super::*;

const ROWS: &str = "\
p, everyone,    *, help,           view, *,              allow
p, Engineering, *, deploy.promote, run,  env=production, allow
p, Product,     *, deploy.list,    view, *,              allow
p, SRE,         *, deploy.list,    run,  env=staging,    allow
g, SRE, Engineering
";
const LOCK: &str = "\
slack:T0ACME/S0ENG, Engineering, Engineering
slack:T0ACME/S0PRD, Product, Product
discord:9001/7001, SRE, SRE
";

fn vocabulary() -> Vocabulary {
    Vocabulary {
        commands: ["help", "deploy.promote", "deploy.list"].map(str::to_owned).into(),
        context: BTreeMap::from([(
            "env".to_owned(),
            ["none", "staging", "production"].map(str::to_owned).to_vec(),
        )]),
        binds: BTreeMap::from([
            ("help".to_owned(), BTreeSet::new()),
            ("deploy.promote".to_owned(), BTreeSet::from(["env".to_owned()])),
            ("deploy.list".to_owned(), BTreeSet::from(["env".to_owned()])),
        ]),
        trusted_homes: ["slack:T0ACME", "discord:9001"].map(str::to_owned).to_vec(),
    }
}

fn person(label: &str, standing: Standing) -> Person {
    Person { id: format!("U{label}"), label: label.to_owned(), standing: Some(standing) }
}

fn group(id: &str, name: &str, members: &[Person], keepers: Keepers) -> Listed {
    Listed {
        id: serde_json::from_value(id.into()).unwrap(),
        name: name.to_owned(),
        problem: None,
        members: Some(members.to_vec()),
        keepers: Some(keepers),
    }
}

/// Both homes as they should be.
fn good() -> Vec<Listing> {
    let ana = [person("ana", Standing::Member)];
    let listing = |platform, tenant: &str, groups| Listing {
        platform,
        tenant: Tenant::new(tenant),
        name: "Acme".to_owned(),
        groups,
        untold: Vec::new(),
    };
    vec![
        listing(
            Platform::Slack,
            "T0ACME",
            vec![
                group("slack:T0ACME/S0ENG", "Engineering", &ana, Keepers::Administrators),
                group("slack:T0ACME/S0PRD", "Product", &ana, Keepers::Provider),
            ],
        ),
        listing(
            Platform::Discord,
            "9001",
            vec![group("discord:9001/7001", "SRE", &ana, Keepers::People { people: Vec::new() })],
        ),
    ]
}

fn report(lock: &str, told: &Told) -> Report {
    let files =
        Files { policy: ROWS.as_bytes().to_vec(), lock: lock.as_bytes().to_vec(), ..Files::shipped() };
    doctor(&files, &vocabulary(), told).unwrap()
}

fn changed(change: impl FnOnce(&mut Vec<Listing>)) -> Report {
    let mut listings = good();
    change(&mut listings);
    report(LOCK, &Told { listings, unasked: BTreeMap::new() })
}

#[test]
fn a_good_home_is_told_to_be_good() {
    let report = changed(|_| {});
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        report.to_string(),
        "ok       all 3 locked ids exist; no guest or bot inside a group that a production row uses\n"
    );
}

#[test]
fn everything_that_is_not_as_it_should_be_is_told_with_the_lines_that_rest_on_it() {
    let report = changed(|listings| {
        let [slack, discord] = listings.as_mut_slice() else { panic!() };
        slack.groups[0].name = "Eng".to_owned();
        slack.groups[0].members = Some(vec![
            person("ana", Standing::Member),
            person("gus", Standing::Guest),
            person("robot", Standing::Bot),
            person("del", Standing::Deactivated),
            Person { id: "U0UNKNOWN".to_owned(), label: String::new(), standing: None },
        ]);
        slack.groups[0].keepers = Some(Keepers::Everyone);
        slack.groups[1].members = Some(Vec::new());
        slack.groups[1].keepers = Some(Keepers::Untold);
        slack.groups.push(group("slack:T0ACME/S0FAKE", "Engineering", &[], Keepers::Everyone));
        let people = ["bo", "cy", "di", "ed", "fi", "al"].map(|name| person(name, Standing::Member)).to_vec();
        discord.groups[0].keepers = Some(Keepers::People { people });
        discord.groups.push(group("discord:9001/7009", "SRE", &[], Keepers::Untold));
    });
    insta::assert_snapshot!(report);
    assert!(!report.is_clean());
}

#[test]
fn ids_that_are_gone_or_unfit_and_homes_that_do_not_answer_are_errors() {
    let mut listings = good();
    listings[0].groups.remove(0);
    listings[0].groups[0].problem = Some("it is disabled".to_owned());
    let unasked = BTreeMap::from([("discord:9001".to_owned(), "the bot is not in this guild".to_owned())]);
    listings.remove(1);
    let lock = LOCK.to_owned() + "discord:6666/7001, Engineering, Engineering\n";
    let report = report(&lock, &Told { listings, unasked });
    insta::assert_snapshot!(report);
}

#[test]
fn where_discord_lists_no_members_the_roles_that_can_hand_it_out_are_named() {
    let report = changed(|listings| {
        let discord = &mut listings[1];
        discord.untold.push("Discord does not list this guild's members".to_owned());
        discord.groups[0].members = None;
        discord.groups[0].keepers =
            Some(Keepers::Holders { groups: vec!["Moderators".to_owned(), "Admins".to_owned()] });
    });
    let told = report.to_string();
    assert!(
        told.contains("discord:9001/7001 SRE can be handed out by whoever has one of these roles and stands above it: Moderators, Admins (lines 2, 4)")
            && told.contains("discord:9001: Discord does not list this guild's members")
            && !told.contains("no guest or bot"),
        "{told}"
    );
}

#[test]
fn guests_matter_where_a_row_lets_somebody_touch_production() {
    let guests = |group: usize| {
        changed(|listings| listings[0].groups[group].members = Some(vec![person("gus", Standing::Guest)]))
    };
    assert!(!guests(0).is_clean());
    assert!(guests(1).is_clean(), "Product only looks");
    let row = |line: &str| {
        let files =
            Files { policy: line.as_bytes().to_vec(), lock: LOCK.as_bytes().to_vec(), ..Files::shipped() };
        let production = BTreeMap::from([("env".to_owned(), vec!["production".to_owned()])]);
        is_for_production(
            &Reading::of(&files, &vocabulary()).unwrap().rows.rows[0],
            &vocabulary(),
            &production,
        )
    };
    assert!(row("p, SRE, *, deploy.promote, run, env=staging|production, allow\n"));
    assert!(row("p, SRE, *, deploy.promote, approve, *, allow\n"));
    assert!(!row("p, SRE, *, deploy.promote, run, env=staging, allow\n"));
    assert!(!row("p, SRE, *, deploy.promote, run, env=production, deny\n"));
    assert!(!row("p, SRE, *, help, run, *, allow\n"), "help has no environment");
    assert!(row("p, SRE, *, *, run, *, allow\n") && row("p, SRE, *, backup.start, run, *, allow\n"));
}

#[test]
fn what_production_is_says_the_policy_itself() {
    let lock = &LOCK;
    let with = |settings: &str| {
        let files = Files {
            policy: ROWS.as_bytes().to_vec(),
            lock: lock.as_bytes().to_vec(),
            settings: settings.as_bytes().to_vec(),
            ..Files::shipped()
        };
        Reading::of(&files, &vocabulary()).unwrap().production
    };
    assert_eq!(with("")["env"], ["production"]);
    assert_eq!(with("[production]\nenv = [\"staging\"]\n")["env"], ["staging"]);
}
