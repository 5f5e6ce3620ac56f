//! Lays a line out for clap: positional words by their place, `name=value` and `--name value` alike, the rest of the line
//! as one value.

use adjutant_bus::spec::{ArgKind, ArgSpec, CommandSpec};

use super::Mistake;
use crate::words::Word;

/// A line laid out: everything as `--name=value`.
pub(super) struct LaidOut {
    pub(super) options: Vec<String>,
    pub(super) mistakes: Vec<Mistake>,
}

pub(super) fn lay_out(spec: &CommandSpec, line: &str, words: &[Word]) -> LaidOut {
    let named: Vec<&str> =
        words.iter().filter_map(|word| by_name(spec, word)).map(|(name, _)| name).collect();
    let mut places = spec.args.iter().filter(|arg| !arg.flag && !named.contains(&arg.name.as_str()));
    let mut out = LaidOut { options: Vec::new(), mistakes: Vec::new() };
    let mut flags = true;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let dashed = flags && is_flag(word);
        if flags && !word.quoted && word.text == "--" {
            flags = false;
        } else if dashed {
            at += flag(spec, word, words.get(at), &mut out);
        } else if let Some((name, value)) = by_name(spec, word).filter(|_| flags) {
            out.options.push(format!("--{name}={value}"));
        } else {
            match places.next() {
                Some(arg) if arg.kind == ArgKind::Rest => {
                    out.options.push(format!("--{}={}", arg.name, rest(line, words, at - 1)));
                    return out;
                }
                Some(arg) => out.options.push(format!("--{}={}", arg.name, word.text)),
                None => out.mistakes.push(Mistake::Surplus { text: word.text.clone() }),
            }
        }
    }
    out
}

/// A word whose dashes and name stand outside of quotes; its value may be quoted.
fn is_flag(word: &Word) -> bool {
    let name = word.text.split_once('=').map_or(word.text.as_str(), |(name, _)| name);
    is_dashed(&word.text) && word.starts_plain(name)
}

/// A text that begins like a flag; negative numbers and lone dashes do not.
fn is_dashed(text: &str) -> bool {
    let name = text.trim_start_matches('-');
    text.starts_with('-') && name.starts_with(|c: char| c.is_alphabetic())
}

/// Passes a flag on, and says how many of the following words belong to it.
fn flag(spec: &CommandSpec, word: &Word, next: Option<&Word>, out: &mut LaidOut) -> usize {
    let name = word.text.trim_start_matches('-');
    let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
    let name = name.to_lowercase();
    let Some(arg) = spec.args.iter().find(|arg| arg.name == name) else {
        out.mistakes.push(Mistake::unknown_flag(spec, &name));
        return 0;
    };
    let next = next.filter(|next| !is_flag(next));
    match (value, &arg.kind, next) {
        (Some(value), _, _) => out.options.push(format!("--{name}={value}")),
        (None, ArgKind::Boolean, _) => out.options.push(format!("--{name}")),
        (None, _, Some(next)) => {
            out.options.push(format!("--{name}={}", next.text));
            return 1;
        }
        (None, _, None) => out.mistakes.push(Mistake::NoValue { name }),
    }
    0
}

/// `name=value` for an argument of this command.
fn by_name<'a>(spec: &'a CommandSpec, word: &'a Word) -> Option<(&'a str, &'a str)> {
    let (name, value) = word.text.split_once('=')?;
    // Quotes before the `=` mean that the text is a value that happens to contain one.
    let named = |arg: &&ArgSpec| arg.name.eq_ignore_ascii_case(name) && arg.kind != ArgKind::Rest;
    let arg = spec.args.iter().find(named)?;
    (!word.quoted || word.starts_plain(name)).then_some((arg.name.as_str(), value))
}

/// The rest of the line from this word on, as typed; a single quoted word without its quotes.
fn rest(line: &str, words: &[Word], from: usize) -> String {
    match words.get(from..) {
        Some([only]) => only.text.clone(),
        Some([first, ..]) => line.chars().skip(first.at).collect(),
        _ => String::new(),
    }
}
