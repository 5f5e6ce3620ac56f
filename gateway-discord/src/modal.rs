//! Modals: one that asks for the arguments of a command, one that shows a message as a command before it is sent. Built from
//! the command's description, and read back into a line. Source of the limits: Discord, "Component" reference.

use adjutant_bus::{
    spec::{ArgKind, ArgSpec, CommandSpec},
    words,
};
use serde_json::{Value, json};

use crate::render::cut;

/// Prefix of the `custom_id` of a modal that asks for arguments; the command's path follows.
pub(crate) const ARGUMENTS: &str = "args:";
/// The `custom_id` of a modal with a whole line, and of its input.
pub(crate) const LINE: &str = "line";

/// Most inputs of a modal.
const INPUTS: usize = 5;
/// Most of a modal's title and of an input's label.
const TITLE: usize = 45;
/// Most of the text below a label.
const DESCRIPTION: usize = 100;
/// Most of a `custom_id`.
const CUSTOM_ID: usize = 100;
/// Most options of a menu, and most of an option's text and value.
const OPTIONS: usize = 25;
const OPTION: usize = 100;
/// Most that a text input takes.
const INPUT: usize = 4_000;
/// How deep components may lie within others when they are read back.
const DEEPEST: usize = 4;

/// Component types and text input styles, as Discord numbers them.
const STRING_SELECT: u8 = 3;
const TEXT_INPUT: u8 = 4;
const USER_SELECT: u8 = 5;
const CHANNEL_SELECT: u8 = 8;
const LABEL: u8 = 18;
const SHORT: u8 = 1;
const PARAGRAPH: u8 = 2;

/// The command that a line names without saying any of its required arguments.
pub(crate) fn incomplete<'a>(line: &str, specs: &'a [CommandSpec]) -> Option<&'a CommandSpec> {
    let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
    let spec = specs.iter().find(|spec| spec.path.words() == words)?;
    // A secret must not be typed into a form that Discord keeps.
    let asks = spec.args.iter().any(|arg| arg.required) && !spec.args.iter().any(|arg| arg.secret);
    asks.then_some(spec)
}

/// A modal that asks for the arguments of a command, the required ones first. None if it has no room for all of these.
pub(crate) fn arguments(spec: &CommandSpec) -> Option<Value> {
    let (required, optional): (Vec<&ArgSpec>, Vec<&ArgSpec>) = spec.args.iter().partition(|arg| arg.required);
    let id = format!("{ARGUMENTS}{}", spec.path);
    let ids = spec.args.iter().map(|arg| arg.name.as_str()).chain([id.as_str()]);
    let fits = |id: &str| (1..=CUSTOM_ID).contains(&id.encode_utf16().count());
    if spec.args.is_empty() || required.len() > INPUTS || !ids.into_iter().all(fits) {
        return None;
    }
    let inputs: Vec<Value> = required.into_iter().chain(optional).take(INPUTS).map(input).collect();
    Some(json!({ "custom_id": id, "title": cut(&spec.path.to_string(), TITLE), "components": inputs }))
}

/// A modal with a message as a command.
pub(crate) fn prefilled(line: &str) -> Value {
    let mut input = text_input(LINE, PARAGRAPH, true);
    if let (false, Some(input)) = (line.trim().is_empty(), input.as_object_mut()) {
        input.insert("value".to_owned(), cut(line, INPUT).into());
    }
    let told = "It runs as you, and is answered where the message is.";
    json!({
        "custom_id": LINE,
        "title": "Run as a command",
        "components": [labelled("Command", told, input)],
    })
}

fn labelled(label: &str, description: &str, component: Value) -> Value {
    let mut labelled = json!({ "type": LABEL, "label": cut(label, TITLE), "component": component });
    if let (false, Some(labelled)) = (description.trim().is_empty(), labelled.as_object_mut()) {
        labelled.insert("description".to_owned(), cut(description, DESCRIPTION).into());
    }
    labelled
}

fn text_input(id: &str, style: u8, required: bool) -> Value {
    json!({ "type": TEXT_INPUT, "custom_id": id, "style": style, "required": required, "max_length": INPUT })
}

fn input(arg: &ArgSpec) -> Value {
    let select = |kind: u8| {
        json!({
            "type": kind,
            "custom_id": arg.name,
            "required": arg.required,
            "min_values": u8::from(arg.required),
            "max_values": 1,
        })
    };
    let menu = |choices: &[String]| {
        let mut menu = select(STRING_SELECT);
        let options: Vec<Value> =
            choices.iter().map(|choice| json!({ "label": choice, "value": choice })).collect();
        if let Some(menu) = menu.as_object_mut() {
            menu.insert("options".to_owned(), options.into());
        }
        menu
    };
    let component = match &arg.kind {
        ArgKind::Choice { choices } if fits_menu(choices) => menu(choices),
        ArgKind::Boolean => menu(&["true".to_owned(), "false".to_owned()]),
        ArgKind::User => select(USER_SELECT),
        ArgKind::Channel => select(CHANNEL_SELECT),
        ArgKind::Rest => text_input(&arg.name, PARAGRAPH, arg.required),
        _ => text_input(&arg.name, SHORT, arg.required),
    };
    labelled(&arg.name, &arg.summary, component)
}

fn fits_menu(choices: &[String]) -> bool {
    let fits = |choice: &String| !choice.trim().is_empty() && choice.encode_utf16().count() <= OPTION;
    (1..=OPTIONS).contains(&choices.len()) && choices.iter().all(fits)
}

/// The line that a submitted modal asks for. None if there is none in it.
pub(crate) fn line(custom_id: &str, components: &Value, specs: &[CommandSpec]) -> Option<String> {
    let mut filled = Vec::new();
    collect(components, DEEPEST, &mut filled);
    let value = |id: &str| filled.iter().find(|(name, _)| *name == id).map(|(_, value)| value.trim());
    if custom_id == LINE {
        return value(LINE).filter(|line| !line.is_empty()).map(str::to_owned);
    }
    let path = custom_id.strip_prefix(ARGUMENTS)?;
    let spec = specs.iter().find(|spec| spec.path.to_string() == path)?;
    let (rest, named): (Vec<&ArgSpec>, Vec<&ArgSpec>) =
        spec.args.iter().partition(|arg| arg.kind == ArgKind::Rest);
    let given = named.into_iter().chain(rest).filter_map(|arg| {
        let value = value(&arg.name).filter(|value| !value.is_empty())?;
        Some(format!(" --{}={}", arg.name, words::quote(value)))
    });
    Some(std::iter::once(path.to_owned()).chain(given).collect())
}

/// Every input with what was filled in, wherever it lies: in rows, in labels, or on its own.
fn collect<'a>(value: &'a Value, deep: usize, filled: &mut Vec<(&'a str, &'a str)>) {
    let Some(deep) = deep.checked_sub(1) else { return };
    match value {
        Value::Array(all) => all.iter().for_each(|one| collect(one, deep + 1, filled)),
        Value::Object(component) => {
            let first = || component.get("values")?.as_array()?.first();
            let given = component
                .get("value")
                .filter(|value| !value.is_null())
                .or_else(first)
                .and_then(Value::as_str);
            if let (Some(id), Some(given)) = (component.get("custom_id").and_then(Value::as_str), given) {
                filled.push((id, given));
            }
            for inner in ["components", "component"].into_iter().filter_map(|name| component.get(name)) {
                collect(inner, deep, filled);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
