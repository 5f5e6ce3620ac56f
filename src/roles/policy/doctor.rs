//! `policy doctor`: what stands behind the locked ids today. Exit status 0 nothing to do, 1 somebody should look, 2 could not
//! run.

use std::process::ExitCode;

use adjutant_policies::doctor::{doctor as examine, locked};
use anyhow::Result;

use super::{directory::Directory, files};
use crate::{
    cli::Json,
    config::Config,
    output,
    roles::{
        admin::{could_not_run, status},
        parts,
    },
};

pub(super) async fn doctor(config: &Config, print: Json) -> Result<ExitCode> {
    let (options, vocabulary) = (parts::policy(config), parts::vocabulary(config));
    let files = match files(&options) {
        Ok(files) => files,
        Err(why) => return Ok(could_not_run(&why)),
    };
    let broken = |findings| could_not_run(&format!("the files must be put right first:\n{findings}"));
    let closely = match locked(&files, &vocabulary) {
        Ok(closely) => closely,
        Err(findings) => return Ok(broken(findings)),
    };
    let told = Directory::open(config).await.ask(&closely).await;
    let report = match examine(&files, &vocabulary, &told) {
        Ok(report) => report,
        Err(findings) => return Ok(broken(findings)),
    };
    output::say(&if print.json { serde_json::to_string(&report)? } else { report.to_string() });
    if told.listings.is_empty() && !told.unasked.is_empty() {
        return Ok(ExitCode::from(2));
    }
    Ok(status(report.is_clean()))
}
