//! `policy check` and `policy test`: what is wrong with the files, all at once.

use std::{fmt::Write, process::ExitCode};

use adjutant_policies::{Finding, Findings, Severity, TestReport};
use anstyle::{AnsiColor, Color, Effects, Style};
use anyhow::Result;

use crate::{
    cli::{Json, PolicyCheck},
    config::Config,
    output,
    roles::{
        admin::{could_not_run, status},
        many, parts,
    },
};

const ERROR: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Red))).effects(Effects::BOLD);
const WARNING: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Yellow))).effects(Effects::BOLD);
const GOOD: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Green)));

/// Every finding, for people, programs or code review.
pub(super) fn check(config: &Config, print: PolicyCheck) -> Result<ExitCode> {
    let (options, vocabulary) = (parts::policy(config), parts::vocabulary(config));
    let findings = match adjutant_policies::check(&options, &vocabulary) {
        Ok(findings) => findings,
        Err(why) => return Ok(could_not_run(&why)),
    };
    if print.sarif {
        let folder = options.folder.map_or_else(String::new, |folder| folder.display().to_string());
        let log = findings.sarif(&folder, env!("CARGO_PKG_VERSION"));
        output::say(&serde_json::to_string_pretty(&log)?);
    } else if print.json {
        output::say(&serde_json::to_string(&findings)?);
    } else {
        output::say(&shown(&findings)?);
    }
    Ok(status(!findings.refuse()))
}

/// Lines with places, rules and messages in columns.
fn shown(findings: &Findings) -> Result<String> {
    let width = |text: fn(&Finding) -> String| {
        findings.findings.iter().map(|finding| text(finding).chars().count()).max().unwrap_or(0)
    };
    let (places, codes) = (width(Finding::place), width(|finding| finding.code.to_owned()));
    let mut text = String::new();
    for finding in &findings.findings {
        let (style, word) = match finding.severity {
            Severity::Error => (ERROR, "error  "),
            Severity::Warning => (WARNING, "warning"),
        };
        let (place, code) = (finding.place(), finding.code);
        writeln!(text, "{place:<places$}  {style}{word}{style:#}  {code:<codes$}  {}", finding.message)?;
    }
    text.push_str(&findings.summary());
    Ok(text)
}

/// Each test that does not pass, and what decided.
pub(super) fn test(config: &Config, print: Json) -> Result<ExitCode> {
    let report = match adjutant_policies::test(&parts::policy(config), &parts::vocabulary(config)) {
        Ok(Ok(report)) => report,
        Ok(Err(findings)) => return Ok(could_not_run(&findings.to_string())),
        Err(why) => return Ok(could_not_run(&why)),
    };
    if print.json {
        output::say(&serde_json::to_string(&report)?);
    } else {
        output::say(&results(&report)?);
    }
    Ok(status(report.failed() == 0))
}

fn results(report: &TestReport) -> Result<String> {
    let mut text = String::new();
    for failed in report.results.iter().filter(|result| !result.passed) {
        let place = format!("policy.test:{}", failed.line);
        let blank = "";
        writeln!(text, "{place}  {}", failed.told)?;
        writeln!(text, "{blank:width$}  {}", failed.decided, width = place.len())?;
    }
    let (all, failed) = (report.results.len(), report.failed());
    let style = if failed == 0 { GOOD } else { ERROR };
    write!(text, "{}: {} passed, {style}{failed} failed{style:#}", many(all, "test"), all - failed)?;
    Ok(text)
}
