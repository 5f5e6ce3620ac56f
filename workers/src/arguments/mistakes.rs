//! What can be wrong with the words after a command's name, and how it is told.

use adjutant_bus::spec::CommandSpec;
use clap::error::{ContextKind, ContextValue};

use crate::suggest;

/// Most characters of a typed word that are shown again.
const SHOWN: usize = 40;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// A required argument is not there.
    Missing {
        /// Its name.
        name: String,
    },
    /// A word for which there is no argument left.
    Surplus {
        /// The word; none where it might be a secret.
        text: Option<String>,
    },
    /// No flag has this name.
    UnknownFlag {
        /// As typed, without dashes; none where it might be a secret.
        name: Option<String>,
        /// The flag that was probably meant.
        meant: Option<String>,
    },
    /// A flag stands without its value.
    NoValue {
        /// Its name.
        name: String,
    },
    /// An argument is given more than once.
    Twice {
        /// Its name.
        name: String,
    },
    /// A value does not fit the type.
    BadValue {
        /// The argument.
        name: String,
        /// What was typed; none for secrets.
        text: Option<String>,
        /// What would fit: "must be a whole number from 1 to 50".
        wanted: String,
        /// What was probably meant.
        meant: Option<String>,
    },
}

impl Mistake {
    pub(super) fn unknown_flag(spec: &CommandSpec, name: &str) -> Self {
        let known = spec.args.iter().map(|arg| arg.name.as_str());
        Self::UnknownFlag { name: echoed(spec, name), meant: suggest::closest(name, known) }
    }

    pub(super) fn surplus(spec: &CommandSpec, text: &str) -> Self {
        Self::Surplus { text: echoed(spec, text) }
    }

    /// One sentence, Markdown, without a full stop.
    pub(crate) fn told(&self) -> String {
        let meant = |meant: &Option<String>| {
            meant.as_ref().map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"))
        };
        match self {
            Self::Missing { name } => format!("`<{name}>` is missing"),
            Self::Surplus { text: Some(text) } => format!("`{}` is one word too many", cut(text)),
            Self::Surplus { text: None } => "there is one word too many".to_owned(),
            Self::UnknownFlag { name, meant: guess } => {
                let guess = guess.as_ref().map(|guess| format!("--{guess}"));
                match name {
                    Some(name) => format!("there is no `--{}`{}", cut(name), meant(&guess)),
                    None => format!("there is no flag of that name{}", meant(&guess)),
                }
            }
            Self::NoValue { name } => format!("`--{name}` needs a value"),
            Self::Twice { name } => format!("`{name}` is given more than once"),
            Self::BadValue { name, text: Some(text), wanted, .. } if text.is_empty() => {
                format!("`{name}` {wanted}, not nothing")
            }
            Self::BadValue { name, text: Some(text), wanted, meant: guess } => {
                format!("`{name}` {wanted}, not `{}`{}", cut(text), meant(guess))
            }
            Self::BadValue { name, text: None, wanted, .. } => format!("`{name}` {wanted}"),
        }
    }
}

/// A typed word to be shown again, unless the command takes a secret: one word out of place, and the secret is in another's.
pub(super) fn echoed(spec: &CommandSpec, text: &str) -> Option<String> {
    (!spec.args.iter().any(|arg| arg.secret)).then(|| text.to_owned())
}

/// The beginning of a typed word, safe between backticks.
pub(crate) fn cut(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).map(|c| if c == '`' { '\'' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{shown}…") } else { shown }
}

/// What clap found.
pub(super) fn of(spec: &CommandSpec, error: &clap::Error) -> Vec<Mistake> {
    let about = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    };
    let names = about.iter().map(|text| {
        let name = text.trim_start_matches('-');
        name.split(['=', ' ', '[']).next().unwrap_or(name).to_owned()
    });
    let named = names.map(|name| match error.kind() {
        clap::error::ErrorKind::ArgumentConflict => Mistake::Twice { name },
        clap::error::ErrorKind::UnknownArgument => Mistake::unknown_flag(spec, &name),
        _ => Mistake::NoValue { name },
    });
    let named: Vec<Mistake> = named.collect();
    if named.is_empty() { vec![Mistake::Surplus { text: None }] } else { named }
}
