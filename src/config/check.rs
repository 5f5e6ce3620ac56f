//! Finds every mistake in one setting or between settings.

use std::{collections::BTreeMap, fs};

use figment::value::Value;

use super::{
    keys::{self, Kind},
    mistake::Mistake,
    sections::PolicySource,
};

/// What is wrong with one setting, if anything.
pub(super) fn setting(source: &str, key: &str, value: &Value) -> Option<Mistake> {
    let (problem, hint) = match keys::kind(key) {
        None => (
            "is not a key".to_owned(),
            keys::nearest(key).map_or_else(
                || "see adjutant.example.toml for every key".to_owned(),
                |near| format!("did you mean {near}?"),
            ),
        ),
        Some(kind) => misfit(&kind, value)?,
    };
    Some(Mistake { source: source.to_owned(), key: key.to_owned(), problem, hint })
}

fn misfit(kind: &Kind, value: &Value) -> Option<(String, String)> {
    match kind {
        Kind::Text | Kind::Secret => value.as_str().is_none().then(|| wrong("text", "put it in quotes")),
        Kind::Flag => value.to_bool().is_none().then(|| wrong("true or false", "without quotes")),
        Kind::Texts => {
            let fits = value.as_array().is_some_and(|all| all.iter().all(|one| one.as_str().is_some()));
            (!fits).then(|| wrong("a list of texts", "such as [\"Engineering\"]"))
        }
        Kind::Ids => {
            let id = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let fits = value.as_array().is_some_and(|all| all.iter().all(|one| one.as_str().is_some_and(id)));
            (!fits).then(|| wrong("a list of ids, which are digits", "such as [\"9001\"]"))
        }
        Kind::PolicySource => {
            let fits = value.as_str().is_some_and(|text| text.parse::<PolicySource>().is_ok());
            (!fits)
                .then(|| ("names no source".to_owned(), "one of auto, bus, shipped, dir:FOLDER".to_owned()))
        }
        Kind::OneOf(choices) => {
            let fits = value.as_str().is_some_and(|text| choices.contains(&text));
            (!fits).then(|| ("is none of the choices".to_owned(), format!("one of {}", choices.join(", "))))
        }
        Kind::Number(range) => {
            let hint = format!("a whole number from {} to {}", range.start(), range.end());
            match value.to_i128() {
                None => Some(wrong("a whole number", &hint)),
                Some(number) if range.contains(&number) => None,
                Some(_) => Some(("is out of range".to_owned(), hint)),
            }
        }
    }
}

fn wrong(wanted: &str, hint: &str) -> (String, String) {
    (format!("must be {wanted}"), hint.to_owned())
}

/// The files by which a process shows who it is to the bus.
const BUS_FILES: [&str; 5] =
    ["bus.credentials_file", "bus.nkey_file", "bus.ca_file", "bus.certificate_file", "bus.key_file"];

/// What is wrong with files that are named, and with settings that do not go together.
pub(super) fn together(settings: &BTreeMap<String, (String, Value)>) -> Vec<Mistake> {
    let given = |key: &str| {
        let (source, value) = settings.get(key)?;
        value.as_str().filter(|text| !text.is_empty()).map(|text| (source.clone(), text.to_owned()))
    };
    let mistake = |key: &str, source: String, problem: String, hint: &str| Mistake {
        source,
        key: key.to_owned(),
        problem,
        hint: hint.to_owned(),
    };
    let mut mistakes = Vec::new();
    for key in BUS_FILES {
        let Some((source, path)) = given(key) else { continue };
        if let Err(fault) = fs::File::open(&path) {
            let problem = format!("cannot be read: {}", fault.kind());
            mistakes.push(mistake(key, source, problem, "check the path and its permissions"));
        }
    }
    for (key, other) in [("bus.certificate_file", "bus.key_file"), ("bus.key_file", "bus.certificate_file")] {
        if let (Some((source, _)), None) = (given(key), given(other)) {
            let problem = format!("is given without {other}");
            mistakes.push(mistake(key, source, problem, "a certificate goes with its key"));
        }
    }
    let proofs = ["bus.password", "bus.nkey_file", "bus.credentials_file"];
    let mut proofs = proofs.into_iter().filter_map(|key| Some((key, given(key)?.0)));
    if let (Some((first, _)), Some((second, source))) = (proofs.next(), proofs.next()) {
        mistakes.push(mistake(second, source, format!("is given, and {first} too"), "keep one of them"));
    }
    mistakes
}

/// Reads secrets kept in files into their keys; a secret given twice or unreadable is a mistake.
pub(super) fn read_secrets(settings: &mut BTreeMap<String, (String, Value)>) -> Vec<Mistake> {
    let secrets = keys::KEYS.iter().filter(|(_, kind)| matches!(kind, Kind::Secret));
    secrets.filter_map(|(key, _)| read_secret(key, settings).err()).collect()
}

fn read_secret(key: &str, settings: &mut BTreeMap<String, (String, Value)>) -> Result<(), Mistake> {
    let file_key = format!("{key}_file");
    let Some((source, Some(path))) =
        settings.get(&file_key).map(|(source, value)| (source.clone(), value.as_str().map(str::to_owned)))
    else {
        return Ok(());
    };
    if path.is_empty() {
        return Ok(());
    }
    let mistake = |problem: String, hint: &str| Mistake {
        source: source.clone(),
        key: file_key.clone(),
        problem,
        hint: hint.to_owned(),
    };
    let given =
        settings.get(key).is_some_and(|(_, value)| value.as_str().is_some_and(|text| !text.is_empty()));
    if given {
        return Err(mistake(format!("is given, and {key} too"), "keep one of them"));
    }
    let text = fs::read_to_string(&path).map_err(|fault| {
        mistake(format!("cannot be read: {}", fault.kind()), "check the path and its permissions")
    })?;
    let secret = Value::from(text.trim_end_matches(['\r', '\n']));
    settings.insert(key.to_owned(), (source, secret));
    Ok(())
}
