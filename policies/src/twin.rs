//! The native twin of the model: decides as casbin does, and can say why. Casbin decides; the twin explains, and each load
//! proves on every row that the two agree.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::spec::Action;
use serde::Serialize;

use crate::{
    matching::{place_match, when_match},
    rows::Row,
    told::Forbidding,
    vocabulary::RESERVED,
};

/// Most rows named as nearest.
const NEAREST: usize = 2;

/// Which part of a request a row did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// No row is about the command at all.
    Command,
    /// None of the caller's groups.
    Group,
    /// Not this action.
    Action,
    /// Not in this place.
    Place,
    /// Not with these arguments.
    When,
    /// A deny row beats what would allow it.
    DenyRow,
    /// The policy engine failed, so nothing is allowed.
    Engine,
}

/// Why a request is refused, and what would have to be different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Denial {
    /// The part that decided.
    pub dimension: Dimension,
    /// The groups that may, for whom to ask.
    pub who_may: Vec<String>,
    /// The places where the caller may.
    pub places: Vec<String>,
    /// The conditions under which the caller may.
    pub conditions: Vec<String>,
    /// The conditions under which deny rows forbid it, as they do now.
    pub forbidden: Vec<String>,
    /// What the widest of these rows is about.
    pub forbidding: Option<Forbidding>,
    /// Under which id operators find a fault of the engine.
    pub incident: Option<String>,
}

/// A row that came near, and the parts in which it missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// `policy.csv:6`.
    pub row: String,
    /// The parts in which it missed.
    pub missed: Vec<Dimension>,
    /// Its group.
    pub group: String,
    /// Its action.
    pub action: String,
    /// Its place.
    pub place: String,
    /// Its condition.
    pub when: String,
}

/// A decision explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The verdict.
    pub allowed: bool,
    /// The deciding row, if one decided.
    pub row: Option<String>,
    /// Why not.
    pub denial: Option<Denial>,
    /// The allow rows that came nearest.
    pub nearest: Vec<Miss>,
}

/// A request as the twin sees it.
pub(crate) struct Seen<'a> {
    pub(crate) groups: &'a BTreeSet<String>,
    pub(crate) place: &'a str,
    pub(crate) action: Action,
    pub(crate) context: &'a BTreeMap<String, String>,
}

impl Seen<'_> {
    fn group(&self, row: &Row) -> bool {
        self.groups.contains(&row.group)
    }

    fn action(&self, row: &Row) -> bool {
        row.action == "*" || row.action == self.action.as_str()
    }

    fn place(&self, row: &Row) -> bool {
        place_match(self.place, &row.place)
    }

    fn when(&self, row: &Row) -> bool {
        when_match(|key| self.context.get(key).map(String::as_str), &row.when, row.allow)
    }

    fn fits(&self, row: &Row) -> bool {
        self.group(row) && self.action(row) && self.place(row) && self.when(row)
    }

    fn missed(&self, row: &Row) -> Vec<Dimension> {
        let parts = [
            (Dimension::Group, self.group(row)),
            (Dimension::Action, self.action(row)),
            (Dimension::Place, self.place(row)),
            (Dimension::When, self.when(row)),
        ];
        parts.into_iter().filter(|(_, fits)| !fits).map(|(dimension, _)| dimension).collect()
    }
}

/// The row that decides: the first deny row that fits, else the first allow row.
pub(crate) fn deciding<'a>(rows: impl Iterator<Item = &'a Row> + Clone, seen: &Seen<'_>) -> Option<&'a Row> {
    let fitting = rows.filter(|row| seen.fits(row));
    fitting.clone().find(|row| !row.allow).or_else(|| fitting.clone().next())
}

/// Whether the caller may with at least some context, as far as groups, place and action go.
pub(crate) fn could<'a>(rows: impl Iterator<Item = &'a Row> + Clone, seen: &Seen<'_>) -> bool {
    let near = rows.filter(|row| seen.group(row) && seen.action(row) && seen.place(row));
    let denied = near.clone().any(|row| !row.allow && row.when == "*");
    !denied && near.clone().any(|row| row.allow)
}

/// Explains a request by the rows about its command.
pub(crate) fn explain<'a>(rows: impl Iterator<Item = &'a Row> + Clone, seen: &Seen<'_>) -> Explanation {
    let deciding = deciding(rows.clone(), seen);
    let allowed = deciding.is_some_and(|row| row.allow);
    Explanation {
        allowed,
        row: deciding.map(Row::name),
        denial: (!allowed).then(|| denial(rows.clone(), seen, deciding.is_some())),
        nearest: if allowed { Vec::new() } else { nearest(rows, seen) },
    }
}

fn denial<'a>(rows: impl Iterator<Item = &'a Row> + Clone, seen: &Seen<'_>, forbidden: bool) -> Denial {
    let denying = rows.clone().filter(|row| !row.allow && seen.fits(row));
    let allow: Vec<&Row> = rows.filter(|row| row.allow).collect();
    let own: Vec<&&Row> = allow.iter().filter(|row| seen.group(row)).collect();
    let acting: Vec<&&&Row> = own.iter().filter(|row| seen.action(row)).collect();
    let here: Vec<&&&&Row> = acting.iter().filter(|row| seen.place(row)).collect();
    let dimension = if forbidden {
        Dimension::DenyRow
    } else if allow.is_empty() {
        Dimension::Command
    } else if own.is_empty() {
        Dimension::Group
    } else if acting.is_empty() {
        Dimension::Action
    } else if here.is_empty() {
        Dimension::Place
    } else {
        Dimension::When
    };
    let who = allow.iter().filter(|row| seen.action(row) && seen.place(row) && seen.when(row));
    let named = who.map(|row| row.group.clone()).filter(|group| !RESERVED.contains(&group.as_str()));
    Denial {
        dimension,
        // What forbids it may forbid it to them as well.
        who_may: if forbidden { Vec::new() } else { set(named) },
        places: set(acting
            .iter()
            .filter(|row| seen.when(row))
            .map(|row| row.place.clone())
            .filter(|p| p != "*")),
        conditions: set(here.iter().map(|row| row.when.clone()).filter(|when| when != "*")),
        forbidden: set(denying.clone().map(|row| row.when.clone()).filter(|when| when != "*")),
        forbidding: denying.map(Forbidding::from).min_by_key(Forbidding::narrowness),
        incident: None,
    }
}

fn set(names: impl Iterator<Item = String>) -> Vec<String> {
    names.collect::<BTreeSet<String>>().into_iter().collect()
}

/// Fewest misses first; at a tie the caller's own groups first, then by place, condition, action, and line.
fn nearest<'a>(rows: impl Iterator<Item = &'a Row>, seen: &Seen<'_>) -> Vec<Miss> {
    let mut misses: Vec<(Vec<Dimension>, &Row)> =
        rows.filter(|row| row.allow).map(|row| (seen.missed(row), row)).collect();
    misses.sort_by_key(|(missed, row)| {
        let has = |dimension| missed.contains(&dimension);
        (missed.len(), has(Dimension::Group), !has(Dimension::Place), !has(Dimension::When), row.line)
    });
    let told = |(missed, row): (Vec<Dimension>, &Row)| Miss {
        row: row.name(),
        missed,
        group: row.group.clone(),
        action: row.action.clone(),
        place: row.place.clone(),
        when: row.when.clone(),
    };
    misses.into_iter().filter(|(missed, _)| !missed.is_empty()).take(NEAREST).map(told).collect()
}
