//! Whether what a manifest or a unit gives to the program is what the program takes: variables, arguments, values.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Command, Output, Stdio},
};

const EXAMPLE: &str = include_str!("../../../deploy/adjutant.example.toml");
const PREFIX: &str = "ADJUTANT_";

/// Seconds that the program waits beyond its own grace before it ends all the same, and the grace of a gateway.
pub const MARGIN: u64 = 5;
pub const GATEWAY_GRACE: u64 = 15;

/// The keys of a configuration file, dotted, each with its value.
pub fn flat(text: &str) -> BTreeMap<String, toml::Value> {
    fn walk(prefix: &str, table: toml::Table, into: &mut BTreeMap<String, toml::Value>) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            match value {
                toml::Value::Table(inner) => walk(&key, inner, into),
                value => drop(into.insert(key, value)),
            }
        }
    }
    let mut keys = BTreeMap::new();
    walk("", text.parse().expect("TOML"), &mut keys);
    keys
}

/// Every key there is, with its default.
pub fn keys() -> BTreeMap<String, toml::Value> {
    flat(EXAMPLE)
}

/// The key that a variable sets.
pub fn key(variable: &str) -> Option<String> {
    Some(variable.strip_prefix(PREFIX)?.to_lowercase().replace("__", "."))
}

/// Those variables of the program that set no key, and those that hold a secret which should be in a file.
pub fn misfits<'a>(variables: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let keys = keys();
    let mut found = Vec::new();
    for variable in variables {
        let Some(key) = key(variable) else { continue };
        if !keys.contains_key(&key) {
            found.push(format!("{variable}: there is no key {key}"));
        } else if keys.contains_key(&format!("{key}_file")) {
            found.push(format!("{variable}: a secret belongs in a file, {variable}_FILE"));
        }
    }
    found
}

/// Seconds, as these settings and the defaults say.
pub fn seconds(settings: &BTreeMap<String, toml::Value>, key: &str) -> u64 {
    let value = settings.get(key).cloned().or_else(|| keys().remove(key)).unwrap_or_else(|| panic!("{key}"));
    value.as_integer().and_then(|seconds| seconds.try_into().ok()).unwrap_or_else(|| panic!("{key}: {value}"))
}

/// How long the program may take to stop when it is started with these arguments.
pub fn longest_stop(args: &[String], settings: &BTreeMap<String, toml::Value>) -> u64 {
    let roles: BTreeSet<&str> = args.iter().map(String::as_str).collect();
    let grace = if roles.contains("api") {
        seconds(settings, "api.grace_seconds")
    } else if roles.contains("gateway") {
        GATEWAY_GRACE
    } else {
        seconds(settings, "worker.grace_seconds")
    };
    grace + MARGIN
}

fn adjutant(dir: &Path, args: &[&str], env: &BTreeMap<String, String>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adjutant"))
        .args(args)
        .env_clear()
        .envs(env)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

/// What the program's parser has against these arguments.
pub fn refused_arguments(args: &[String]) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let args: Vec<&str> = args.iter().map(String::as_str).chain(["--help"]).collect();
    let output = adjutant(dir.path(), &args, &BTreeMap::new());
    (!output.status.success()).then(|| format!("{args:?}: {}", said(&output)))
}

/// What the program has against this configuration file and these variables.
pub fn refused_settings(file: Option<&Path>, env: &BTreeMap<String, String>) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let file = file.map(|file| file.to_str().unwrap());
    let args: Vec<&str> =
        file.iter().flat_map(|file| ["--config", *file]).chain(["config", "check"]).collect();
    let output = adjutant(dir.path(), &args, env);
    (!output.status.success()).then(|| said(&output))
}

/// What the program has against the policy in this folder.
pub fn refused_policy(folder: &Path) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let env = BTreeMap::from([("ADJUTANT_POLICY__SOURCE".to_owned(), format!("dir:{}", folder.display()))]);
    ["check", "test"].iter().find_map(|word| {
        let output = adjutant(dir.path(), &["policy", word], &env);
        (!output.status.success()).then(|| said(&output))
    })
}

#[test]
fn what_is_no_setting_and_no_command_is_found() {
    let misfits = |variable| !misfits([variable]).is_empty();
    assert!(misfits("ADJUTANT_BUS__URI") && misfits("ADJUTANT_API_SERVICE_HOST"));
    assert!(misfits("ADJUTANT_BUS__PASSWORD"), "a secret in a variable");
    assert!(!misfits("ADJUTANT_BUS__PASSWORD_FILE") && !misfits("HOME"));
    let args = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert!(refused_arguments(&args(&["gateway", "slack"])).is_none());
    assert!(refused_arguments(&args(&["gateway", "carrier-pigeon"])).is_some());
    assert!(refused_arguments(&args(&["worker", "--conf", "x"])).is_some());
    let with = |name: &str, value: &str| {
        refused_settings(None, &BTreeMap::from([(name.to_owned(), value.to_owned())])).is_some()
    };
    assert!(with("ADJUTANT_BUS__REPLICAS", "nine") && with("ADJUTANT_BUS__PASSWORD_FILE", "/nowhere/at/all"));
    assert!(!with("ADJUTANT_BUS__REPLICAS", "3"));
}
