//! Lines as text: the usage of a command, and the line that asks for given arguments, which comes out of parsing as exactly these.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    spec::{ArgKind, ArgSpec, CommandSpec},
    words,
};

/// Longest duration, in seconds: a year. What is longer is a typing mistake.
pub const LONGEST_DURATION: u64 = 366 * 24 * 3600;

/// One line: `deploy promote <app> <from> <to> [--reason TEXT]`.
#[must_use]
pub fn usage(spec: &CommandSpec) -> String {
    let args = spec.args.iter().map(|arg| match (arg.flag, arg.required) {
        (false, true) => format!(" <{}>", shape(arg)),
        (false, false) => format!(" [{}]", shape(arg)),
        (true, true) => format!(" {}", flag(arg)),
        (true, false) => format!(" [{}]", flag(arg)),
    });
    std::iter::once(spec.path.to_string()).chain(args).collect()
}

fn shape(arg: &ArgSpec) -> String {
    if arg.kind == ArgKind::Rest { format!("{}…", arg.name) } else { arg.name.clone() }
}

fn flag(arg: &ArgSpec) -> String {
    if arg.kind == ArgKind::Boolean {
        format!("--{}", arg.name)
    } else {
        format!("--{} {}", arg.name, value_name(&arg.kind))
    }
}

const fn value_name(kind: &ArgKind) -> &'static str {
    match kind {
        ArgKind::String | ArgKind::Rest => "TEXT",
        ArgKind::Integer { .. } | ArgKind::Number => "N",
        ArgKind::Boolean => "true|false",
        ArgKind::Choice { .. } => "CHOICE",
        ArgKind::Duration => "DURATION",
        ArgKind::User => "USER",
        ArgKind::Channel => "CHANNEL",
    }
}

/// The line that asks for these arguments, every one by name: for values that read like words of another command's name.
#[must_use]
pub fn by_name(spec: &CommandSpec, arguments: &BTreeMap<String, Value>) -> String {
    let given = spec.args.iter().filter_map(|arg| {
        let value = arguments.get(&arg.name)?;
        Some(format!(" --{}={}", arg.name, words::quote(&typed(&arg.kind, value))))
    });
    std::iter::once(spec.path.to_string()).chain(given).collect()
}

/// A canonical value as a person would type it.
#[must_use]
pub fn typed(kind: &ArgKind, value: &Value) -> String {
    match (kind, value) {
        (ArgKind::Duration, Value::Number(seconds)) => format!("{seconds}s"),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// Whether a value is in the canonical form of a type.
#[must_use]
pub fn is_canonical(kind: &ArgKind, value: &Value) -> bool {
    match kind {
        ArgKind::String | ArgKind::Rest => value.as_str().is_some_and(|text| !text.is_empty()),
        ArgKind::User => value.as_str().is_some_and(|text| id(text, '@') == Some(text)),
        ArgKind::Channel => value.as_str().is_some_and(|text| id(text, '#') == Some(text)),
        ArgKind::Integer { min, max } => value.as_i64().is_some_and(|n| within(n, *min, *max)),
        ArgKind::Number => value.is_number(),
        ArgKind::Boolean => value.is_boolean(),
        ArgKind::Choice { choices } => value.as_str().is_some_and(|text| choices.iter().any(|c| c == text)),
        ArgKind::Duration => value.as_u64().is_some_and(|seconds| (1..=LONGEST_DURATION).contains(&seconds)),
    }
}

/// What fits a type: "must be …".
#[must_use]
pub fn wanted(kind: &ArgKind) -> String {
    match kind {
        ArgKind::String | ArgKind::Rest => "must be a text".to_owned(),
        ArgKind::Integer { min: Some(min), max: Some(max) } => {
            format!("must be a whole number from {min} to {max}")
        }
        ArgKind::Integer { min: Some(min), max: None } => format!("must be a whole number, {min} or more"),
        ArgKind::Integer { min: None, max: Some(max) } => format!("must be a whole number, {max} at most"),
        ArgKind::Integer { min: None, max: None } => "must be a whole number".to_owned(),
        ArgKind::Number => "must be a number".to_owned(),
        ArgKind::Boolean => "must be true or false".to_owned(),
        ArgKind::Choice { choices } => format!("must be one of {}", choices.join(", ")),
        ArgKind::Duration => "must be a duration such as 90s, 15m or 2h30m".to_owned(),
        ArgKind::User => "must be a user".to_owned(),
        ArgKind::Channel => "must be a channel".to_owned(),
    }
}

/// Whether a number lies within bounds.
#[must_use]
pub fn within(n: i64, min: Option<i64>, max: Option<i64>) -> bool {
    min.is_none_or(|min| n >= min) && max.is_none_or(|max| n <= max)
}

/// The platform's id; gateways have made ids of mentions already, signs in front are tolerated.
#[must_use]
pub fn id(text: &str, sign: char) -> Option<&str> {
    let id = text.trim_start_matches(sign);
    (!id.is_empty() && !id.contains(char::is_whitespace)).then_some(id)
}
