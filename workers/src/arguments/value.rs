//! One value: from the typed word to its canonical form, by the type of its argument.

use adjutant_bus::spec::{ArgKind, ArgSpec, CommandSpec};
use serde_json::{Number, Value};

use super::{Mistake, mistakes::echoed};
use crate::suggest;

/// Longest duration: a year. What is longer is a typing mistake.
const LONGEST: u64 = 366 * 24 * 3600;

/// The canonical form of a typed word.
pub(super) fn read(spec: &CommandSpec, arg: &ArgSpec, text: &str) -> Result<Value, Mistake> {
    let bad = |wanted: String, meant: Option<String>| Mistake::BadValue {
        name: arg.name.clone(),
        text: echoed(spec, text),
        wanted,
        meant,
    };
    let value = match &arg.kind {
        ArgKind::String | ArgKind::Rest => (!text.is_empty()).then(|| Value::from(text)),
        ArgKind::Integer { min, max } => {
            text.parse::<i64>().ok().filter(|n| within(*n, *min, *max)).map(Value::from)
        }
        ArgKind::Number => text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        ArgKind::Boolean => boolean(text).map(Value::from),
        ArgKind::Choice { choices } => choices
            .iter()
            .find(|choice| choice.eq_ignore_ascii_case(text))
            .map(|choice| Value::from(choice.as_str())),
        ArgKind::Duration => {
            let duration = humantime::parse_duration(text).ok().map(|duration| duration.as_secs());
            duration.filter(|seconds| (1..=LONGEST).contains(seconds)).map(Value::from)
        }
        ArgKind::User => id(text, '@').map(Value::from),
        ArgKind::Channel => id(text, '#').map(Value::from),
    };
    value.ok_or_else(|| bad(wanted(&arg.kind), meant(&arg.kind, text)))
}

fn within(n: i64, min: Option<i64>, max: Option<i64>) -> bool {
    min.is_none_or(|min| n >= min) && max.is_none_or(|max| n <= max)
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The platform's id; gateways have made ids of mentions already, signs in front are tolerated.
fn id(text: &str, sign: char) -> Option<&str> {
    let id = text.trim_start_matches(sign);
    (!id.is_empty() && !id.contains(char::is_whitespace)).then_some(id)
}

fn meant(kind: &ArgKind, text: &str) -> Option<String> {
    match kind {
        ArgKind::Choice { choices } => suggest::closest(text, choices.iter().map(String::as_str)),
        _ => None,
    }
}

/// What fits the type: "must be …".
fn wanted(kind: &ArgKind) -> String {
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

/// Whether a value is in the canonical form of a type.
pub(crate) fn is_canonical(kind: &ArgKind, value: &Value) -> bool {
    match kind {
        ArgKind::String | ArgKind::Rest => value.as_str().is_some_and(|text| !text.is_empty()),
        ArgKind::User => value.as_str().is_some_and(|text| id(text, '@') == Some(text)),
        ArgKind::Channel => value.as_str().is_some_and(|text| id(text, '#') == Some(text)),
        ArgKind::Integer { min, max } => value.as_i64().is_some_and(|n| within(n, *min, *max)),
        ArgKind::Number => value.is_number(),
        ArgKind::Boolean => value.is_boolean(),
        ArgKind::Choice { choices } => value.as_str().is_some_and(|text| choices.iter().any(|c| c == text)),
        ArgKind::Duration => value.as_u64().is_some_and(|seconds| (1..=LONGEST).contains(&seconds)),
    }
}

/// A canonical value as a person would type it.
pub(crate) fn typed(kind: &ArgKind, value: &Value) -> String {
    match (kind, value) {
        (ArgKind::Duration, Value::Number(seconds)) => format!("{seconds}s"),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}
