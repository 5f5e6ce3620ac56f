//! `model.conf`: pinned to the shipped model unless the operator says otherwise, and held to what casbin does not check even
//! then.

use crate::finding::Findings;

/// Name of the file.
pub(crate) const FILE: &str = "model.conf";
/// The model that ships.
pub(crate) const SHIPPED: &str = include_str!("../model.conf");
/// The one effect under which a deny row beats every allow row. Casbin compares it byte for byte, and panics on others.
const EFFECT: &str = "some(where (p.eft == allow)) && !some(where (p.eft == deny))";
/// Sections with the one definition that each has.
const SECTIONS: [(&str, &str); 5] = [
    ("request_definition", "r"),
    ("policy_definition", "p"),
    ("role_definition", "g"),
    ("policy_effect", "e"),
    ("matchers", "m"),
];
/// The functions and words that a matcher may use.
const WORDS: [&str; 4] = ["cmdMatch", "placeMatch", "whenMatch", "in"];

/// Checks the model. `own` is the operator's word that another model than the shipped one is wanted.
pub(crate) fn check(text: &str, own: bool, findings: &mut Findings) {
    if normal(text) == normal(SHIPPED) {
        return;
    }
    if !own {
        let message =
            "this is not the model that ships; put that back, or set the own-model flag and own the risk";
        return findings.error("model-pinned", FILE, (0, 0), message);
    }
    let definitions = sections(text, findings);
    for (section, key) in SECTIONS {
        let there: Vec<&Definition<'_>> = definitions.iter().filter(|d| d.section == section).collect();
        match there.as_slice() {
            [] => findings.error(
                "model-section",
                FILE,
                (0, 0),
                format!("the section [{section}] has no definition"),
            ),
            [only] if only.key == key => check_value(only, findings),
            [only] => {
                let message = format!("[{section}] defines `{key}`, not `{}`", only.key);
                findings.error("model-section", FILE, (only.line, 1), message);
            }
            [_, second, ..] => {
                let message = format!("[{section}] defines `{key}` once");
                findings.error("model-twice", FILE, (second.line, 1), message);
            }
        }
    }
}

/// The model as casbin gets it. Casbin compares the effect byte for byte, so of two that mean the same it gets the shipped one.
pub(crate) fn in_force(text: &str) -> &str {
    if normal(text) == normal(SHIPPED) { SHIPPED } else { text }
}

/// Without comments, empty lines and runs of blanks.
fn normal(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

struct Definition<'a> {
    line: usize,
    section: &'a str,
    key: &'a str,
    value: &'a str,
}

fn sections<'a>(text: &'a str, findings: &mut Findings) -> Vec<Definition<'a>> {
    let mut section = "";
    let mut seen = Vec::new();
    let mut definitions = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let (line, trimmed) = (index + 1, raw.trim());
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            if !SECTIONS.iter().any(|(known, _)| *known == name) {
                findings.error("model-section", FILE, (line, 1), format!("there is no section [{name}]"));
            } else if seen.contains(&name) {
                findings.error(
                    "model-twice",
                    FILE,
                    (line, 1),
                    format!("the section [{name}] is there twice"),
                );
            }
            seen.push(name);
            section = name;
        } else if trimmed.contains(['#', '\\']) {
            let message =
                "no comment and no continuation on a line that defines something: casbin cuts it there";
            findings.error("model-section", FILE, (line, 1), message);
        } else if let Some((key, value)) = trimmed.split_once('=') {
            definitions.push(Definition { line, section, key: key.trim(), value: value.trim() });
        } else {
            findings.error("model-section", FILE, (line, 1), "this is neither a section nor a definition");
        }
    }
    definitions
}

fn check_value(definition: &Definition<'_>, findings: &mut Findings) {
    let at = (definition.line, 1);
    match definition.key {
        "e" if definition.value != EFFECT => {
            findings.error("model-effect", FILE, at, format!("the effect must be exactly `{EFFECT}`"));
        }
        "g" if definition.value != "_, _" => {
            findings.error("model-g", FILE, at, "`g` must be exactly `_, _`")
        }
        "p" => {
            let columns: Vec<&str> = definition.value.split(',').map(str::trim).collect();
            if columns.last() != Some(&"eft") || columns.len() != 6 {
                findings.error(
                    "model-eft",
                    FILE,
                    at,
                    "`p` must have six columns, of which the last is `eft`",
                );
            }
        }
        "r" if definition.value.split(',').count() != 6 => {
            findings.error("model-section", FILE, at, "`r` must have the six fields of the shipped model");
        }
        "m" => check_matcher(definition.value, at, findings),
        _ => {}
    }
}

fn check_matcher(matcher: &str, at: (usize, usize), findings: &mut Findings) {
    let mut depth = 0_i32;
    let mut before = ' ';
    for c in matcher.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '|' if before == '|' && depth <= 0 => {
                findings.error(
                    "model-or",
                    FILE,
                    at,
                    "`||` stands only inside parentheses: outside it opens everything",
                );
            }
            _ => {}
        }
        before = c;
    }
    let literals: Vec<&str> = matcher.split('"').skip(1).step_by(2).collect();
    if literals.iter().any(|literal| *literal != "*") || matcher.contains(['\'', '`']) {
        findings.error("model-function", FILE, at, "the only literal that a matcher may contain is \"*\"");
    }
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let outside: String = matcher.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    for name in outside.split(|c| !word(c)).filter(|name| !name.is_empty()) {
        let field = name.strip_prefix("r.").or_else(|| name.strip_prefix("p."));
        if !WORDS.contains(&name) && field.is_none_or(str::is_empty) {
            findings.error("model-function", FILE, at, format!("a matcher may not use `{name}`"));
        }
    }
    let signs = outside.replace("&&", " ").replace("||", " ").replace("==", " ").replace("!=", " ");
    if let Some(sign) = signs.chars().find(|c| !word(*c) && !matches!(c, ' ' | '(' | ')' | ',')) {
        findings.error("model-function", FILE, at, format!("a matcher may not use `{sign}`"));
    }
}
