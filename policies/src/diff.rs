//! What changes from one policy to another: who gains and who loses which command where. Exact, because all that a row can tell
//! apart is finite: groups, commands, actions, places and values, each by one representative of those that no row tells apart.

mod cells;
mod merge;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use self::cells::{Axes, Budget};
use crate::{gate::Gate, matching::cmd_match, vocabulary::RESERVED};

/// Most rows that are looked at, each time one is. A policy of the most rows with few conditions needs far fewer.
const MOST_LOOKS: usize = 50_000_000;
/// Most cells that may differ before nobody reads the lines anyway.
const MOST_FINDS: usize = 200_000;

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
    /// Whether this gives rights on production: to who comes to a name that may do something there, or to who leaves one that is
    /// forbidden something there.
    pub production: bool,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.kind {
            Kind::Gain => "gain  members of",
            Kind::Lose => "lose  members of",
        };
        write!(f, "{verb} {} as {}  policy.lock", self.id, self.group)?;
        match (self.production, self.kind) {
            (true, Kind::Gain) => f.write_str("  <- production: a second person must approve"),
            (true, Kind::Lose) => {
                f.write_str("  <- production: forbidden there; a second person must approve")
            }
            (false, _) => Ok(()),
        }
    }
}

/// What changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Rights of groups.
    pub changes: Vec<Change>,
    /// Who stands for a group.
    pub members: Vec<Member>,
    /// Entries of policy.toml that are not the same: `windows.office`. What follows for rights is told among those.
    pub settings: Vec<String>,
    /// What counts as production no longer: `env=production`.
    pub unguarded: Vec<String>,
    /// The content differs, and a model of the operator's own is wanted: what it makes of rows is not known here.
    pub own_model: bool,
    /// How many cells were compared.
    pub cells: usize,
    /// How many of them differ.
    pub differ: usize,
    /// There were more cells than can be compared, so that this is not all.
    pub cut: bool,
}

impl Diff {
    /// Whether nobody gains or loses anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.members.is_empty() && self.general().is_empty()
    }

    /// Every line that tells of a change.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let changes = self.changes.iter().map(ToString::to_string);
        let settings = self.settings.iter().map(|entry| format!("set   {entry}  policy.toml"));
        let members = self.members.iter().map(ToString::to_string);
        changes.chain(members).chain(settings).chain(self.general()).collect()
    }

    /// The lines that give rights on production. What could not be compared may.
    #[must_use]
    pub fn production_gains(&self) -> Vec<String> {
        let changes = self.changes.iter().filter(|change| change.production && change.kind == Kind::Gain);
        let members = self.members.iter().filter(|member| member.production);
        changes
            .map(ToString::to_string)
            .chain(members.map(ToString::to_string))
            .chain(self.general())
            .collect()
    }

    /// What is no right of one group, and may give any.
    #[must_use]
    pub fn general(&self) -> Vec<String> {
        let unguarded = self.unguarded.iter().map(|value| {
            format!("{value} counts as production no longer  policy.toml  <- production: a second person must approve")
        });
        let own = self.own_model.then(|| {
            "a model of your own is in force: what it makes of these rows cannot be compared".to_owned()
        });
        let cut = self.cut.then(|| {
            "there is more than can be compared, so this is not all: publish it in smaller steps".to_owned()
        });
        unguarded.chain(own).chain(cut).collect()
    }
}

/// Groups by what they may or may not on production.
#[derive(Default)]
struct Production {
    /// Those that may something there, in the new policy.
    may: BTreeSet<String>,
    /// Those that are forbidden something there, in the old one.
    forbidden: BTreeSet<String>,
}

/// Compares two policies.
#[must_use]
pub fn diff(old: &Gate, new: &Gate) -> Diff {
    let own_model = (old.own_model() || new.own_model()) && old.digest() != new.digest();
    let unguarded = unguarded(old.production(), new.production());
    let settings = old.settings().unlike(new.settings()).into_iter().collect();
    let mut diff = Diff { own_model, settings, unguarded, ..Diff::default() };
    let mut production = Production::default();
    let mut budget = Budget { looks: MOST_LOOKS, finds: MOST_FINDS };
    diff.cut = compare(old, new, &mut diff, &mut production, &mut budget).is_none();
    diff.changes.sort();
    diff.members = members(old, new, &production);
    diff
}

/// Compares all cells; none when the budget does not reach.
fn compare(
    old: &Gate,
    new: &Gate,
    diff: &mut Diff,
    production: &mut Production,
    budget: &mut Budget,
) -> Option<()> {
    let groups = groups(old, new);
    let (known, later) = commands(old, new);
    for command in known.iter().chain(&later) {
        let axes = Axes::of(old, new, command);
        let mut found = Vec::new();
        for group in &groups {
            let compared = axes.compare(old, new, group, budget)?;
            diff.cells = diff.cells.saturating_add(axes.cells());
            diff.differ += compared.found.len();
            found.extend(compared.found);
            if compared.production.1 {
                production.may.insert(group.clone());
            }
            if compared.forbidden {
                production.forbidden.insert(group.clone());
            }
        }
        let mut changes = merge::merge(command, &axes, found);
        if later.contains(command) {
            changes.retain(|change| !told(&diff.changes, change));
        }
        diff.changes.extend(changes);
    }
    Some(())
}

/// The commands that are known, and one for each pattern of all that may come later: a service that is away now comes back, and
/// what rows say of its commands counts from then on.
fn commands(old: &Gate, new: &Gate) -> (BTreeSet<String>, BTreeSet<String>) {
    let known: BTreeSet<String> =
        [old, new].iter().flat_map(|gate| gate.vocabulary().commands.iter().cloned()).collect();
    let patterns = [old, new].into_iter().flat_map(|gate| gate.rows().iter().map(|row| &row.command));
    let later = patterns.filter(|pattern| !known.contains(*pattern)).cloned().collect();
    (known, later)
}

/// Whether a change of commands that may come is told already, of a command that is known.
fn told(changes: &[Change], later: &Change) -> bool {
    changes.iter().any(|known| {
        let same = (known.kind, &known.group, known.action, &known.row)
            == (later.kind, &later.group, later.action, &later.row);
        same && known.production >= later.production && cmd_match(&known.command, &later.command)
    })
}

/// What counts as production in the old policy and not in the new one: a right to it could be given in the next step, by one
/// person.
fn unguarded(old: &BTreeMap<String, Vec<String>>, new: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let guarded = |key: &String, value: &String| new.get(key).is_some_and(|values| values.contains(value));
    let all = old.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
    all.filter(|(key, value)| !guarded(key, value)).map(|(key, value)| format!("{key}={value}")).collect()
}

/// Every group that either policy knows.
fn groups(old: &Gate, new: &Gate) -> BTreeSet<String> {
    let named = [old, new].into_iter().flat_map(|gate| {
        let rows = gate.rows().iter().map(|row| row.group.clone());
        rows.chain(gate.lock().ids().map(|(_, name)| name.to_owned())).chain(gate.linked())
    });
    named.chain(RESERVED.map(str::to_owned)).collect()
}

fn members(old: &Gate, new: &Gate, production: &Production) -> Vec<Member> {
    let of = |gate: &Gate| -> BTreeMap<String, String> {
        gate.lock().ids().map(|(id, name)| (id.to_owned(), name.to_owned())).collect()
    };
    let (was, is) = (of(old), of(new));
    let lost = was.iter().filter(|(id, name)| is.get(*id) != Some(name)).map(|(id, name)| Member {
        kind: Kind::Lose,
        id: id.clone(),
        group: name.clone(),
        production: production.forbidden.contains(name),
    });
    let gained = is.iter().filter(|(id, name)| was.get(*id) != Some(name)).map(|(id, name)| Member {
        kind: Kind::Gain,
        id: id.clone(),
        group: name.clone(),
        production: production.may.contains(name),
    });
    let mut members: Vec<Member> = lost.chain(gained).collect();
    members.sort();
    members
}
