//! The look at each locked id, and at each home.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::{
    actor::Standing,
    directory::{Keepers, Listed, Listing, Person},
};

use super::{Level, Report, is_for_production};
use crate::{
    closure::Closure,
    resolve::{Reading, Told, entries::Entry},
    vocabulary::Vocabulary,
};

/// Most names in one message.
const NAMES: usize = 5;

pub(super) struct Look<'a> {
    pub(super) reading: &'a Reading,
    pub(super) closure: Closure,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) production: &'a BTreeMap<String, Vec<String>>,
    pub(super) told: &'a Told,
}

impl Look<'_> {
    pub(super) fn report(&self) -> Report {
        let mut report = Report::default();
        for finding in &self.reading.lost {
            let message = format!("{}:{}: {}", finding.file, finding.line, finding.message);
            report.add(Level::Error, "lock", None, message, &[]);
        }
        for (home, why) in &self.told.unasked {
            let lines = self.lines_of(|entry| entry.home() == Some(home));
            report.add(
                Level::Error,
                "not-asked",
                home.clone(),
                format!("{home} could not be asked: {why}"),
                &lines,
            );
        }
        let entries: Vec<&Entry> = self.reading.entries.iter().collect();
        for entry in entries.iter().filter(|entry| self.reading.refused.contains_key(&entry.line)) {
            let why = self.reading.refused.get(&entry.line).cloned().unwrap_or_default();
            let message = format!("line {} of policy.lock means nothing: {why}", entry.line);
            report.add(Level::Error, "lock", entry.id.clone(), message, &self.lines(entry));
        }
        let (mut there, mut close) = (0, Vec::new());
        for entry in entries.iter().filter(|entry| !self.reading.refused.contains_key(&entry.line)) {
            let Some(listing) = self.listing(entry) else { continue };
            let found = listing.groups.iter().find(|group| group.id.as_str() == entry.id);
            match found {
                Some(group) if group.problem.is_none() => {
                    there += 1;
                    self.group(entry, group, listing, &mut report);
                    close.push((*entry, group));
                }
                found => self.stale(entry, found, &mut report),
            }
        }
        for listing in &self.told.listings {
            self.home(listing, &close, &mut report);
        }
        self.good(there, &close, &mut report);
        report
    }

    fn listing(&self, entry: &Entry) -> Option<&Listing> {
        self.told.listings.iter().find(|listing| entry.home() == Some(&listing.home()))
    }

    /// The lines whose rights somebody gets through this id.
    fn lines(&self, entry: &Entry) -> Vec<usize> {
        self.lines_of(|other| other.id == entry.id)
    }

    fn lines_of(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<usize> {
        let names = self.reading.entries.iter().filter(|entry| wanted(entry)).map(|entry| entry.name.clone());
        let names = self.closure.close(names);
        let rows = self.reading.rows.rows.iter().filter(|row| names.contains(&row.group));
        rows.map(|row| row.line).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn serves_production(&self, entry: &Entry) -> bool {
        let names = self.closure.close([entry.name.clone()]);
        let mut rows = self.reading.rows.rows.iter().filter(|row| names.contains(&row.group));
        rows.any(|row| is_for_production(row, self.vocabulary, self.production))
    }

    fn stale(&self, entry: &Entry, found: Option<&Listed>, report: &mut Report) {
        let message = match found.and_then(|group| group.problem.as_deref()) {
            Some(why) => format!(
                "{} cannot be used any more: {why}. Lock another group, or take the line out",
                shown(entry)
            ),
            None => {
                format!("{} is not there any more. Lock another group, or take the line out", shown(entry))
            }
        };
        report.add(Level::Error, "stale-id", entry.id.clone(), message, &self.lines(entry));
    }

    fn group(&self, entry: &Entry, group: &Listed, listing: &Listing, report: &mut Report) {
        let lines = self.lines(entry);
        let mut warn = |code, message: String| {
            report.add(Level::Warning, code, entry.id.clone(), message, &lines);
        };
        let namesakes =
            listing.groups.iter().filter(|other| other.name == entry.label && other.id != group.id);
        let namesakes: Vec<&str> = namesakes.map(|other| other.id.as_str()).collect();
        if group.name != entry.label {
            let now: String = group.name.chars().filter(|c| !c.is_control()).take(60).collect();
            let heirs = match namesakes.as_slice() {
                [] => String::new(),
                ids => format!(", and {} has the old name", ids.join(", ")),
            };
            warn(
                "renamed",
                format!("{} is called `{now}` now{heirs}; run `adjutant policy resolve`", shown(entry)),
            );
        } else if !namesakes.is_empty() {
            let message = format!(
                "{} shares its name with {}, which means nothing here; rename it, so that nobody is misled",
                shown(entry),
                namesakes.join(", ")
            );
            warn("namesake", message);
        }
        match &group.members {
            Some(members) if members.is_empty() => {
                warn("no-members", format!("{} has no members", shown(entry)))
            }
            Some(members) if self.serves_production(entry) => {
                if let Some(told) = outsiders(members) {
                    let message = format!(
                        "{} gives rights to full members only, and has others in it: {told}",
                        shown(entry)
                    );
                    warn("outsiders", message);
                }
            }
            _ => {}
        }
        match &group.keepers {
            Some(Keepers::People { people }) if !people.is_empty() => {
                let who = if people.len() == 1 {
                    "1 person".to_owned()
                } else {
                    format!("{} people", people.len())
                };
                let named = names(people.iter().map(|person| format!("@{}", person.shown())));
                let told = format!("{} can be handed out by {who} with Manage Roles: {named}", shown(entry));
                warn("handed-out", told);
            }
            Some(Keepers::Holders { groups }) if !groups.is_empty() => {
                let named = names(groups.iter().cloned());
                let told = format!(
                    "{} can be handed out by whoever has one of these roles and stands above it: {named}",
                    shown(entry)
                );
                warn("handed-out", told);
            }
            _ => {}
        }
    }

    fn home(&self, listing: &Listing, close: &[(&Entry, &Listed)], report: &mut Report) {
        let home = listing.home();
        for untold in &listing.untold {
            let lines = self.lines_of(|entry| entry.home() == Some(&home));
            report.add(Level::Warning, "untold", home.clone(), format!("{home}: {untold}"), &lines);
        }
        let own: Vec<_> = close.iter().filter(|(entry, _)| entry.home() == Some(&home)).collect();
        for (keepers, code) in [(Keepers::Everyone, "everyone-edits"), (Keepers::Untold, "untold")] {
            let kept: Vec<&Entry> = own
                .iter()
                .filter(|(_, group)| group.keepers.as_ref() == Some(&keepers))
                .map(|(entry, _)| *entry)
                .collect();
            if kept.is_empty() {
                continue;
            }
            let which = if kept.len() == own.len() {
                "user groups".to_owned()
            } else {
                names(kept.iter().map(|entry| entry.name.clone()))
            };
            let message = if keepers == Keepers::Everyone {
                format!(
                    "{home} lets every member edit {which}. Let only owners and administrators, or an identity provider"
                )
            } else {
                format!("{home} does not say who may edit {which}; look at its settings, under Permissions")
            };
            let lines = self.lines_of(|entry| kept.iter().any(|one| one.id == entry.id));
            report.add(Level::Warning, code, home.clone(), message, &lines);
        }
    }

    /// What is as it should be.
    fn good(&self, there: usize, close: &[(&Entry, &Listed)], report: &mut Report) {
        let mut told = Vec::new();
        let bad =
            |report: &Report, codes: &[&str]| report.checks.iter().any(|check| codes.contains(&check.code));
        if !bad(report, &["stale-id", "not-asked", "lock"]) {
            told.push(match there {
                0 => "the lock names no chat group".to_owned(),
                1 => "the locked id exists".to_owned(),
                all => format!("all {all} locked ids exist"),
            });
        }
        let known = close.iter().all(|(_, group)| group.members.is_some());
        if there > 0 && known && !bad(report, &["outsiders", "not-asked"]) {
            told.push("no guest or bot inside a group that a production row uses".to_owned());
        }
        if !told.is_empty() {
            report.add(Level::Ok, "ids", None, told.join("; "), &[]);
        }
    }
}

/// `slack:T0ACME/S0ENG Engineering`.
fn shown(entry: &Entry) -> String {
    format!("{} {}", entry.id, entry.name)
}

/// Members of a group who are no full members of its home, and what they are.
fn outsiders(members: &[Person]) -> Option<String> {
    let word = |person: &Person| {
        let word = match person.standing {
            Some(Standing::Member | Standing::Service) => return None,
            Some(Standing::Guest) => "guest",
            Some(Standing::External) => "from elsewhere",
            Some(Standing::Bot) => "bot",
            Some(Standing::Deactivated) => "deactivated",
            None => "could not be looked up",
        };
        Some(format!("{} ({word})", person.shown()))
    };
    let found: Vec<String> = members.iter().filter_map(word).collect();
    (!found.is_empty()).then(|| names(found.into_iter()))
}

/// The first few, and how many more.
fn names(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> =
        all.map(|name| name.chars().filter(|c| !c.is_control()).take(60).collect()).collect();
    let shown = all.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
