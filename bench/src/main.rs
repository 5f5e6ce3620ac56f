//! The benchmark: decisions, parsing, and a whole command beside the bare floor, in one run on one machine.

mod api;
mod bare;
mod cpu;
mod decision;
mod discord;
mod figures;
mod parse;
mod publish;
mod slack;
mod whole;

use std::{io::Write, path::PathBuf};

use adjutant_bus::open::{self, BusConfig, BusUrl, Role, Tls};
use adjutant_bus::ports::Limits;
use anyhow::{Context, Result};
use clap::Parser;

use crate::figures::Figures;

/// Measures Adjutant, and the same stored writes made by a bare loop.
#[derive(Debug, Parser)]
struct Cli {
    /// Commands measured per loop
    #[arg(long, default_value_t = 2_000)]
    commands: usize,
    /// The nats-server to start [default: .tools/nats-server, else the one on PATH]
    #[arg(long)]
    nats_server: Option<PathBuf>,
    /// Only what needs no server
    #[arg(long)]
    pure: bool,
    /// Only the Slack gateway
    #[arg(long)]
    slack: bool,
    /// Only the Discord gateway
    #[arg(long)]
    discord: bool,
    /// Only the API's check of a key
    #[arg(long)]
    api: bool,
    /// Only the publication of a policy
    #[arg(long)]
    policy: bool,
    /// Be the API on this folder: for the benchmark itself
    #[arg(long, hide = true)]
    serve_api: Option<PathBuf>,
    /// Be a bare axum: for the benchmark itself
    #[arg(long, hide = true)]
    serve_hello: bool,
    /// Be the Discord gateway and a worker, with what is stored in this folder: for the benchmark itself
    #[arg(long, hide = true)]
    serve_discord: Option<PathBuf>,
    /// Be a bare echo on Discord: for the benchmark itself
    #[arg(long, hide = true)]
    echo_discord: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    if cli.serve_hello {
        return api::serve_hello().await;
    }
    if let Some(dir) = &cli.serve_api {
        return api::serve_api(dir).await;
    }
    if cli.echo_discord {
        return Box::pin(discord::echo()).await;
    }
    if let Some(dir) = &cli.serve_discord {
        let server = open::open(&config(&cli, BusUrl::Child, dir.clone())).await?;
        Box::pin(discord::serve(&server)).await?;
        server.stop().await;
        return Ok(());
    }
    if cli.api {
        let (dir, bus) = (tempfile::tempdir()?, tempfile::tempdir()?);
        return api::measure(dir.path(), config(&cli, BusUrl::Child, bus.path().to_owned())).await;
    }
    if cli.policy {
        return policy(&cli).await;
    }
    if cli.slack {
        return slack(&cli).await;
    }
    if cli.discord {
        return discord::measure(cli.commands, cli.nats_server.as_deref()).await;
    }
    say("decision: one request against a policy, enforcer per command");
    for rows in [100, 1_000, 10_000, 100_000] {
        say(&decision::measure(rows).await?.line(&format!("{rows} rows")));
    }
    say("parse: one line to a typed invocation");
    say(&parse::measure().line("deploy promote …"));
    if cli.pure {
        return Ok(());
    }
    for in_flight in [1, 64] {
        say(&format!("whole command, {in_flight} in flight: submit until the final reply is followed"));
        let memory = open::open(&config(&cli, BusUrl::Memory, tempfile::tempdir()?.keep())).await?;
        let ours = whole::measure(&memory, cli.commands, in_flight).await?;
        say(&ours.line("in memory"));
        let dir = tempfile::tempdir()?;
        let server = open::open(&config(&cli, BusUrl::Child, dir.path().to_owned())).await?;
        let connection = server.server().context("a child server")?.connection();
        // In turns, so that a machine that changes its pace does not favour one of them.
        let (mut bare, mut ours) = (Figures::default(), Figures::default());
        for _ in 0..3 {
            bare.extend(
                bare::measure(&connection.url, &connection.login(Role::Admin), cli.commands / 3, in_flight)
                    .await?,
            );
            ours.extend(whole::measure(&server, cli.commands / 3, in_flight).await?);
        }
        say(&bare.line("bare loop on NATS"));
        say(&ours.line("Adjutant on NATS"));
        say(&format!(
            "  {:<20} {:.2} x p50, {:.2} x rate",
            "ratio to bare",
            ours.p50() / bare.p50(),
            ours.rate() / bare.rate()
        ));
        server.stop().await;
    }
    policy(&cli).await?;
    slack(&cli).await?;
    discord::measure(cli.commands, cli.nats_server.as_deref()).await
}

async fn policy(cli: &Cli) -> Result<()> {
    say("policy: from a publication until each of three replicas decides by it");
    let dir = tempfile::tempdir()?;
    let server = open::open(&config(cli, BusUrl::Child, dir.path().to_owned())).await?;
    for rows in [100, 1_000, 10_000] {
        say(&publish::measure(&server, rows, cli.commands / 20).await?.line(&format!("{rows} rows")));
    }
    server.stop().await;
    Ok(())
}

async fn slack(cli: &Cli) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let server = open::open(&config(cli, BusUrl::Child, dir.path().to_owned())).await?;
    slack::measure(&server, cli.commands).await?;
    server.stop().await;
    Ok(())
}

fn config(cli: &Cli, url: BusUrl, data_dir: PathBuf) -> BusConfig {
    let tools = PathBuf::from(".tools/nats-server");
    BusConfig {
        url,
        data_dir,
        nats_server: cli.nats_server.clone().or_else(|| tools.is_file().then_some(tools)),
        user: None,
        password: None,
        credentials_file: None,
        nkey_file: None,
        tls: Tls::default(),
        replicas: 1,
        limits: Limits::default(),
        start_child: true,
    }
}

fn say(line: &str) {
    // A reader that has gone away is no reason to fail.
    let _ = writeln!(anstream::stdout(), "{line}");
}
