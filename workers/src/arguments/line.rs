//! Lays a line out for clap: positional words by their place, `name=value` and `--name value` alike, the rest of the line
//! as one value.

use adjutant_bus::spec::{ArgKind, ArgSpec, CommandSpec};

use super::Mistake;
use crate::words::Word;

/// A line laid out: everything as `--name=value`.
pub(super) struct LaidOut {
    pub(super) options: Vec<String>,
    pub(super) mistakes: Vec<Mistake>,
    /// `--help` or `-h` stands among the flags.
    pub(super) help: bool,
}

/// What has been read of a line so far.
struct Layout<'a> {
    spec: &'a CommandSpec,
    out: LaidOut,
    /// Arguments given by name.
    named: Vec<&'a str>,
    /// Words that stand for themselves, in order.
    placed: Vec<&'a Word>,
}

pub(super) fn lay_out(spec: &CommandSpec, line: &str, words: &[Word]) -> LaidOut {
    let out = LaidOut { options: Vec::new(), mistakes: Vec::new(), help: false };
    let mut layout = Layout { spec, out, named: Vec::new(), placed: Vec::new() };
    let mut flags = true;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        if flags && !word.quoted && word.text == "--" {
            flags = false;
        } else if flags && is_flag(word) {
            at += layout.flag(word, words.get(at));
        } else if let Some((arg, value)) =
            by_name(spec, word).filter(|(arg, _)| flags && !layout.is_placed(arg))
        {
            layout.give(arg, value);
        } else if let Some(arg) = layout.rest_begins() {
            layout.give(arg, &rest(line, words, at - 1));
            break;
        } else {
            layout.placed.push(word);
        }
    }
    layout.finish()
}

impl<'a> Layout<'a> {
    fn give(&mut self, arg: &'a ArgSpec, value: &str) {
        self.named.push(&arg.name);
        self.out.options.push(format!("--{}={value}", arg.name));
    }

    /// The positional arguments that are not given by name.
    fn places(&self) -> impl Iterator<Item = &'a ArgSpec> {
        self.spec.args.iter().filter(|arg| !arg.flag && !self.named.contains(&arg.name.as_str()))
    }

    /// The argument that takes the rest of the line, if all places before it are taken.
    fn rest_begins(&self) -> Option<&'a ArgSpec> {
        self.places().nth(self.placed.len()).filter(|arg| arg.kind == ArgKind::Rest)
    }

    /// Where the rest of the line would begin, `name=value` for an argument that already has its word is text.
    fn is_placed(&self, arg: &ArgSpec) -> bool {
        self.rest_begins().is_some()
            && self.places().take(self.placed.len()).any(|placed| placed.name == arg.name)
    }

    /// Passes a flag on, and says how many of the following words belong to it.
    fn flag(&mut self, word: &Word, next: Option<&Word>) -> usize {
        let name = word.text.trim_start_matches('-');
        let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
        let name = name.to_lowercase();
        let Some(arg) = self.spec.args.iter().find(|arg| arg.name == name) else {
            if value.is_none() && matches!(name.as_str(), "help" | "h") {
                self.out.help = true;
            }
            self.out.mistakes.push(Mistake::unknown_flag(self.spec, &name));
            return 0;
        };
        let next = next.filter(|next| !is_flag(next) && (next.quoted || next.text != "--"));
        match (value, &arg.kind, next) {
            (Some(value), _, _) => self.give(arg, value),
            (None, ArgKind::Boolean, _) => self.give(arg, "true"),
            (None, _, Some(next)) => {
                self.give(arg, &next.text);
                return 1;
            }
            (None, _, None) => {
                self.named.push(&arg.name);
                self.out.mistakes.push(Mistake::NoValue { name });
            }
        }
        0
    }

    /// Gives the words that stand for themselves to the places that are left.
    fn finish(mut self) -> LaidOut {
        let places: Vec<&ArgSpec> = self.places().filter(|arg| arg.kind != ArgKind::Rest).collect();
        for (index, word) in self.placed.iter().enumerate() {
            match places.get(index) {
                Some(arg) => self.out.options.push(format!("--{}={}", arg.name, word.text)),
                None => self.out.mistakes.push(Mistake::surplus(self.spec, &word.text)),
            }
        }
        self.out
    }
}

/// A word that begins like a flag, outside of quotes up to its `=`; negative numbers and lone dashes do not.
fn is_flag(word: &Word) -> bool {
    let name = word.text.split_inclusive('=').next().unwrap_or_default();
    let dashed = name.starts_with('-') && name.trim_start_matches('-').starts_with(char::is_alphabetic);
    dashed && (!word.quoted || name.ends_with('=') && word.starts_plain(name))
}

/// `name=value` for an argument of this command.
fn by_name<'a>(spec: &'a CommandSpec, word: &'a Word) -> Option<(&'a ArgSpec, &'a str)> {
    let (name, value) = word.text.split_once('=')?;
    // Quotes before the `=` mean that the text is a value that happens to contain one.
    let named = |arg: &&ArgSpec| arg.name.eq_ignore_ascii_case(name) && arg.kind != ArgKind::Rest;
    let arg = spec.args.iter().find(named)?;
    (!word.quoted || word.starts_plain(name)).then_some((arg, value))
}

/// The rest of the line from this word on, as typed; a single quoted word without its quotes.
fn rest(line: &str, words: &[Word], from: usize) -> String {
    match words.get(from..) {
        Some([only]) => only.text.clone(),
        Some([first, ..]) => line.chars().skip(first.at).collect(),
        _ => String::new(),
    }
}
