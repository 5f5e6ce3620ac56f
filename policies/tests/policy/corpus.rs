//! The seeds of the fuzz target (`./dev fuzz`), and what it holds to be true of them and of what becomes of them with a few bytes
//! changed. The seeds are the files that ship and one edit of each family of traps; `ADJUTANT_BLESS=1` writes them anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use adjutant_policies::Files;
use proptest::prelude::*;

use super::{edits, locks, models};

#[path = "../../../fuzz/src/case.rs"]
mod case;

/// More than the other seeds: places of the loader where something else than an edit matters.
const OTHERS: [(&str, &str); 8] = [
    ("nothing", ""),
    ("no-parts", "p, Engineering, *, deploy.*, run, *, allow\n"),
    (
        "many-parts",
        "--- policy.csv\np, everyone, *, help, view, *, allow\n--- policy.lock\n--- policy.csv\np, guests, *, *, *, *, deny\n--- policy.nothing\n",
    ),
    ("own-model-kept", "--- own-model\n"),
    (
        "settings",
        "--- policy.toml\ncontact = \"#access\"\ntimezone = \"Europe/Berlin\"\n[windows]\noffice = [\"Mon-Thu 09:00-17:00\", \"Fri 09:00-14:00\"]\nnight = [\"Mon,Wed 22:00-06:00\"]\n[contacts]\nEngineering = \"#eng\"\n[production]\nenv = [\"production\"]\n--- policy.csv\np, Engineering, *, deploy.*, run, hours=office;freeze=off, allow\n",
    ),
    ("settings-contact", "--- policy.toml\ncontact = \"a\\u0007\\nb\"\n\"\\u001b[2J\" = 1\n"),
    (
        "settings-window",
        "--- policy.toml\n[windows]\noff = []\nOffice = [\"Mon 9-17\"]\nlate = [\"Sun 23:00-01:00\", \"Mon 00:00-24:00\"]\n",
    ),
    (
        "settings-zone",
        "--- policy.toml\ntimezone = \"Europe/Berln\"\n[contacts]\nNobody = \"\"\n[production]\nenv = 1\n",
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/loader")
}

fn part(name: &str, text: &str) -> String {
    format!("--- {name}\n{text}")
}

fn shipped() -> String {
    let files = Files::shipped();
    files.named().map(|(name, bytes)| part(name, std::str::from_utf8(bytes).unwrap())).concat()
}

/// Every seed by its name.
fn seeds() -> BTreeMap<String, String> {
    let mut seeds: BTreeMap<String, String> =
        OTHERS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    seeds.insert("shipped".to_owned(), shipped());
    let mut add = |file: &str, flag: &str, trap: &str, code: &str, edits: &[String]| {
        let named = |n: usize| {
            format!(
                "{}-{code}{}",
                trap.replace(' ', "-"),
                if n == 0 { String::new() } else { format!("-{n}") }
            )
        };
        let name = (0..).map(named).find(|name| !seeds.contains_key(name)).unwrap();
        // Long ones would make all others slow; what they are for has a test of its own.
        if let Some(edit) = edits.iter().find(|edit| edit.len() < 4_096) {
            seeds.insert(name, format!("{flag}{}", part(file, edit)));
        }
    };
    for (trap, code, edits) in edits::traps() {
        add("policy.csv", "", trap, code, &edits);
    }
    for (trap, code, edits) in models::traps() {
        add("model.conf", "--- own-model\n", trap, code, &edits);
    }
    for (code, edits) in locks::traps() {
        add("policy.lock", "", "67", code, &edits);
    }
    seeds
}

#[test]
fn the_seeds_are_the_files_that_ship_and_an_edit_of_each_family() {
    let (folder, wanted) = (folder(), seeds());
    if std::env::var_os("ADJUTANT_BLESS").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in &wanted {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    let there: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, wanted.keys().cloned().collect(), "ADJUTANT_BLESS=1 writes them anew");
    // What ships may change without being a new seed.
    for (name, text) in wanted.into_iter().filter(|(name, _)| name != "shipped") {
        assert_eq!(
            std::fs::read_to_string(folder.join(&name)).unwrap(),
            text,
            "{name}: ADJUTANT_BLESS=1 writes it anew"
        );
    }
}

#[test]
fn a_seed_stands_for_the_files_that_it_was_made_from() {
    let (files, own_model) = case::files(shipped().as_bytes());
    assert_eq!((files, own_model), (Files::shipped(), false));
    assert_eq!(case::files(b""), (case::default_files(), false));
    assert!(case::files(b"--- own-model\n").1);
}

#[test]
fn every_seed_is_checked_to_the_end_and_what_loads_refuses_strangers() {
    for text in seeds().values() {
        case::examine(text.as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_seed_with_some_bytes_changed_is_checked_to_the_end_and_what_loads_refuses_strangers(
        seed in prop::sample::select(seeds().into_values().collect::<Vec<_>>()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_usize, 0..40_usize), 1..6),
    ) {
        let mut bytes = seed.into_bytes();
        for (at, byte, kind, length) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            match kind {
                0 => bytes.insert(at, byte),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let again = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, again));
                }
                _ => bytes.iter_mut().skip(at).take(1).for_each(|there| *there = byte),
            }
        }
        case::examine(&bytes);
    }
}
