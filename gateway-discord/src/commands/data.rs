//! What Discord sends of an invoked command, read leniently: whatever is missing or odd is left empty, never an error.

use serde_json::Value;

use super::CHAT_INPUT;

/// `type` of an option that is a command below another.
const SUB_COMMAND: u64 = 1;
/// `type` of an option that holds such commands.
const GROUP: u64 = 2;

/// `data` of an interaction of type 2 or 4.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub(crate) name: String,
    /// `type`: of a command that is typed if none is given, 0 if it is not a number.
    pub(crate) kind: u64,
    pub(crate) options: Vec<Opt>,
    pub(crate) resolved: Value,
    pub(crate) target_id: Option<String>,
}

/// One option, or one level of sub-commands.
#[derive(Clone, Debug)]
pub(crate) struct Opt {
    pub(crate) name: String,
    /// `type`; 0 if it is not a number.
    pub(crate) kind: u64,
    pub(crate) value: Value,
    pub(crate) options: Vec<Opt>,
    /// Somebody is typing this one.
    pub(crate) focused: bool,
}

impl Data {
    /// Reads it; of anything that is no object, nothing.
    pub(crate) fn read(data: &Value) -> Self {
        Self {
            name: text(data.get("name")),
            kind: data.get("type").map_or(CHAT_INPUT, |kind| kind.as_u64().unwrap_or_default()),
            options: options(data),
            resolved: data.get("resolved").cloned().unwrap_or_default(),
            target_id: id(data.get("target_id")),
        }
    }

    /// The names from the command down to the sub-command, and the options given to that.
    pub(super) fn route(&self) -> (Vec<&str>, &[Opt]) {
        let mut names = vec![self.name.as_str()];
        let mut options = self.options.as_slice();
        while let Some(below) = options.iter().find(|option| matches!(option.kind, SUB_COMMAND | GROUP)) {
            names.push(&below.name);
            options = &below.options;
        }
        (names, options)
    }

    /// The text of the message whose menu was used.
    pub(super) fn target_text(&self) -> Option<&str> {
        let messages = self.resolved.get("messages")?;
        messages.get(self.target_id.as_deref()?)?.get("content")?.as_str()
    }
}

impl Opt {
    /// The value as a person would type it; none if it is no text, number or boolean.
    pub(super) fn text(&self) -> Option<String> {
        match &self.value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(self.value.to_string()),
            _ => None,
        }
    }
}

fn options(data: &Value) -> Vec<Opt> {
    let option = |option: &Value| Opt {
        name: text(option.get("name")),
        kind: option.get("type").and_then(Value::as_u64).unwrap_or_default(),
        value: option.get("value").cloned().unwrap_or_default(),
        options: options(option),
        focused: option.get("focused").and_then(Value::as_bool).unwrap_or_default(),
    };
    data.get("options").and_then(Value::as_array).into_iter().flatten().map(option).collect()
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An id, as text or as a number.
fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
