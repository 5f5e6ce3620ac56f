//! A command's description as text: the full help, and the canonical line of an invocation.

use std::collections::BTreeMap;

use adjutant_bus::{
    reply::{Block, Reply},
    spec::{ArgKind, ArgSpec, CommandSpec},
};
use serde_json::Value;

pub(crate) use adjutant_bus::line::by_name as canonical_by_name;
pub use adjutant_bus::line::usage;

use crate::{arguments::typed, words};

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
