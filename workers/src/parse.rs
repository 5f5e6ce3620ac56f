//! From a line to an invocation: split, find the command, type its arguments; or say what is wrong and what to do.

use std::{collections::BTreeMap, sync::Arc};

use adjutant_bus::{
    event::Invocation,
    refusal::{Refusal, RefusalCode},
    spec::{ArgKind, ArgSpec, CommandPath, CommandSpec},
};
use serde_json::Value;

use crate::{
    arguments::{Grammar, Mistake, cut},
    catalogue::{Catalogue, Entry, Found},
    suggest, usage,
    words::{self, Word, Words},
};

/// What stands where a secret value was.
pub(crate) const REDACTED: &str = "[redacted]";

/// A line understood.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The command.
    pub entry: Arc<Entry>,
    /// Its arguments in canonical form, complete with defaults; secrets in clear.
    pub arguments: BTreeMap<String, Value>,
    /// The same for the record, secrets redacted.
    pub invocation: Invocation,
    /// The line as typed; its canonical form instead if it has a secret.
    pub redacted_text: String,
}

/// Understands a line. What is suggested on the way is only what `may` admits.
///
/// # Errors
/// The refusal for the person: an unknown command, or words that do not fit it.
pub fn parse(
    catalogue: &Catalogue,
    text: &str,
    may: &dyn Fn(&CommandSpec) -> bool,
) -> Result<Parsed, Refusal> {
    let Words { line, words } = match words::split(text) {
        Ok(words) => words,
        Err(error) if takes_secret(catalogue, text) => {
            return Err(Refusal { shown: Vec::new(), ..error.into() });
        }
        Err(error) => return Err(error.into()),
    };
    let Some(found) = catalogue.find(&words) else {
        return Err(unknown(catalogue, &words, may));
    };
    let rest = words.get(found.consumed..).unwrap_or_default();
    if let Some(help) = asks_for_help(catalogue, &found, &line, rest) {
        return Ok(help);
    }
    match found.entry.grammar.parse(&found.entry.spec, &line, rest) {
        Ok(arguments) => Ok(parsed(catalogue, found.entry, arguments, text)),
        Err(mistakes) => Err(bad_arguments(catalogue, &found, &words, &mistakes, may)),
    }
}

/// Whether a text, even one that cannot be split, names a command that takes a secret: what follows is not to be shown.
pub(crate) fn takes_secret(catalogue: &Catalogue, text: &str) -> bool {
    let found = catalogue.find(&words::split_roughly(text));
    found.is_some_and(|found| found.entry.spec.args.iter().any(|arg| arg.secret))
}

/// The canonical line; by name where its first value would be taken for a word of a longer command's name.
fn canonical(catalogue: &Catalogue, spec: &CommandSpec, arguments: &BTreeMap<String, Value>) -> String {
    let line = usage::canonical(spec, arguments);
    let found = words::split(&line).ok().and_then(|words| catalogue.find(&words.words));
    match found {
        Some(found) if found.consumed > spec.path.words().len() => usage::canonical_by_name(spec, arguments),
        _ => line,
    }
}

fn parsed(
    catalogue: &Catalogue,
    entry: Arc<Entry>,
    arguments: BTreeMap<String, Value>,
    text: &str,
) -> Parsed {
    let spec = &entry.spec;
    let mut shown = arguments.clone();
    let mut redacted = false;
    // The rest of a line may be a line itself, as that of `why` is, and hold another command's secret.
    let holds = |arg: &ArgSpec| {
        let text = arguments.get(&arg.name).and_then(Value::as_str);
        arg.secret || arg.kind == ArgKind::Rest && text.is_some_and(|text| takes_secret(catalogue, text))
    };
    for arg in spec.args.iter().filter(|arg| holds(arg)) {
        if let Some(value) = shown.get_mut(&arg.name) {
            *value = Value::from(REDACTED);
            redacted = true;
        }
    }
    let canonical = canonical(catalogue, spec, &shown);
    let redacted_text = if redacted { canonical.clone() } else { text.to_owned() };
    let invocation = Invocation { path: spec.path.clone(), arguments: shown, canonical, effect: spec.effect };
    Parsed { entry, arguments, invocation, redacted_text }
}

/// `deploy promote --help` is `help deploy promote`.
fn asks_for_help(catalogue: &Catalogue, found: &Found, line: &str, rest: &[Word]) -> Option<Parsed> {
    let spec = &found.entry.spec;
    if !Grammar::asks_for_help(spec, line, rest) {
        return None;
    }
    let path: CommandPath = "help".parse().ok()?;
    let help = catalogue.get(&path)?.clone();
    let about = BTreeMap::from([("command".to_owned(), Value::from(spec.path.to_string()))]);
    Some(parsed(catalogue, help, about, &format!("help {}", spec.path)))
}

fn unknown(catalogue: &Catalogue, words: &[Word], may: &dyn Fn(&CommandSpec) -> bool) -> Refusal {
    let first = words.first().map(|word| word.text.as_str()).unwrap_or_default();
    let group: Vec<String> = match words.first() {
        Some(first) => permitted(&catalogue.children(std::slice::from_ref(first)), may),
        None => Vec::new(),
    };
    let refuse =
        |what: String, next: String, shown| Refusal { code: RefusalCode::UnknownCommand, what, next, shown };
    let typed = words.iter().take(2).map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let meant = suggest::commands(catalogue, words, may);
    if !meant.is_empty() {
        let names: Vec<String> = meant.iter().map(|name| format!("`{name}`")).collect();
        let what = format!("There is no command `{}`", cut(if group.is_empty() { first } else { &typed }));
        return refuse(what, format!("Did you mean {}?", names.join(" or ")), Vec::new());
    }
    if !group.is_empty() {
        let what = if words.len() == 1 {
            format!("`{}` needs another word", cut(first))
        } else {
            format!("There is no command `{}`", cut(&typed))
        };
        let next = format!("These begin with `{}`; `help <command>` explains one.", cut(first));
        return refuse(what, next, group);
    }
    let next = "Say `help` to see what you may do, or `help search <words>` to find a command.";
    refuse(format!("There is no command `{}`", cut(first)), next.to_owned(), Vec::new())
}

fn permitted(entries: &[Arc<Entry>], may: &dyn Fn(&CommandSpec) -> bool) -> Vec<String> {
    entries.iter().filter(|entry| may(&entry.spec)).map(|entry| usage::usage(&entry.spec)).collect()
}

fn bad_arguments(
    catalogue: &Catalogue,
    found: &Found,
    words: &[Word],
    mistakes: &[Mistake],
    may: &dyn Fn(&CommandSpec) -> bool,
) -> Refusal {
    let spec = &found.entry.spec;
    let told: Vec<String> = mistakes.iter().map(Mistake::told).collect();
    let surplus = mistakes.iter().any(|mistake| matches!(mistake, Mistake::Surplus { .. }));
    let meant = if surplus { longer(catalogue, found, words, may) } else { None };
    let next = meant.map_or_else(
        || format!("`help {}` explains it.", spec.path),
        |name| format!("Did you mean `{name}`? `help {}` explains this one.", spec.path),
    );
    Refusal {
        code: RefusalCode::BadArguments,
        what: format!("`{}`: {}", spec.path, told.join("; ")),
        next,
        shown: vec![format!("usage: {}", usage::usage(spec))],
    }
}

/// A command with a longer name that a surplus word may have meant.
fn longer(
    catalogue: &Catalogue,
    found: &Found,
    words: &[Word],
    may: &dyn Fn(&CommandSpec) -> bool,
) -> Option<String> {
    let longer = |name: &String| name.split(' ').count() > found.consumed;
    suggest::commands(catalogue, words, may).into_iter().find(longer)
}

#[cfg(test)]
mod tests;
