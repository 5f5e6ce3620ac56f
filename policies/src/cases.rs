//! `policy.test`: the policy's own tests. A policy whose tests fail is not put in force.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::spec::Action;
use serde::Serialize;

use crate::{
    finding::Findings,
    gate::{Ask, Caller, Gate},
    load::{Files, Options, Purpose, TESTS, draft},
    text::{self, Line},
    twin::Dimension,
    vocabulary::{RESERVED, Vocabulary},
};

/// One test's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    /// Line in `policy.test`.
    pub line: usize,
    /// Whether policy said what the line expects.
    pub passed: bool,
    /// What was expected, what came, and what was asked.
    pub told: String,
    /// What decided: `allowed by policy.csv:6`.
    pub decided: String,
}

/// The results of all tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TestReport {
    /// In the order of lines.
    pub results: Vec<CaseResult>,
}

impl TestReport {
    /// How many tests did not pass.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.results.iter().filter(|result| !result.passed).count()
    }
}

/// Runs the tests that go with a policy.
///
/// # Errors
/// Why the files cannot be read; findings that keep them from being loaded; ill-formed tests.
pub fn test(options: &Options, vocabulary: &Vocabulary) -> Result<Result<TestReport, Findings>, String> {
    let files = Files::take(options)?;
    let (drafted, findings) = draft(&files, options, vocabulary, Purpose::Check);
    let Some(drafted) = drafted else { return Ok(Err(findings)) };
    Ok(Gate::build(drafted, 0).and_then(|gate| run(&files.tests, &gate)))
}

/// Ill-formed and failed tests, as findings.
pub(crate) fn check(file: &[u8], gate: &Gate) -> Findings {
    match run(file, gate) {
        Err(findings) => findings,
        Ok(report) => {
            let mut findings = Findings::default();
            for failed in report.results.into_iter().filter(|result| !result.passed) {
                let message = format!("{}; {}", failed.told, failed.decided);
                findings.error("test-failed", TESTS, (failed.line, 1), message);
            }
            findings
        }
    }
}

/// Runs the tests whose commands are known: others wait for their service.
pub(crate) fn run(file: &[u8], gate: &Gate) -> Result<TestReport, Findings> {
    let vocabulary = gate.vocabulary();
    let mut findings = Findings::default();
    let mut report = TestReport::default();
    if let Some(text) = text::decode(TESTS, file, &mut findings) {
        text::check_characters(TESTS, text, &mut findings);
        for line in text::lines(TESTS, text, None, &mut findings) {
            match Case::read(&line, gate, vocabulary) {
                Ok(case) if vocabulary.commands.contains(&case.command) => {
                    report.results.push(case.run(gate))
                }
                Ok(_) => {}
                Err((at, why)) => findings.error("test-form", TESTS, (line.number, line.at(at)), why),
            }
        }
    }
    if findings.refuse() { Err(findings) } else { Ok(report) }
}

struct Case {
    line: usize,
    allow: bool,
    caller: Caller,
    place: String,
    command: String,
    action: Action,
    context: BTreeMap<String, String>,
    /// The same, as the line says it.
    asked: String,
    by: Option<String>,
}

impl Case {
    fn read(line: &Line, gate: &Gate, vocabulary: &Vocabulary) -> Result<Self, (usize, String)> {
        let fields: Vec<&str> = line.fields.iter().map(|(field, _)| field.as_str()).collect();
        let [verdict, groups, place, command, action, context, by @ ..] = fields.as_slice() else {
            return Err((
                6,
                format!(
                    "6 or 7 fields are needed (verdict, groups, place, command, action, context, what decides), {} are here",
                    fields.len()
                ),
            ));
        };
        let allow = match *verdict {
            "allow" => true,
            "deny" => false,
            other => return Err((0, format!("the verdict is `allow` or `deny`, not `{other}`"))),
        };
        let action = match *action {
            "run" => Action::Run,
            "view" => Action::View,
            "approve" => Action::Approve,
            other => return Err((4, format!("the action is `run`, `view` or `approve`, not `{other}`"))),
        };
        let asked = [*groups, place, command, action.as_str(), context].join(", ");
        let groups = groups_of(groups);
        Ok(Self {
            line: line.number,
            allow,
            caller: Caller::new("console:test/case".to_owned(), gate.close(groups)),
            place: (*place).to_owned(),
            command: (*command).to_owned(),
            action,
            context: context_of(context, vocabulary).map_err(|why| (5, why))?,
            asked,
            by: by.first().map(|by| (*by).to_owned()),
        })
    }

    fn run(&self, gate: &Gate) -> CaseResult {
        let ask = Ask {
            caller: &self.caller,
            place: &self.place,
            command: &self.command,
            action: self.action,
            context: &self.context,
        };
        let verdict = gate.decide(&ask);
        let came = verdict.authorization.allowed;
        let by = verdict.denial.map(|denial| name(denial.dimension));
        let passed = came == self.allow && self.by.as_deref().is_none_or(|wanted| by == Some(wanted));
        let word = |allow| if allow { "allow" } else { "deny" };
        // Which part of the request decided matters only where the test names one.
        let part = |by: Option<&str>| by.map_or_else(String::new, |by| format!(" ({by})"));
        let wanted = part(self.by.as_deref());
        let came_by = if self.by.is_some() { part(by) } else { String::new() };
        let told =
            format!("expected {}{wanted}, got {}{came_by}: {}", word(self.allow), word(came), self.asked);
        let decided = match (verdict.authorization.row, came) {
            (Some(row), true) => format!("allowed by {row}"),
            (Some(row), false) => format!("refused by {row}"),
            (None, _) => format!("no row allows it{}", part(by)),
        };
        CaseResult { line: self.line, passed, told, decided }
    }
}

/// Groups joined by `+`. Who has an ordinary group has `everyone` too, as in production.
pub(crate) fn groups_of(groups: &str) -> BTreeSet<String> {
    let mut groups: BTreeSet<String> = groups.split('+').map(|group| group.trim().to_owned()).collect();
    let ordinary = |group: &String| !RESERVED.contains(&group.as_str()) && !group.starts_with("svc:");
    if groups.iter().any(ordinary) {
        groups.insert("everyone".to_owned());
    }
    groups
}

/// `k=v;k=v`; keys left out are as usual (no freeze, the first window, else `none`), `key=?` leaves a key out for good, `*` is all defaults.
fn context_of(text: &str, vocabulary: &Vocabulary) -> Result<BTreeMap<String, String>, String> {
    let mut context = vocabulary.usually();
    if text == "*" {
        return Ok(context);
    }
    for part in text.split(';') {
        match part.split_once('=') {
            Some((key, "?")) => drop(context.remove(key)),
            Some((key, value)) => drop(context.insert(key.to_owned(), value.to_owned())),
            None => return Err(format!("`{part}` is no `key=value`")),
        }
    }
    Ok(context)
}

const fn name(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Command => "command",
        Dimension::Group => "group",
        Dimension::Action => "action",
        Dimension::Place => "place",
        Dimension::When => "when",
        Dimension::DenyRow => "deny-row",
        Dimension::Engine => "engine",
    }
}
