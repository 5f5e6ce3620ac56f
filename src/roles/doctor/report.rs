//! The findings as a table that fits a terminal, with a line that sums them up, or as JSON; and the exit status.

use std::{io::IsTerminal, process::ExitCode};

use adjutant_gateway::Finding;
use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::{
    cli::DoctorPart,
    output,
    roles::{admin, many},
};

/// Columns where there is no terminal to ask.
const WIDTH: u16 = 120;

/// A finding in JSON.
#[derive(Serialize)]
struct Line<'a> {
    part: &'a str,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// The name of a part, as it is typed.
pub(super) fn name(part: DoctorPart) -> &'static str {
    let parts = DoctorPart::value_variants().iter().zip(NAMES);
    parts.filter(|(known, _)| **known == part).map(|(_, name)| name).next().unwrap_or_default()
}

/// In the order of the variants; a test compares them with what is typed.
const NAMES: [&str; 11] = [
    "config", "disk", "bus", "versions", "clock", "database", "record", "policy", "commands", "slack",
    "discord",
];

pub(super) fn tell(findings: &[(DoctorPart, Finding)], as_json: bool) -> Result<()> {
    if as_json {
        let lines: Vec<Line> =
            findings.iter().map(|(part, finding)| Line { part: name(*part), finding }).collect();
        output::say(&serde_json::to_string(&lines)?);
        return Ok(());
    }
    let mut table = admin::table(&["", "part", "what", "found", "what to do"]);
    if !std::io::stdout().is_terminal() {
        table.set_width(WIDTH);
    }
    let mut last = None;
    for (part, finding) in findings {
        let shown = if last == Some(*part) { "" } else { name(*part) };
        last = Some(*part);
        table.add_row([mark(finding), shown, &finding.what, &printable(&finding.found), &finding.fix]);
    }
    admin::print(&table);
    output::say(&format!("\n{}", summary(findings)));
    Ok(())
}

fn mark(finding: &Finding) -> &'static str {
    match (finding.ok, finding.fatal) {
        (true, _) if finding.is_absent() => "-",
        (true, _) => "ok",
        (false, true) => "FAILS",
        (false, false) => "partly",
    }
}

/// What others said must not move the cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn count(findings: &[(DoctorPart, Finding)], of: impl Fn(&Finding) -> bool) -> usize {
    findings.iter().filter(|(_, finding)| of(finding)).count()
}

fn summary(findings: &[(DoctorPart, Finding)]) -> String {
    let fatal = count(findings, |finding| finding.fatal);
    let warnings = count(findings, |finding| !finding.ok && !finding.fatal);
    let looked = many(findings.len(), "check");
    let warned = many(warnings, "warning");
    match (fatal, warnings) {
        (0, 0) => format!("{looked}: all is well."),
        (0, _) => format!("{looked}: it works, with {warned}."),
        (1, _) => format!("{looked}: 1 thing keeps it from working, {warned}."),
        (fatal, _) => format!("{looked}: {fatal} things keep it from working, {warned}."),
    }
}

pub(super) fn status(findings: &[(DoctorPart, Finding)]) -> ExitCode {
    admin::status(count(findings, |finding| finding.fatal) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_called_as_they_are_typed() {
        for part in DoctorPart::value_variants() {
            assert_eq!(part.to_possible_value().unwrap().get_name(), name(*part));
        }
    }

    #[test]
    fn a_warning_is_no_failure_and_what_is_not_wanted_is_neither() {
        let of = |findings: Vec<Finding>| -> Vec<(DoctorPart, Finding)> {
            findings.into_iter().map(|finding| (DoctorPart::Bus, finding)).collect()
        };
        let good = of(vec![Finding::good("a", "b"), Finding::absent("c")]);
        assert_eq!((summary(&good).as_str(), mark(&good[1].1)), ("2 checks: all is well.", "-"));
        let warned = of(vec![Finding::bad("a", false, "b", "c")]);
        assert_eq!(
            (summary(&warned).as_str(), mark(&warned[0].1)),
            ("1 check: it works, with 1 warning.", "partly")
        );
        let failed = of(vec![Finding::bad("a", true, "b", "c"), Finding::bad("a", false, "b", "c")]);
        assert_eq!(summary(&failed), "2 checks: 1 thing keeps it from working, 1 warning.");
        assert_eq!(format!("{:?}", status(&warned)), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(format!("{:?}", status(&failed)), format!("{:?}", ExitCode::FAILURE));
    }

    #[test]
    fn the_documentation_has_every_part_in_this_order() {
        let rows =
            include_str!("../../../docs/doctor.md").lines().filter_map(|line| line.strip_prefix("| `"));
        let documented: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
        assert_eq!(documented, NAMES);
    }

    #[test]
    fn what_others_said_does_not_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
