//! What changes from one policy to another: who gains and who loses which command where. Exact, because all that a row can tell
//! apart is finite: groups, commands, actions, places and values, each by one representative of those that no row tells apart.

mod cells;
mod merge;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use self::cells::Axes;
use crate::{gate::Gate, vocabulary::RESERVED};

/// Most cells that are compared. A policy of the most rows with few conditions has far fewer.
const MOST_CELLS: usize = 5_000_000;

/// Whether a right comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Allowed from now on, or not forbidden any more to who has it by another group.
    Gain,
    /// Not allowed any more, or forbidden from now on even to who has it by another group.
    Lose,
}

/// A right of one group that comes or goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Whether it comes or goes.
    pub kind: Kind,
    /// Whose right.
    pub group: String,
    /// To which command.
    pub command: String,
    /// Which right: `run`, `view`, `approve`.
    pub action: &'static str,
    /// Where, as patterns; `*` is everywhere.
    pub places: Vec<String>,
    /// With which values, by key; a key that is not here does not matter.
    pub context: BTreeMap<String, Vec<String>>,
    /// The row that brings it about: of the new policy, or the one of the old policy that is not there any more.
    pub row: String,
    /// Whether it is a right on production.
    pub production: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Gain => "gain",
            Kind::Lose => "lose",
        };
        let places =
            if self.places == ["*"] { String::new() } else { format!("  in {}", self.places.join(", ")) };
        let values = |(key, values): (&String, &Vec<String>)| format!("{key}={}", values.join("|"));
        let context: Vec<String> = self.context.iter().map(values).collect();
        let context = if context.is_empty() { String::new() } else { format!("  {}", context.join(";")) };
        write!(
            f,
            "{kind}  {}  {}  {}{context}{places}  {}",
            self.group, self.command, self.action, self.row
        )?;
        if self.production && self.kind == Kind::Gain {
            f.write_str("  <- production: a second person must approve")?;
        }
        Ok(())
    }
}

/// A chat group that comes to stand for a policy name, or stands for it no more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Member {
    /// Whether its members gain or lose what the name may.
    pub kind: Kind,
    /// `slack:T0ACME/S0ENG`.
    pub id: String,
    /// The policy name.
    pub group: String,
    /// Whether the name may do something on production, in the policy that counts.
    pub production: bool,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.kind {
            Kind::Gain => "gain  members of",
            Kind::Lose => "lose  members of",
        };
        write!(f, "{verb} {} as {}  policy.lock", self.id, self.group)?;
        if self.production && self.kind == Kind::Gain {
            f.write_str("  <- production: a second person must approve")?;
        }
        Ok(())
    }
}

/// What changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Rights of groups.
    pub changes: Vec<Change>,
    /// Who stands for a group.
    pub members: Vec<Member>,
    /// How many cells were compared.
    pub cells: usize,
    /// How many of them differ.
    pub differ: usize,
    /// There were more cells than can be compared, so that this is not all.
    pub cut: bool,
}

impl Diff {
    /// Whether everything stays as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.members.is_empty() && !self.cut
    }

    /// Every line that tells of a change.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let changes = self.changes.iter().map(ToString::to_string);
        let cut = self.cut.then(|| format!("There is more than can be compared: {MOST_CELLS} cells were."));
        changes.chain(self.members.iter().map(ToString::to_string)).chain(cut).collect()
    }

    /// The lines that give rights on production. What could not be compared may.
    #[must_use]
    pub fn production_gains(&self) -> Vec<String> {
        let changes = self.changes.iter().filter(|change| change.production && change.kind == Kind::Gain);
        let members = self.members.iter().filter(|member| member.production && member.kind == Kind::Gain);
        let cut = self.cut.then(|| "there is more than can be compared".to_owned());
        changes.map(ToString::to_string).chain(members.map(ToString::to_string)).chain(cut).collect()
    }
}

/// Compares two policies.
#[must_use]
pub fn diff(old: &Gate, new: &Gate) -> Diff {
    let mut diff = Diff::default();
    // Groups that may do something on production, before and after.
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    let groups = groups(old, new);
    let commands: BTreeSet<&String> =
        old.vocabulary().commands.iter().chain(&new.vocabulary().commands).collect();
    'all: for command in commands {
        let axes = Axes::of(old, new, command);
        let mut found = Vec::new();
        for group in &groups {
            diff.cells += axes.cells();
            if diff.cells > MOST_CELLS {
                diff.cut = true;
                break 'all;
            }
            let compared = axes.compare(old, new, group);
            diff.differ += compared.found.len();
            found.extend(compared.found);
            if compared.production.0 {
                before.insert(group.clone());
            }
            if compared.production.1 {
                after.insert(group.clone());
            }
        }
        diff.changes.extend(merge::merge(command, &axes, found));
    }
    diff.changes.sort();
    diff.members = members(old, new, &before, &after);
    diff
}

/// Every group that either policy knows.
fn groups(old: &Gate, new: &Gate) -> BTreeSet<String> {
    let named = [old, new].into_iter().flat_map(|gate| {
        let rows = gate.rows().iter().map(|row| row.group.clone());
        rows.chain(gate.lock().ids().map(|(_, name)| name.to_owned())).chain(gate.linked())
    });
    named.chain(RESERVED.map(str::to_owned)).collect()
}

fn members(old: &Gate, new: &Gate, before: &BTreeSet<String>, after: &BTreeSet<String>) -> Vec<Member> {
    let of = |gate: &Gate| -> BTreeMap<String, String> {
        gate.lock().ids().map(|(id, name)| (id.to_owned(), name.to_owned())).collect()
    };
    let (was, is) = (of(old), of(new));
    let lost = was.iter().filter(|(id, name)| is.get(*id) != Some(name)).map(|(id, name)| Member {
        kind: Kind::Lose,
        id: id.clone(),
        group: name.clone(),
        production: before.contains(name),
    });
    let gained = is.iter().filter(|(id, name)| was.get(*id) != Some(name)).map(|(id, name)| Member {
        kind: Kind::Gain,
        id: id.clone(),
        group: name.clone(),
        production: after.contains(name),
    });
    let mut members: Vec<Member> = lost.chain(gained).collect();
    members.sort();
    members
}
