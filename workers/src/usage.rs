//! A command's description as text: the usage line, the full help, and the canonical line of an invocation.

use std::collections::BTreeMap;

use adjutant_bus::{
    reply::{Block, Reply},
    spec::{ArgKind, ArgSpec, CommandSpec},
};
use serde_json::Value;

use crate::{arguments::typed, words};

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

/// Everything that the description says.
#[must_use]
pub fn help(spec: &CommandSpec) -> Reply {
    let mut reply = Reply::info(spec.path.to_string())
        .text(spec.summary.clone())
        .block(Block::Code { text: usage(spec), language: None });
    if !spec.args.is_empty() {
        let rows = spec
            .args
            .iter()
            .map(|arg| vec![arg.name.clone(), kind(&arg.kind), given(arg), arg.summary.clone()]);
        reply = reply.table(&["argument", "type", "", "meaning"], rows.collect());
    }
    if !spec.details.is_empty() {
        reply = reply.text(spec.details.clone());
    }
    if !spec.aliases.is_empty() {
        let names: Vec<String> = spec.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        reply = reply.text(format!("Also known as {}.", names.join(", ")));
    }
    if spec.examples.is_empty() {
        return reply;
    }
    reply.text("Examples:").block(Block::Code { text: spec.examples.join("\n"), language: None })
}

fn kind(kind: &ArgKind) -> String {
    match kind {
        ArgKind::String => "text".to_owned(),
        ArgKind::Integer { .. } => "whole number".to_owned(),
        ArgKind::Number => "number".to_owned(),
        ArgKind::Boolean => "true or false".to_owned(),
        ArgKind::Choice { choices } => choices.join(", "),
        ArgKind::Duration => "duration (90s, 15m, 2h30m)".to_owned(),
        ArgKind::User => "user".to_owned(),
        ArgKind::Channel => "channel".to_owned(),
        ArgKind::Rest => "rest of the line".to_owned(),
    }
}

fn given(arg: &ArgSpec) -> String {
    match (&arg.default, arg.required) {
        (Some(value), _) => format!("default {}", typed(&arg.kind, value)),
        (None, true) => "required".to_owned(),
        (None, false) => "optional".to_owned(),
    }
}

/// The same as [`canonical`] with every argument by name: for values that read like words of another command's name.
pub(crate) fn canonical_by_name(spec: &CommandSpec, arguments: &BTreeMap<String, Value>) -> String {
    let given = spec.args.iter().filter_map(|arg| {
        let value = arguments.get(&arg.name)?;
        Some(format!(" --{}={}", arg.name, words::quote(&typed(&arg.kind, value))))
    });
    std::iter::once(spec.path.to_string()).chain(given).collect()
}

/// The line that asks for the same again, with all defaults: flags first, so that the rest of a line stays last.
pub(crate) fn canonical(spec: &CommandSpec, arguments: &BTreeMap<String, Value>) -> String {
    let given = |arg: &&ArgSpec| arguments.contains_key(&arg.name);
    let text =
        |arg: &ArgSpec| arguments.get(&arg.name).map(|value| typed(&arg.kind, value)).unwrap_or_default();
    let mut line = spec.path.to_string();
    let (flags, places): (Vec<&ArgSpec>, Vec<&ArgSpec>) = spec.args.iter().partition(|arg| arg.flag);
    let rest_last = places.last().is_some_and(|arg| arg.kind == ArgKind::Rest);
    let flags: Vec<String> = flags
        .into_iter()
        .filter(given)
        .map(|arg| format!(" --{}={}", arg.name, words::quote(&text(arg))))
        .collect();
    let in_place = |arg: &&ArgSpec| match places.iter().position(|other| other.name == arg.name) {
        // A place may be named only when an optional one before it is empty.
        Some(index) => places.iter().take(index).all(|before| arguments.contains_key(&before.name)),
        None => false,
    };
    let mut placed = String::new();
    for arg in places.iter().filter(|arg| given(arg)) {
        let value = words::quote(&text(arg));
        placed.push_str(&if in_place(arg) {
            format!(" {value}")
        } else {
            format!(" --{}={value}", arg.name)
        });
    }
    if rest_last {
        line.extend(flags);
        line.push_str(&placed);
    } else {
        line.push_str(&placed);
        line.extend(flags);
    }
    line
}
