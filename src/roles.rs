//! The roles, each from configuration to running. One file for each group of them.

mod admin;
mod audit;
mod bus;
mod canary;
mod chats;
mod doctor;
mod health;
mod keys;
mod listen;
mod measure;
mod parts;
mod policy;
mod presence;
mod serve;
mod specs;
mod trace;

use std::process::ExitCode;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Cli, Command, ConfigCommand, DemoCommand, GatewayCommand},
    config, output, telemetry,
};

/// Starts what the command line asks for, and returns its exit status when it has ended.
///
/// # Errors
/// One line for the person who started it.
pub(crate) async fn start(cli: Cli, stop: CancellationToken) -> Result<ExitCode> {
    let command = cli.command.unwrap_or(Command::Up);
    let loaded = config::load(cli.global.config.as_deref(), std::env::vars(), cli.global.settings());
    let loaded = match (loaded, &command) {
        (Ok(loaded), _) => loaded,
        (Err(mistakes), Command::Doctor(asked)) => return Ok(doctor::mistaken(&mistakes, asked)),
        (Err(mistakes), _) => {
            for mistake in &mistakes {
                output::complain(&mistake.to_string());
            }
            output::complain(&format!("adjutant: {} in the configuration", many(mistakes.len(), "mistake")));
            return Ok(ExitCode::FAILURE);
        }
    };
    let quiet = matches!(command, Command::Up | Command::Console);
    let one_shot = !matches!(
        command,
        Command::Up
            | Command::Worker
            | Command::Api
            | Command::Gateway(_)
            | Command::Demo(_)
            | Command::Console
    );
    if matches!(command, Command::Doctor(_)) {
        telemetry::start(&doctor::log(&loaded.config.log), quiet, one_shot)?;
    } else {
        telemetry::start(&loaded.config.log, quiet, one_shot)?;
    }
    let export = trace::start(&loaded.config, &command)?;
    let ended = Box::pin(run(loaded, command, stop)).await;
    if let Some(export) = export {
        export.finish().await;
    }
    ended
}

async fn run(loaded: config::Loaded, command: Command, stop: CancellationToken) -> Result<ExitCode> {
    let config = &loaded.config;
    match command {
        Command::Up => serve::up(config, stop).await,
        Command::Worker => serve::worker(config, stop).await,
        Command::Api => serve::api(config, stop).await,
        Command::Gateway(GatewayCommand::Slack) => chats::slack(config, stop).await,
        Command::Gateway(GatewayCommand::Discord) => chats::discord(config, stop).await,
        Command::Doctor(asked) => Ok(doctor::doctor(loaded, &asked).await),
        Command::Health(args) => health::run(config, args).await,
        Command::Console => serve::console(config, stop).await,
        Command::Demo(DemoCommand::Deployments) => serve::deployments(config, stop).await,
        Command::Run(args) => serve::run(config, args, stop).await,
        Command::Config(ConfigCommand::Check) => {
            output::say("The configuration has no mistakes.");
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(ConfigCommand::Show) => {
            admin::show(&loaded);
            Ok(ExitCode::SUCCESS)
        }
        Command::Policy(command) => policy::run(config, command, stop).await,
        Command::Commands(command) => admin::commands(config, &command).await,
        Command::Audit(command) => audit::run(config, command).await,
        Command::Keys(command) => keys::keys(config, command).await,
        Command::Bus(command) => bus::run(config, &command).await,
    }
}

fn many(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
