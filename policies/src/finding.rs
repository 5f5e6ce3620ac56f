//! What is wrong with policy files: code, file, line, column, message, hint. All of it at once.

mod rules;
mod sarif;

use std::fmt;

use serde::Serialize;

pub use self::rules::{RULES, Rule};
use crate::text;

/// Most findings that are listed: a file of nonsense has one for each of its characters.
const MOST: usize = 2_000;
/// Longest text for which a likeness is sought, in bytes.
const LONGEST_LIKENESS: usize = 120;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The policy does not load.
    Error,
    /// It loads; somebody should look.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of the rule, such as `unknown-command`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Name of the file.
    pub file: String,
    /// Line, from 1; 0 when it concerns the file as a whole.
    pub line: usize,
    /// Column in characters, from 1; 0 when it concerns the line or the file as a whole.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Finding {
    /// `policy.csv:6:45`, as far as it is known.
    #[must_use]
    pub fn place(&self) -> String {
        let parts = [self.line, self.column].into_iter().take_while(|number| *number > 0);
        parts.fold(self.file.clone(), |place, number| format!("{place}:{number}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{:<18} {severity:<8} {:<16} {}", self.place(), self.code, self.message)
    }
}

/// All that is wrong, in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// The findings.
    pub findings: Vec<Finding>,
}

impl Findings {
    /// Whether anything keeps the policy from being loaded.
    #[must_use]
    pub fn refuse(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    pub(crate) fn error(
        &mut self,
        code: &'static str,
        file: &str,
        at: (usize, usize),
        message: impl Into<String>,
    ) {
        self.add(Severity::Error, code, file, at, message.into());
    }

    pub(crate) fn warn(
        &mut self,
        code: &'static str,
        file: &str,
        at: (usize, usize),
        message: impl Into<String>,
    ) {
        self.add(Severity::Warning, code, file, at, message.into());
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        file: &str,
        at: (usize, usize),
        message: String,
    ) {
        let (line, column) = at;
        debug_assert!(rules::named(code).is_some(), "`{code}` has no rule");
        // What a file says must not write over the terminal that shows it.
        let visible = |c: char| if c != ' ' && text::is_hidden(c) { '\u{FFFD}' } else { c };
        let message: String = message.chars().map(visible).collect();
        if self.findings.len() >= MOST {
            // Whatever else is left out, a file with an error is refused.
            let told = self.findings.last().is_some_and(|last| last.severity == Severity::Error);
            if severity == Severity::Warning || told {
                return;
            }
        } else if self.findings.len() + 1 == MOST {
            let message = "more is wrong than is worth a list; mend these first".to_owned();
            let code = "too-many-findings";
            self.findings.push(Finding {
                code,
                severity,
                file: file.to_owned(),
                line: 0,
                column: 0,
                message,
            });
        }
        self.findings.push(Finding { code, severity, file: file.to_owned(), line, column, message });
    }

    pub(crate) fn sorted(mut self) -> Self {
        self.findings
            .sort_by(|a, b| (&a.file, a.line, a.column, a.code).cmp(&(&b.file, b.line, b.column, b.code)));
        self
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        f.write_str(&self.summary())
    }
}

impl Findings {
    /// `2 errors, 1 warning`.
    #[must_use]
    pub fn summary(&self) -> String {
        let errors = self.errors();
        let warnings = self.findings.len() - errors;
        let many = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
        format!("{}, {}", many(errors, "error"), many(warnings, "warning"))
    }
}

/// "; did you mean `x`?" for the candidate most like the text, if one is like it.
pub(crate) fn did_you_mean<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    if text.len() > LONGEST_LIKENESS {
        return String::new();
    }
    let like = |candidate: &&str| {
        strsim::normalized_damerau_levenshtein(&text.to_lowercase(), &candidate.to_lowercase())
    };
    let best = candidates
        .into_iter()
        .map(|candidate| (like(&candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)));
    best.map_or_else(String::new, |(_, candidate)| format!("; did you mean `{candidate}`?"))
}

/// Whether a text is one of the candidates but for one or two slips of the hand, in a short word one.
pub(crate) fn is_mistyped<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> bool {
    if text.len() > LONGEST_LIKENESS {
        return false;
    }
    let slips = if text.chars().count() < 5 { 1 } else { 2 };
    let lower = text.to_lowercase();
    candidates
        .into_iter()
        .any(|candidate| strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()) <= slips)
}
