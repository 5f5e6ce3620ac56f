//! The gateways of chat platforms: each for which there is a token, or one by itself.

use std::{process::ExitCode, sync::Arc, time::Duration};

use adjutant_bus::{
    open::{Opened, Role},
    ports::Bus,
};
use adjutant_gateway::{Finding, canary::Canary};
use anyhow::{Result, anyhow};
use tokio_util::sync::CancellationToken;

use super::{canary, listen, measure, parts, presence, serve, specs};
use crate::{config::Config, supervise::Supervisor};

/// How long a gateway may go on sending after a stop.
const GRACE: Duration = Duration::from_secs(15);

/// The gateways that were started.
#[derive(Default)]
pub(super) struct Chats {
    pub(super) http: listen::Parts,
    /// What each serves, for people.
    pub(super) lines: Vec<String>,
}

/// A gateway that was started, and what goes with it.
struct Served<G> {
    gateway: Arc<G>,
    bus: Bus,
    canary: Option<Arc<Canary>>,
    commands: specs::Known,
}

/// Starts every gateway for which there is a token.
pub(super) async fn all(
    supervisor: &mut Supervisor,
    config: &Config,
    opened: &Opened,
    stop: &CancellationToken,
) -> Result<Chats> {
    let mut chats = Chats::default();
    if !parts::slack(config).bot_tokens.is_empty() {
        let served = serve_slack(supervisor, config, opened, stop).await?;
        let http = chats.http.slack(config, &served.gateway);
        chats.http = http.canary("slack canary", served.canary).commands("slack commands", served.commands);
        chats.lines.push(format!("  slack    {}", served.gateway.describe()));
    }
    if parts::discord(config).bot_token.is_some() {
        let served = serve_discord(supervisor, config, opened, stop).await?;
        let http = chats.http.discord(config, &served.gateway);
        chats.http =
            http.canary("discord canary", served.canary).commands("discord commands", served.commands);
        chats.lines.push(format!("  discord  {}", served.gateway.describe()));
    }
    Ok(chats)
}

/// Starts the Slack gateway and its canary.
async fn serve_slack(
    supervisor: &mut Supervisor,
    config: &Config,
    opened: &Opened,
    stop: &CancellationToken,
) -> Result<Served<adjutant_gateway_slack::Gateway>> {
    let bus = opened.role(Role::Slack).await?;
    let commands = specs::follow(supervisor, &bus, stop);
    let gateway =
        adjutant_gateway_slack::Gateway::open(parts::slack(config), bus.clone(), commands.specs.clone())
            .await
            .map_err(|findings| told("Slack", &findings))?;
    let (health, name) = (gateway.health(), parts::slack(config).name);
    let who = presence::who(Role::Slack, Some(name), Arc::new(move || health.ready().1));
    presence::start(supervisor, &bus, who, stop);
    let gateway = Arc::new(gateway);
    let (running, known, until) = (gateway.clone(), commands.clone(), stop.clone());
    supervisor.start("Slack gateway", move || {
        let (gateway, known, stop) = (running.clone(), known.clone(), until.clone());
        async move {
            known.settled().await;
            gateway.run(stop).await;
            Ok(())
        }
    });
    let canary = canary::start(supervisor, config, |pace| gateway.canary(pace), stop);
    Ok(Served { gateway, bus, canary, commands })
}

/// Starts the Discord gateway and its canary.
async fn serve_discord(
    supervisor: &mut Supervisor,
    config: &Config,
    opened: &Opened,
    stop: &CancellationToken,
) -> Result<Served<adjutant_gateway_discord::Gateway>> {
    let bus = opened.role(Role::Discord).await?;
    let commands = specs::follow(supervisor, &bus, stop);
    let gateway =
        adjutant_gateway_discord::Gateway::open(parts::discord(config), bus.clone(), commands.specs.clone())
            .await
            .map_err(|findings| told("Discord", &findings))?;
    let (health, name) = (gateway.health(), parts::discord(config).name);
    let who = presence::who(Role::Discord, Some(name), Arc::new(move || health.ready().1));
    presence::start(supervisor, &bus, who, stop);
    let gateway = Arc::new(gateway);
    let (running, known, until) = (gateway.clone(), commands.clone(), stop.clone());
    supervisor.start("Discord gateway", move || {
        let (gateway, known, stop) = (running.clone(), known.clone(), until.clone());
        async move {
            known.settled().await;
            gateway.run(stop).await;
            Ok(())
        }
    });
    let canary = canary::start(supervisor, config, |pace| gateway.canary(pace), stop);
    Ok(Served { gateway, bus, canary, commands })
}

fn told(platform: &str, findings: &[Finding]) -> anyhow::Error {
    let line = |finding: &Finding| format!("{}: {}. {}", finding.what, finding.found, finding.fix);
    let told: Vec<String> = findings.iter().map(line).collect();
    anyhow!("{platform} cannot be served:\n  {}", told.join("\n  "))
}

/// The Slack gateway by itself.
pub(super) async fn slack(config: &Config, stop: CancellationToken) -> Result<ExitCode> {
    let opened = serve::shared(&parts::bus(config, false)?, "gateway").await?;
    let mut supervisor = Supervisor::new(stop.clone());
    measure::start(&mut supervisor, config, "gateway-slack", &stop).await?;
    let served = serve_slack(&mut supervisor, config, &opened, &stop).await?;
    let http = listen::Parts::default().bus(&served.bus).slack(config, &served.gateway);
    let http = http.canary("canary", served.canary).commands("commands", served.commands);
    alone(supervisor, config, http, opened, &stop).await
}

/// The Discord gateway by itself.
pub(super) async fn discord(config: &Config, stop: CancellationToken) -> Result<ExitCode> {
    let opened = serve::shared(&parts::bus(config, false)?, "gateway").await?;
    let mut supervisor = Supervisor::new(stop.clone());
    measure::start(&mut supervisor, config, "gateway-discord", &stop).await?;
    let served = serve_discord(&mut supervisor, config, &opened, &stop).await?;
    let http = listen::Parts::default().bus(&served.bus).discord(config, &served.gateway);
    let http = http.canary("canary", served.canary).commands("commands", served.commands);
    alone(supervisor, config, http, opened, &stop).await
}

async fn alone(
    mut supervisor: Supervisor,
    config: &Config,
    chats: listen::Parts,
    opened: Opened,
    stop: &CancellationToken,
) -> Result<ExitCode> {
    listen::start(&mut supervisor, config, chats, stop).await?;
    let ended = supervisor.run(GRACE).await;
    opened.stop().await;
    ended.map(|()| ExitCode::SUCCESS)
}
