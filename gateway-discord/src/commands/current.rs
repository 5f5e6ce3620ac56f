//! Whether Discord has what we want. It answers with ids, versions, nulls and defaults that nobody sent, in its own order.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::CHAT_INPUT;

/// The fields that make a command what it is; whatever else Discord adds, today or later, is its own.
const FIELDS: [&str; 19] = [
    "autocomplete",
    "channel_types",
    "choices",
    "contexts",
    "default_member_permissions",
    "description",
    "description_localizations",
    "integration_types",
    "max_length",
    "max_value",
    "min_length",
    "min_value",
    "name",
    "name_localizations",
    "nsfw",
    "options",
    "required",
    "type",
    "value",
];
/// Fields that say where a command can be used: of app-wide commands only, and in no order.
const WHERE: [&str; 2] = ["contexts", "integration_types"];

/// Whether what Discord has is what we want.
pub(crate) fn is_current(wanted: &[Value], registered: &[Value]) -> bool {
    let registered_by_name = by_name(registered);
    let same = |command: &Value| {
        registered_by_name.get(&key(command)).is_some_and(|theirs| {
            let of_guild = theirs.get("guild_id").is_some_and(|id| !id.is_null());
            normal_command(command, of_guild) == normal_command(theirs, of_guild)
        })
    };
    wanted.len() == registered.len() && by_name(wanted).len() == wanted.len() && wanted.iter().all(same)
}

fn by_name(commands: &[Value]) -> BTreeMap<(u64, &str), &Value> {
    commands.iter().map(|command| (key(command), command)).collect()
}

fn key(command: &Value) -> (u64, &str) {
    let kind = command.get("type").and_then(Value::as_u64).unwrap_or(CHAT_INPUT);
    (kind, command.get("name").and_then(Value::as_str).unwrap_or_default())
}

fn normal_command(command: &Value, of_guild: bool) -> Value {
    let mut command = normal(command);
    if let Some(fields) = command.as_object_mut() {
        fields.entry("type").or_insert_with(|| CHAT_INPUT.into());
        for field in WHERE {
            if of_guild {
                fields.remove(field);
            } else if let Some(Value::Array(values)) = fields.get_mut(field) {
                values.sort_by_key(Value::as_u64);
            }
        }
    }
    command
}

/// Without foreign fields, and without those that say no more than their absence.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(normal_fields(fields)),
        Value::Array(values) => values.iter().map(normal).collect(),
        Value::Number(number) => whole(number.as_f64()).map_or_else(|| value.clone(), Value::from),
        other => other.clone(),
    }
}

fn normal_fields(fields: &Map<String, Value>) -> Map<String, Value> {
    let kept = fields.iter().filter(|(name, _)| FIELDS.contains(&name.as_str()));
    let normal = kept.map(|(name, value)| {
        // The names in these are languages.
        let whole = name.ends_with("_localizations");
        (name.clone(), if whole { value.clone() } else { normal(value) })
    });
    normal.filter(|(_, value)| !is_void(value)).collect()
}

fn is_void(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A bound such as `1.0` is the bound `1`.
fn whole(number: Option<f64>) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "only numbers that fit get there")]
    number.filter(|number| number.fract() == 0.0 && number.abs() < 9e15).map(|number| number as i64)
}
