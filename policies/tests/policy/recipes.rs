//! The recipes of docs/writing-a-policy.md: each loads as it stands, with nothing to remark, and its tests pass; each mistake is
//! found by the rule that the page names.

use std::collections::BTreeMap;

use adjutant_policies::{Files, Options, Policy, Severity, Vocabulary, check_files, test};

use super::world::MODEL;

const PAGE: &str = include_str!("../../../docs/writing-a-policy.md");

/// A block of the page: the heading above it, what its first line says that it is, and the rest.
struct Block {
    heading: &'static str,
    name: &'static str,
    text: String,
}

fn blocks() -> Vec<Block> {
    let (mut heading, mut blocks) = ("", Vec::new());
    let mut open: Option<Vec<&str>> = None;
    for line in PAGE.lines() {
        match (line, &mut open) {
            (line, None) if line.starts_with("## ") => heading = line,
            ("```csv" | "```toml", None) => open = Some(Vec::new()),
            ("```", Some(lines)) => {
                let first: &str = lines.first().unwrap_or_else(|| panic!("{heading}: an empty block"));
                let name = first.strip_prefix("# ").unwrap_or_else(|| panic!("{heading}: {first}"));
                blocks.push(Block {
                    heading,
                    name,
                    text: lines[1..].iter().map(|line| format!("{line}\n")).collect(),
                });
                open = None;
            }
            (line, Some(lines)) => lines.push(line),
            _ => {}
        }
    }
    assert!(open.is_none(), "{heading}: a block without an end");
    blocks
}

fn vocabulary() -> Vocabulary {
    let commands = [
        "help",
        "whoami",
        "status",
        "deploy.list",
        "deploy.promote",
        "deploy.rollback",
        "freeze.on",
        "freeze.off",
        "freeze.status",
        "policy.status",
        "policy.history",
        "policy.publish",
        "policy.rollback",
    ];
    let environments = ["none", "preview", "staging", "production"].map(str::to_owned).to_vec();
    Vocabulary {
        commands: commands.map(str::to_owned).into(),
        context: BTreeMap::from([("env".to_owned(), environments)]),
        binds: BTreeMap::new(),
        trusted_homes: vec!["slack:T0ACME".to_owned(), "discord:9001".to_owned()],
    }
}

fn files(lock: &str) -> Files {
    Files {
        model: MODEL.into(),
        policy: Vec::new(),
        lock: lock.into(),
        tests: Vec::new(),
        settings: Vec::new(),
    }
}

/// The lock that all recipes share.
fn lock() -> String {
    blocks().into_iter().find(|block| block.name == "policy.lock").unwrap().text
}

/// The recipes, each with its files.
fn recipes() -> BTreeMap<&'static str, Files> {
    let mut recipes = BTreeMap::new();
    for block in blocks() {
        let place: fn(&mut Files) -> &mut Vec<u8> = match block.name {
            "policy.csv" => |files| &mut files.policy,
            "policy.test" => |files| &mut files.tests,
            "policy.toml" => |files| &mut files.settings,
            _ => continue,
        };
        let recipe = recipes.entry(block.heading).or_insert_with(|| files(&lock()));
        place(recipe).extend(block.text.bytes());
    }
    recipes
}

#[tokio::test]
async fn every_recipe_loads_and_its_tests_pass_and_prove_a_refusal() {
    let recipes = recipes();
    assert!(recipes.len() >= 11, "{:?}", recipes.keys());
    for (heading, files) in recipes {
        let findings = check_files(&files, &Options::new(None), &vocabulary());
        let others = findings.findings.iter().filter(|finding| finding.code != "lock-unused");
        assert_eq!(others.collect::<Vec<_>>(), [] as [&_; 0], "{heading}");
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files.named() {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let options = Options::new(Some(folder.path().to_owned()));
        let report = test(&options, &vocabulary()).unwrap().unwrap();
        let refusals =
            report.results.iter().filter(|result| result.told.starts_with("expected deny")).count();
        assert!(
            report.failed() == 0 && refusals > 0 && report.results.len() > refusals,
            "{heading}: {report:?}"
        );
        let policy = Policy::load(options, vocabulary()).await;
        assert!(policy.gate().is_some(), "{heading}: {:?}", policy.status());
    }
}

#[test]
fn every_mistake_is_found_by_the_rule_that_the_page_names() {
    let mut met = 0;
    for block in blocks() {
        let (rule, severity) = match block.name.split_once(": ") {
            Some(("wrong", rule)) => (rule, Severity::Error),
            Some(("warned", rule)) => (rule, Severity::Warning),
            _ => continue,
        };
        let mistaken = Files { policy: block.text.clone().into_bytes(), ..files(&lock()) };
        let findings = check_files(&mistaken, &Options::new(None), &vocabulary());
        let found = findings.findings.iter().find(|finding| finding.code == rule);
        let found = found.unwrap_or_else(|| panic!("{}: wanted {rule}, found {findings}", block.text));
        assert_eq!((found.severity, found.file.as_str()), (severity, "policy.csv"));
        assert_eq!(findings.refuse(), severity == Severity::Error, "{findings}");
        met += 1;
    }
    assert!(met > 10, "{met}");
}

#[test]
fn every_block_of_the_page_says_which_file_it_belongs_to() {
    for block in blocks() {
        let known = ["policy.csv", "policy.lock", "policy.test", "policy.toml"].contains(&block.name)
            || block.name.starts_with("wrong: ")
            || block.name.starts_with("warned: ");
        assert!(known, "{}: {}", block.heading, block.name);
    }
}
