//! `adjutant doctor` on a whole installation: all green when it is healthy; then one thing after another goes wrong, and each is
//! named with what to do.

mod world;

use std::os::unix::fs::PermissionsExt;

use adjutant_servers::Postgres;

use self::world::{Healthy, Told, silent, unused_port};
use super::world::SOON;

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_installation_is_all_green_and_says_no_secret() {
    let site = Healthy::new().await;
    let told = site.green().await;
    assert_eq!(told.status, 0, "{}", told.out);
    let parts = [
        "config", "disk", "bus", "versions", "clock", "database", "record", "policy", "commands", "slack",
        "discord",
    ];
    assert_eq!(told.parts(), parts);
    let clocks = ["clock of the bus", "clock of Slack", "clock of Discord"];
    assert!(clocks.iter().all(|clock| told.found(clock).contains("within 5 s")), "{}", told.out);
    for (what, found) in [
        ("server", "nats-server of a running Adjutant"),
        ("streams and buckets", "13, as set-up makes them"),
        ("consumers", "8, as set-up makes them"),
        (
            "replicas",
            "1 worker, 1 replica of the API, 1 replica of the Slack gateway, 1 replica of the Discord gateway",
        ),
        ("tables", "as this program has them"),
        ("pepper", "the one that the keys were made with"),
        ("copy of the journal", "goes on"),
        ("policy tests", "they pass"),
        ("services", "counting 1.0.0 (7 commands)"),
        ("commands in policy", "all are offered"),
        ("scopes", "that are needed"),
        ("commands", "registered, as the catalogue is"),
    ] {
        assert!(told.found(what).contains(found), "{what}: {}", told.out);
    }

    let table = site.doctor(&[]).await;
    assert_eq!(table.status, 0);
    assert!(table.out.contains("checks: all is well."), "{}", table.out);
    assert!(table.out.lines().all(|line| line.chars().count() <= 120), "{}", table.out);
    let marks = |mark: &str| table.out.lines().filter(|line| line.trim_start().starts_with(mark)).count();
    assert_eq!(marks("ok ") + marks("- "), told.all().len(), "the same findings: {}", table.out);
    let passwords = site.passwords();
    assert!(passwords.len() > 5);
    for secret in
        passwords.iter().map(String::as_str).chain(["xoxb-test-0", "xapp-test-0", &site.discord_token()])
    {
        assert!(!table.out.contains(secret) && !told.out.contains(secret), "{secret}");
    }

    let one = site.json(&["bus", "policy"]).await;
    assert_eq!(one.parts(), ["bus", "policy"]);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_at_the_platforms_is_named() {
    let site = Healthy::new().await;
    site.green().await;

    site.slack.faults().clock = 60;
    let skewed = site.json(&["clock"]).await;
    assert_eq!(skewed.status, 0, "a warning: {}", skewed.out);
    assert!(skewed.found("clock of Slack").contains("s behind Slack's"), "{}", skewed.out);
    site.slack.faults().clock = -600;
    let skewed = site.json(&["clock"]).await;
    skewed.fails("clock of Slack", "s ahead of Slack's", "NTP");
    site.slack.faults().clock = 0;

    site.slack.world().scopes.remove("usergroups:read");
    site.json(&[]).await.fails("scopes", "usergroups:read", "install the app again");
    site.slack.world().scopes.insert("usergroups:read".to_owned());
    site.slack.world().scopes.remove("files:write");
    site.json(&[]).await.warns("scopes", "files:write", "install the app again");
    site.slack.world().scopes.insert("files:write".to_owned());

    let mut other = site.command(&["discord", "--json"]);
    other.env("ADJUTANT_DISCORD__COMMANDS", "guilds");
    Told::of(other).await.warns("commands", "too many: ", "registers them within seconds");
    let mut untrusting = site.command(&["--json"]);
    untrusting.env("ADJUTANT_POLICY__TRUSTED_HOMES", "console:local");
    let untrusting = Told::of(untrusting).await;
    assert!(untrusting.found("trusted homes").contains("none on Slack"), "{}", untrusting.out);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_on_the_bus_is_named() {
    let site = Healthy::new().await;
    site.green().await;

    let wrong = site.on_server("worker", "wrong").await;
    wrong.fails("server", "does not let us in as user `worker`", "bus.password_file");
    // One thing is wrong, and the others say that they were not looked at.
    let fatal = wrong.all().iter().filter(|finding| finding["fatal"] == true).count();
    assert_eq!((fatal, wrong.status), (1, 1), "{}", wrong.out);
    assert!(wrong.found("replicas").starts_with("not looked at"), "{}", wrong.out);
    assert!(!wrong.out.contains("authorization token"));

    let worker = site.on_server("worker", &site.password("worker")).await;
    assert_eq!(worker.status, 0, "{}", worker.out);
    assert!(worker.found("consumers").contains("may not look at 6 more"), "{}", worker.out);
    assert!(worker.found("replicas").contains("1 worker"), "{}", worker.out);

    let bare = site.admin("STREAM.INFO.DEAD", "").await;
    assert!(bare.contains("DEAD"), "{bare}");
    site.admin("STREAM.DELETE.DEAD", "").await;
    let missing = site.json(&["bus"]).await;
    missing.fails("stream DEAD", "it is not there", "adjutant bus setup");

    let consumer = site.admin("CONSUMER.INFO.COMMANDS.workers", "").await;
    let mut info: serde_json::Value = serde_json::from_str(&consumer).unwrap();
    info["config"]["ack_wait"] = 60_000_000_000_u64.into();
    let update =
        serde_json::json!({ "stream_name": "COMMANDS", "config": info["config"], "action": "update" });
    let updated = site.admin("CONSUMER.CREATE.COMMANDS.workers.adjutant.v1.cmd.>", &update.to_string()).await;
    assert!(!updated.contains("\"error\""), "{updated}");
    let other = site.json(&["bus"]).await;
    other.warns("consumer workers of stream COMMANDS", "ack_wait is 60s, wanted 2s", "bus.lease_seconds");

    site.publish("adjutant.v1.say.api.nobody", "{}").await;
    let untaken = site.json(&["bus"]).await;
    untaken.warns("messages nobody takes", "1 on adjutant.v1.say.api.nobody", "nats");

    site.without_worker().await.fails("replicas", "commands do not run", "adjutant worker");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_is_away_or_silent_or_has_nothing_on_it_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let on = |url: String| {
        let mut command = world::program(dir.path(), &["doctor", "--json", "--bus", &url]);
        command.env("ADJUTANT_DEMO__ENABLED", "false");
        command
    };
    let away = Told::of(on(format!("nats://127.0.0.1:{}", unused_port()))).await;
    away.fails("server", "cannot be reached", "Start the server, or correct bus.url");
    // It takes the connection and says nothing.
    let (address, _listening) = silent().await;
    let hangs = tokio::time::timeout(SOON, Told::of(on(format!("nats://{address}")))).await.unwrap();
    hangs.fails("server", "cannot be reached: no answer", "Start the server");
    let mut slack = on("memory:".to_owned());
    slack
        .env("ADJUTANT_SLACK__BOT_TOKEN", "xoxb-test-0")
        .env("ADJUTANT_SLACK__APP_TOKEN", "xapp-test-0")
        .env("ADJUTANT_SLACK__API_URL", format!("http://{address}/api"))
        .env("ADJUTANT_API__DATABASE", format!("postgres://ada:hunter22@{address}/adjutant"));
    let hangs = tokio::time::timeout(SOON, Told::of(slack)).await.unwrap();
    hangs.fails("bot token", "Slack cannot be reached", "slack.api_url");
    hangs.fails("database", "PostgreSQL at 127.0.0.1 cannot be opened", "api.database");
    assert!(!hangs.out.contains("hunter22"), "{}", hangs.out);
    assert!(hangs.found("server").starts_with("in memory"), "{}", hangs.out);
    assert_eq!(hangs.found("Discord"), "not configured");

    let (server, _running) = world::limited_server(dir.path()).await;
    let empty = Told::of(on(server)).await;
    empty.fails("stream JOURNAL", "it is not there", "adjutant bus setup");
    empty.warns("JetStream", "of 64 MiB in use; the streams may come to hold 5.5 GiB", "max_file");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_on_this_machine_is_named() {
    let site = Healthy::new().await;
    site.green().await;

    let mut unreadable = site.command(&["--json"]);
    unreadable.env("ADJUTANT_SLACK__SIGNING_SECRET_FILE", "/nowhere/secret").env("ADJUTANT_BUS__URRL", "x");
    let told = Told::of(unreadable).await;
    told.fails(
        "slack.signing_secret_file in ADJUTANT_SLACK__SIGNING_SECRET_FILE",
        "cannot be read",
        "permissions",
    );
    told.fails("bus.urrl in ADJUTANT_BUS__URRL", "is not a key", "bus.url");

    let secret = site.path().join("secret");
    std::fs::write(&secret, "c0ffee").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut open = site.command(&["config", "--json"]);
    open.env("ADJUTANT_SLACK__SIGNING_SECRET_FILE", &secret);
    let told = Told::of(open).await;
    told.warns("slack.signing_secret_file", "everybody on this machine may read", "chmod o-rwx");
    assert!(!told.out.contains("c0ffee"));

    let mut pepper = site.command(&["database", "--json"]);
    pepper.env("ADJUTANT_API__PEPPER", "ab".repeat(32));
    Told::of(pepper).await.fails("pepper", "not the one that the keys were made with", "api.pepper");
    let mut key = site.command(&["record", "--json"]);
    key.env("ADJUTANT_AUDIT__SIGNING_KEY", "too short");
    Told::of(key).await.fails("signing key", "64 hexadecimal digits", "audit.signing_key");

    let policy = site.path().join("policies/policy.csv");
    let rows = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, format!("{rows}p, everyone, *, ping, run, allow\n")).unwrap();
    site.json(&[]).await.fails("policy", "does not load: policy.csv:", "adjutant policy check");
    std::fs::write(&policy, format!("{rows}p, everyone, *, release.cut, run, *, allow\n")).unwrap();
    site.json(&["commands"]).await.warns("commands in policy", "release.cut", "Start the services");
    std::fs::write(&policy, rows).unwrap();

    site.of_a_newer_program();
    site.json(&["database"]).await.fails("tables", "of a newer program", "Run the newer program");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_is_looked_at_and_its_clock_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database("doctor")).await.unwrap();
    let on = |args: &[&str]| {
        let mut command = world::program(dir.path(), &[args, &["--bus", "memory:"]].concat());
        command.env("ADJUTANT_API__DATABASE", &url);
        command
    };
    let empty = Told::of(on(&["doctor", "database", "--json"])).await;
    assert_eq!((empty.status, empty.found("tables").starts_with("none yet")), (0, true), "{}", empty.out);
    // Opening the keys brings the tables.
    assert_eq!(Told::of(on(&["keys", "services"])).await.status, 0);
    let made = Told::of(on(&["doctor", "database", "clock", "--json"])).await;
    assert_eq!(made.status, 0, "{}", made.out);
    assert!(made.found("tables").contains("as this program has them"), "{}", made.out);
    assert!(made.found("clock of the database").contains("within 5 s"), "{}", made.out);
    std::fs::remove_file(dir.path().join("pepper")).unwrap();
    let lost = Told::of(on(&["doctor", "database", "--json"])).await;
    lost.fails("pepper", "there are keys, and no pepper", "api.pepper");
    assert!(!dir.path().join("pepper").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_made_and_what_does_not_run_is_not_started() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = world::program(dir.path(), &["doctor", "--json", "--bus", "child:"]);
    child.env("ADJUTANT_BUS__NATS_SERVER", super::world::server_binary().expect("run ./dev setup"));
    let told = Told::of(child).await;
    assert_eq!(told.status, 0, "{}", told.out);
    assert!(told.found("server").starts_with("no Adjutant runs in"), "{}", told.out);
    let mut none = world::program(dir.path(), &["doctor", "--json", "--bus", "child:"]);
    none.env("ADJUTANT_BUS__NATS_SERVER", "/nowhere/nats-server");
    Told::of(none).await.fails("server", "cannot be run", "bus.nats_server");
    let usage = Told::of(world::program(dir.path(), &["doctor", "liver"])).await;
    assert_eq!(usage.status, 2);
    let made: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert!(made.is_empty(), "{made:?}");
}
