//! A policy as people read it: groups with their ids, and rows by command.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    finding::{Findings, did_you_mean},
    gate::Gate,
    load::{Files, Options, Purpose, draft},
    vocabulary::{RESERVED, Vocabulary},
};

/// A group of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The policy name.
    pub name: String,
    /// The chat groups that stand for it; none for reserved ones.
    pub ids: Vec<String>,
    /// The groups that its members are in too, all steps up.
    pub within: Vec<String>,
}

/// A `p` row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// `policy.csv:6`.
    pub row: String,
    /// Whose.
    pub group: String,
    /// Where.
    pub place: String,
    /// Which command.
    pub command: String,
    /// Which right.
    pub action: String,
    /// Under which condition.
    pub when: String,
    /// `allow` or `deny`.
    pub effect: &'static str,
}

/// What policy.toml says, with what holds where it says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stated {
    /// The time zone of the windows.
    pub timezone: String,
    /// Each window with its spans, in the order that counts.
    pub windows: Vec<Window>,
    /// Whom to ask when no group's contact fits.
    pub contact: Option<String>,
    /// Whom to ask for what a group may.
    pub contacts: BTreeMap<String, String>,
    /// The values that make a command a production command, by key.
    pub production: BTreeMap<String, Vec<String>>,
}

/// A named window of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Its name, which `hours` takes.
    pub name: String,
    /// `Mon-Fri 09:00-17:00`.
    pub spans: Vec<String>,
}

/// The file as it is written; what is wrong with it keeps a policy from being built.
#[derive(Default, Deserialize)]
struct Written {
    contact: Option<String>,
    timezone: Option<String>,
    #[serde(default)]
    windows: toml::Table,
    #[serde(default)]
    contacts: BTreeMap<String, String>,
}

/// Builds the policy of these files, to look at: its tests are not run, and commands of services that are away may be named.
///
/// # Errors
/// What keeps it from being loaded.
pub fn open(
    files: &Files,
    options: &Options,
    vocabulary: &Vocabulary,
    version: u64,
) -> Result<Gate, Findings> {
    let (drafted, findings) = draft(files, options, vocabulary, Purpose::Activate);
    drafted.ok_or(findings).and_then(|drafted| Gate::build(drafted, version))
}

impl Gate {
    /// The groups that the policy knows, by name.
    #[must_use]
    pub fn known_groups(&self) -> Vec<Group> {
        let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (id, name) in self.lock().ids() {
            ids.entry(name.to_owned()).or_default().push(id.to_owned());
        }
        let named = self.rows().iter().map(|row| row.group.clone()).chain(self.linked());
        let names: BTreeSet<String> = named.chain(ids.keys().cloned()).collect();
        let group = |name: String| {
            let within = self.close([name.clone()]).into_iter().filter(|above| *above != name).collect();
            Group { ids: ids.remove(&name).unwrap_or_default(), name, within }
        };
        names.into_iter().map(group).collect()
    }

    /// What policy.toml says. The files are those that the policy was built of.
    #[must_use]
    pub fn stated(&self, files: &Files) -> Stated {
        let text = String::from_utf8_lossy(&files.settings);
        let written: Written = toml::from_str(&text).unwrap_or_default();
        let spans = |value: toml::Value| value.try_into().unwrap_or_default();
        let window = |(name, value)| Window { name, spans: spans(value) };
        Stated {
            timezone: written.timezone.unwrap_or_else(|| "UTC".to_owned()),
            windows: written.windows.into_iter().map(window).collect(),
            contact: written.contact,
            contacts: written.contacts,
            production: self.production().clone(),
        }
    }

    /// The rows in the order of commands, and of the file.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        let mut rows: Vec<_> = self.rows().iter().collect();
        rows.sort_by(|a, b| (&a.command, a.line).cmp(&(&b.command, b.line)));
        let rule = |row: &crate::rows::Row| Rule {
            row: row.name(),
            group: row.group.clone(),
            place: row.place.clone(),
            command: row.command.clone(),
            action: row.action.clone(),
            when: row.when.clone(),
            effect: if row.allow { "allow" } else { "deny" },
        };
        rows.into_iter().map(rule).collect()
    }

    /// Somebody in the groups of `A + B`. Whoever is in an ordinary group is in `everyone` too, as in production.
    ///
    /// # Errors
    /// A group that the policy does not know.
    pub fn caller_of(&self, who: &str, groups: &str) -> Result<crate::Caller, String> {
        let groups = crate::cases::groups_of(groups);
        let known: Vec<String> = self
            .known_groups()
            .into_iter()
            .map(|group| group.name)
            .chain(RESERVED.map(str::to_owned))
            .collect();
        match groups.iter().find(|group| !known.contains(group)) {
            Some(strange) => {
                let hint = did_you_mean(strange, known.iter().map(String::as_str));
                Err(format!("no group `{strange:.40}`{hint}"))
            }
            None => Ok(self.caller_in(who, groups)),
        }
    }
}
