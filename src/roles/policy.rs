//! What admins ask of the policy. Exit status 0 clean, 1 findings or failed tests, 2 could not run.

mod directory;
mod doctor;
mod publish;
mod replicas;
mod resolve;

use std::process::ExitCode;

use adjutant_policies::{Files, Options};
use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::{
    admin::{could_not_run, status},
    many, parts,
};
use crate::{cli::PolicyCommand, config::Config, output};

pub(super) async fn run(
    config: &Config,
    command: PolicyCommand,
    stop: CancellationToken,
) -> Result<ExitCode> {
    let (options, vocabulary) = (parts::policy(config), parts::vocabulary(config));
    match command {
        PolicyCommand::Publish(asked) => publish::publish(config, asked, stop).await,
        PolicyCommand::Rollback(asked) => publish::rollback(config, asked, stop).await,
        PolicyCommand::History(print) => replicas::history(config, print.json).await,
        PolicyCommand::Status(print) => replicas::status(config, print.json).await,
        PolicyCommand::Resolve(how) => resolve::resolve(config, &how).await,
        PolicyCommand::Doctor(print) => doctor::doctor(config, print).await,
        PolicyCommand::Check(print) => {
            let findings = match adjutant_policies::check(&options, &vocabulary) {
                Ok(findings) => findings,
                Err(why) => return Ok(could_not_run(&why)),
            };
            output::say(&if print.json { serde_json::to_string(&findings)? } else { findings.to_string() });
            Ok(status(!findings.refuse()))
        }
        PolicyCommand::Test(print) => {
            let report = match adjutant_policies::test(&options, &vocabulary) {
                Ok(Ok(report)) => report,
                Ok(Err(findings)) => return Ok(could_not_run(&findings.to_string())),
                Err(why) => return Ok(could_not_run(&why)),
            };
            if print.json {
                output::say(&serde_json::to_string(&report)?);
            } else {
                for failed in report.results.iter().filter(|result| !result.passed) {
                    output::say(&format!("policy.test:{}  {}", failed.line, failed.told));
                }
                let passed = report.results.len() - report.failed();
                output::say(&format!(
                    "{}: {passed} passed, {} failed",
                    many(report.results.len(), "test"),
                    report.failed()
                ));
            }
            Ok(status(report.failed() == 0))
        }
    }
}

/// The files that these options name.
fn files(options: &Options) -> Result<Files, String> {
    options.folder.as_deref().map_or_else(|| Ok(Files::shipped()), Files::read)
}
