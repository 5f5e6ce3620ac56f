//! One source of settings: the defaults, the file, the environment or the flags.

use std::collections::BTreeMap;

use figment::{
    providers::{Format, Toml},
    value::{Dict, Value},
};

use super::{
    keys::{self, Kind},
    mistake::Mistake,
};

/// Settings by dotted key, each with the name of where it was said.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) settings: BTreeMap<String, (String, Value)>,
}

impl Layer {
    /// The settings in TOML `text`, all said in `source`.
    pub(super) fn toml(source: &str, text: &str) -> Result<Self, Mistake> {
        // The parser's message quotes the line, which may hold a secret: only its place is kept.
        let dict: Dict = Toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
            let line = before.matches('\n').count() + 1;
            Mistake {
                source: source.to_owned(),
                key: "(whole file)".to_owned(),
                problem: format!("is not TOML, at line {line}"),
                hint: "correct that line".to_owned(),
            }
        })?;
        let mut settings = BTreeMap::new();
        flatten("", dict, source, &mut settings);
        Ok(Self { settings })
    }

    /// The settings in `words`: key, name of the source, text.
    pub(super) fn words(words: impl IntoIterator<Item = (String, String, String)>) -> Self {
        let settings = words
            .into_iter()
            .map(|(key, source, text)| {
                let value = typed(keys::kind(&key).as_ref(), text);
                (key, (source, value))
            })
            .collect();
        Self { settings }
    }
}

fn flatten(prefix: &str, dict: Dict, source: &str, into: &mut BTreeMap<String, (String, Value)>) {
    for (name, value) in dict {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Dict(_, inner) if !inner.is_empty() && keys::kind(&key).is_none() => {
                flatten(&key, inner, source, into);
            }
            other => {
                into.insert(key, (source.to_owned(), other));
            }
        }
    }
}

/// Text from the environment as the key wants it; text that does not fit stays text, and the check says so.
fn typed(kind: Option<&Kind>, text: String) -> Value {
    match kind {
        Some(Kind::Flag) => text.parse::<bool>().map_or_else(|_| Value::from(text), Value::from),
        Some(Kind::Number(_)) => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        Some(Kind::Texts | Kind::Ids) => {
            let all = text.split(',').map(str::trim).filter(|one| !one.is_empty());
            Value::from(all.map(str::to_owned).collect::<Vec<_>>())
        }
        _ => Value::from(text),
    }
}
