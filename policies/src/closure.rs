//! Who is in a group is in every group above it too, for its denies as for its allows.

use std::collections::{BTreeMap, BTreeSet};

use crate::{finding::Findings, rows};

/// Most steps from a group to the highest one above it.
const DEEPEST: usize = 8;

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
        let mut closure = Self::default();
        for link in links {
            let (above, depth) = climb(links, &link.member);
            if above.contains(&link.member) {
                let message = format!("`{}` would be above itself", link.member);
                findings.error("role-cycle", rows::FILE, (link.line, 0), message);
            } else if depth > DEEPEST {
                let message =
                    format!("`{}` has {depth} groups above one another; {DEEPEST} is the most", link.member);
                findings.error("role-depth", rows::FILE, (link.line, 0), message);
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

/// All groups above one, and how many steps it is to the highest.
fn climb(links: &[Link], from: &str) -> (BTreeSet<String>, usize) {
    let mut above = BTreeSet::new();
    let mut level = vec![from.to_owned()];
    let mut depth = 0;
    loop {
        let next: Vec<String> = links
            .iter()
            .filter(|link| level.contains(&link.member) && !above.contains(&link.above))
            .map(|link| link.above.clone())
            .collect();
        if next.is_empty() {
            return (above, depth);
        }
        depth += 1;
        above.extend(next.iter().cloned());
        level = next;
    }
}
