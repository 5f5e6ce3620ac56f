//! The users of a server that runs are changed as docs/nats.md says: made anew by `adjutant bus users`, and read by
//! `nats-server --signal reload`, while roles go on.

use std::{path::Path, time::Duration};

use adjutant_servers::Nats;

use super::{
    super::world::SOON,
    login::make_users,
    raw::Raw,
    world::{Installation, binary, text},
};

const BEFORE: [&str; 6] = ["--passwords", "bcrypt", "--service", "leaving=leaving", "--service", "ci=ci"];
const AFTER: [&str; 6] = ["--passwords", "bcrypt", "--service", "new=new", "--service", "ci=ci,build"];

#[tokio::test(flavor = "multi_thread")]
async fn who_is_taken_away_is_cut_who_is_new_is_let_in_and_roles_go_on() {
    let edit = |dir: &Path| make_users(dir, &BEFORE);
    let here =
        Installation::on(tokio::task::block_in_place(|| Nats::edited(&binary(), "nats", Box::new(edit))));
    let secret = |user: &str| {
        std::fs::read_to_string(here.nats.dir().join(format!("secrets/{user}.password"))).unwrap()
    };
    let command = |user: &str, args: &[&str]| {
        let mut command = here.bare(args);
        command.env("ADJUTANT_BUS__PASSWORD", secret(user));
        command
    };
    here.until_success(|| command("admin", &["bus", "setup"])).await;
    let worker = here.launch("w0", &mut command("worker", &["worker"]));
    here.until_success(|| command("gateway-console", &["run", "ping"])).await;
    let port = here.nats.port();
    let leaving = Raw::connect(port, "svc-leaving", &secret("svc-leaving")).await;
    let mut ci = Raw::connect(port, "svc-ci", &secret("svc-ci")).await;
    let refused =
        "-ERR 'Permissions Violation for Subscription to \"adjutant.v1.run.build\" using queue \"q\"'";
    ci.subscribe("adjutant.v1.run.build", Some("q")).await;
    assert_eq!(ci.said().await, [refused]);

    make_users(here.nats.dir(), &AFTER);
    let stranger = Raw::dial(port, "svc-new", &secret("svc-new")).await.hung_up().await;
    assert!(stranger.contains("Authorization Violation"), "not before it is read: {stranger}");
    here.nats.order(0, "reload");
    // It is cut without a word, and not let in again.
    leaving.hung_up().await;
    let again = Raw::dial(port, "svc-leaving", &secret("svc-leaving")).await.hung_up().await;
    assert!(again.contains("Authorization Violation"), "{again}");
    Raw::connect(port, "svc-new", &secret("svc-new")).await;
    // Whoever stays keeps its connection, and has its new rights on it.
    ci.subscribe("adjutant.v1.run.build", Some("q")).await;
    assert_eq!(ci.said().await, Vec::<String>::new());
    here.until_success(|| command("gateway-console", &["run", "ping"])).await;
    let log = std::fs::read_to_string(here.path().join("w0.log")).unwrap();
    assert!(!log.contains("the connection to the bus is lost"), "it was not touched: {log}");
    worker.stop().await;
}

/// A server cannot learn a variable while it runs: what it has goes on, and it says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_from_a_variable_needs_a_restart_and_until_then_all_goes_on() {
    let here = Installation::single().await;
    let worker = here.start("worker", "w0", &["worker"]);
    here.until_success(|| here.adjutant("gateway-console", &["run", "ping"])).await;
    make_users(here.nats.dir(), &["--service", "deployments=deploy", "--service", "new=new"]);
    here.nats.order(0, "reload");
    let deadline = tokio::time::Instant::now() + SOON;
    while !here.nats.log(0).contains("NATS_SVC_NEW_PASSWORD") {
        assert!(tokio::time::Instant::now() < deadline, "{}", here.nats.log(0));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    here.until_success(|| here.adjutant("gateway-console", &["run", "ping"])).await;
    worker.stop().await;
    // One that is taken away needs none.
    let port = here.nats.port();
    let service = Raw::connect(port, "svc-deployments", here.nats.password("svc-deployments")).await;
    make_users(here.nats.dir(), &["--service", "monitor"]);
    let users = std::fs::read_to_string(here.nats.dir().join("permissions.conf")).unwrap();
    let without = users.replace("$NATS_SVC_MONITOR_PASSWORD", "\"given-here\"");
    std::fs::write(here.nats.dir().join("permissions.conf"), without).unwrap();
    here.nats.order(0, "reload");
    service.hung_up().await;
    Raw::connect(port, "svc-monitor", "given-here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_of_three_reads_its_users_anew_while_commands_go_on() {
    let here = Installation::cluster().await;
    let worker = here.start("worker", "w0", &["worker"]);
    here.until_success(|| here.adjutant("gateway-console", &["run", "ping"])).await;
    let service =
        Raw::connect(here.nats.port(), "svc-deployments", here.nats.password("svc-deployments")).await;
    let file = here.nats.dir().join("permissions.conf");
    let users = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, users.replace("svc-deployments", "svc-other")).unwrap();
    for n in 0..here.nats.len() {
        here.nats.order(n, "reload");
        let deadline = tokio::time::Instant::now() + SOON;
        while !here.nats.log(n).contains("Reloaded server configuration") {
            assert!(tokio::time::Instant::now() < deadline, "{}", here.nats.log(n));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Right now, at the first attempt.
        let asked = here.adjutant("gateway-console", &["run", "ping"]).output().await.unwrap();
        assert!(asked.status.success(), "{}", text(&asked));
    }
    service.hung_up().await;
    let (status, well) = here.status().await;
    assert!(well, "{status}");
    worker.stop().await;
}
