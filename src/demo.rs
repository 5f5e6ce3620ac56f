//! The demo: a small deployments service that really keeps state, and offers itself over the bus as any service does.

mod commands;
mod service;
mod state;

use std::{path::PathBuf, sync::Arc, time::Duration};

use adjutant_bus::{ports::Bus, service::Offer, spec::CommandSpec};
use anyhow::Result;
use tokio_util::sync::CancellationToken;

pub(crate) use self::service::Deployments;

/// Calls that it answers at once.
const CONCURRENCY: usize = 32;

/// How the demo runs.
#[derive(Clone, Debug)]
pub(crate) struct DemoConfig {
    /// Where it keeps its state; none: only in memory.
    pub(crate) state: Option<PathBuf>,
    /// How long each step of a deployment takes.
    pub(crate) step: Duration,
}

/// The commands that it implements.
pub(crate) fn specs() -> Vec<CommandSpec> {
    commands::ALL.iter().map(|command| (command.spec)()).collect()
}

/// How it describes itself.
pub(crate) fn offer() -> Offer {
    Offer {
        name: "deployments".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: "A small deployments service, to try Adjutant with".to_owned(),
        commands: specs(),
    }
}

/// Offers the commands until `stop`.
pub(crate) async fn run(service: Arc<Deployments>, bus: Bus, stop: CancellationToken) -> Result<()> {
    Ok(bus.services.offer(offer(), service, CONCURRENCY, stop).await?)
}
