//! The commands known at one moment: an immutable snapshot, looked up by the words of a line.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use adjutant_bus::spec::{ArgKind, ArgSpec, CommandPath, CommandSpec};

use crate::{
    arguments::Grammar,
    words::{self, Word},
};

/// Most arguments of one command.
const MOST_ARGS: usize = 25;

/// Where a command comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Part of the program.
    BuiltIn,
    /// Offered by a service on the bus.
    Service {
        /// Its name.
        name: String,
    },
}

/// A command of the catalogue.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its description.
    pub spec: CommandSpec,
    /// Where it comes from.
    pub source: Source,
    pub(crate) grammar: Grammar,
}

impl Entry {
    /// A command from this source.
    #[must_use]
    pub fn new(spec: CommandSpec, source: Source) -> Self {
        Self { grammar: Grammar::new(&spec), spec, source }
    }
}

/// Why a command, or one of its names, is left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueProblem {
    /// Its description contradicts itself.
    #[error("`{path}` is left out: {why}")]
    BadSpec {
        /// The command.
        path: CommandPath,
        /// What is wrong.
        why: String,
    },
    /// Its name is taken; built-in commands come first.
    #[error("`{name}` is offered twice; the one that was there first stays")]
    Taken {
        /// The name.
        name: CommandPath,
    },
}

/// A command found in a line.
#[derive(Clone, Debug)]
pub struct Found {
    /// The command.
    pub entry: Arc<Entry>,
    /// How many words its name took.
    pub consumed: usize,
}

/// The commands known at one moment.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    entries: BTreeMap<CommandPath, Arc<Entry>>,
    names: BTreeMap<Vec<String>, Arc<Entry>>,
    longest: usize,
}

impl Catalogue {
    /// Takes built-in commands before those of services, and names before aliases; otherwise, of two with one name, the
    /// first stays. What is wrong is left out and reported.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> (Self, Vec<CatalogueProblem>) {
        let mut catalogue = Self::default();
        let mut problems = Vec::new();
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        entries.sort_by_key(|entry| entry.source != Source::BuiltIn);
        for entry in entries {
            if let Err(why) = check(&entry.spec) {
                problems.push(CatalogueProblem::BadSpec { path: entry.spec.path, why });
                continue;
            }
            catalogue.add(Arc::new(entry), &mut problems);
        }
        for entry in catalogue.entries.values().cloned().collect::<Vec<_>>() {
            for alias in &entry.spec.aliases {
                if !catalogue.name(alias, &entry) {
                    problems.push(CatalogueProblem::Taken { name: alias.clone() });
                }
            }
        }
        (catalogue, problems)
    }

    fn add(&mut self, entry: Arc<Entry>, problems: &mut Vec<CatalogueProblem>) {
        let path = &entry.spec.path;
        if self.name(path, &entry) {
            self.entries.insert(path.clone(), entry);
            return;
        }
        // Several services may offer one command as long as they describe it alike.
        let alike = |there: &Arc<Entry>| there.source != Source::BuiltIn && there.spec == entry.spec;
        if !self.entries.get(path).is_some_and(alike) {
            problems.push(CatalogueProblem::Taken { name: path.clone() });
        }
    }

    /// Enters a name, unless it is taken.
    fn name(&mut self, name: &CommandPath, entry: &Arc<Entry>) -> bool {
        if self.names.contains_key(name.words()) {
            return false;
        }
        self.longest = self.longest.max(name.words().len());
        self.names.insert(name.words().to_vec(), entry.clone());
        true
    }

    /// The command of this name; aliases do not count.
    #[must_use]
    pub fn get(&self, path: &CommandPath) -> Option<&Arc<Entry>> {
        self.entries.get(path)
    }

    /// The command whose name, or alias, is the longest beginning of these words, without regard to case.
    #[must_use]
    pub fn find(&self, words: &[Word]) -> Option<Found> {
        let mut name: Vec<String> =
            words.iter().take(self.longest).map(|word| word.text.to_lowercase()).collect();
        while !name.is_empty() {
            if let Some(entry) = self.names.get(&name) {
                return Some(Found { entry: entry.clone(), consumed: name.len() });
            }
            name.pop();
        }
        None
    }

    /// The commands whose names begin with these words and go on.
    #[must_use]
    pub fn children(&self, words: &[Word]) -> Vec<Arc<Entry>> {
        let name: Vec<String> = words.iter().map(|word| word.text.to_lowercase()).collect();
        let below = |path: &CommandPath| path.words().len() > name.len() && path.words().starts_with(&name);
        self.iter().filter(|entry| below(&entry.spec.path)).cloned().collect()
    }

    /// All commands, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }
}

/// What a description must keep to so that its lines can be understood in one way only.
fn check(spec: &CommandSpec) -> Result<(), String> {
    if spec.args.len() > MOST_ARGS {
        return Err(format!("it has {} arguments, and {MOST_ARGS} is the most", spec.args.len()));
    }
    if spec.timeout_seconds == 0 {
        return Err("its time-out is 0 s".to_owned());
    }
    let mut names = BTreeSet::new();
    for arg in &spec.args {
        if !well_named(&arg.name) || !names.insert(&arg.name) {
            return Err(format!(
                "its argument `{}` is not named [a-z][a-z0-9-]*, is reserved (help, h), or is there twice",
                arg.name
            ));
        }
        check_arg(arg)?;
    }
    let positional: Vec<&ArgSpec> = spec.args.iter().filter(|arg| !arg.flag).collect();
    if positional.iter().rev().skip(1).any(|arg| arg.kind == ArgKind::Rest) {
        return Err("only its last positional argument may take the rest of the line".to_owned());
    }
    let optional = positional.iter().position(|arg| !arg.required).unwrap_or(positional.len());
    if positional.iter().skip(optional).any(|arg| arg.required) {
        return Err("a required positional argument follows an optional one".to_owned());
    }
    Ok(())
}

fn check_arg(arg: &ArgSpec) -> Result<(), String> {
    if arg.flag && arg.kind == ArgKind::Rest {
        return Err(format!("its flag `{}` cannot take the rest of the line", arg.name));
    }
    if matches!(&arg.kind, ArgKind::Choice { choices } if choices.is_empty()) {
        return Err(format!("its argument `{}` has no choices", arg.name));
    }
    if let ArgKind::Choice { choices } = &arg.kind
        && let Some(choice) =
            choices.iter().find(|choice| !choice.is_empty() && !words::comes_through(choice))
    {
        let why = "typographic quotes and signs that show nothing are undone in what people type";
        return Err(format!(
            "its argument `{}` has a choice that nobody can type, {choice:?}: {why}",
            arg.name
        ));
    }
    if matches!(&arg.kind, ArgKind::Choice { choices } if ambiguous(choices)) {
        return Err(format!("its argument `{}` has choices that are empty or differ in case only", arg.name));
    }
    if matches!(arg.kind, ArgKind::Integer { min: Some(min), max: Some(max) } if min > max) {
        return Err(format!("its argument `{}` has a lower bound above the upper one", arg.name));
    }
    if arg.required && arg.default.is_some() {
        return Err(format!("its argument `{}` is required and has a default", arg.name));
    }
    match &arg.default {
        Some(value) if !crate::arguments::is_canonical(&arg.kind, value) => {
            Err(format!("the default of its argument `{}` does not fit its type", arg.name))
        }
        _ => Ok(()),
    }
}

/// Choices are read without regard to case, so two of them may not be one.
fn ambiguous(choices: &[String]) -> bool {
    let words: BTreeSet<String> = choices.iter().map(|choice| choice.to_ascii_lowercase()).collect();
    words.len() != choices.len() || words.contains("")
}

fn well_named(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !matches!(name, "help" | "h")
}

#[cfg(test)]
mod tests;
