//! The configuration: defaults, then the file, then the environment, then flags; every mistake is reported at once.

mod check;
mod keys;
mod layer;
mod mistake;
mod sections;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use figment::{Figment, providers::Serialized, value::Value};

use keys::Kind;
use layer::Layer;
pub(crate) use mistake::Mistake;
pub(crate) use sections::{Config, DiscordCommands, DiscordIngress, Format, Ingress, Log, PolicySource};

const DEFAULTS: &str = include_str!("../deploy/adjutant.example.toml");
const FILE: &str = "adjutant.toml";
const PREFIX: &str = "ADJUTANT_";
const USERS: &str = "console.users.";

/// A configuration without mistakes, and where each value was said.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// Key, value as shown (secrets redacted), source.
    pub(crate) shown: Vec<(String, String, String)>,
}

impl Loaded {
    /// The files that are named as holding a secret: key and path.
    pub(crate) fn secret_files(&self) -> Vec<(String, PathBuf)> {
        let named = self.shown.iter().filter(|(key, ..)| keys::names_a_secret_file(key));
        let path = |text: &str| serde_json::from_str::<String>(text).ok().filter(|path| !path.is_empty());
        named.filter_map(|(key, text, _)| Some((key.clone(), PathBuf::from(path(text)?)))).collect()
    }

    /// The configuration files in which a secret stands itself.
    pub(crate) fn files_with_secrets(&self) -> Vec<PathBuf> {
        let secret = |key: &str| matches!(keys::kind(key), Some(Kind::Secret));
        // What was read from a file of its own stands under the key as if it had been said there.
        let own = |key: &str| {
            self.shown.iter().any(|(other, text, _)| *other == format!("{key}_file") && text != "\"\"")
        };
        let mut files: Vec<PathBuf> = self
            .shown
            .iter()
            .filter(|(key, text, source)| secret(key) && text != "\"\"" && source != "default" && !own(key))
            .map(|(_, _, source)| PathBuf::from(source))
            .filter(|file| file.is_file())
            .collect();
        files.dedup();
        files
    }
}

/// Loads from `file` (or `adjutant.toml` if present), `environment` and `flags` (key, flag's name, text).
pub(crate) fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: Vec<(String, String, String)>,
) -> Result<Loaded, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut settings = BTreeMap::new();
    let layers = [
        Layer::toml("default", DEFAULTS),
        file_layer(file),
        Ok(Layer::words(environment.into_iter().filter_map(variable))),
        Ok(Layer::words(flags)),
    ];
    for layer in layers {
        match layer {
            Ok(layer) => overlay(layer, &mut settings, &mut mistakes),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    mistakes.extend(check::read_secrets(&mut settings));
    mistakes.extend(check::together(&settings));
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let shown = show(&settings);
    let effective = shown.iter().map(|(key, value, _)| (key.clone(), value.clone().into())).collect();
    extract(settings).map(|config| Loaded { config: Config { effective, ..config }, shown })
}

fn file_layer(file: Option<&Path>) -> Result<Layer, Mistake> {
    let path = match file {
        Some(path) => path,
        None if Path::new(FILE).exists() => Path::new(FILE),
        None => return Ok(Layer::default()),
    };
    let source = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|fault| Mistake {
        source: source.clone(),
        key: "(whole file)".to_owned(),
        problem: format!("cannot be read: {}", fault.kind()),
        hint: "check the path and its permissions".to_owned(),
    })?;
    Layer::toml(&source, &text)
}

fn variable((name, text): (String, String)) -> Option<(String, String, String)> {
    let key = name.strip_prefix(PREFIX)?.to_lowercase().replace("__", ".");
    Some((key, name, text))
}

fn overlay(layer: Layer, settings: &mut BTreeMap<String, (String, Value)>, mistakes: &mut Vec<Mistake>) {
    if layer.settings.keys().any(|key| key.starts_with(USERS)) {
        settings.retain(|key, _| !key.starts_with(USERS));
    }
    for (key, (source, value)) in layer.settings {
        match check::setting(&source, &key, &value) {
            Some(mistake) => mistakes.push(mistake),
            None => {
                settings.insert(key, (source, value));
            }
        }
    }
}

fn show(settings: &BTreeMap<String, (String, Value)>) -> Vec<(String, String, String)> {
    let row = |(key, (source, value)): (&String, &(String, Value))| {
        let secret = matches!(keys::kind(key), Some(Kind::Secret));
        let set = value.as_str().is_none_or(|text| !text.is_empty());
        let text = if secret && set {
            "[redacted]".to_owned()
        } else {
            serde_json::to_string(value).unwrap_or_default()
        };
        (key.clone(), text, source.clone())
    };
    settings.iter().map(row).collect()
}

fn extract(settings: BTreeMap<String, (String, Value)>) -> Result<Config, Vec<Mistake>> {
    let figment = settings
        .into_iter()
        .fold(Figment::new(), |figment, (key, (_, value))| figment.merge(Serialized::default(&key, value)));
    figment.extract().map_err(|errors| {
        let mistake = |error: figment::Error| Mistake {
            source: "configuration".to_owned(),
            key: error.path.join("."),
            problem: "does not fit".to_owned(),
            hint: "see adjutant.example.toml".to_owned(),
        };
        errors.into_iter().map(mistake).collect()
    })
}
