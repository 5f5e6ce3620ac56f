//! The arguments of a command as Discord's options.

use std::collections::BTreeSet;

use adjutant_bus::{
    line::wanted,
    spec::{ArgKind, ArgSpec, CommandSpec},
    words,
};
use serde_json::{Map, Value, json};

use super::limits::{self, CHOICE, INTEGER, LEVEL};

/// `type` of an option that takes text.
pub(super) const STRING: u64 = 3;

/// The options of a command, required ones first. None if Discord cannot take them.
pub(super) fn of(spec: &CommandSpec) -> Option<Vec<Value>> {
    let shown = || spec.args.iter().filter(|arg| !arg.secret);
    let names: BTreeSet<&str> =
        shown().map(|arg| arg.name.as_str()).filter(|name| limits::is_name(name)).collect();
    let required = shown().filter(|arg| arg.required);
    let options: Vec<Value> = required.chain(shown().filter(|arg| !arg.required)).map(option).collect();
    (options.len() <= LEVEL && options.len() == names.len()).then_some(options)
}

fn option(arg: &ArgSpec) -> Value {
    let mut option = Map::new();
    let mut set = |field: &str, value: Value| drop(option.insert(field.to_owned(), value));
    set("type", kind(&arg.kind).into());
    set("name", arg.name.as_str().into());
    set("description", limits::description(&arg.summary, &wanted(&arg.kind)).into());
    if arg.required {
        set("required", true.into());
    }
    match &arg.kind {
        ArgKind::Choice { choices } => match offer(choices) {
            Offer::Listed => set("choices", choices.iter().map(|choice| offered(choice, choice)).collect()),
            Offer::AsTyped => set("autocomplete", true.into()),
            Offer::Nothing => {}
        },
        // Bounds that cross would make Discord refuse the whole list.
        ArgKind::Integer { min: Some(min), max: Some(max) } if min > max => {}
        ArgKind::Integer { min, max } => {
            let bounds = [("min_value", min), ("max_value", max)];
            for (field, bound) in bounds.into_iter().filter_map(|(field, bound)| Some((field, (*bound)?))) {
                set(field, bound.clamp(-INTEGER, INTEGER).into());
            }
        }
        _ => {}
    }
    Value::Object(option)
}

const fn kind(kind: &ArgKind) -> u64 {
    match kind {
        ArgKind::String | ArgKind::Choice { .. } | ArgKind::Duration | ArgKind::Rest => STRING,
        ArgKind::Integer { .. } => 4,
        ArgKind::Boolean => 5,
        ArgKind::User => 6,
        ArgKind::Channel => 7,
        ArgKind::Number => 10,
    }
}

/// How the choices of an argument are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// In a list.
    Listed,
    /// As somebody types, since they are too many for a list.
    AsTyped,
    /// Not at all: one is too long, Discord would change it, or it would not come through a line.
    Nothing,
}

/// How these choices are shown.
pub(super) fn offer(choices: &[String]) -> Offer {
    let different: BTreeSet<&String> = choices.iter().collect();
    let fits = |choice: &String| {
        !choice.is_empty()
            && limits::length(choice) <= CHOICE
            && limits::cut(choice, CHOICE) == *choice
            && words::comes_through(choice)
    };
    match choices.len() {
        0 => Offer::Nothing,
        n if n != different.len() || !choices.iter().all(fits) => Offer::Nothing,
        n if n <= LEVEL => Offer::Listed,
        _ => Offer::AsTyped,
    }
}

/// A choice: what people read, and what is sent.
pub(super) fn offered(name: &str, value: &str) -> Value {
    json!({ "name": limits::cut(name, CHOICE), "value": value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_that_would_not_be_what_was_picked_are_not_offered() {
        let of =
            |choices: &[&str]| offer(&choices.iter().map(|choice| (*choice).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["staging", "two words", "it's \"on\"", "-x"]), Offer::Listed);
        for odd in ["", "it’s", "“a”", "a\u{200b}b", "a\u{a0}b", " a"] {
            assert_eq!(of(&["staging", odd]), Offer::Nothing, "{odd:?}");
        }
    }
}
