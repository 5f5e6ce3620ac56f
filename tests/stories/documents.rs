//! What the documents say of files, keys and messages is so. `src/cli/documents.rs` checks the command lines in them.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
};

/// Variables that begin as those of the configuration, but are for development, or of an example.
const DEVELOPMENT: [&str; 3] = ["ADJUTANT_BLESS", "ADJUTANT_KEY", "ADJUTANT_ADVISORY_DB"];
/// Names with a dot that begin as a section does, but are files, subjects, commands and kinds of entries.
const OTHER: [&str; 17] = [
    // An attribute of spans.
    "http.route",
    // Names of leases.
    "discord.identify",
    "discord.shard",
    "policy.csv",
    "policy.toml",
    "policy.lock",
    "policy.test",
    "policy.in_force",
    "policy.refused",
    "audit.retention",
    "policy.dir",
    "policy.draft",
    "policy.publish",
    "policy.rollback",
    "api.audit",
    "discord.answered",
    "policy.js",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found
}

fn documents() -> Vec<(PathBuf, String)> {
    let mut found: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md"]
            .map(|name| root().join(name))
            .into();
    found.extend(files(&root().join("docs"), "md"));
    found.extend(files(&root().join("deploy"), "md"));
    found.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// The lines of a document without its blocks.
fn prose(text: &str) -> Vec<&str> {
    let mut fenced = false;
    text.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        })
        .collect()
}

/// The targets of links, without those inside of code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let bare: String =
            line.split('`').enumerate().map(|(n, part)| if n % 2 == 0 { part } else { "code" }).collect();
        let mut rest = bare.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, after)) = after.split_once(')') else { break };
            found.push(target.to_owned());
            rest = after;
        }
    }
    found
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(text: &str) -> HashSet<String> {
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let (mut seen, mut wrong) = (0, BTreeSet::new());
    for (path, text) in documents() {
        for target in links(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            seen += 1;
            let (file, place) = target.split_once('#').unwrap_or((&target, ""));
            let there = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let good = there.exists()
                && (place.is_empty() || anchors(&std::fs::read_to_string(&there).unwrap()).contains(place));
            if !good {
                wrong.insert(format!("{}: {target}", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(seen > 100, "they are found: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every key of the configuration, and its sections.
fn keys() -> (HashSet<String>, HashSet<String>) {
    let example = std::fs::read_to_string(root().join("deploy/adjutant.example.toml")).unwrap();
    let (mut keys, mut sections, mut section) = (HashSet::new(), HashSet::new(), String::new());
    for line in example.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            sections.insert(section.clone());
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.insert(if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") });
        }
    }
    keys.extend(sections.iter().cloned());
    (keys, sections)
}

#[test]
fn every_key_and_variable_in_the_documents_is_one_of_the_configuration() {
    let ((keys, sections), names) = (keys(), names());
    assert!(keys.len() > 50 && sections.contains("bus"));
    let mut wrong = BTreeSet::new();
    for (path, text) in documents() {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let of_word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        for word in text.split(of_word).filter(|word| word.starts_with("ADJUTANT_")) {
            let key = word.trim_start_matches("ADJUTANT_").to_lowercase().replace("__", ".");
            // `ADJUTANT_…` is any, and one that ends in the line stands for several.
            if !(key.is_empty() || key.ends_with('_') || DEVELOPMENT.contains(&word) || keys.contains(&key)) {
                wrong.insert(format!("{name}: {word}"));
            }
        }
        for code in prose(&text).join("\n").split('`').skip(1).step_by(2) {
            let key = code.split([' ', '=']).next().unwrap_or_default();
            let Some((section, rest)) = key.split_once('.') else { continue };
            let plain = rest.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !rest.is_empty();
            let known = keys.contains(key) || OTHER.contains(&key) || name == "CHANGELOG.md";
            // In the tables of the record and of policy, names with a dot are kinds of entries and commands.
            let is_other = code.contains(" = ") || code == key;
            if sections.contains(section) && plain && is_other && !known && !names.contains(key) {
                wrong.insert(format!("{name}: {key}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Files with such names, commands by their dotted paths, and kinds of entries of the record.
fn names() -> HashSet<String> {
    let sources = sources();
    let quoted =
        sources.split('"').filter(|text| text.len() < 40 && text.contains('.') && !text.contains(' '));
    quoted.map(str::to_owned).collect()
}

fn sources() -> String {
    let crates = [
        "src",
        "api/src",
        "bus/src",
        "gateway/src",
        "gateway-discord/src",
        "gateway-slack/src",
        "policies/src",
        "workers/src",
    ];
    let all = crates.into_iter().flat_map(|folder| files(&root().join(folder), "rs"));
    all.filter(|path| !path.ends_with("documents.rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// Text with what is put into it left out, white space and the ends of lines of Rust made one.
fn plain(text: &str) -> String {
    let text = text.replace("\\\n", " ").replace("\\\"", "\"");
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// What `docs/troubleshooting.md` quotes in “…” is said by this program: each part between the places that differ (…).
#[test]
fn every_message_that_the_troubleshooting_quotes_is_in_the_sources() {
    let page = std::fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let sources = plain(&sources());
    let (mut seen, mut wrong) = (0, BTreeSet::new());
    for quote in page.split('“').skip(1).filter_map(|rest| rest.split('”').next()) {
        seen += 1;
        let quote = plain(quote);
        for part in quote.split('…').map(str::trim).filter(|part| !part.is_empty()) {
            if !sources.contains(part) {
                wrong.insert(format!("“{quote}”: {part}"));
            }
        }
    }
    assert!(seen > 20, "they are found: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
