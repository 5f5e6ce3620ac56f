//! From single cells to lines that people read: values and places that change alike stand together.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Change, Kind,
    cells::{Axes, Found, UNKNOWN},
};

/// What cells of one line have in common.
type Line = (Kind, String, &'static str, String);
/// Values by key, then places; each as a set of indices.
type Sets = Vec<BTreeSet<usize>>;

/// The lines of one command.
pub(super) fn merge(command: &str, axes: &Axes<'_>, found: Vec<Found>) -> Vec<Change> {
    let mut lines: BTreeMap<Line, BTreeSet<Sets>> = BTreeMap::new();
    for cell in found {
        let sets =
            cell.values.iter().copied().chain([cell.place]).map(|index| BTreeSet::from([index])).collect();
        let line = (cell.kind, cell.group, cell.action, cell.row);
        lines.entry(line).or_default().insert(sets);
    }
    let mut changes = Vec::new();
    for ((kind, group, action, row), mut cells) in lines {
        for axis in 0..=axes.keys.len() {
            cells = join(cells, axis);
        }
        changes.extend(cells.into_iter().map(|sets| Change {
            kind,
            group: group.clone(),
            command: command.to_owned(),
            action,
            places: places(axes, &sets),
            context: context(axes, &sets),
            row: row.clone(),
            production:
                axes.keys.iter().zip(&sets).any(|((key, values), own)| axes.is_production(key, values, own)),
        }));
    }
    changes
}

/// Joins what differs along one axis only.
fn join(cells: BTreeSet<Sets>, axis: usize) -> BTreeSet<Sets> {
    let mut joined: BTreeMap<Sets, BTreeSet<usize>> = BTreeMap::new();
    for mut sets in cells {
        let own = sets.get_mut(axis).map(std::mem::take).unwrap_or_default();
        joined.entry(sets).or_default().extend(own);
    }
    let put = |(mut sets, own): (Sets, BTreeSet<usize>)| {
        if let Some(place) = sets.get_mut(axis) {
            *place = own;
        }
        sets
    };
    joined.into_iter().map(put).collect()
}

fn places(axes: &Axes<'_>, sets: &Sets) -> Vec<String> {
    let own = sets.last().cloned().unwrap_or_default();
    if own.len() == axes.places.len() {
        return vec!["*".to_owned()];
    }
    let shown =
        own.iter().filter_map(|index| axes.places.get(*index)).map(|(pattern, _)| match pattern.as_str() {
            "*" => "all other places".to_owned(),
            pattern => pattern.to_owned(),
        });
    shown.collect()
}

/// A key with all its values does not matter; one whose value is not known is told only where nothing else is.
fn context(axes: &Axes<'_>, sets: &Sets) -> BTreeMap<String, Vec<String>> {
    let mut context = BTreeMap::new();
    for ((key, values), own) in axes.keys.iter().zip(sets) {
        let known = values.iter().filter(|value| *value != UNKNOWN).count();
        let shown: Vec<String> = own.iter().filter_map(|index| values.get(*index)).cloned().collect();
        let of_known: Vec<String> = shown.iter().filter(|value| *value != UNKNOWN).cloned().collect();
        if of_known.len() == known {
            continue;
        }
        context.insert(key.clone(), if of_known.is_empty() { shown } else { of_known });
    }
    context
}
