//! The files for Prometheus and Grafana: they ask for nothing that is not measured, each alert fires and is quiet as its test says, and
//! each has a page that says what to do.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use adjutant_metrics::{Kind, Label, Name};
use serde_json::Value;

/// Labels that Prometheus adds, or that stand for buckets.
const ADDED: [&str; 3] = ["instance", "job", "le"];
/// Beginning of the line of a command in a page.
const COMMAND: &str = "    ";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|is| is == ending)).collect();
    files.sort();
    files
}

fn promtool(folder: &Path, args: &[&str]) {
    let tool = root().join(".tools/promtool");
    let output = Command::new(&tool).args(args).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}: run ./dev setup", tool.display()));
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "promtool {args:?}: {said}");
}

/// What stands after this word in a line of the file.
fn after(text: &str, word: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    lines
        .filter_map(|line| line.strip_prefix(word))
        .map(|rest| rest.trim().trim_matches('\'').replace("''", "'"))
        .collect()
}

fn alerts() -> Vec<String> {
    after(&read("deploy/prometheus/alerts.yml"), "alert:")
}

/// Every query of the dashboards, with the title of its panel.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for file in files("deploy/grafana/dashboards", "json") {
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        assert_eq!(dashboard["uid"], stem, "Grafana finds a dashboard again by its uid");
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let title = format!("{stem}: {}", panel["title"].as_str().unwrap());
                queries.push((title, target["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    queries
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The metrics that a text names, and nothing that only looks like one.
fn named(text: &str, place: &str) -> BTreeSet<&'static str> {
    let metric = |word: &str| {
        let found = Name::ALL.iter().map(|name| name.describe()).find(|described| match described.kind {
            Kind::Histogram(_) => word
                .strip_prefix(described.name)
                .is_some_and(|end| ["", "_bucket", "_sum", "_count"].contains(&end)),
            Kind::Counter | Kind::Gauge => word == described.name,
        });
        found.unwrap_or_else(|| panic!("{place}: {word} is not in the table")).name
    };
    words(text).filter(|word| word.starts_with("adjutant_")).map(metric).collect()
}

#[test]
fn the_configuration_is_valid_and_every_alert_fires_as_its_test_says() {
    let folder = root().join("deploy/prometheus");
    promtool(&folder, &["check", "config", "prometheus.yml"]);
    promtool(&folder, &["check", "rules", "alerts.yml"]);
    promtool(&folder, &["test", "rules", "alerts.test.yml"]);
    let tested: BTreeSet<String> =
        after(&read("deploy/prometheus/alerts.test.yml"), "alertname:").into_iter().collect();
    assert_eq!(tested, alerts().into_iter().collect());
}

#[test]
fn every_query_of_a_dashboard_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    let rules: Vec<String> = queries()
        .iter()
        .enumerate()
        .map(|(n, (_, query))| {
            format!("      - {{ record: 'query:n{n}', expr: '{}' }}\n", query.replace('\'', "''"))
        })
        .collect();
    assert!(rules.len() > 50, "{}", rules.len());
    let text = format!("groups:\n  - name: dashboards\n    rules:\n{}", rules.concat());
    fs::write(dir.path().join("queries.yml"), text).unwrap();
    promtool(dir.path(), &["check", "rules", "queries.yml"]);
}

#[test]
fn what_alerts_and_dashboards_ask_for_is_measured_and_what_is_measured_is_shown() {
    let mut shown = BTreeSet::new();
    let rules = after(&read("deploy/prometheus/alerts.yml"), "expr:");
    let rules = rules.into_iter().map(|query| ("alerts.yml".to_owned(), query));
    for (place, query) in queries().into_iter().chain(rules) {
        shown.extend(named(&query, &place));
        for labels in query.split("by (").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            for label in words(labels) {
                let known = Label::ALL.iter().any(|known| known.as_str() == label) || ADDED.contains(&label);
                assert!(known, "{place}: there is no label {label}: {query}");
            }
        }
    }
    let table: BTreeSet<&str> = Name::ALL.iter().map(|name| name.describe().name).collect();
    assert_eq!(shown, table);
}

#[test]
fn every_alert_has_a_page_whose_commands_and_metrics_exist() {
    let urls = after(&read("deploy/prometheus/alerts.yml"), "runbook_url:");
    let list = read("docs/runbooks/README.md");
    let mut pages: BTreeSet<String> = files("docs/runbooks", "md")
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(pages.remove("README.md"));
    assert_eq!(pages, alerts().iter().map(|alert| format!("{alert}.md")).collect());
    for (alert, url) in alerts().iter().zip(&urls) {
        let page = read(&format!("docs/runbooks/{alert}.md"));
        assert!(url.ends_with(&format!("/docs/runbooks/{alert}.md")), "{url}");
        assert!(list.contains(&format!("[{alert}]({alert}.md)")), "{alert} is not in the list");
        for part in ["## What it means", "## How to look", "## What to do"] {
            assert!(page.contains(part), "{alert}: {part}");
        }
        let (asked, prose): (Vec<&str>, Vec<&str>) = page.lines().partition(|line| line.contains("| grep "));
        named(&prose.join("\n"), alert);
        for part in asked.iter().flat_map(|line| words(line)).filter(|word| word.starts_with("adjutant_")) {
            let begins = Name::ALL.iter().any(|name| name.describe().name.starts_with(part));
            assert!(begins, "{alert}: no metric begins with {part}");
        }
        for link in page.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let file = link.split('#').next().unwrap();
            assert!(root().join("docs/runbooks").join(file).is_file(), "{alert}: {link} leads nowhere");
        }
        for line in page.lines().filter_map(|line| line.strip_prefix(COMMAND)) {
            runs(alert, line);
        }
    }
}

/// The program knows the command of this line. Other lines ask Prometheus or a listener.
fn runs(alert: &str, line: &str) {
    let Some(command) = line.strip_prefix("adjutant ") else {
        let known = ["promtool query instant http://PROMETHEUS:9090 '", "curl -s http://"];
        let query = line.contains("adjutant_") || line.contains("up{");
        assert!(query || known.iter().any(|known| line.starts_with(known)), "{alert}: {line}");
        return;
    };
    let own = command.split(" -- ").next().unwrap();
    let (words, flags): (Vec<&str>, Vec<&str>) =
        own.split(' ').partition(|word| word.bytes().all(|b| b.is_ascii_lowercase()));
    let mut help = Command::new(env!("CARGO_BIN_EXE_adjutant"));
    let output = help.args(&words).arg("--help").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !said.contains("<COMMAND>"), "{alert}: {line}");
    for flag in flags.iter().filter(|flag| flag.starts_with("--")) {
        assert!(said.contains(flag), "{alert}: {line}: there is no {flag}");
    }
}
