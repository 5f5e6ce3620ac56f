//! What is said about names and ids, and the table of them.

use std::fmt;

use adjutant_bus::directory::{Listed, Listing};

use super::{Resolution, State, Step};

pub(super) const GONE: &str =
    "GONE: there is no such group any more. Take the line out of policy.lock, or lock another group.";

/// Widest column of ids; what is wider shifts its own line only.
const WIDEST: usize = 56;

pub(super) fn unchanged(namesakes: &[&Listed]) -> String {
    let ids: Vec<&str> = namesakes.iter().map(|group| group.id.as_str()).collect();
    match ids.as_slice() {
        [] => "unchanged".to_owned(),
        [one] => format!("unchanged; {one} has the same name and means nothing"),
        several => format!("unchanged; {} have the same name and mean nothing", several.join(", ")),
    }
}

pub(super) fn changed(found: Option<&Listed>) -> String {
    let what = match found {
        None => "the locked group is gone, and another bears the name now".to_owned(),
        Some(Listed { problem: Some(why), .. }) => {
            format!("the locked group cannot be used ({why}), and another bears the name now")
        }
        Some(_) => "another group bears the name now".to_owned(),
    };
    format!("CHANGED: {what}. Approve or rename.")
}

pub(super) fn renamed(name: &str, clean: bool) -> String {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    if clean {
        format!("RENAMED: it is called `{shown}` now; the id is the same, and counts.")
    } else {
        "RENAMED: its name has characters that cannot be seen now; the id is the same, and counts. The lock keeps the old name."
            .to_owned()
    }
}

pub(super) fn new(lines: &[usize]) -> String {
    format!("NEW: whoever is in it has what policy.csv says in {}.", ranges(lines))
}

pub(super) fn ambiguous(listing: &Listing, groups: &[&Listed]) -> String {
    let home = listing.home();
    let short = |group: &&Listed| {
        let id = group.id.as_str();
        id.strip_prefix(&home).and_then(|id| id.strip_prefix('/')).unwrap_or(id).to_owned()
    };
    let ids: Vec<String> = groups.iter().map(short).collect();
    let many = if ids.len() == 2 { "two".to_owned() } else { ids.len().to_string() };
    format!(
        "ERROR: {many} groups of that name in {home} ({}). Put the right id into policy.lock.",
        ids.join(", ")
    )
}

/// `line 4`, `lines 5–7, 13`.
pub(crate) fn ranges(lines: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for line in lines {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *line => *last = *line,
            _ => runs.push((*line, *line)),
        }
    }
    let shown = runs.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}–{last}"),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match lines {
        [] => "no line".to_owned(),
        [_] => format!("line {shown}"),
        _ => format!("lines {shown}"),
    }
}

/// A line of the table: ids, and what is said.
fn line(step: &Step) -> (String, String) {
    let id = step.id.clone().unwrap_or_default();
    let ids = step.was.as_ref().map_or_else(|| id.clone(), |was| format!("{was} -> {id}"));
    let told = match step.state {
        State::Refused | State::Missing => format!("ERROR: {}", step.message),
        State::Skipped => format!("not locked: {}", step.message),
        State::Unasked => format!("NOT ASKED: {}", step.message),
        State::Approved => "approved: another group bears the name from now on".to_owned(),
        _ => step.message.clone(),
    };
    (ids, told)
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table: Vec<(&str, String, String)> = Vec::new();
        for name in &self.names {
            let mut lines: Vec<(String, String)> = Vec::new();
            for (ids, told) in name.ids.iter().map(line) {
                match lines.iter_mut().find(|known| !ids.is_empty() && known.1 == told && !told.contains(':'))
                {
                    Some(known) => known.0 = format!("{}, {ids}", known.0),
                    None => lines.push((ids, told)),
                }
            }
            for (index, (ids, told)) in lines.into_iter().enumerate() {
                table.push((if index == 0 { &name.name } else { "" }, ids, told));
            }
        }
        let width =
            |texts: &mut dyn Iterator<Item = usize>| texts.filter(|n| *n <= WIDEST).max().unwrap_or(0);
        let first = width(&mut table.iter().map(|(name, ..)| name.chars().count()));
        let second = width(&mut table.iter().map(|(_, ids, _)| ids.chars().count()));
        for (name, ids, told) in &table {
            if ids.is_empty() {
                writeln!(f, "{name:<first$}   {told}")?;
            } else {
                writeln!(f, "{name:<first$}   {ids:<second$}   {told}")?;
            }
        }
        for problem in &self.problems {
            writeln!(f, "ERROR: {problem}")?;
        }
        Ok(())
    }
}
