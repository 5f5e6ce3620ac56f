//! What admins ask of the policy. Exit status 0 clean, 1 findings or failed tests, 2 could not run.

mod directory;
mod doctor;
mod source;

mod check;
mod diff;
mod show;
mod why;

mod publish;
mod replicas;
mod resolve;

use std::process::ExitCode;

use adjutant_policies::{Files, Options};
use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::{cli::PolicyCommand, config::Config};

pub(super) async fn run(
    config: &Config,
    command: PolicyCommand,
    stop: CancellationToken,
) -> Result<ExitCode> {
    match command {
        PolicyCommand::Publish(asked) => publish::publish(config, asked, stop).await,
        PolicyCommand::Rollback(asked) => publish::rollback(config, asked, stop).await,
        PolicyCommand::History(print) => replicas::history(config, print.json).await,
        PolicyCommand::Status(print) => replicas::status(config, print.json).await,
        PolicyCommand::Resolve(how) => resolve::resolve(config, &how).await,
        PolicyCommand::Doctor(print) => doctor::doctor(config, print).await,
        PolicyCommand::Check(print) => check::check(config, print),
        PolicyCommand::Test(print) => check::test(config, print),
        PolicyCommand::Why(asked) => why::why(config, asked).await,
        PolicyCommand::Show(asked) => show::show(config, asked).await,
        PolicyCommand::Diff(asked) => diff::diff(config, asked).await,
    }
}

/// The files that these options name.
fn files(options: &Options) -> Result<Files, String> {
    options.folder.as_deref().map_or_else(|| Ok(Files::shipped()), Files::read)
}
