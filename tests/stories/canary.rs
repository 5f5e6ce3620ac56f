//! The canary: a gateway sends itself a command by the way of every other, and is not ready while it does not come back; the API does
//! so, too, and tells. Nobody else hears of it.

use std::time::Duration;

use adjutant_bus::{canary, event::Outcome};
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::process::Command;

use super::{
    discord::world::{DiscordWorld, free_port},
    slack::world::SlackWorld,
    world::{Worker, World},
};

/// The same command, which sends itself canaries often, and says how they fare; and where it says so.
fn watched(command: &mut Command) -> (&mut Command, u16) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let port = free_port();
    let command = command
        .env("ADJUTANT_CANARY__EVERY_SECONDS", "1")
        .env("ADJUTANT_CANARY__PATIENCE_SECONDS", "3")
        .env("ADJUTANT_HTTP__LISTEN", format!("127.0.0.1:{port}"));
    (command, port)
}

fn start(world: &World, name: &str, command: &mut Command) -> Worker {
    let log = std::fs::File::create(world.path().join(format!("{name}.log"))).unwrap();
    Worker(command.env("HOSTNAME", name).stderr(log).spawn().unwrap())
}

/// Waits until the process is as ready as this, and its canary says this.
async fn until(world: &World, port: u16, status: u16, told: &str) {
    let found = world.eventually(async || {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await.ok()?;
        let found = answer.status().as_u16();
        let body: Value = answer.json().await.ok()?;
        let detail = body["canary"]["detail"].as_str()?.to_owned();
        (found == status && detail.contains(told)).then_some(())
    });
    found.await;
}

/// How the canaries have ended that are in the journal.
async fn ended(world: &World) -> Vec<Outcome> {
    let journals = world.journals().await.into_values();
    let canaries = journals.filter(|events| canary::is_origin(&events[0].key.origin));
    canaries.filter_map(|events| events.last()?.event.fact.end().map(|(outcome, _)| outcome)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slack_gateway_is_ready_while_its_canary_comes_back_and_nobody_else_hears_of_it() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let worker = slack.worker("w0");
    let mut gateway = slack.adjutant(&["gateway", "slack"]);
    let (gateway, port) = watched(&mut gateway);
    let _gateway = start(&slack.world, "g0", gateway);
    until(&slack.world, port, 200, "came back within").await;

    // No worker is there to take it.
    worker.signal(Signal::SIGKILL);
    until(&slack.world, port, 503, "the bus accepted it, and no worker took it").await;
    let _worker = slack.worker("w1");
    until(&slack.world, port, 200, "came back within").await;

    // The bus is away.
    let server = slack.world.opened.server().unwrap();
    server.fell().await;
    until(&slack.world, port, 503, "the bus did not accept it").await;
    server.raise().await;
    until(&slack.world, port, 200, "came back within").await;

    // A second replica, which does not send, has a canary of its own.
    let mut standby = slack.adjutant(&["gateway", "slack"]);
    let (standby, other) = watched(&mut standby);
    let _standby = start(&slack.world, "g1", standby);
    until(&slack.world, other, 200, "came back within").await;

    let ends = ended(&slack.world).await;
    assert!(ends.len() > 2 && ends.contains(&Outcome::Succeeded), "{ends:?}");
    // Those that nobody waited for any more were not run.
    assert!(ends.iter().all(|end| matches!(end, Outcome::Succeeded | Outcome::Expired)), "{ends:?}");
    let asked = slack.fake.mention("U0ANA", "C0DEPLOY", "history", None);
    slack.whisper("U0ANA", "You have no recent runs").await;
    let posted = slack.fake.messages("C0DEPLOY");
    assert!(posted.iter().all(|one| one.thread.as_deref() == Some(&asked)), "{posted:#?}");
    assert!(!format!("{:?}", slack.fake.record().calls).contains("canary"));
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discord_gateway_and_the_api_have_canaries_and_the_record_has_none() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let world = &discord.world;
    let metrics = free_port();
    let mut worker = discord.adjutant(&["worker"]);
    let worker = worker.env("ADJUTANT_METRICS__LISTEN", format!("127.0.0.1:{metrics}"));
    let worker = start(world, "w0", worker.env("ADJUTANT_WORKER__NAME", "w0"));
    let mut gateway = discord.adjutant(&["gateway", "discord"]);
    let (gateway, port) = watched(&mut gateway);
    let _gateway = start(world, "g0", gateway);
    let (mut api, listens) = (discord.adjutant(&["api"]), free_port());
    let (api, _) = watched(api.env("ADJUTANT_API__LISTEN", format!("127.0.0.1:{listens}")));
    let _api = start(world, "api", api);
    until(world, port, 200, "came back within").await;
    let public = async || {
        let answer = reqwest::get(format!("http://127.0.0.1:{listens}/readyz")).await.ok()?;
        Some((answer.status().as_u16(), answer.json::<Value>().await.ok()?["canary"].clone()))
    };
    world.eventually(async || public().await.filter(|told| *told == (200, true.into()))).await;

    // They are not among what people ran.
    let figures =
        reqwest::get(format!("http://127.0.0.1:{metrics}/metrics")).await.unwrap().text().await.unwrap();
    let pings = figures.lines().filter(|line| line.contains("adjutant_commands_total{command=\"ping\""));
    assert!(pings.clone().count() > 0 && pings.clone().all(|line| line.ends_with(" 0")), "{figures}");

    worker.stop().await;
    until(world, port, 503, "no worker took it").await;
    // What needs no worker is still served.
    world.eventually(async || public().await.filter(|told| *told == (200, false.into()))).await;

    // The record goes on without them, and has no gap where they are.
    let asked = world.submit("asked", "ping").await;
    let _worker = discord.worker("w1");
    world.ended(&[asked]).await;
    let listed = world
        .eventually(async || {
            let listed = discord.adjutant(&["audit", "export"]).output().await.unwrap();
            let listed = String::from_utf8(listed.stdout).unwrap();
            listed.contains(&asked.to_string()).then_some(listed)
        })
        .await;
    assert!(!listed.contains("@canary") && !listed.contains("journal.gap"), "{listed}");
    let verified = discord.adjutant(&["audit", "verify"]).output().await.unwrap();
    assert!(verified.status.success(), "{verified:?}");
    let said: Vec<String> = discord.fake.messages("5001").iter().map(|one| format!("{one:?}")).collect();
    assert!(said.is_empty(), "{said:#?}");
    discord.assert_no_violations();
    discord.stop().await;
}
