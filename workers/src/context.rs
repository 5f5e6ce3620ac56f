//! What policy is told about the arguments: every declared key, always, so that a rule about one command cannot bite others.

use std::{collections::BTreeMap, sync::Arc};

use adjutant_bus::spec::{ArgKind, CommandSpec};
use adjutant_policies::Vocabulary;
use serde_json::Value;

use crate::catalogue::{Catalogue, Entry};

/// The value of a key that the command does not bind.
const NONE: &str = "none";

/// The context of one invocation: each key that any command binds, `none` where this one does not.
#[must_use]
pub fn context(
    catalogue: &Catalogue,
    spec: &CommandSpec,
    arguments: &BTreeMap<String, Value>,
) -> BTreeMap<String, String> {
    let mut context: BTreeMap<String, String> =
        keys(catalogue).map(|(key, _)| (key.to_owned(), NONE.to_owned())).collect();
    for arg in &spec.args {
        if let (Some(key), Some(value)) = (&arg.context, arguments.get(&arg.name)) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            context.insert(key.clone(), text);
        }
    }
    context
}

/// The words that policy files may use: the commands of the catalogue, and the keys that they bind with their choices.
#[must_use]
pub fn vocabulary(catalogue: &Catalogue, trusted_homes: &[String]) -> Vocabulary {
    let mut context: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, _) in keys(catalogue) {
        context.insert(key.to_owned(), vec![NONE.to_owned()]);
    }
    for (key, kind) in keys(catalogue) {
        let Some(values) = context.get_mut(key).filter(|values| !values.is_empty()) else { continue };
        match kind {
            ArgKind::Choice { choices } => {
                let new: Vec<String> =
                    choices.iter().filter(|choice| !values.contains(choice)).cloned().collect();
                values.extend(new);
            }
            // Any text: nothing can be said of its values beforehand.
            _ => values.clear(),
        }
    }
    let commands = catalogue.iter().map(|entry| entry.spec.path.dotted()).collect();
    let own = |entry: &Arc<Entry>| entry.spec.args.iter().filter_map(|arg| arg.context.clone()).collect();
    let binds = catalogue.iter().map(|entry| (entry.spec.path.dotted(), own(entry))).collect();
    Vocabulary { commands, context, binds, trusted_homes: trusted_homes.to_vec() }
}

fn keys(catalogue: &Catalogue) -> impl Iterator<Item = (&str, &ArgKind)> {
    catalogue
        .iter()
        .flat_map(|entry| &entry.spec.args)
        .filter_map(|arg| arg.context.as_deref().map(|key| (key, &arg.kind)))
}

#[cfg(test)]
mod tests {
    use adjutant_bus::spec::ArgSpec;

    use super::*;
    use crate::catalogue::{Entry, Source};

    #[test]
    fn a_key_has_the_choices_of_all_that_bind_it_and_any_value_where_one_takes_any_text() {
        let choice = |choices: &[&str]| {
            let choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
            ArgSpec::positional("env", ArgKind::Choice { choices }, "where")
        };
        let open = ArgSpec::positional("name", ArgKind::String, "any");
        let spec =
            |path: &str, args| CommandSpec { args, ..CommandSpec::new(path.parse().unwrap(), "Does it") };
        let specs = [
            spec("one", vec![choice(&["staging"]).in_context("env"), open.clone().in_context("mixed")]),
            spec("two", vec![choice(&["staging", "production"]).in_context("env")]),
            spec("three", vec![choice(&["x"]).in_context("mixed"), open.in_context("destination")]),
        ];
        let entries = specs.into_iter().map(|spec| Entry::new(spec, Source::BuiltIn));
        let words = vocabulary(&Catalogue::new(entries).0, &[]);
        let values = |key: &str| words.context.get(key).cloned().unwrap();
        assert_eq!(values("env"), ["none", "staging", "production"]);
        assert!(values("destination").is_empty() && values("mixed").is_empty());
    }
}
