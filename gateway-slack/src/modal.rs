//! Modals: one that asks for the arguments of a command, one that shows a message as a command before it is sent. Built from
//! the command's description, and read back into a line. Source of the limits: Slack, "Block Kit" reference.

use adjutant_bus::{
    spec::{ArgKind, ArgSpec, CommandSpec},
    words,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    inbound::{ARGUMENTS, SHORTCUT},
    render::cut,
};

/// Most options of a menu; more are asked for as somebody types.
const MOST_OPTIONS: usize = 100;
/// Most characters of a modal's title.
const TITLE: usize = 24;
/// Most characters of an option's text and of a hint's part that people read.
const OPTION: usize = 75;
/// Most characters of `private_metadata`.
pub(crate) const METADATA: usize = 3_000;
/// Most characters that a text input takes.
const INPUT: u32 = 3_000;
/// The input of a whole line.
const LINE: &str = "line";

/// Where a modal was opened, kept in its `private_metadata`, which only the app sees and sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) channel: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) thread: Option<String>,
    /// Where an ephemeral answer can be sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<String>,
    /// The command whose arguments are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
}

impl Origin {
    fn metadata(&self) -> String {
        let whole = serde_json::to_string(self).unwrap_or_default();
        if whole.chars().count() <= METADATA {
            return whole;
        }
        serde_json::to_string(&Self { answer: None, ..self.clone() }).unwrap_or_default()
    }
}

/// The command that a line names without saying any of its required arguments.
pub(crate) fn incomplete<'a>(line: &str, specs: &'a [CommandSpec]) -> Option<&'a CommandSpec> {
    let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
    let spec = specs.iter().find(|spec| spec.path.words() == words)?;
    // A secret must not be kept by Slack as the state of a view.
    let asks = spec.args.iter().any(|arg| arg.required) && !spec.args.iter().any(|arg| arg.secret);
    asks.then_some(spec)
}

/// A modal that asks for the arguments of a command.
pub(crate) fn arguments(spec: &CommandSpec, origin: &Origin) -> Value {
    let mut blocks = vec![json!({
        "type": "section",
        "text": { "type": "plain_text", "text": cut(&spec.summary, 3_000), "emoji": false },
    })];
    blocks.extend(spec.args.iter().enumerate().map(|(index, arg)| input(index, arg)));
    let title = spec.path.to_string();
    let origin = Origin { command: Some(title.clone()), ..origin.clone() };
    view(ARGUMENTS, &title, &origin, blocks)
}

/// A modal with a message as a command.
pub(crate) fn prefilled(line: &str, origin: &Origin) -> Value {
    let block = json!({
        "type": "input",
        "block_id": LINE,
        "label": plain("Command"),
        "hint": plain("It runs as you, and is answered where the message is."),
        "element": {
            "type": "plain_text_input",
            "action_id": LINE,
            "initial_value": cut(line, INPUT as usize),
            "max_length": INPUT,
        },
    });
    view(SHORTCUT, "Run as a command", origin, vec![block])
}

fn view(callback: &str, title: &str, origin: &Origin, blocks: Vec<Value>) -> Value {
    json!({
        "type": "modal",
        "callback_id": callback,
        "private_metadata": origin.metadata(),
        "title": plain(&cut(title, TITLE)),
        "submit": plain("Run"),
        "close": plain("Cancel"),
        "blocks": blocks,
    })
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

fn input(index: usize, arg: &ArgSpec) -> Value {
    let mut block = json!({
        "type": "input",
        "block_id": format!("{index:02}:{}:{}", if arg.kind == ArgKind::Rest { "rest" } else { "named" }, arg.name),
        "label": plain(&cut(&arg.name, OPTION)),
        "optional": !arg.required,
        "element": element(arg),
    });
    if let (false, Some(block)) = (arg.summary.is_empty(), block.as_object_mut()) {
        block.insert("hint".to_owned(), plain(&cut(&arg.summary, 2_000)));
    }
    block
}

fn element(arg: &ArgSpec) -> Value {
    let id = &arg.name;
    match &arg.kind {
        ArgKind::Choice { choices } if choices.len() > MOST_OPTIONS => {
            json!({ "type": "external_select", "action_id": id, "min_query_length": 0 })
        }
        ArgKind::Choice { choices } if !choices.is_empty() => {
            json!({ "type": "static_select", "action_id": id, "options": options(choices, "") })
        }
        ArgKind::Boolean => {
            let choices = ["true".to_owned(), "false".to_owned()];
            json!({ "type": "static_select", "action_id": id, "options": options(&choices, "") })
        }
        ArgKind::User => json!({ "type": "users_select", "action_id": id }),
        ArgKind::Channel => json!({ "type": "conversations_select", "action_id": id }),
        _ => json!({
            "type": "plain_text_input",
            "action_id": id,
            "multiline": arg.kind == ArgKind::Rest,
            "max_length": INPUT,
        }),
    }
}

/// The choices that begin with what was typed, or else contain it, as Slack's options.
pub(crate) fn options(choices: &[String], typed: &str) -> Vec<Value> {
    let typed = typed.to_lowercase();
    let (mut begin, mut contain) = (Vec::new(), Vec::new());
    for choice in choices {
        let low = choice.to_lowercase();
        if low.starts_with(&typed) {
            begin.push(choice);
        } else if low.contains(&typed) {
            contain.push(choice);
        }
    }
    let option = |choice: &String| json!({ "text": plain(&cut(choice, OPTION)), "value": choice });
    begin.into_iter().chain(contain).take(MOST_OPTIONS).map(option).collect()
}

/// The line that a submitted modal asks for. None if there is none in it.
pub(crate) fn line(origin: &Origin, state: &Value) -> Option<String> {
    let values = state.get("values")?.as_object()?;
    let Some(command) = &origin.command else {
        return values.get(LINE)?.get(LINE)?.get("value")?.as_str().map(|line| line.trim().to_owned());
    };
    let mut line = command.clone();
    let mut rest = String::new();
    for (block, elements) in values {
        let mut parts = block.splitn(3, ':').skip(1);
        let (Some(kind), Some(name)) = (parts.next(), parts.next()) else { continue };
        let Some(value) = elements.get(name).and_then(chosen).filter(|value| !value.is_empty()) else {
            continue;
        };
        if kind == "rest" {
            rest = format!(" --{name}={}", words::quote(value.trim()));
        } else {
            line.push_str(&format!(" {name}={}", words::quote(value.trim())));
        }
    }
    Some(line + &rest)
}

fn chosen(element: &Value) -> Option<String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    text(element.get("value"))
        .or_else(|| text(element.get("selected_option").and_then(|option| option.get("value"))))
        .or_else(|| text(element.get("selected_user")))
        .or_else(|| text(element.get("selected_conversation")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> CommandSpec {
        let choice = ArgKind::Choice { choices: vec!["staging".to_owned(), "production".to_owned()] };
        serde_json::from_value(json!({
            "path": "deploy promote",
            "summary": "Promote a build",
            "args": [
                ArgSpec::positional("app", ArgKind::String, "Which app"),
                ArgSpec::positional("to", choice, "Where to"),
                ArgSpec::positional("note", ArgKind::Rest, ""),
            ],
        }))
        .unwrap()
    }

    #[test]
    fn only_a_bare_command_with_required_arguments_opens_a_modal() {
        let specs = [spec()];
        assert!(incomplete("deploy  Promote", &specs).is_some());
        assert!(incomplete("deploy promote shop", &specs).is_none());
        assert!(incomplete("deploy", &specs).is_none());
        let mut secret = spec();
        secret.args.first_mut().unwrap().secret = true;
        assert!(incomplete("deploy promote", &[secret]).is_none());
    }

    #[test]
    fn what_is_filled_in_comes_back_as_one_line() {
        let view = arguments(&spec(), &Origin { channel: "C1".to_owned(), ..Origin::default() });
        insta::assert_json_snapshot!(view);
        let origin: Origin = serde_json::from_str(view["private_metadata"].as_str().unwrap()).unwrap();
        let state = json!({ "values": {
            "00:named:app": { "app": { "type": "plain_text_input", "value": "my “shop”" } },
            "01:named:to": { "to": { "type": "static_select", "selected_option": { "value": "production" } } },
            "02:rest:note": { "note": { "type": "plain_text_input", "value": "at last --force" } },
        }});
        let line = line(&origin, &state).unwrap();
        assert_eq!(line, r#"deploy promote app="my \"shop\"" to=production --note="at last --force""#);
    }

    #[test]
    fn options_that_begin_with_what_was_typed_come_first_and_are_bounded() {
        let choices: Vec<String> = (0..300).map(|n| format!("app-{n}")).collect();
        let found = options(&choices, "App-29");
        assert_eq!(found[0]["value"], "app-29");
        assert_eq!(found.len(), 11);
        assert_eq!(options(&choices, "").len(), 100);
    }
}
