//! Names become ids: the real program asks both platforms which groups the policy means, refuses what is in doubt, and writes
//! the lock.

use std::{path::Path, process::Stdio};

use adjutant_fakes::{
    discord::{FakeDiscord, World as Guild},
    slack::{FakeSlack, World as Workspace},
};
use serde_json::{Value, json};
use tokio::process::Command;

use super::world::{SOON, write_policy};

const ROWS: &str = "\
p, everyone,    *, help,            view, *,              allow
p, Engineering, *, deploy.promote,  run,  env=production, allow
p, Product,     *, deploy.list,     view, *,              allow
p, svc:ci,      *, help,            view, *,              allow
";
const LOCK: &str = "\
# id, policy name, name when locked (rest of the line)
slack:T0ACME/S0ENG, Engineering, Engineering
# Kept by hand.
svc:ci,             svc:ci,      ci
";

struct Homes {
    dir: tempfile::TempDir,
    slack: FakeSlack,
    discord: FakeDiscord,
}

impl Homes {
    async fn new() -> Self {
        let (dir, mut workspace) = (tempfile::tempdir().unwrap(), Workspace::standard());
        workspace.rename_group("S0ENG", "Engineering");
        workspace.rename_group("S0PRD", "Product");
        let (slack, discord) =
            (FakeSlack::start(workspace).await, FakeDiscord::start(Guild::default()).await);
        discord.world().guilds.get_mut("9001").unwrap().roles.retain(|role| role.name != "Product");
        write_policy(&dir.path().join("policies"), ROWS, LOCK);
        Self { dir, slack, discord }
    }

    fn lock(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("policies/policy.lock")).unwrap()
    }

    fn write_lock(&self, text: &str) {
        std::fs::write(self.dir.path().join("policies/policy.lock"), text).unwrap();
    }

    /// Exit status, and everything that was said.
    async fn policy(&self, words: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adjutant"));
        command
            .arg("policy")
            .args(words)
            .current_dir(self.dir.path())
            .env("ADJUTANT_POLICY__TRUSTED_HOMES", "slack:T0ACME,console:local")
            .env("ADJUTANT_SLACK__BOT_TOKEN", "xoxb-test-0")
            .env("ADJUTANT_SLACK__API_URL", self.slack.api_url())
            .env("ADJUTANT_DISCORD__BOT_TOKEN", self.discord.world().bot_token.clone())
            .env("ADJUTANT_DISCORD__API_URL", self.discord.api_url())
            .env("ADJUTANT_DISCORD__TRUSTED_GUILDS", "9001")
            .stdin(Stdio::null());
        let output = tokio::time::timeout(SOON, command.output()).await.expect("it must end").unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
        assert!(
            !said.contains("xoxb-test-0") && !said.contains("discord-bot-token"),
            "a secret is shown: {said}"
        );
        (output.status.code().unwrap_or(-1), said)
    }

    fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.dir.path().join("policies")).unwrap();
        let mut names: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn assert_no_violations(&self) {
        assert_eq!((self.slack.violations(), self.discord.violations()), (Vec::new(), Vec::new()));
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_locked_on_both_platforms_and_an_impostor_needs_to_be_approved() {
    let homes = Homes::new().await;
    // New ids are told, and written only when it is asked for.
    let (status, said) = homes.policy(&["resolve"]).await;
    assert_eq!((status, homes.lock().as_str()), (1, LOCK), "{said}");
    assert!(
        said.contains("discord:9001/7001") && said.contains("NEW") && said.contains("resolve --write"),
        "{said}"
    );
    let (status, said) = homes.policy(&["resolve", "--write"]).await;
    let locked = "\
# id, policy name, name when locked (rest of the line)
slack:T0ACME/S0ENG, Engineering, Engineering
discord:9001/7001,  Engineering, Engineering
# Kept by hand.
svc:ci,             svc:ci,      ci
slack:T0ACME/S0PRD, Product,     Product
";
    assert_eq!((status, homes.lock().as_str()), (0, locked), "{said}");
    assert!(said.contains("policy.lock is written: 2 new."), "{said}");
    assert_eq!(homes.files(), ["model.conf", "policy.csv", "policy.lock"], "nothing is left behind");
    assert_eq!(homes.policy(&["resolve"]).await.0, 0);
    assert_eq!(homes.policy(&["check"]).await.0, 0, "the lock loads");

    // A group is renamed, and another takes its name.
    homes.slack.world().rename_group("S0PRD", "Old product");
    homes.slack.world().add_group("S0FAKE", "Product", &["U0SAM"], json!({}));
    for words in
        [&["resolve"][..], &["resolve", "--write"], &["resolve", "--write", "--approve", "Engineering"]]
    {
        let (status, said) = homes.policy(words).await;
        assert_eq!((status, homes.lock().as_str()), (1, locked), "{words:?}: {said}");
        let change = "slack:T0ACME/S0PRD -> slack:T0ACME/S0FAKE";
        assert!(said.contains(change) && said.contains("Approve or rename."), "{said}");
        assert!(said.contains("--approve 'Product'"), "{said}");
    }
    let (status, said) = homes.policy(&["resolve", "--json"]).await;
    let json: Value = serde_json::from_str(&said).unwrap();
    let product = json["names"].as_array().unwrap().iter().find(|name| name["name"] == "Product").unwrap();
    assert_eq!((status, &product["ids"][0]["state"]), (1, &"changed".into()));
    assert_eq!((&json["written"], &json["to_write"]), (&false.into(), &false.into()));
    let path = homes.dir.path().join("policies/policy.lock");
    let before = mode(&path);
    let (status, said) = homes.policy(&["resolve", "--write", "--approve", "Product"]).await;
    assert_eq!(
        (status, homes.lock()),
        (0, locked.replace("S0PRD, Product,     ", "S0FAKE, Product,    ")),
        "{said}"
    );
    assert_eq!(mode(&path), before);
    homes.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_doubt_is_refused_and_nothing_is_written() {
    let homes = Homes::new().await;
    homes.write_lock("svc:ci, svc:ci, ci\n");
    homes.slack.world().groups.clear();
    {
        let mut world = homes.discord.world();
        world.add_role("9001", "7005", "Engineering", json!({}));
        world.add_role(
            "9001",
            "7006",
            "Product",
            json!({ "managed": true, "tags": { "premium_subscriber": null } }),
        );
        world.add_guild("6666", "Evil", &[("7777", "Engineering")], "5666");
    }
    let (status, said) = homes.policy(&["resolve", "--write"]).await;
    assert_eq!((status, homes.lock().as_str()), (1, "svc:ci, svc:ci, ci\n"), "{said}");
    assert!(said.contains("two groups of that name in discord:9001 (7001, 7005)"), "{said}");
    assert!(said.contains("members get it by boosting the server"), "{said}");
    assert!(
        !said.contains("6666") && !said.contains("7777"),
        "nobody asks a guild that is not trusted: {said}"
    );

    // A line about a foreign guild, a disabled group, one of another organization, a look-alike.
    homes.write_lock("discord:6666/7777, Engineering, Engineering\nsvc:ci, svc:ci, ci\n");
    let (status, said) = homes.policy(&["resolve", "--write"]).await;
    assert!(status == 1 && said.contains("`discord:6666` is not among the trusted homes"), "{said}");
    homes.write_lock("svc:ci, svc:ci, ci\n");
    homes.discord.world().guilds.get_mut("9001").unwrap().roles.truncate(1);
    homes.slack.world().add_group("S1", "Engineering", &[], json!({ "date_delete": 1_700_000_000 }));
    homes.slack.world().add_group("S2", "Product", &[], json!({ "is_external": true }));
    let (status, said) = homes.policy(&["resolve", "--write"]).await;
    assert!(
        status == 1 && said.contains("it is disabled") && said.contains("another organization"),
        "{said}"
    );
    homes.slack.world().groups.clear();
    homes.slack.world().add_group("S3", "Еngineering", &[], json!({}));
    let (status, said) = homes.policy(&["resolve", "--write"]).await;
    assert!(status == 1 && said.contains("slack:T0ACME/S3 looks alike") && said.contains("U+0415"), "{said}");
    assert_eq!(homes.lock(), "svc:ci, svc:ci, ci\n");

    // A home that does not answer is no home without groups.
    homes
        .slack
        .faults()
        .always("usergroups.list", Some(adjutant_fakes::slack::Fault::Error("internal_error")));
    let (status, said) = homes.policy(&["resolve", "--write"]).await;
    assert!(status == 1 && said.contains("slack:T0ACME could not be asked"), "{said}");
    homes.discord.world().bot_token = "another".to_owned();
    let (status, said) = homes.policy(&["resolve", "--json"]).await;
    assert_eq!(status, 2, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_who_can_hand_out_what_the_policy_rests_on() {
    let homes = Homes::new().await;
    homes.write_lock(
        "slack:T0ACME/S0ENG, Engineering, Engineering\ndiscord:9001/7001, Engineering, Engineering\n\
         slack:T0ACME/S0PRD, Product, Product\nsvc:ci, svc:ci, ci\n",
    );
    {
        let mut world = homes.discord.world();
        world.add_role("9001", "7010", "Moderators", json!({ "position": 9, "permissions": "268435456" }));
        world.join("4002", "9001", &["7010"]);
    }
    homes.slack.world().groups[0].more = json!({ "name": "Engineering", "is_editing_restricted": false });
    homes.slack.world().groups[1].more = json!({ "name": "Product", "is_membership_locked": true });
    let (status, said) = homes.policy(&["doctor"]).await;
    assert_eq!(status, 1);
    for told in [
        "slack:T0ACME lets every member edit Engineering",
        "gus (guest)",
        "Server Members Intent",
        "roles and stands above it: Moderators (line 2)",
        "all 3 locked ids exist",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    homes.discord.world().disallowed_intents = 0;
    let (_, said) = homes.policy(&["doctor"]).await;
    assert!(
        said.contains(
            "discord:9001/7001 Engineering can be handed out by 1 person with Manage Roles: @Ben (line 2)"
        ),
        "{said}"
    );
    assert!(said.contains("robot (bot)"), "{said}");

    // Made good, it says so.
    {
        let mut world = homes.discord.world();
        world.join("4002", "9001", &[]);
        world.join("4004", "9001", &[]);
        let mut workspace = homes.slack.world();
        workspace.groups[0].users = vec!["U0ANA".to_owned()];
        workspace.groups[0].more = json!({ "name": "Engineering", "is_editing_restricted": true });
    }
    let (status, said) = homes.policy(&["doctor"]).await;
    let good = "all 3 locked ids exist; no guest or bot inside a group that a production row uses";
    assert!(status == 0 && said.contains(good), "{said}");

    homes.slack.world().groups.remove(1);
    let (status, said) = homes.policy(&["doctor", "--json"]).await;
    let json: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &json["checks"][0]["code"]), (1, &"stale-id".into()));
    assert_eq!(json["checks"][0]["lines"], json!([3]));
    homes.assert_no_violations();
}
