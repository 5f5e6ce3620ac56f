//! The line that an invoked command asks for, and the command that a line will run.

use std::cmp::Reverse;

use adjutant_bus::{
    spec::{ArgKind, ArgSpec, CommandSpec},
    words::{self, Word, WordsError},
};
use serde_json::Value;

use super::{data::Opt, limits};

/// The line that gives a command these options. None if one of them cannot have come from our registration.
pub(super) fn line(spec: &CommandSpec, options: &[Opt], specs: &[CommandSpec]) -> Option<String> {
    let mut line = spec.path.to_string();
    let mut rest = None;
    let mut given: Vec<&str> = Vec::new();
    let arg = |option: &Opt| spec.args.iter().position(|arg| arg.name == option.name);
    let mut options: Vec<&Opt> = options.iter().collect();
    options.sort_by_key(|option| arg(option).unwrap_or(usize::MAX));
    for option in options {
        let arg = arg(option).and_then(|index| spec.args.get(index));
        if !limits::is_name(&option.name) || arg.is_some_and(|arg| arg.secret) {
            return None;
        }
        let value = quoted(&text(arg, option)?);
        if let Some(arg) = arg.filter(|arg| arg.kind == ArgKind::Rest && rest.is_none()) {
            rest = Some((arg, value));
        } else {
            // What is no argument any longer is passed on all the same: left out, it might run with a default instead.
            line.push_str(&format!(" --{}={value}", option.name));
            given.push(&option.name);
        }
    }
    let Some((arg, value)) = rest else { return Some(line) };
    let bare = format!("{line} {value}");
    let (reads_as_rest, named) = (is_rest(spec, arg, &given, &bare, specs), arg.name.as_str());
    Some(if reads_as_rest { bare } else { format!("{line} --{named}={value}") })
}

/// Whether the last word of the line is taken for this argument: all places before it are taken, and it is no part of a name.
fn is_rest(spec: &CommandSpec, arg: &ArgSpec, given: &[&str], line: &str, specs: &[CommandSpec]) -> bool {
    let mut before = spec.args.iter().filter(|other| !other.flag && other.name != arg.name);
    let named = words::split(line).ok().and_then(|words| found(&words.words, specs));
    !arg.flag
        && before.all(|other| given.contains(&other.name.as_str()))
        && named.is_some_and(|(found, taken)| found.path == spec.path && taken == spec.path.words().len())
}

/// An option's value as it is typed.
fn text(arg: Option<&ArgSpec>, option: &Opt) -> Option<String> {
    let whole = arg.is_some_and(|arg| matches!(arg.kind, ArgKind::Integer { .. }));
    match &option.value {
        // A whole number may come as `5.0`.
        Value::Number(number) if whole => {
            let typed = number.to_string();
            Some(typed.strip_suffix(".0").unwrap_or(&typed).to_owned())
        }
        _ => option.text(),
    }
}

fn quoted(text: &str) -> String {
    words::quote(&settled(text))
}

/// The text as it reads inside quotes, typography undone. If that came after the quotes are set, it would break them.
fn settled(text: &str) -> String {
    match words::split(&format!("\"{text}\"")) {
        Ok(words::Words { line, .. }) | Err(WordsError::Unmatched { line, .. }) => {
            let inner = line.strip_prefix('"').and_then(|line| line.strip_suffix('"'));
            inner.unwrap_or(text).to_owned()
        }
        // It is no line, whatever is done, and the person is told why.
        Err(_) => text.to_owned(),
    }
}

/// The command that a line will run, if that is certain.
pub(crate) fn spec_of<'a>(line: &str, specs: &'a [CommandSpec]) -> Option<&'a CommandSpec> {
    let words = words::split(line).map_or_else(|_| words::split_roughly(line), |words| words.words);
    let (spec, taken) = found(&words, specs)?;
    let mut flags = words.iter().skip(taken).filter(|word| !word.quoted).take_while(|word| word.text != "--");
    if !flags.any(|word| is_help(&word.text)) {
        return Some(spec);
    }
    // `deploy promote --help` is `help deploy promote`, unless it is part of a text.
    let takes_text = spec.args.iter().any(|arg| arg.kind == ArgKind::Rest);
    let help = || specs.iter().find(|spec| spec.path.words() == ["help"]);
    if takes_text { None } else { help() }
}

fn is_help(word: &str) -> bool {
    let name = word.trim_start_matches('-').to_lowercase();
    word.starts_with('-') && matches!(name.as_str(), "help" | "h")
}

/// The command whose name, or else alias, is the longest beginning of these words, and how many of them it takes.
pub(super) fn found<'a>(words: &[Word], specs: &'a [CommandSpec]) -> Option<(&'a CommandSpec, usize)> {
    let words: Vec<String> = words.iter().map(|word| word.text.to_lowercase()).collect();
    let names = specs.iter().flat_map(|spec| {
        let aliases = spec.aliases.iter().map(move |alias| (alias.words(), false, spec));
        std::iter::once((spec.path.words(), true, spec)).chain(aliases)
    });
    let (name, _, spec) = names
        .filter(|(name, ..)| words.starts_with(name))
        .min_by_key(|(name, own, _)| (Reverse(name.len()), !*own))?;
    Some((spec, name.len()))
}
