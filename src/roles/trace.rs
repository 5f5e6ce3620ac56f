//! The traces of this process, sent to a collector, if one is configured.

use adjutant_traces::{Export, Headers, Settings};
use anyhow::{Context, Result};

use super::parts;
use crate::{
    cli::{Command, DemoCommand, GatewayCommand},
    config::Config,
};

/// Begins to export what this process does, if that is configured and the command is one that commands pass through.
///
/// # Errors
/// What is wrong with the configuration of it.
pub(super) fn start(config: &Config, command: &Command) -> Result<Option<Export>> {
    let traces = &config.traces;
    let Some(service) = service(command).filter(|_| !traces.endpoint.is_empty()) else { return Ok(None) };
    let headers = Headers::parse(&traces.headers).context("traces.headers")?;
    let instance =
        if matches!(command, Command::Worker) { parts::worker(config).name } else { parts::replica() };
    let settings = Settings {
        endpoint: traces.endpoint.clone(),
        ratio: f64::from(traces.sample_percent) / 100.0,
        headers,
        service: service.to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        instance,
    };
    adjutant_traces::start(settings).context("traces.endpoint").map(Some)
}

/// What the process is called in traces.
const fn service(command: &Command) -> Option<&'static str> {
    match command {
        Command::Up => Some("adjutant"),
        Command::Worker => Some("adjutant-worker"),
        Command::Api => Some("adjutant-api"),
        Command::Gateway(GatewayCommand::Slack) => Some("adjutant-gateway-slack"),
        Command::Gateway(GatewayCommand::Discord) => Some("adjutant-gateway-discord"),
        Command::Demo(DemoCommand::Deployments) => Some("adjutant-demo-deployments"),
        Command::Console | Command::Run(_) => Some("adjutant-console"),
        _ => None,
    }
}
