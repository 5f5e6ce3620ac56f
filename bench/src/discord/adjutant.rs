//! Adjutant as it is measured: the real gateway and a worker in one process, on a server that stores everything.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use adjutant_bus::{
    open::{Opened, Role},
    ports::Limits,
};
use adjutant_gateway_discord::{DiscordConfig, Gateway, Ingress, Registered, SocketTiming};
use adjutant_policies::{Options, Policy};
use adjutant_workers::{
    WorkerConfig,
    catalogue::{Catalogue, Entry, Source},
};
use anyhow::{Result, anyhow};
use tokio::sync::watch;

use super::{GUILD, let_go};

/// Commands that the worker runs at once.
const SLOTS: usize = 64;
/// As shipped (`discord.wait_milliseconds`).
const WAIT: Duration = Duration::from_millis(700);

/// Runs until whoever started this lets go.
pub(crate) async fn run(opened: &Opened) -> Result<()> {
    // TLS is spoken to nobody, but no client can be made without a provider. There may be one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let stop = let_go();
    let homes = vec![format!("discord:{GUILD}"), "console:local".to_owned()];
    let specs = adjutant_workers::built_in();
    let own = specs.iter().cloned().map(|spec| Entry::new(spec, Source::BuiltIn));
    let vocabulary = adjutant_workers::vocabulary(&Catalogue::new(own).0, &homes);
    let config = WorkerConfig {
        name: "bench".to_owned(),
        version: String::new(),
        slots: SLOTS,
        grace: Duration::from_secs(5),
        trusted_homes: homes,
        record_grace: Duration::ZERO,
        limits: Limits::default(),
        health: adjutant_workers::Health::default(),
    };
    let policy = Policy::load(Options::new(None), vocabulary).await;
    let worker = adjutant_workers::run(config, opened.role(Role::Worker).await?, policy, stop.clone());
    let discord = DiscordConfig {
        bot_token: Some(std::env::var("DISCORD_TOKEN")?.into()),
        application_id: None,
        public_key: None,
        api_url: std::env::var("DISCORD_API")?,
        ingress: Ingress::Gateway,
        trusted_guilds: BTreeSet::from([GUILD.to_owned()]),
        registered: Registered::Everywhere,
        wait: WAIT,
        name: "bench".to_owned(),
        handover: Limits::default().handover(),
        timing: SocketTiming::default(),
    };
    let (_specs, following) = watch::channel(Arc::new(specs));
    let gateway = Gateway::open(discord, opened.role(Role::Discord).await?, following).await;
    let gateway = gateway.map_err(|findings| anyhow!("{findings:?}"))?;
    let (worked, ()) = tokio::join!(worker, gateway.run(stop));
    Ok(worked?)
}
