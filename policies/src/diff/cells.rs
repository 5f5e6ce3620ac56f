//! The cells of one command: representatives of all places and values that its rows tell apart, and how each policy stands on them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use adjutant_bus::spec::Action;

use super::Kind;
use crate::{
    gate::Gate,
    matching::{cmd_match, when_match},
    rows::Row,
    vocabulary::{HOURS, NONE},
};

/// Ends the representative of a place pattern. No row names it: the loader refuses blanks in places and values, so neither this
/// nor the two below can be met by a row that means them literally.
const OTHER: &str = "(any other)";
/// Stands for every value that no row names.
pub(super) const ANY_OTHER: &str = "(any other)";
/// Stands for a key whose value is not known.
pub(super) const UNKNOWN: &str = "(not known)";

/// A value as the old and the new policy get it; none where it is not known.
type Told = (Option<String>, Option<String>);

/// Rows by group, then by place pattern.
type Index<'a> = HashMap<&'a str, HashMap<&'a str, Vec<&'a Row>>>;

/// How much may be looked at yet, and how much may be found, so that no policy keeps a worker busy or fills its memory.
pub(super) struct Budget {
    /// Rows that may be looked at, each time one is.
    pub(super) looks: usize,
    /// Cells that may differ.
    pub(super) finds: usize,
}

impl Budget {
    fn look(&mut self, rows: usize) -> Option<()> {
        self.looks = self.looks.checked_sub(rows)?;
        Some(())
    }
}

/// What of a command can be told apart.
pub(super) struct Axes<'a> {
    old: Index<'a>,
    new: Index<'a>,
    /// Pattern as shown, and a place of which it is the closest pattern.
    pub(super) places: Vec<(String, String)>,
    /// For each of them, every pattern that matches it.
    patterns: Vec<Vec<String>>,
    /// Every key that its rows name, with the values as they are shown.
    pub(super) keys: Vec<(String, Vec<String>)>,
    /// For each of these values, what each policy is told: the same moment may lie in another window.
    told: Vec<Vec<Told>>,
    /// What counts as production, in either policy.
    production: Vec<(String, String)>,
}

/// A cell in which the policies differ.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) group: String,
    pub(super) action: &'static str,
    /// Index into the places.
    pub(super) place: usize,
    /// Indices into the values, in the order of the keys.
    pub(super) values: Vec<usize>,
    pub(super) row: String,
}

/// What the comparison of one group found.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) found: Vec<Found>,
    /// Whether the group may do something on production: before, after.
    pub(super) production: (bool, bool),
    /// Whether it was forbidden something on production, so that who leaves it may gain there.
    pub(super) forbidden: bool,
}

/// How a policy stands on a cell. What forbids beats whatever else a caller's groups allow.
#[derive(Clone, Copy)]
enum Stand<'a> {
    Nothing,
    Allowed(&'a Row),
    Forbidden(&'a Row),
}

const ACTIONS: [Action; 3] = [Action::Run, Action::View, Action::Approve];

impl<'a> Axes<'a> {
    pub(super) fn of(old: &'a Gate, new: &'a Gate, command: &str) -> Self {
        // Not the gate's own lists: they have only the commands that are known at the moment.
        let about = |gate: &'a Gate| gate.rows().iter().filter(|row| cmd_match(command, &row.command));
        let rows = |gate: &'a Gate| -> Vec<&'a Row> { about(gate).collect() };
        let (before, after) = (rows(old), rows(new));
        let all = || before.iter().chain(&after);
        let named: BTreeSet<&str> = all().map(|row| row.place.as_str()).collect();
        let mut places: Vec<(String, String)> = vec![("*".to_owned(), OTHER.to_owned())];
        places.extend(named.into_iter().filter(|pattern| *pattern != "*").map(|pattern| {
            let place =
                pattern.strip_suffix('*').map_or_else(|| pattern.to_owned(), |stem| format!("{stem}{OTHER}"));
            (pattern.to_owned(), place)
        }));
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (key, values) in all().flat_map(|row| row.conditions()) {
            keys.entry(key.to_owned()).or_default().extend(values.split('|').map(str::to_owned));
        }
        // What counts as production is told apart, whether rows name it or not, as far as the command can be about it.
        let mut production = Vec::new();
        for (key, values) in old.production().iter().chain(new.production()) {
            production.extend(values.iter().map(|value| (key.clone(), value.clone())));
            if new.vocabulary().binds(command, key) || old.vocabulary().binds(command, key) {
                keys.entry(key.clone()).or_default().extend(values.iter().cloned());
            }
        }
        let (keys, told) = keys
            .into_iter()
            .map(|(key, named)| {
                let (shown, told) = values(old, new, command, &key, named).into_iter().unzip();
                ((key, shown), told)
            })
            .unzip();
        let (old, new) = (index(&before), index(&after));
        let patterns = places.iter().map(|(_, place)| patterns(place)).collect();
        Self { old, new, places, patterns, keys, told, production }
    }

    /// How many cells each group has.
    pub(super) fn cells(&self) -> usize {
        ACTIONS.len().saturating_mul(self.places.len()).saturating_mul(self.combinations())
    }

    fn combinations(&self) -> usize {
        self.keys.iter().map(|(_, values)| values.len()).fold(1, usize::saturating_mul)
    }

    /// Compares what a group may; none when the budget does not reach.
    pub(super) fn compare(
        &self,
        old: &Gate,
        new: &Gate,
        group: &str,
        budget: &mut Budget,
    ) -> Option<Compared> {
        let mut compared = Compared::default();
        let (was, is) = (old.close([group.to_owned()]), new.close([group.to_owned()]));
        for (place, patterns) in self.patterns.iter().enumerate() {
            let (before, after) = (near(&self.old, &was, patterns), near(&self.new, &is, patterns));
            budget.look(1 + before.len() + after.len())?;
            for action in ACTIONS {
                let (before, after) = (fitting(&before, action), fitting(&after, action));
                if before.is_empty() && after.is_empty() {
                    continue;
                }
                budget.look((before.len() + after.len()).saturating_mul(self.combinations()))?;
                self.each(|values| {
                    let was = |key: &str| self.value(values, key)?.0.as_deref();
                    let is = |key: &str| self.value(values, key)?.1.as_deref();
                    let (before, after) = (stand(&before, was), stand(&after, is));
                    let production = self.production.iter().any(|(key, value)| is(key) == Some(value));
                    compared.production.0 |= production && matches!(before, Stand::Allowed(_));
                    compared.production.1 |= production && matches!(after, Stand::Allowed(_));
                    compared.forbidden |= production && matches!(before, Stand::Forbidden(_));
                    if let Some((kind, row)) = change(before, after) {
                        let (group, values) = (group.to_owned(), values.to_vec());
                        let (action, row) = (action.as_str(), row.name());
                        compared.found.push(Found { kind, group, action, place, values, row });
                    }
                    compared.found.len() <= budget.finds
                })?;
            }
        }
        budget.finds = budget.finds.checked_sub(compared.found.len())?;
        Some(compared)
    }

    /// Whether one of these values of a key, by their indices, is one on production.
    pub(super) fn is_production(&self, key: &str, values: &[String], own: &BTreeSet<usize>) -> bool {
        let mut own = own.iter().filter_map(|index| values.get(*index));
        own.any(|value| self.production.iter().any(|(named, known)| named == key && known == value))
    }

    fn value(&self, values: &[usize], key: &str) -> Option<&Told> {
        let index = self.keys.iter().position(|(name, _)| name == key)?;
        self.told.get(index)?.get(*values.get(index)?)
    }

    /// Every combination of values, as long as `see` says that it goes on.
    fn each(&self, mut see: impl FnMut(&[usize]) -> bool) -> Option<()> {
        let mut values = vec![0; self.keys.len()];
        loop {
            if !see(&values) {
                return None;
            }
            let mut place = 0;
            loop {
                let (Some(value), Some((_, known))) = (values.get_mut(place), self.keys.get(place)) else {
                    return Some(());
                };
                *value += 1;
                if *value < known.len() {
                    break;
                }
                *value = 0;
                place += 1;
            }
        }
    }
}

fn index<'a>(rows: &[&'a Row]) -> Index<'a> {
    let mut index = Index::new();
    for row in rows {
        index.entry(&row.group).or_default().entry(&row.place).or_default().push(row);
    }
    index
}

/// The values of a key that are told apart, each as shown: those that rows name, one for all others that there can be, and none
/// known.
fn values(old: &Gate, new: &Gate, command: &str, key: &str, named: BTreeSet<String>) -> Vec<(String, Told)> {
    let known = |value: String| (value.clone(), (Some(value.clone()), Some(value)));
    let unknown = (UNKNOWN.to_owned(), (None, None));
    if key == HOURS {
        let moments = old.settings().moments(new.settings()).into_iter().map(|(was, is)| {
            let shown = if was == is { is.clone() } else { format!("{is} (was {was})") };
            (shown, (Some(was), Some(is)))
        });
        return moments.chain([unknown]).collect();
    }
    if !old.vocabulary().binds(command, key) && !new.vocabulary().binds(command, key) {
        // Of such a command the key never says anything.
        return vec![known(NONE.to_owned()), unknown];
    }
    let open = [old, new].iter().any(|gate| match gate.vocabulary().context.get(key) {
        None => true,
        Some(all) => all.is_empty() || all.iter().any(|value| !named.contains(value)),
    });
    let other = open.then(|| known(ANY_OTHER.to_owned()));
    named.into_iter().map(known).chain(other).chain([unknown]).collect()
}

/// Every pattern that matches a place: itself, `*`, or one that ends in `*` after a sign that the place has, too.
fn patterns(place: &str) -> Vec<String> {
    let signs = place.match_indices([':', '/']).map(|(at, sign)| at + sign.len());
    let stems = signs.filter(|end| *end < place.len()).filter_map(|end| place.get(..end));
    stems.map(|stem| format!("{stem}*")).chain(["*".to_owned(), place.to_owned()]).collect()
}

/// The rows of these groups with these place patterns, in the order of lines.
fn near<'a>(rows: &Index<'a>, groups: &BTreeSet<String>, patterns: &[String]) -> Vec<&'a Row> {
    let own = groups.iter().filter_map(|group| rows.get(group.as_str()));
    let mut near: Vec<&Row> = own
        .flat_map(|own| patterns.iter().filter_map(|pattern| own.get(pattern.as_str())))
        .flatten()
        .copied()
        .collect();
    near.sort_by_key(|row| row.line);
    near
}

fn fitting<'a>(rows: &[&'a Row], action: Action) -> Vec<&'a Row> {
    let fits = |row: &&&Row| row.action == "*" || row.action == action.as_str();
    rows.iter().filter(fits).copied().collect()
}

fn stand<'a, 'v>(rows: &[&'a Row], get: impl Fn(&str) -> Option<&'v str> + Copy) -> Stand<'a> {
    let mut fitting = rows.iter().filter(|row| when_match(get, &row.when, row.allow));
    let first = fitting.next();
    match first.filter(|row| !row.allow).or_else(|| fitting.find(|row| !row.allow)) {
        Some(deny) => Stand::Forbidden(deny),
        None => first.map_or(Stand::Nothing, |row| Stand::Allowed(row)),
    }
}

/// What comes or goes, and the row that brings it about.
const fn change<'a>(before: Stand<'a>, after: Stand<'a>) -> Option<(Kind, &'a Row)> {
    match (before, after) {
        (Stand::Nothing | Stand::Forbidden(_), Stand::Allowed(row)) => Some((Kind::Gain, row)),
        (Stand::Forbidden(row), Stand::Nothing) => Some((Kind::Gain, row)),
        (Stand::Nothing | Stand::Allowed(_), Stand::Forbidden(row)) => Some((Kind::Lose, row)),
        (Stand::Allowed(row), Stand::Nothing) => Some((Kind::Lose, row)),
        (Stand::Nothing, Stand::Nothing)
        | (Stand::Allowed(_), Stand::Allowed(_))
        | (Stand::Forbidden(_), Stand::Forbidden(_)) => None,
    }
}
