//! Findings as SARIF 2.1.0, which code review shows at the line.

use serde_json::{Map, Value, json};

use super::{Finding, Findings, RULES, Rule, Severity};

impl Findings {
    /// A SARIF 2.1.0 log of one run. `folder` is where the files are, from the top of the repository; empty: beside it.
    #[must_use]
    pub fn sarif(&self, folder: &str, version: &str) -> Value {
        let results: Vec<Value> = self.findings.iter().map(|finding| result(finding, folder)).collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "adjutant policy check",
                    "semanticVersion": version,
                    "rules": RULES.iter().map(described).collect::<Vec<_>>(),
                } },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        })
    }
}

fn described(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "name": pascal_case(rule.code),
        "shortDescription": { "text": rule.what },
        "help": { "text": rule.fix },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(finding: &Finding, folder: &str) -> Value {
    let mut place = Map::new();
    place.insert("artifactLocation".to_owned(), json!({ "uri": uri(folder, &finding.file) }));
    // SARIF counts from 1, and leaves out what is not known.
    if finding.line > 0 {
        let mut region = Map::from_iter([("startLine".to_owned(), finding.line.into())]);
        if finding.column > 0 {
            region.insert("startColumn".to_owned(), finding.column.into());
        }
        place.insert("region".to_owned(), region.into());
    }
    json!({
        "ruleId": finding.code,
        // -1 is SARIF's word for a rule that is not in the list.
        "ruleIndex": RULES.iter().position(|rule| rule.code == finding.code).map_or(json!(-1), Value::from),
        "level": level(finding.severity),
        "message": { "text": finding.message },
        "locations": [{ "physicalLocation": place }],
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// `unknown-command` becomes `UnknownCommand`.
fn pascal_case(code: &str) -> String {
    let capital = |word: &str| {
        let mut signs = word.chars();
        signs.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(signs).collect::<String>()
    };
    code.split('-').map(capital).collect()
}

/// A relative reference (RFC 3986) for a path; a URI where it is an absolute one.
fn uri(folder: &str, file: &str) -> String {
    let plain = folder.trim_start_matches("./").trim_end_matches('/');
    let path = if plain.is_empty() { file.to_owned() } else { format!("{plain}/{file}") };
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let escaped: String = path
        .bytes()
        .map(|byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    if escaped.starts_with('/') { format!("file://{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_points_at_its_place_and_its_rule() {
        let mut findings = Findings::default();
        findings.error("unknown-command", "policy.csv", (6, 45), "`deploy.promot` names no command");
        findings.warn("lock-unused", "policy.lock", (3, 0), "no row names `QA`");
        findings.error("empty-policy", "policy.csv", (0, 0), "there is no `p` row");
        let sarif = findings.sarif("./my policies/", "1.2.3");
        let run = &sarif["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
        insta::assert_json_snapshot!(run["results"]);
        insta::assert_json_snapshot!(rules[0]);
        assert_eq!((&sarif["version"], rules.len()), (&"2.1.0".into(), RULES.len()));
    }

    #[test]
    fn a_path_is_a_relative_reference_unless_it_is_absolute() {
        assert_eq!(uri("", "policy.csv"), "policy.csv");
        assert_eq!(uri("policies", "policy.csv"), "policies/policy.csv");
        assert_eq!(uri("/srv/a b", "policy.csv"), "file:///srv/a%20b/policy.csv");
    }
}
