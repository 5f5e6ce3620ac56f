//! The lines of `policy.lock` as text: read with their places, and rewritten so that comments, order and columns stay.

use adjutant_bus::actor::{GroupId, Tenant};

use crate::{finding::Findings, lock, text};

/// A line of the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) id: String,
    pub(crate) name: String,
    /// Name of the group when it was locked.
    pub(crate) label: String,
}

impl Entry {
    /// `slack:T0ACME` of `slack:T0ACME/S0ENG`.
    pub(crate) fn home(&self) -> Option<&str> {
        self.id.split_once('/').map(|(home, _)| home)
    }

    /// The id as the platform's, if it is one.
    pub(crate) fn group(&self) -> Option<GroupId> {
        let (home, group) = self.id.split_once('/')?;
        let (platform, tenant) = home.split_once(':')?;
        Some(GroupId::new(platform.parse().ok()?, &Tenant::new(tenant), group))
    }
}

/// A change of the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// This line has this id and label.
    Replace { line: usize, id: String, label: String },
    /// One more line.
    Add { id: String, name: String, label: String },
}

/// The lines that have three fields. What is wrong with others is reported elsewhere.
pub(super) fn read(file_text: &str) -> Vec<Entry> {
    let lines = text::lines(lock::FILE, file_text, Some(3), &mut Findings::default());
    let entry = |line: text::Line| match line.fields.as_slice() {
        [(id, _), (name, _), (label, _)] => {
            Some(Entry { line: line.number, id: id.clone(), name: name.clone(), label: label.clone() })
        }
        _ => None,
    };
    lines.into_iter().filter_map(entry).collect()
}

/// The text after the edits.
pub(super) fn rewrite(file_text: &str, entries: &[Entry], edits: &[Edit]) -> String {
    let end = if file_text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<Vec<String>> = file_text.lines().map(|line| vec![line.to_owned()]).collect();
    for edit in edits {
        match edit {
            Edit::Replace { line, id, label } => {
                if let Some(own) = lines.get_mut(line - 1).and_then(|own| own.first_mut()) {
                    *own = Columns::of(own).line(id, &name_of(entries, *line), label);
                }
            }
            Edit::Add { id, name, label } => {
                let same = entries.iter().rfind(|entry| entry.name == *name);
                let after = same.or_else(|| entries.last()).map_or(lines.len(), |entry| entry.line);
                let columns =
                    after.checked_sub(1).and_then(|index| lines.get(index)).and_then(|own| own.first());
                let columns = columns.filter(|_| !entries.is_empty()).map(|line| Columns::of(line));
                let line = columns.unwrap_or_default().line(id, name, label);
                match after.checked_sub(1).and_then(|index| lines.get_mut(index)) {
                    Some(own) => own.push(line),
                    None => lines.push(vec![line]),
                }
            }
        }
    }
    lines.into_iter().flatten().map(|line| line + end).collect()
}

fn name_of(entries: &[Entry], line: usize) -> String {
    entries.iter().find(|entry| entry.line == line).map(|entry| entry.name.clone()).unwrap_or_default()
}

/// Where the second and the third field of a line begin, in characters from 0.
#[derive(Clone, Copy, Default)]
struct Columns {
    name: usize,
    label: usize,
}

impl Columns {
    fn of(line: &str) -> Self {
        let mut fields = line.splitn(3, ',');
        let mut width = |at: usize| {
            let field = fields.next().unwrap_or_default();
            let lead = field.chars().take_while(|c| *c == ' ').count();
            (at + lead, at + field.chars().count() + 1)
        };
        let (_, next) = width(0);
        let (name, next) = width(next);
        let (label, _) = width(next);
        Self { name, label }
    }

    /// A line with its fields in these columns, as far as they fit.
    fn line(self, id: &str, name: &str, label: &str) -> String {
        let pad = |text: String, to: usize| {
            let blanks = to.saturating_sub(text.chars().count()).max(1);
            text + " ".repeat(blanks).as_str()
        };
        let line = pad(format!("{id},"), self.name) + name + ",";
        pad(line, self.label) + label
    }
}
