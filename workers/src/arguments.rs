//! Typed arguments: the words after a command's name, understood by the grammar that its description gives.

mod line;
mod mistakes;
mod value;

use std::collections::BTreeMap;

use adjutant_bus::spec::{ArgSpec, CommandSpec};
use clap::{Arg, ArgAction, Command};
use serde_json::Value;

pub(crate) use adjutant_bus::line::{is_canonical, typed};

pub(crate) use self::mistakes::{Mistake, cut};
use crate::words::Word;

/// How the words of one command are read. Made once per description.
#[derive(Clone, Debug)]
pub(crate) struct Grammar {
    command: Command,
}

impl Grammar {
    /// The grammar of this command: every argument an option of clap's, the positional ones by place as well.
    pub(crate) fn new(spec: &CommandSpec) -> Self {
        let command = Command::new(spec.path.to_string())
            .no_binary_name(true)
            .disable_help_flag(true)
            .disable_version_flag(true)
            .disable_help_subcommand(true)
            .color(clap::ColorChoice::Never)
            .args(spec.args.iter().map(option));
        Self { command }
    }

    /// Whether `--help` or `-h` stands where a flag may stand.
    pub(crate) fn asks_for_help(spec: &CommandSpec, line: &str, words: &[Word]) -> bool {
        line::lay_out(spec, line, words).help
    }

    /// Understands the words, or says all that is wrong with them at once.
    pub(crate) fn parse(
        &self,
        spec: &CommandSpec,
        line: &str,
        words: &[Word],
    ) -> Result<BTreeMap<String, Value>, Vec<Mistake>> {
        let laid_out = line::lay_out(spec, line, words);
        let mut mistakes = laid_out.mistakes;
        let mut arguments = BTreeMap::new();
        match self.command.clone().try_get_matches_from(&laid_out.options) {
            Ok(matches) => {
                for arg in &spec.args {
                    let given = matches.get_one::<String>(&arg.name);
                    match given.map(|text| value::read(spec, arg, text)) {
                        Some(Ok(value)) => drop(arguments.insert(arg.name.clone(), value)),
                        Some(Err(mistake)) => mistakes.push(mistake),
                        None => fill(arg, &mut arguments, &mut mistakes),
                    }
                }
            }
            Err(error) => mistakes.extend(mistakes::of(spec, &error)),
        }
        if mistakes.is_empty() { Ok(arguments) } else { Err(mistakes) }
    }
}

/// What clap is told: `--name value`; a boolean may stand without a value.
fn option(arg: &ArgSpec) -> Arg {
    let option =
        Arg::new(arg.name.clone()).long(arg.name.clone()).action(ArgAction::Set).require_equals(true);
    if matches!(arg.kind, adjutant_bus::spec::ArgKind::Boolean) {
        option.num_args(0..=1).default_missing_value("true")
    } else {
        option.num_args(1)
    }
}

fn fill(arg: &ArgSpec, arguments: &mut BTreeMap<String, Value>, mistakes: &mut Vec<Mistake>) {
    match &arg.default {
        Some(default) => drop(arguments.insert(arg.name.clone(), default.clone())),
        None if arg.required => mistakes.push(Mistake::Missing { name: arg.name.clone() }),
        None => {}
    }
}
