//! One policy name in one home after another: which group it stands for, and whether it may.

use std::collections::BTreeSet;

use adjutant_bus::directory::{Listed, Listing};

use super::{
    Reading, State, Step, Told, alike,
    entries::{Edit, Entry},
    told,
};
use crate::{text::is_hidden, vocabulary::RESERVED};

impl Reading {
    pub(super) fn judge(
        &self,
        name: &str,
        own: &[&Entry],
        told: &Told,
        approved: &BTreeSet<String>,
        edits: &mut Vec<Edit>,
    ) -> Vec<Step> {
        let mut steps: Vec<Step> =
            own.iter().map(|entry| self.locked(entry, told, approved.contains(name), edits)).collect();
        for listing in &told.listings {
            let home = listing.home();
            if !own.iter().any(|entry| entry.home() == Some(&home)) {
                steps.extend(self.unlocked(name, listing, edits));
            }
        }
        if steps.is_empty() {
            steps.push(self.missing(name, told));
        }
        // A namesake that may not be locked is in nobody's way where the name has a group.
        if !own.is_empty() || steps.iter().any(|step| step.state == State::New) {
            for step in steps.iter_mut().skip(own.len()).filter(|step| step.state == State::Refused) {
                step.state = State::Skipped;
            }
        }
        steps
    }

    /// An id that is in the lock.
    fn locked(&self, entry: &Entry, told: &Told, approved: bool, edits: &mut Vec<Edit>) -> Step {
        let step = |state, message: String| Step { state, id: Some(entry.id.clone()), was: None, message };
        if let Some(why) = self.refused.get(&entry.line) {
            return step(State::Refused, format!("line {} of policy.lock means nothing: {why}", entry.line));
        }
        let home = entry.home().unwrap_or_default();
        if let Some(why) = told.unasked.get(home) {
            return step(State::Unasked, why.clone());
        }
        let Some(listing) = told.listings.iter().find(|listing| listing.home() == home) else {
            return step(State::Kept, "kept as it is".to_owned());
        };
        let found = listing.groups.iter().find(|group| group.id.as_str() == entry.id);
        let namesakes: Vec<&Listed> = self.free(&entry.label, listing).collect();
        let usable: Vec<&Listed> =
            namesakes.iter().filter(|group| group.problem.is_none()).copied().collect();
        match (found, usable.as_slice()) {
            (Some(group), _) if group.problem.is_none() && group.name == entry.label => {
                step(State::Unchanged, told::unchanged(&namesakes))
            }
            (Some(group), []) if group.problem.is_none() => renamed(entry, group, edits),
            (Some(group), []) => {
                let why = group.problem.as_deref().unwrap_or_default();
                step(
                    State::Refused,
                    format!("it cannot be used: {why}. Take the line out, or lock another group."),
                )
            }
            (None, []) => step(State::Gone, told::GONE.to_owned()),
            (found, [heir]) => {
                let label = heir.name.clone();
                let message = told::changed(found);
                if approved {
                    edits.push(Edit::Replace { line: entry.line, id: heir.id.to_string(), label });
                }
                let state = if approved { State::Approved } else { State::Changed };
                Step { state, id: Some(heir.id.to_string()), was: Some(entry.id.clone()), message }
            }
            (_, several) => step(State::Ambiguous, told::ambiguous(listing, several)),
        }
    }

    /// A home in which the name has no id yet.
    fn unlocked(&self, name: &str, listing: &Listing, edits: &mut Vec<Edit>) -> Option<Step> {
        let step = |state, group: Option<&Listed>, message: String| {
            Some(Step { state, id: group.map(|group| group.id.to_string()), was: None, message })
        };
        let named: Vec<&Listed> = listing.groups.iter().filter(|group| group.name == name).collect();
        let free: Vec<&Listed> = self.free(name, listing).collect();
        let usable: Vec<&Listed> = free.iter().filter(|group| group.problem.is_none()).copied().collect();
        match usable.as_slice() {
            [one] => {
                let (id, name, label) = (one.id.to_string(), name.to_owned(), one.name.clone());
                let message = told::new(&self.lines(&name));
                edits.push(Edit::Add { id, name, label });
                step(State::New, Some(one), message)
            }
            [] => {
                let bad = free.first().or_else(|| named.first())?;
                let taken = self.entries.iter().find(|entry| entry.id == bad.id.as_str());
                let why = match (taken, &bad.problem) {
                    (Some(entry), _) => format!("it stands for `{}` already", entry.name),
                    (None, problem) => problem.clone().unwrap_or_default(),
                };
                step(State::Refused, Some(bad), format!("it cannot be used: {why}."))
            }
            several => step(State::Ambiguous, None, told::ambiguous(listing, several)),
        }
    }

    fn missing(&self, name: &str, told: &Told) -> Step {
        let homes: Vec<String> = told.listings.iter().map(Listing::home).collect();
        let mut known: Vec<&str> = self.entries.iter().map(|entry| entry.name.as_str()).collect();
        known.extend(RESERVED);
        let mut message = match homes.as_slice() {
            [] => "it is not locked, and no home could be asked for a group of that name".to_owned(),
            homes => format!("no group of that name in {}", homes.join(", ")),
        };
        message += &alike::hint(name, &told.listings, &known);
        Step { state: State::Missing, id: None, was: None, message }
    }

    /// Groups of this very name that are not locked under any.
    fn free<'a>(&'a self, name: &'a str, listing: &'a Listing) -> impl Iterator<Item = &'a Listed> {
        let taken = |group: &Listed| self.entries.iter().any(|entry| entry.id == group.id.as_str());
        listing.groups.iter().filter(move |group| group.name == name && !taken(group))
    }

    /// The lines of `policy.csv` that name it.
    fn lines(&self, name: &str) -> Vec<usize> {
        let rows = self.rows.rows.iter().filter(|row| row.group == name).map(|row| row.line);
        let links = self.rows.links.iter().filter(|link| link.member == name).map(|link| link.line);
        let lines: BTreeSet<usize> = rows.chain(links).collect();
        lines.into_iter().collect()
    }
}

/// The name is written again, so that from now on somebody who takes the new one is noticed.
fn renamed(entry: &Entry, group: &Listed, edits: &mut Vec<Edit>) -> Step {
    let clean = !group.name.trim().is_empty() && !group.name.chars().any(|c| c != ' ' && is_hidden(c));
    if clean {
        let label = group.name.trim().to_owned();
        edits.push(Edit::Replace { line: entry.line, id: entry.id.clone(), label });
    }
    Step {
        state: State::Renamed,
        id: Some(entry.id.clone()),
        was: None,
        message: told::renamed(&group.name, clean),
    }
}
