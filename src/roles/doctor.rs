//! `doctor`: checks the whole installation from outside, as the user who runs it, and says what to fix. Changes nothing. Exit status
//! 0 all good (warnings allowed), 1 something keeps it from working, 2 could not run. One file for each part; they run side by
//! side, each within a time-out.

mod report;
mod site;

mod config;
mod disk;

mod bus;
mod clock;
mod versions;

mod database;
mod record;

mod commands;
mod policy;

mod platforms;

use std::{process::ExitCode, sync::Arc, time::Duration};

use adjutant_gateway::Finding;
use clap::ValueEnum;
use futures::future;

use self::site::Site;
use super::admin::could_not_run;
use crate::{
    cli::{Doctor, DoctorPart},
    config::{Loaded, Log, Mistake},
};

/// How long a part may take. What it asks has shorter time-outs of its own; this one is for what hangs all the same.
const LONGEST: Duration = Duration::from_secs(20);

/// Examines the parts that are named, or all.
pub(super) async fn doctor(loaded: Loaded, asked: &Doctor) -> ExitCode {
    let parts = if asked.parts.is_empty() { DoctorPart::value_variants() } else { asked.parts.as_slice() };
    let site = Arc::new(Site::new(loaded, !asked.parts.is_empty()));
    tell(&examine_all(parts, site).await, asked)
}

/// The same for a configuration that cannot be used: only its mistakes are told.
pub(super) fn mistaken(mistakes: &[Mistake], asked: &Doctor) -> ExitCode {
    tell(&config::mistaken(mistakes), asked)
}

fn tell(findings: &[(DoctorPart, Finding)], asked: &Doctor) -> ExitCode {
    match report::tell(findings, asked.json) {
        Ok(()) => report::status(findings),
        Err(error) => could_not_run(&error.to_string()),
    }
}

/// What is logged meanwhile: nothing unless a filter is given, for what goes wrong is a finding.
pub(super) fn log(log: &Log) -> Log {
    let filter = if log.filter.is_empty() { "off".to_owned() } else { log.filter.clone() };
    Log { filter, format: log.format }
}

/// What was found, in the order of the parts.
type Findings = Vec<(DoctorPart, Finding)>;

async fn examine_all(parts: &[DoctorPart], site: Arc<Site>) -> Findings {
    let examined = parts.iter().map(|part| {
        let (part, site) = (*part, site.clone());
        async move {
            let findings = bounded(LONGEST, part, async move { examine(part, &site).await }).await;
            findings.into_iter().map(move |finding| (part, finding)).collect::<Findings>()
        }
    });
    future::join_all(examined).await.concat()
}

/// What a part finds, in a task of its own: neither a part that hangs nor one that falls takes the others along.
async fn bounded(
    longest: Duration,
    part: DoctorPart,
    examining: impl Future<Output = Vec<Finding>> + Send + 'static,
) -> Vec<Finding> {
    let task = tokio::spawn(examining);
    let abort = task.abort_handle();
    let wrong = |found: String| {
        let fix = "What this part asks does not answer: look at its server, the network and the disk.";
        vec![Finding::bad(report::name(part), true, found, fix)]
    };
    match tokio::time::timeout(longest, task).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(fault)) => wrong(format!("this check itself failed: {fault}")),
        Err(_) => {
            abort.abort();
            wrong(format!("no end within {} s", longest.as_secs()))
        }
    }
}

async fn examine(part: DoctorPart, site: &Arc<Site>) -> Vec<Finding> {
    match part {
        DoctorPart::Config => site.blocking(|site| config::examine(&site.loaded)).await,
        DoctorPart::Disk => disk::examine(site).await,
        DoctorPart::Bus => bus::examine(site).await,
        DoctorPart::Versions => versions::examine(site).await,
        DoctorPart::Clock => clock::examine(site).await,
        DoctorPart::Database => database::examine(site).await,
        DoctorPart::Record => record::examine(site).await,
        DoctorPart::Policy => policy::examine(site).await,
        DoctorPart::Commands => commands::examine(site).await,
        DoctorPart::Slack => platforms::slack(site).await,
        DoctorPart::Discord => platforms::discord(site).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_that_hangs_or_falls_is_a_finding() {
        let hangs = bounded(LONGEST, DoctorPart::Bus, future::pending()).await;
        assert!(
            hangs.iter().all(|finding| finding.fatal && finding.found == "no end within 20 s"),
            "{hangs:?}"
        );
        let falls = bounded(LONGEST, DoctorPart::Disk, async { panic!("a mistake of ours") }).await;
        assert!(falls.iter().all(|finding| finding.fatal && finding.what == "disk"), "{falls:?}");
    }
}
