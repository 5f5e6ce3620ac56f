//! What is offered while somebody types: the choices of an argument, or whole lines. Answered from memory, as Discord waits
//! three seconds only.

use adjutant_bus::{
    line::usage,
    spec::{ArgKind, ArgSpec, CommandSpec},
    words::{self, Word, Words, WordsError},
};
use serde_json::Value;

use super::{
    CHAT_INPUT, Data, LINE, ROOT,
    data::Opt,
    layout,
    limits::{self, CHOICE, LEVEL},
    line,
    options::{self, Offer, offered},
    target,
};

/// What is offered for the option that is being typed: what begins with it first, then what contains it.
pub(crate) fn autocomplete(data: &Data, specs: &[CommandSpec]) -> Vec<Value> {
    if data.kind != CHAT_INPUT {
        return Vec::new();
    }
    let typed = |options: &[Opt]| {
        let focused = options.iter().find(|option| option.focused)?;
        Some((focused.name.clone(), focused.text().unwrap_or_default()))
    };
    if data.name == ROOT {
        let line = typed(&data.options).filter(|(name, _)| name == LINE);
        return line.map(|(_, line)| lines(&line, specs)).unwrap_or_default();
    }
    let Some((spec, options)) = target(data, specs) else { return Vec::new() };
    let Some((name, typed)) = typed(options) else { return Vec::new() };
    let arg = spec.args.iter().find(|arg| arg.name == name && !arg.secret);
    match arg.map(|arg| &arg.kind) {
        Some(ArgKind::Choice { choices }) if options::offer(choices) != Offer::Nothing => {
            let choices = choices.iter().map(|choice| (choice.clone(), choice.clone()));
            matching(choices, typed.trim())
                .into_iter()
                .take(LEVEL)
                .map(|(name, value)| offered(&name, &value))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Those whose value begins with what was typed, then those whose value contains it.
fn matching(all: impl Iterator<Item = (String, String)>, typed: &str) -> Vec<(String, String)> {
    let typed = typed.to_lowercase();
    let (mut begin, mut contain) = (Vec::new(), Vec::new());
    for (name, value) in all {
        let low = value.to_lowercase();
        if low.starts_with(&typed) {
            begin.push((name, value));
        } else if low.contains(&typed) {
            contain.push((name, value));
        }
    }
    begin.append(&mut contain);
    begin
}

/// Whole lines: commands whose names go on as typed, then the next argument of the command that is named already.
fn lines(typed: &str, specs: &[CommandSpec]) -> Vec<Value> {
    let mut shown: Vec<&CommandSpec> = specs.iter().filter(|spec| layout::may_be_shown(spec)).collect();
    shown.sort_by(|a, b| a.path.cmp(&b.path));
    let paths = shown.iter().map(|spec| (usage(spec), spec.path.to_string()));
    let cleaned = match words::split(typed) {
        Ok(words) => words,
        Err(WordsError::Empty) => Words { line: String::new(), words: Vec::new() },
        Err(_) => return Vec::new(),
    };
    let goes_on = !cleaned.line.is_empty() && typed.ends_with(char::is_whitespace);
    let mut offers = matching(paths, &format!("{}{}", cleaned.line, if goes_on { " " } else { "" }));
    if let Some((spec, taken)) = line::found(&cleaned.words, specs) {
        let given = cleaned.words.get(taken..).unwrap_or_default();
        // A line with a secret in it is not shown again.
        if !spec.args.iter().any(|arg| arg.secret) && (goes_on || !given.is_empty()) {
            offers.extend(next_argument(spec, &cleaned.line, given, goes_on));
        }
    }
    let fits = |(_, value): &(String, String)| limits::length(value) <= CHOICE;
    offers.into_iter().filter(fits).take(LEVEL).map(|(name, value)| offered(&name, &value)).collect()
}

/// The line with each choice of the argument that is being typed; where there is nothing to choose, the line as it is, under
/// the usage.
fn next_argument(spec: &CommandSpec, line: &str, given: &[Word], goes_on: bool) -> Vec<(String, String)> {
    let (whole, partial) = match given.split_last() {
        Some((partial, whole)) if !goes_on => (whole, Some(partial)),
        _ => (given, None),
    };
    let before: String = match partial {
        Some(partial) => line.chars().take(partial.at).collect(),
        None => format!("{line} "),
    };
    let partial = partial.map(|word| word.text.as_str()).unwrap_or_default();
    let choices = being_typed(spec, whole).map(choices).unwrap_or_default();
    let offers: Vec<(String, String)> =
        matching(choices.into_iter().map(|choice| (choice.clone(), choice)), partial)
            .into_iter()
            .map(|(_, choice)| format!("{before}{}", words::quote(&choice)))
            .map(|line| (line.clone(), line))
            .collect();
    if offers.is_empty() { vec![(usage(spec), line.to_owned())] } else { offers }
}

/// The argument that comes after these words; none where flags make that more than a count.
fn being_typed<'a>(spec: &'a CommandSpec, whole: &[Word]) -> Option<&'a ArgSpec> {
    let named = |word: &Word| word.text.contains('=') || word.text.starts_with('-');
    let next = spec.args.iter().filter(|arg| !arg.flag).nth(whole.len())?;
    (!whole.iter().any(named) && !next.secret).then_some(next)
}

fn choices(arg: &ArgSpec) -> Vec<String> {
    match &arg.kind {
        ArgKind::Choice { choices } => choices.clone(),
        ArgKind::Boolean => vec!["true".to_owned(), "false".to_owned()],
        _ => Vec::new(),
    }
}
