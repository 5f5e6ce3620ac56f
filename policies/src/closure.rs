//! Who is in a group is in every group above it too, for its denies as for its allows.

use std::collections::{BTreeMap, BTreeSet};

use crate::{finding::Findings, rows};

/// Most steps from a group to the highest one above it.
const DEEPEST: usize = 8;
/// Most pairs of a group and one above it, all told.
const MOST_PAIRS: usize = 100_000;

/// A `g` row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) line: usize,
    pub(crate) member: String,
    pub(crate) above: String,
}

/// For each group all groups above it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Closure {
    above: BTreeMap<String, BTreeSet<String>>,
}

impl Closure {
    /// Closes the links. Those that make a circle, or go too deep, are reported.
    pub(crate) fn of(links: &[Link], findings: &mut Findings) -> Self {
        let mut above_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for link in links {
            above_of.entry(&link.member).or_default().push(&link.above);
        }
        let mut closure = Self::default();
        let mut pairs = 0;
        for link in links {
            if closure.above.contains_key(&link.member) {
                continue;
            }
            let (above, deep) = climb(&above_of, &link.member);
            pairs += above.len();
            if above.contains(&link.member) {
                let message = format!("`{}` would be above itself", link.member);
                findings.error("role-cycle", rows::FILE, (link.line, 1), message);
            } else if deep {
                let message = format!(
                    "`{}` has more than {DEEPEST} groups above one another, which is the most",
                    link.member
                );
                findings.error("role-depth", rows::FILE, (link.line, 1), message);
            } else if pairs > MOST_PAIRS {
                let message = format!("there are more than {MOST_PAIRS} pairs of a group and one above it");
                findings.error("role-depth", rows::FILE, (link.line, 1), message);
                return closure;
            }
            closure.above.insert(link.member.clone(), above);
        }
        closure
    }

    /// Every group that a link names.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &String> {
        self.above.iter().flat_map(|(member, above)| std::iter::once(member).chain(above))
    }

    /// These groups and all above them.
    pub(crate) fn close(&self, groups: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        let mut closed = BTreeSet::new();
        for group in groups {
            closed.extend(self.above.get(&group).into_iter().flatten().cloned());
            closed.insert(group);
        }
        closed
    }
}

/// All groups above one, and whether there are more steps to the highest than may be. Then the climb ends.
fn climb(above_of: &BTreeMap<&str, Vec<&str>>, from: &str) -> (BTreeSet<String>, bool) {
    let mut above: BTreeSet<&str> = BTreeSet::new();
    let mut level = BTreeSet::from([from]);
    for _ in 0..=DEEPEST {
        let higher = level.iter().filter_map(|group| above_of.get(group)).flatten().copied();
        level = higher.filter(|group| !above.contains(group)).collect();
        above.extend(&level);
        if level.is_empty() {
            break;
        }
    }
    (above.into_iter().map(str::to_owned).collect(), !level.is_empty())
}
