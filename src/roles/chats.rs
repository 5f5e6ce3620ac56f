//! The gateways of chat platforms: each for which there is a token, or one by itself.

use std::{process::ExitCode, sync::Arc, time::Duration};

use adjutant_bus::{
    open::{Opened, Role},
    ports::Bus,
};
use adjutant_gateway::Finding;
use anyhow::{Result, anyhow};
use tokio_util::sync::CancellationToken;

use super::{listen, measure, parts, presence, serve, specs};
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

/// Starts every gateway for which there is a token.
pub(super) async fn all(
    supervisor: &mut Supervisor,
    config: &Config,
    opened: &Opened,
    stop: &CancellationToken,
) -> Result<Chats> {
    let mut chats = Chats::default();
    if !parts::slack(config).bot_tokens.is_empty() {
        let (slack, _) = serve_slack(supervisor, config, opened, stop).await?;
        chats.http = chats.http.slack(config, &slack);
        chats.lines.push(format!("  slack    {}", slack.describe()));
    }
    if parts::discord(config).bot_token.is_some() {
        let (discord, _) = serve_discord(supervisor, config, opened, stop).await?;
        chats.http = chats.http.discord(config, &discord);
        chats.lines.push(format!("  discord  {}", discord.describe()));
    }
    Ok(chats)
}

/// Starts the Slack gateway; returns its bus, too.
async fn serve_slack(
    supervisor: &mut Supervisor,
    config: &Config,
    opened: &Opened,
    stop: &CancellationToken,
) -> Result<(Arc<adjutant_gateway_slack::Gateway>, Bus)> {
    let bus = opened.role(Role::Slack).await?;
    let used = bus.clone();
    let specs = specs::follow(supervisor, &bus, stop);
    let gateway = adjutant_gateway_slack::Gateway::open(parts::slack(config), bus, specs)
        .await
        .map_err(|findings| told("Slack", &findings))?;
    let (health, name) = (gateway.health(), parts::slack(config).name);
    let who = presence::who(Role::Slack, Some(name), Arc::new(move || health.ready().1));
    presence::start(supervisor, &used, who, stop);
    let gateway = Arc::new(gateway);
    let (running, until) = (gateway.clone(), stop.clone());
    supervisor.start("Slack gateway", move || {
        let (gateway, stop) = (running.clone(), until.clone());
        async move {
            gateway.run(stop).await;
            Ok(())
        }
    });
    Ok((gateway, used))
}

/// Starts the Discord gateway; returns its bus, too.
async fn serve_discord(
    supervisor: &mut Supervisor,
    config: &Config,
    opened: &Opened,
    stop: &CancellationToken,
) -> Result<(Arc<adjutant_gateway_discord::Gateway>, Bus)> {
    let bus = opened.role(Role::Discord).await?;
    let used = bus.clone();
    let specs = specs::follow(supervisor, &bus, stop);
    let gateway = adjutant_gateway_discord::Gateway::open(parts::discord(config), bus, specs)
        .await
        .map_err(|findings| told("Discord", &findings))?;
    let (health, name) = (gateway.health(), parts::discord(config).name);
    let who = presence::who(Role::Discord, Some(name), Arc::new(move || health.ready().1));
    presence::start(supervisor, &used, who, stop);
    let gateway = Arc::new(gateway);
    let (running, until) = (gateway.clone(), stop.clone());
    supervisor.start("Discord gateway", move || {
        let (gateway, stop) = (running.clone(), until.clone());
        async move {
            gateway.run(stop).await;
            Ok(())
        }
    });
    Ok((gateway, used))
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
    let (gateway, bus) = serve_slack(&mut supervisor, config, &opened, &stop).await?;
    let http = listen::Parts::default().bus(&bus).slack(config, &gateway);
    alone(supervisor, config, http, opened, &stop).await
}

/// The Discord gateway by itself.
pub(super) async fn discord(config: &Config, stop: CancellationToken) -> Result<ExitCode> {
    let opened = serve::shared(&parts::bus(config, false)?, "gateway").await?;
    let mut supervisor = Supervisor::new(stop.clone());
    measure::start(&mut supervisor, config, "gateway-discord", &stop).await?;
    let (gateway, bus) = serve_discord(&mut supervisor, config, &opened, &stop).await?;
    let http = listen::Parts::default().bus(&bus).discord(config, &gateway);
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
