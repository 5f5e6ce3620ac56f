//! What stands behind the locked ids today: whether they are there, who is in them, who can put others in, and which lines of
//! the policy rest on them. Pure: the caller asks the platforms.

mod look;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use adjutant_bus::actor::GroupId;
use serde::Serialize;

use crate::{
    closure::Closure,
    finding::Findings,
    load::Files,
    matching::cmd_match,
    resolve::{Reading, Told, entries::Entry, told::ranges},
    rows::Row,
    vocabulary::Vocabulary,
};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What policy rests on is not there, or could not be looked at.
    Error,
    /// Somebody should look.
    Warning,
    /// As it should be.
    Ok,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// How bad it is.
    pub level: Level,
    /// Stable name of the rule, such as `stale-id`.
    pub code: &'static str,
    /// The id or the home; none: all of them.
    pub about: Option<String>,
    /// What was found, and what to do.
    pub message: String,
    /// The lines of `policy.csv` that rest on it.
    pub lines: Vec<usize>,
}

/// Everything that was looked at, the worst first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The checks.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.checks.iter().all(|check| check.level == Level::Ok)
    }

    fn add(
        &mut self,
        level: Level,
        code: &'static str,
        about: impl Into<Option<String>>,
        message: String,
        lines: &[usize],
    ) {
        self.checks.push(Check { level, code, about: about.into(), message, lines: lines.to_vec() });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let level = match check.level {
                Level::Error => "error",
                Level::Warning => "warning",
                Level::Ok => "ok",
            };
            let lines = match check.lines.as_slice() {
                [] => String::new(),
                lines => format!(" ({})", ranges(lines)),
            };
            writeln!(f, "{level:<8} {}{lines}", check.message)?;
        }
        Ok(())
    }
}

/// The groups to ask the platforms about closely: those that the lock names.
///
/// # Errors
/// What is wrong with the files, so that they cannot be read for sure.
pub fn locked(files: &Files, vocabulary: &Vocabulary) -> Result<BTreeSet<GroupId>, Findings> {
    Ok(Reading::of(files, vocabulary)?.entries.iter().filter_map(Entry::group).collect())
}

/// Looks at every locked id.
///
/// # Errors
/// What is wrong with the files, so that they cannot be read for sure.
pub fn doctor(files: &Files, vocabulary: &Vocabulary, told: &Told) -> Result<Report, Findings> {
    let reading = Reading::of(files, vocabulary)?;
    let closure = Closure::of(&reading.rows.links, &mut Findings::default());
    let mut report =
        look::Look { reading: &reading, closure, vocabulary, production: &reading.production, told }.report();
    report.checks.sort_by_key(|check| check.level);
    Ok(report)
}

/// Whether a row can let somebody do something with production. A command that is not known may be for it.
fn is_for_production(row: &Row, vocabulary: &Vocabulary, production: &BTreeMap<String, Vec<String>>) -> bool {
    let mut commands =
        vocabulary.commands.iter().filter(|command| cmd_match(command, &row.command)).peekable();
    let unknown = commands.peek().is_none();
    let commands: Vec<&String> = commands.collect();
    let reaches = |(key, known): (&String, &Vec<String>)| {
        let binds = unknown || commands.iter().any(|command| vocabulary.binds(command, key));
        let mut own = row.conditions().filter(|(own, _)| own == key);
        binds
            && own.all(|(_, values)| values.split('|').any(|value| known.iter().any(|known| known == value)))
    };
    row.allow && row.action != "view" && production.iter().any(reaches)
}
