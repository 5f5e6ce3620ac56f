//! What a process says about itself to probes.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{
    discord::world::{ADA, DEPLOYS, DiscordWorld, deploy},
    nats::{raw::Raw, world::Installation},
    world::{SOON, Worker, World, write_policy},
};

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn readiness(port: u16) -> Option<(u16, Value)> {
    let answer = reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await.ok()?;
    Some((answer.status().as_u16(), answer.json().await.ok()?))
}

/// Waits until the process is as ready as this, and its part says so; returns what the part says.
async fn until(world: &World, port: u16, status: u16, part: &str) -> String {
    let found = world.eventually(async || {
        let (found, body) = readiness(port).await?;
        let same = found == status && body[part]["ready"] == (status == 200);
        same.then(|| body[part]["detail"].as_str().unwrap().to_owned())
    });
    found.await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_says_by_part_why_it_is_not_ready_and_that_it_stops() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::new(std::time::Duration::ZERO).await;
    let port = free_port();
    let policies = world.path().join("policies");
    std::fs::rename(&policies, world.path().join("elsewhere")).unwrap();
    let mut command = world.adjutant(&["worker"]);
    let mut worker =
        Worker(command.env("ADJUTANT_HTTP__LISTEN", format!("127.0.0.1:{port}")).spawn().unwrap());

    let detail = until(&world, port, 503, "policy").await;
    assert!(detail.starts_with("none is in force"), "{detail}");
    assert_eq!(readiness(port).await.unwrap().1["bus"]["ready"], true);
    write_policy(&policies, "p, everyone, *, *, *, *, allow\n", "# none\n");
    until(&world, port, 200, "policy").await;

    let server = world.opened.server().unwrap();
    server.fell().await;
    let detail = until(&world, port, 503, "bus").await;
    assert_eq!(detail, "not connected; trying again");
    assert_eq!(reqwest::get(format!("http://127.0.0.1:{port}/livez")).await.unwrap().status(), 200);
    server.raise().await;
    until(&world, port, 200, "bus").await;

    // It waits for a command that runs, and says meanwhile that it stops.
    world.submit("waits", "deploy wait").await;
    world.eventually(async || (world.called() == 1).then_some(())).await;
    worker.signal(Signal::SIGTERM);
    assert_eq!(until(&world, port, 503, "process").await, "stops, and takes nothing new");
    world.gate.add_permits(1);
    let status = tokio::time::timeout(SOON, worker.0.wait()).await.expect("it must stop").unwrap();
    assert!(status.success(), "{status}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_connected_and_can_take_nothing_is_not_ready() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let here = Installation::single().await;
    let port = free_port();
    let mut command = here.adjutant("worker", &["worker"]);
    let worker = here.launch("worker", command.env("ADJUTANT_HTTP__LISTEN", format!("127.0.0.1:{port}")));
    let until = async |status: u16| {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            if let Some((found, body)) = readiness(port).await
                && found == status
            {
                return body;
            }
            assert!(tokio::time::Instant::now() < deadline, "{status} must come; {}", here.logs());
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    assert_eq!(until(200).await["worker"]["detail"], "0 of 16 slots in use");
    let mut admin = Raw::connect(here.nats.port(), "admin", here.nats.password("admin")).await;
    admin.ask("$JS.API.CONSUMER.DELETE.COMMANDS.workers", "").await.unwrap();
    let body = until(503).await;
    assert_eq!((&body["bus"]["ready"], &body["worker"]["ready"]), (&Value::Bool(true), &Value::Bool(false)));
    let detail = body["worker"]["detail"].as_str().unwrap();
    assert!(detail.starts_with("no work can be taken"), "{detail}");
    here.set_up().await;
    until(200).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_a_platform_calls_takes_what_a_proxy_still_sends_after_the_stop() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let discord = DiscordWorld::new(std::time::Duration::ZERO).await;
    let _worker = discord.worker("w0");
    let (port, key) = (free_port(), discord.fake.world().public_key.clone());
    let listen = format!("127.0.0.1:{port}");
    let settings = [
        ("ADJUTANT_HTTP__LISTEN", listen.as_str()),
        ("ADJUTANT_DISCORD__INGRESS", "http"),
        ("ADJUTANT_DISCORD__PUBLIC_KEY", &key),
    ];
    let mut gateway = discord.start("g0", &settings);
    until(&discord.world, port, 200, "commands").await;
    gateway.signal(Signal::SIGTERM);
    assert_eq!(until(&discord.world, port, 503, "process").await, "stops, and takes nothing new");
    // The proxy has not noticed yet.
    discord.fake.interactions_to(&format!("http://{listen}/discord/interactions"));
    let asked = discord.fake.command(ADA, DEPLOYS, deploy("say", Some("at the last moment")));
    asked.acknowledged().await;
    discord.world.eventually(async || (discord.world.called() == 1).then_some(())).await;
    let status = tokio::time::timeout(SOON, gateway.0.wait()).await.expect("it must stop").unwrap();
    assert!(status.success(), "{status}");
    discord.assert_no_violations();
    discord.stop().await;
}
