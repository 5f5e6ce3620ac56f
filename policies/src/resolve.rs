//! From the names in the rows to the ids of chat groups, once, at review: what stays, what is new, what would change hands, and
//! what is refused. Pure: the caller asks the platforms, and writes the lock.

mod alike;
pub(crate) mod entries;
mod judge;
pub(crate) mod told;

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::directory::Listing;
use serde::Serialize;

use self::entries::{Edit, Entry};
use crate::{
    finding::{Finding, Findings, Severity},
    load::{Files, MOST_ROWS, Purpose, SETTINGS},
    lock::{self, Lock},
    rows::{self, Judge, Rows},
    settings::Settings,
    text,
    vocabulary::{NOBODY, RESERVED, Vocabulary},
};

/// What is found wrong as long as a name is not locked.
const UNLOCKED: [&str; 2] = ["unknown-group", "settings-group"];

/// What the platforms say.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The homes that answered.
    pub listings: Vec<Listing>,
    /// The trusted homes that did not, and why.
    pub unasked: BTreeMap<String, String>,
}

/// How it stands with one id of a policy name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A line about a service or the console, which no platform knows.
    Kept,
    /// The locked group is there, and is called as when it was locked.
    Unchanged,
    /// The locked group is called otherwise now; the id is the same.
    Renamed,
    /// A group of the name in a home in which none is locked.
    New,
    /// The name would go over to another group; not approved.
    Changed,
    /// The same, and approved.
    Approved,
    /// Several groups of that name, none of them locked.
    Ambiguous,
    /// It may not be locked.
    Refused,
    /// The same, where the name has another id.
    Skipped,
    /// The locked group is there no more.
    Gone,
    /// No group of that name anywhere.
    Missing,
    /// The home did not answer.
    Unasked,
}

/// One id of a policy name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// How it stands.
    pub state: State,
    /// The id, if there is one.
    pub id: Option<String>,
    /// The id that was locked, if another one takes its place.
    pub was: Option<String>,
    /// What is to be said about it.
    pub message: String,
}

/// A policy name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// As rows have it.
    pub name: String,
    /// Its ids.
    pub ids: Vec<Step>,
}

/// All names, and what the lock would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resolution {
    /// Each name, those of the lock first.
    pub names: Vec<Resolved>,
    /// What concerns no name.
    pub problems: Vec<String>,
    /// The text of the new lock: with new ids, approved changes and new labels. None: there is nothing to write.
    #[serde(skip)]
    pub lock: Option<String>,
}

impl Resolution {
    /// How many ids stand so.
    #[must_use]
    pub fn count(&self, states: &[State]) -> usize {
        self.names.iter().flat_map(|name| &name.ids).filter(|step| states.contains(&step.state)).count()
    }

    /// Whether somebody must do something else than write the lock.
    #[must_use]
    pub fn needs_somebody(&self) -> bool {
        use State::{Ambiguous, Changed, Gone, Missing, Refused, Unasked};
        !self.problems.is_empty() || self.count(&[Ambiguous, Changed, Gone, Missing, Refused, Unasked]) > 0
    }
}

/// Works out every name. A name in `approved` may go over to another group.
///
/// # Errors
/// What is wrong with the files, so that they cannot be read for sure.
pub fn resolve(
    files: &Files,
    vocabulary: &Vocabulary,
    told: &Told,
    approved: &BTreeSet<String>,
) -> Result<Resolution, Findings> {
    let read = Reading::of(files, vocabulary)?;
    let mut edits = Vec::new();
    let mut names = Vec::new();
    for name in read.names() {
        if let Some(resolved) = read.resolve(&name, told, approved, &mut edits) {
            names.push(resolved);
        }
    }
    let changing = |name: &&String| {
        let found = names.iter().find(|resolved| resolved.name == **name);
        found.is_some_and(|resolved| resolved.ids.iter().any(|step| step.state == State::Approved))
    };
    let idle = approved.iter().filter(|name| !changing(name));
    let mut problems: Vec<String> = idle
        .map(|name| format!("`--approve {name}`: no id of that name changes, so there is nothing to approve"))
        .collect();
    problems.extend(
        read.lost.iter().map(|finding| format!("{}:{}: {}", finding.file, finding.line, finding.message)),
    );
    let lock = (!edits.is_empty()).then(|| entries::rewrite(&read.text, &read.entries, &edits));
    if let Some(lock) = &lock {
        confirm(lock, &read, vocabulary)?;
    }
    Ok(Resolution { names, problems, lock })
}

/// What is written must be read as it is meant.
fn confirm(lock: &str, read: &Reading, vocabulary: &Vocabulary) -> Result<(), Findings> {
    let mut findings = Findings::default();
    text::check_characters(lock::FILE, lock, &mut findings);
    Lock::read(lock, vocabulary, &mut findings);
    if findings.errors() > read.refused.len() + read.lost.len() { Err(findings) } else { Ok(()) }
}

/// The files, read for the names in them.
pub(crate) struct Reading {
    text: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) rows: Rows,
    /// The values that make a command a production command, by key.
    pub(crate) production: BTreeMap<String, Vec<String>>,
    /// Why a line of the lock means nothing, by line.
    pub(crate) refused: BTreeMap<usize, String>,
    /// Findings about lines of the lock that say nothing that could be read.
    pub(crate) lost: Vec<Finding>,
}

impl Reading {
    pub(crate) fn of(files: &Files, vocabulary: &Vocabulary) -> Result<Self, Findings> {
        let mut findings = Findings::default();
        let lock_text = text::decode(lock::FILE, &files.lock, &mut findings);
        let rows_text = text::decode(rows::FILE, &files.policy, &mut findings);
        let settings_text = text::decode(SETTINGS, &files.settings, &mut findings);
        let (Some(lock_text), Some(rows_text), Some(settings_text)) = (lock_text, rows_text, settings_text)
        else {
            return Err(findings.sorted());
        };
        for (file, text) in [(lock::FILE, lock_text), (rows::FILE, rows_text), (SETTINGS, settings_text)] {
            text::check_characters(file, text, &mut findings);
        }
        let lock = Lock::read(lock_text, vocabulary, &mut findings);
        let groups = lock.policy_names().iter().map(String::as_str).chain(RESERVED).collect();
        let settings = Settings::read(settings_text, &groups, vocabulary, &mut findings);
        let vocabulary = &settings.extend(vocabulary);
        let judge =
            &mut Judge { vocabulary, lock: &lock, purpose: Purpose::Activate, findings: &mut findings };
        let rows = Rows::read(rows_text, MOST_ROWS, judge);
        let entries = entries::read(lock_text);
        let (mut refused, mut lost) = (BTreeMap::new(), Vec::new());
        // A name that is not locked yet is what this is about.
        findings
            .findings
            .retain(|finding| finding.severity == Severity::Error && !UNLOCKED.contains(&finding.code));
        for finding in std::mem::take(&mut findings.findings) {
            if !finding.code.starts_with("lock-") {
                findings.findings.push(finding);
            } else if entries.iter().any(|entry| entry.line == finding.line) {
                refused.insert(finding.line, finding.message);
            } else {
                lost.push(finding);
            }
        }
        if findings.refuse() {
            return Err(findings.sorted());
        }
        let production = settings.production.clone();
        Ok(Self { text: lock_text.to_owned(), entries, rows, production, refused, lost })
    }

    /// Every name: those of the lock, then those that only rows have.
    fn names(&self) -> Vec<String> {
        let locked = self.entries.iter().map(|entry| entry.name.as_str());
        let mut seen = BTreeSet::new();
        locked.chain(self.named()).filter(|name| seen.insert(*name)).map(str::to_owned).collect()
    }

    fn named(&self) -> impl Iterator<Item = &str> {
        let mut named: Vec<(usize, &str)> = Vec::new();
        named.extend(self.rows.rows.iter().map(|row| (row.line, row.group.as_str())));
        named.extend(
            self.rows
                .links
                .iter()
                .flat_map(|link| [(link.line, link.member.as_str()), (link.line, link.above.as_str())]),
        );
        named.sort_by_key(|(line, _)| *line);
        named.into_iter().map(|(_, name)| name)
    }

    fn resolve(
        &self,
        name: &str,
        told: &Told,
        approved: &BTreeSet<String>,
        edits: &mut Vec<Edit>,
    ) -> Option<Resolved> {
        let own: Vec<&Entry> = self.entries.iter().filter(|entry| entry.name == name).collect();
        if own.is_empty() && RESERVED.contains(&name) {
            return None;
        }
        let ids = match impossible(name).filter(|_| own.is_empty()) {
            Some(why) => vec![Step { state: State::Refused, id: None, was: None, message: why }],
            None => self.judge(name, &own, told, approved, edits),
        };
        Some(Resolved { name: name.to_owned(), ids })
    }
}

/// Why no chat group can ever stand for this name.
fn impossible(name: &str) -> Option<String> {
    if name == NOBODY {
        Some("nobody carries it; did you mean `everyone`?".to_owned())
    } else if name.starts_with("svc:") {
        Some(format!(
            "a service stands for itself. Put the line `{name}, {name}, <what it is>` into policy.lock"
        ))
    } else if name.contains([':', '/']) {
        Some("`:` and `/` belong to ids, so it is no policy name".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
