//! What `docs/traces.md` says of spans and attributes is what there is.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

use std::path::Path;

use adjutant_traces::{KEYS, Name};

#[test]
fn every_span_and_every_attribute_is_in_the_documented_tables() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/traces.md");
    let document = std::fs::read_to_string(document).unwrap();
    let spans: String = Name::ALL
        .iter()
        .map(|name| format!("| `{}` | {} | {} |\n", name.as_str(), name.kind().as_str(), name.tells()))
        .collect();
    let attributes: String = KEYS.iter().map(|(key, tells)| format!("| `{key}` | {tells} |\n")).collect();
    for table in [spans, attributes] {
        assert!(document.contains(&format!("|---|\n{table}\n")), "docs/traces.md needs this table:\n{table}");
    }
}
