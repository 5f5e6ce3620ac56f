//! The cells of one command: representatives of all places and values that its rows tell apart, and how each policy stands on them.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::spec::Action;

use super::Kind;
use crate::{
    gate::Gate,
    matching::{place_match, when_match},
    rows::Row,
};

/// A text that no row names: no place, channel or value can be it, because of its sign.
const OTHER: &str = "~";
/// As it is shown.
pub(super) const ANY_OTHER: &str = "(any other)";
/// Stands for a key whose value is not known.
pub(super) const UNKNOWN: &str = "?";

/// What of a command can be told apart.
pub(super) struct Axes<'a> {
    old: Vec<&'a Row>,
    new: Vec<&'a Row>,
    /// Pattern as shown, and a place of which it is the closest pattern.
    pub(super) places: Vec<(String, String)>,
    /// Every key that its rows name, with the values.
    pub(super) keys: Vec<(String, Vec<String>)>,
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
        let rows = |gate: &'a Gate| -> Vec<&'a Row> { gate.rows_of(command).collect() };
        let (before, after) = (rows(old), rows(new));
        let all = || before.iter().chain(&after);
        let patterns: BTreeSet<&str> = all().map(|row| row.place.as_str()).collect();
        let mut places: Vec<(String, String)> = vec![("*".to_owned(), OTHER.to_owned())];
        places.extend(patterns.into_iter().filter(|pattern| *pattern != "*").map(|pattern| {
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
        let keys = keys
            .into_iter()
            .map(|(key, named)| (key.clone(), values(old, new, command, &key, named)))
            .collect();
        Self { old: before, new: after, places, keys, production }
    }

    /// How many cells each group has.
    pub(super) fn cells(&self) -> usize {
        let values: usize = self.keys.iter().map(|(_, values)| values.len()).fold(1, usize::saturating_mul);
        ACTIONS.len().saturating_mul(self.places.len()).saturating_mul(values)
    }

    /// Compares what a group may.
    pub(super) fn compare(&self, old: &Gate, new: &Gate, group: &str) -> Compared {
        let mut compared = Compared::default();
        let (was, is) = (old.close([group.to_owned()]), new.close([group.to_owned()]));
        for action in ACTIONS {
            for (place, (_, there)) in self.places.iter().enumerate() {
                let before = near(&self.old, &was, action, there);
                let after = near(&self.new, &is, action, there);
                if before.is_empty() && after.is_empty() {
                    continue;
                }
                self.each(|values| {
                    let get = |key: &str| self.value(values, key);
                    let (before, after) = (stand(&before, get), stand(&after, get));
                    let production = self.production.iter().any(|(key, value)| get(key) == Some(value));
                    compared.production.0 |= production && matches!(before, Stand::Allowed(_));
                    compared.production.1 |= production && matches!(after, Stand::Allowed(_));
                    if let Some((kind, row)) = change(before, after) {
                        let (group, values) = (group.to_owned(), values.to_vec());
                        let (action, row) = (action.as_str(), row.name());
                        compared.found.push(Found { kind, group, action, place, values, row });
                    }
                });
            }
        }
        compared
    }

    /// Whether one of these values of a key, by their indices, is one on production.
    pub(super) fn is_production(&self, key: &str, values: &[String], own: &BTreeSet<usize>) -> bool {
        let mut own = own.iter().filter_map(|index| values.get(*index));
        own.any(|value| self.production.iter().any(|(named, known)| named == key && known == value))
    }

    fn value(&self, values: &[usize], key: &str) -> Option<&str> {
        let index = self.keys.iter().position(|(name, _)| name == key)?;
        let (_, known) = self.keys.get(index)?;
        known.get(*values.get(index)?).map(String::as_str).filter(|value| *value != UNKNOWN)
    }

    /// Every combination of values.
    fn each(&self, mut see: impl FnMut(&[usize])) {
        let mut values = vec![0; self.keys.len()];
        loop {
            see(&values);
            let mut place = 0;
            loop {
                let (Some(value), Some((_, known))) = (values.get_mut(place), self.keys.get(place)) else {
                    return;
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

/// The values of a key that are told apart: those that rows name, one for all others that there can be, and none known.
fn values(old: &Gate, new: &Gate, command: &str, key: &str, named: BTreeSet<String>) -> Vec<String> {
    let mut values: Vec<String> = named.into_iter().collect();
    let open = [old, new].iter().any(|gate| match gate.vocabulary().context.get(key) {
        None => true,
        Some(known) => known.is_empty() || known.iter().any(|value| !values.contains(value)),
    });
    if !old.vocabulary().binds(command, key) && !new.vocabulary().binds(command, key) {
        // Of such a command the key never says anything.
        return vec!["none".to_owned(), UNKNOWN.to_owned()];
    }
    if open {
        values.push(ANY_OTHER.to_owned());
    }
    values.push(UNKNOWN.to_owned());
    values
}

/// The rows that fit whatever the context is.
fn near<'a>(rows: &[&'a Row], groups: &BTreeSet<String>, action: Action, place: &str) -> Vec<&'a Row> {
    let fits = |row: &&&Row| {
        groups.contains(&row.group)
            && (row.action == "*" || row.action == action.as_str())
            && place_match(place, &row.place)
    };
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
