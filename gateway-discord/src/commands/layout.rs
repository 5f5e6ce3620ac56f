//! Where a command of the catalogue stands among Discord's commands, sub-commands and groups. Both ways go by this:
//! registering a command, and finding the one that was invoked.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::spec::CommandSpec;
use serde_json::{Value, json};

use super::{
    CHAT_INPUT, ROOT,
    limits::{self, DESCRIPTION, LEVEL, WHOLE},
    options,
};

/// The sub-command that stands for a command which has others below it: Discord cannot invoke that one itself.
const RUN: &str = "run";

/// A command, and where Discord shows it.
pub(super) struct Leaf<'a> {
    pub(super) spec: &'a CommandSpec,
    /// The names from the root command down: one to three.
    route: Vec<&'a str>,
    options: Vec<Value>,
}

/// All commands whose names begin with one word: one command of Discord's.
pub(super) struct Family<'a> {
    root: &'a str,
    /// In order of their names in Discord.
    pub(super) leaves: Vec<Leaf<'a>>,
    /// What has no place in it, in order of their names.
    pub(super) carried: Vec<&'a CommandSpec>,
}

/// Whether a command may be offered where its options are shown to everybody: not if a secret is required.
pub(super) fn may_be_shown(spec: &CommandSpec) -> bool {
    !spec.args.iter().any(|arg| arg.secret && arg.required)
}

/// The families of a catalogue, by name.
pub(super) fn families(specs: &[CommandSpec]) -> impl Iterator<Item = Family<'_>> {
    let roots: BTreeSet<&str> = specs.iter().filter_map(|spec| words(spec).first().copied()).collect();
    roots.into_iter().map(|root| Family::of(root, specs))
}

fn words(spec: &CommandSpec) -> Vec<&str> {
    spec.path.words().iter().map(String::as_str).collect()
}

impl<'a> Family<'a> {
    /// The commands whose names begin with this word.
    pub(super) fn of(root: &str, specs: &'a [CommandSpec]) -> Self {
        let ours = |spec: &&CommandSpec| spec.path.words().first().is_some_and(|word| word == root);
        let mut ours: Vec<&CommandSpec> = specs.iter().filter(ours).collect();
        ours.sort_by(|a, b| a.path.cmp(&b.path));
        ours.dedup_by(|later, first| later.path == first.path);
        let root = ours.first().and_then(|spec| words(spec).first().copied()).unwrap_or_default();
        let mut family = Self { root, leaves: Vec::new(), carried: Vec::new() };
        let mut fit = Vec::new();
        for spec in ours.into_iter().filter(|spec| may_be_shown(spec)) {
            let shallow = spec.path.words().len() <= 3 && root != ROOT;
            match options::of(spec).filter(|_| shallow) {
                Some(options) => fit.push((spec, options)),
                None => family.carried.push(spec),
            }
        }
        let places = Places::of(fit.iter().map(|(spec, _)| words(spec)).collect());
        let mut room = Room::below(root);
        for (spec, options) in fit {
            let leaf = places.route(spec).map(|route| Leaf { spec, route, options });
            match leaf.filter(|leaf| room.take(leaf)) {
                Some(leaf) => family.leaves.push(leaf),
                None => family.carried.push(spec),
            }
        }
        family.leaves.sort_by(|a, b| a.route.cmp(&b.route));
        family.carried.sort_by(|a, b| a.path.cmp(&b.path));
        family
    }

    /// The command that stands there.
    pub(super) fn at(&self, route: &[&str]) -> Option<&'a CommandSpec> {
        self.leaves.iter().find(|leaf| leaf.route == route).map(|leaf| leaf.spec)
    }

    /// The family as Discord's command; none if all of it is carried.
    pub(super) fn command(&self) -> Option<Value> {
        let mut level: BTreeMap<&str, Vec<&Leaf<'a>>> = BTreeMap::new();
        for leaf in &self.leaves {
            level.entry(leaf.route.get(1).copied().unwrap_or_default()).or_default().push(leaf);
        }
        let first = self.leaves.first()?;
        if first.route.len() == 1 {
            return Some(json!({
                "type": CHAT_INPUT,
                "name": self.root,
                "description": summary(first.spec),
                "options": first.options,
            }));
        }
        let options: Vec<Value> = level
            .iter()
            .map(|(name, leaves)| match leaves.as_slice() {
                [leaf] if leaf.route.len() == 2 => leaf.sub_command(),
                leaves => json!({
                    "type": 2,
                    "name": name,
                    "description": heading(leaves, 2),
                    "options": leaves.iter().map(|leaf| leaf.sub_command()).collect::<Vec<_>>(),
                }),
            })
            .collect();
        Some(json!({
            "type": CHAT_INPUT,
            "name": self.root,
            "description": heading(&self.leaves.iter().collect::<Vec<_>>(), 1),
            "options": options,
        }))
    }
}

impl Leaf<'_> {
    fn sub_command(&self) -> Value {
        json!({
            "type": 1,
            "name": self.route.last(),
            "description": summary(self.spec),
            "options": self.options,
        })
    }
}

fn summary(spec: &CommandSpec) -> String {
    limits::description(&spec.summary, &spec.path.to_string())
}

/// What a level of this depth is about: its own command's summary, or what there is below it.
fn heading(leaves: &[&Leaf<'_>], depth: usize) -> String {
    match leaves.iter().find(|leaf| leaf.spec.path.words().len() == depth) {
        Some(own) => summary(own.spec),
        None => {
            let names: BTreeSet<&str> =
                leaves.iter().filter_map(|leaf| leaf.route.get(depth).copied()).collect();
            limits::cut(&names.into_iter().collect::<Vec<_>>().join(", "), DESCRIPTION)
        }
    }
}

/// Which names of a family have others below them.
struct Places<'a> {
    /// First, second word.
    second: BTreeSet<&'a str>,
    /// Second, third word.
    third: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Places<'a> {
    fn of(paths: Vec<Vec<&'a str>>) -> Self {
        let mut places = Self { second: BTreeSet::new(), third: BTreeMap::new() };
        for path in paths {
            if let Some(second) = path.get(1) {
                places.second.insert(second);
                if let Some(third) = path.get(2) {
                    places.third.entry(second).or_default().insert(third);
                }
            }
        }
        places
    }

    /// Where a command stands; nowhere if the name that would stand for it is another's.
    fn route(&self, spec: &'a CommandSpec) -> Option<Vec<&'a str>> {
        let mut route = words(spec);
        let below = match route.as_slice() {
            [_] => Some(&self.second),
            [_, second] => self.third.get(second),
            _ => None,
        };
        if let Some(below) = below.filter(|below| !below.is_empty()) {
            if below.contains(RUN) {
                return None;
            }
            route.push(RUN);
        }
        Some(route)
    }
}

/// What is left of Discord's limits for one command.
struct Room<'a> {
    characters: usize,
    /// How many commands stand below each name of the first level.
    names: BTreeMap<&'a str, usize>,
}

impl<'a> Room<'a> {
    fn below(root: &str) -> Self {
        Self { characters: WHOLE - DESCRIPTION - limits::length(root), names: BTreeMap::new() }
    }

    /// Takes a command in, if there is room for it.
    fn take(&mut self, leaf: &Leaf<'a>) -> bool {
        let mut needed = limits::characters(&leaf.sub_command());
        if let Some(name) = leaf.route.get(1).copied() {
            let there = self.names.get(name).copied();
            if there.is_none() && leaf.route.len() > 2 {
                needed += limits::length(name) + DESCRIPTION;
            }
            let full = there.map_or(self.names.len(), |below| below) >= LEVEL;
            if full || needed > self.characters {
                return false;
            }
            self.names.insert(name, there.unwrap_or_default() + 1);
        } else if needed > self.characters {
            return false;
        }
        self.characters -= needed;
        true
    }
}
