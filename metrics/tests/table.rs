//! The documented table is that of the code, and the registry holds to it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::Path,
    time::Duration,
};

use adjutant_metrics::{
    Kind, Label, MOST_VALUES, Name, OTHER, Part, Values, api, bus, gateway, policy, program, worker,
};

const INTRO: &str = include_str!("intro.md");

fn labels(labels: &[Label]) -> String {
    let names: Vec<String> = labels.iter().map(|label| format!("`{}`", label.as_str())).collect();
    names.join(", ")
}

fn bounds(kind: Kind) -> String {
    match kind {
        Kind::Histogram(bounds) => {
            let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
            format!("; bounds {}", bounds.join(", "))
        }
        Kind::Counter | Kind::Gauge => String::new(),
    }
}

fn page() -> String {
    let mut page = INTRO.to_owned();
    for part in Part::ALL {
        write!(
            page,
            "\n## {}\n\n| Metric | Kind | Labels | What it tells |\n|---|---|---|---|\n",
            part.as_str()
        )
        .unwrap();
        for described in Name::ALL.iter().map(|name| name.describe()).filter(|one| one.part == part) {
            let (name, kind, help) = (described.name, described.kind, described.help);
            let (labels, bounds) = (labels(described.labels), bounds(kind));
            writeln!(page, "| `{name}` | {} | {labels} | {help}{bounds} |", kind.as_str()).unwrap();
        }
    }
    page.push_str("\n## Labels\n\n| Label | Values |\n|---|---|\n");
    for label in Label::ALL {
        let values = match label.values() {
            Values::Fixed(values) => {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                values.join(", ")
            }
            Values::Configured(what) => format!("{what}; at most {MOST_VALUES}"),
        };
        writeln!(page, "| `{}` | {values} |", label.as_str()).unwrap();
    }
    page
}

#[test]
fn the_documented_table_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let page = page();
    if std::env::var_os("ADJUTANT_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "docs/metrics.md differs; run the tests with ADJUTANT_BLESS=1 and look at the change"
    );
}

#[test]
fn names_have_base_units_and_the_endings_of_their_kind() {
    let mut names = BTreeSet::new();
    for described in Name::ALL.iter().map(|name| name.describe()) {
        let name = described.name;
        assert!(names.insert(name), "{name} is there twice");
        assert!(
            name.starts_with("adjutant_") && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{name}"
        );
        assert_eq!(name.ends_with("_total"), described.kind == Kind::Counter, "{name}");
        for unit in ["milliseconds", "_ms", "minutes", "kilobytes", "percent"] {
            assert!(!name.contains(unit), "{name}");
        }
        assert!(!described.help.contains('|') && !described.help.ends_with('.'), "{name}");
        if let Kind::Histogram(bounds) = described.kind {
            assert!(name.ends_with("_seconds") && bounds.is_sorted(), "{name}");
        }
        for label in described.labels {
            assert!(Label::ALL.contains(label), "{name}: {label:?}");
        }
    }
}

/// The series of the text: name as written, labels as written, value.
fn series() -> BTreeMap<String, f64> {
    let text = adjutant_metrics::text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(key, value)| (key.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn what_is_told_is_in_the_text_and_what_is_not_bounded_is_other() {
    program::started("worker", "1.2.3");
    program::fault(program::Where::Panic);
    bus::connection("worker");
    bus::disconnected("worker");
    bus::reconnected("worker");
    bus::complaint("worker", "Permissions Violation for Publish to \"adjutant.v1.cmd\"");
    bus::complaint("worker", "maximum payload violation");
    bus::connection("somebody");
    policy::begun();
    policy::in_force(7, "00000010abcdef");
    policy::confirmed();
    worker::begun(16);
    let slot = worker::Slot::taken();
    worker::refused("carrier-pigeon", "unknown_command");
    let held = bus::Held::begin("discord.shard.1.0-1");
    let stranger = bus::Held::begin("discord.shards");
    let ear = gateway::Ear::begin("slack");
    ear.sockets(1, 2);
    ear.heard();
    gateway::waited("slack", Duration::from_micros(10));
    gateway::waited("slack", Duration::from_secs(2));
    let copying = api::Copying::begin();
    copying.behind(3);
    let there = series();
    for (key, value) in [
        ("adjutant_build_info{role=\"worker\",version=\"1.2.3\"}", 1.0),
        ("adjutant_faults_total{where=\"panic\"}", 1.0),
        ("adjutant_faults_total{where=\"role\"}", 0.0),
        ("adjutant_bus_connected{connection=\"worker\"}", 1.0),
        ("adjutant_bus_connected{connection=\"other\"}", 1.0),
        ("adjutant_bus_reconnects_total{connection=\"worker\"}", 1.0),
        ("adjutant_bus_errors_total{connection=\"worker\",error=\"permission_violation\"}", 1.0),
        ("adjutant_bus_errors_total{connection=\"worker\",error=\"other\"}", 1.0),
        ("adjutant_dead_letters_total{queue=\"commands\"}", 0.0),
        ("adjutant_policy_version", 7.0),
        ("adjutant_policy_digest", 16.0),
        ("adjutant_worker_slots", 16.0),
        ("adjutant_worker_slots_used", 1.0),
        ("adjutant_refusals_total{code=\"unknown_command\",platform=\"other\"}", 1.0),
        ("adjutant_refusals_total{code=\"paused\",platform=\"slack\"}", 0.0),
        ("adjutant_leases_held{lease=\"discord.shard\"}", 1.0),
        ("adjutant_leases_held{lease=\"other\"}", 1.0),
        ("adjutant_gateway_sockets_open{platform=\"slack\"}", 1.0),
        ("adjutant_gateway_sockets_wanted{platform=\"slack\"}", 2.0),
        ("adjutant_gateway_frames_total{platform=\"slack\"}", 1.0),
        ("adjutant_rate_limit_waits_total{platform=\"slack\"}", 1.0),
        ("adjutant_rate_limit_wait_seconds_total{platform=\"slack\"}", 2.0),
        ("adjutant_audit_lag_events", 3.0),
    ] {
        assert_eq!(there.get(key), Some(&value), "{key} in {there:#?}");
    }
    for age in [
        "adjutant_policy_confirmed_age_seconds",
        "adjutant_gateway_last_frame_age_seconds{platform=\"slack\"}",
        "adjutant_audit_confirmed_age_seconds",
    ] {
        assert!(there[age] < 60.0, "{age}");
    }
    drop((slot, held, stranger, copying));
    ear.sockets(0, 0);
    let there = series();
    assert_eq!(there["adjutant_worker_slots_used"], 0.0);
    assert_eq!(there["adjutant_leases_held{lease=\"discord.shard\"}"], 0.0);
    // What another replica tells now is not told here.
    for gone in [
        "adjutant_audit_lag_events",
        "adjutant_audit_confirmed_age_seconds",
        "adjutant_gateway_last_frame_age_seconds",
    ] {
        assert!(!there.keys().any(|key| key.starts_with(gone)), "{gone}");
    }
}

#[test]
fn a_flood_of_configured_values_ends_as_other() {
    for n in 0..10 * MOST_VALUES {
        worker::ended(Some(&format!("made.up.{n}")), "succeeded");
    }
    let there = series();
    let commands: Vec<&String> = there
        .keys()
        .filter(|key| key.starts_with("adjutant_commands_total") && key.contains("succeeded"))
        .collect();
    assert_eq!(commands.len(), MOST_VALUES + 1);
    let rest = format!("adjutant_commands_total{{command=\"{OTHER}\",outcome=\"succeeded\"}}");
    assert!(there[&rest] >= (9 * MOST_VALUES) as f64, "{}", there[&rest]);
}
