//! One value: from the typed word to its canonical form, by the type of its argument.

use adjutant_bus::{
    line::{LONGEST_DURATION, id, wanted, within},
    spec::{ArgKind, ArgSpec, CommandSpec},
};
use serde_json::{Number, Value};

use super::{Mistake, mistakes::echoed};
use crate::suggest;

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
            duration.filter(|seconds| (1..=LONGEST_DURATION).contains(seconds)).map(Value::from)
        }
        ArgKind::User => id(text, '@').map(Value::from),
        ArgKind::Channel => id(text, '#').map(Value::from),
    };
    value.ok_or_else(|| bad(wanted(&arg.kind), meant(&arg.kind, text)))
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn meant(kind: &ArgKind, text: &str) -> Option<String> {
    match kind {
        ArgKind::Choice { choices } => suggest::closest(text, choices.iter().map(String::as_str)),
        _ => None,
    }
}
