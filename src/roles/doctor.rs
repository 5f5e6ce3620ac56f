//! Checks an installation from outside, and says what to fix. Exit status 0 clean, 1 something keeps it from working.

use std::process::ExitCode;

use adjutant_gateway::Finding;
use anyhow::Result;

use super::{admin, parts};
use crate::{cli::Json, config::Config, output};

pub(super) async fn slack(config: &Config, print: Json) -> Result<ExitCode> {
    report(&adjutant_gateway_slack::Gateway::check(&parts::slack(config)).await, print)
}

pub(super) async fn discord(config: &Config, print: Json) -> Result<ExitCode> {
    report(&adjutant_gateway_discord::Gateway::check(&parts::discord(config)).await, print)
}

fn report(findings: &[Finding], print: Json) -> Result<ExitCode> {
    if print.json {
        output::say(&serde_json::to_string(findings)?);
    } else {
        let mut table = admin::table(&["", "what", "found", "what to do"]);
        for finding in findings {
            let mark = match (finding.ok, finding.fatal) {
                (true, _) => "ok",
                (false, true) => "FAILS",
                (false, false) => "partly",
            };
            table.add_row([mark, &finding.what, &finding.found, &finding.fix]);
        }
        admin::print(&table);
    }
    Ok(admin::status(!findings.iter().any(|finding| finding.fatal)))
}
