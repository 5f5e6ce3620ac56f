//! The configuration's promises.

use std::fs;

use secrecy::ExposeSecret;

use super::*;

fn pair(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

fn with_file(text: &str, environment: Vec<(String, String)>) -> Result<Loaded, Vec<Mistake>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.toml");
    fs::write(&path, text).unwrap();
    load(Some(&path), environment, Vec::new())
}

#[test]
fn five_mistakes_are_all_reported_at_once() {
    let text = "[worker]\nslots = 0\nslotz = 3\n[policy]\nown_model = \"yes\"\n[bus]\npassword = \"a\"\npassword_file = \"b\"";
    let mistakes = with_file(text, vec![pair("ADJUTANT_LOG__FORMAT", "xml")]).unwrap_err();
    let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(mistakes.len(), 5, "{shown:#?}");
    for part in [
        "worker.slots: is out",
        "did you mean worker.slots?",
        "own_model: must be",
        "and bus.password too",
        "ADJUTANT_LOG__FORMAT",
    ] {
        assert!(shown.iter().any(|line| line.contains(part)), "{part}: {shown:#?}");
    }
}

#[test]
fn an_unreadable_secret_file_is_a_mistake() {
    let mistakes = with_file("[bus]\npassword_file = \"/nowhere/at/all\"", Vec::new()).unwrap_err();
    assert_eq!(mistakes.first().unwrap().key, "bus.password_file");
}

#[test]
fn how_to_log_in_at_the_bus_is_checked_before_anything_starts() {
    let text = "[bus]\nca_file = \"/nowhere/ca.pem\"\nkey_file = \"/dev/null\"\nnkey_file = \"/dev/null\"\npassword = \"a\"";
    let mistakes = with_file(text, Vec::new()).unwrap_err();
    let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(mistakes.len(), 3, "{shown:#?}");
    for part in [
        "bus.ca_file: cannot be read: entity not found",
        "bus.key_file: is given without bus.certificate_file",
        "bus.nkey_file: is given, and bus.password too",
    ] {
        assert!(shown.iter().any(|line| line.contains(part)), "{part}: {shown:#?}");
    }
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let text = "[bus]\nurl = \"nats://file\"\n[worker]\nslots = 3";
    let loaded = with_file(text, vec![pair("ADJUTANT_BUS__URL", "nats://environment")]).unwrap();
    assert_eq!((loaded.config.bus.url.as_str(), loaded.config.worker.slots), ("nats://environment", 3));
    let flag = ("bus.url".to_owned(), "--bus".to_owned(), "memory".to_owned());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty.toml");
    fs::write(&path, "").unwrap();
    let loaded = load(Some(&path), [pair("ADJUTANT_BUS__URL", "nats://environment")], vec![flag]).unwrap();
    assert_eq!(loaded.config.bus.url, "memory");
}

#[test]
fn a_secret_is_never_shown() {
    let loaded = with_file("", vec![pair("ADJUTANT_BUS__PASSWORD", "12345")]).unwrap();
    assert_eq!(loaded.config.bus.password.expose_secret(), "12345");
    assert!(!format!("{loaded:?}").contains("12345"));
}

#[test]
fn a_file_that_names_users_replaces_the_default_ones() {
    let loaded = with_file("[console.users]\nkim = { groups = [] }", Vec::new()).unwrap();
    assert_eq!(loaded.config.console.users.keys().collect::<Vec<_>>(), ["kim"]);
}

#[test]
fn the_example_names_every_key_and_nothing_else() {
    let loaded = with_file("", Vec::new()).unwrap();
    let named: Vec<_> =
        loaded.shown.iter().map(|(key, ..)| key.as_str()).filter(|key| !key.starts_with(USERS)).collect();
    let mut keys: Vec<_> = keys::KEYS.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    assert_eq!(named, keys);
}

#[test]
fn lists_are_written_with_commas_in_the_environment_and_ids_are_digits() {
    let guilds = |text: &str| with_file("", vec![pair("ADJUTANT_DISCORD__TRUSTED_GUILDS", text)]);
    let config = guilds("9001, 9002").unwrap().config;
    assert_eq!(config.discord.trusted_guilds, ["9001", "9002"]);
    // Either list makes a guild a home that is trusted.
    assert_eq!(config.trusted_homes(), ["console:local", "discord:9001", "discord:9002"]);
    assert!(guilds("").unwrap().config.discord.trusted_guilds.is_empty());
    let wrong = guilds("Acme").unwrap_err();
    assert!(wrong.first().unwrap().to_string().contains("ids, which are digits"), "{wrong:?}");
}
