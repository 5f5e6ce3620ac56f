//! `model.conf`: pinned to the shipped model unless the operator says otherwise, and held to what casbin does not check even
//! then.

use crate::{finding::Findings, matcher};

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
/// The fields of a request, in the order in which they are filled.
const REQUEST: &str = "who, groups, place, cmd, act, ctx";
/// The columns of a row, in the order in which they are filled. Casbin finds the effect by its name, and takes every row for an
/// allow row when there is none.
const POLICY: &str = "group, place, cmd, act, when, eft";

/// Checks the model. `own` is the operator's word that another model than the shipped one is wanted.
pub(crate) fn check(text: &str, own: bool, findings: &mut Findings) {
    if normal(text) == normal(SHIPPED) {
        return;
    }
    if !own {
        let message =
            "this is not the model that ships; put that back, or set the own-model flag and own the risk";
        return findings.error("model-pinned", FILE, (unlike(text), 1), message);
    }
    let definitions = sections(text, findings);
    for (section, key) in SECTIONS {
        let there: Vec<&Definition<'_>> = definitions.iter().filter(|d| d.section == section).collect();
        match there.as_slice() {
            [] => findings.error(
                "model-section",
                FILE,
                (text.lines().count().max(1), 1),
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

/// The first line that says something which the shipped model does not say there.
fn unlike(text: &str) -> usize {
    let mut shipped = normal(SHIPPED).into_iter();
    let differs = |line: &str| normal(line).into_iter().any(|said| shipped.next() != Some(said));
    text.lines().position(differs).unwrap_or_else(|| text.lines().count()) + 1
}

struct Definition<'a> {
    line: usize,
    /// The column of the value.
    column: usize,
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
        } else if let Some((key, value)) = trimmed.split_once('=').filter(|_| !section.is_empty()) {
            let ends = raw.trim_end();
            let column = ends.chars().count() - value.trim_start().chars().count() + 1;
            definitions.push(Definition { line, column, section, key: key.trim(), value: value.trim() });
        } else {
            findings.error(
                "model-section",
                FILE,
                (line, 1),
                "this is neither a section nor a definition in one",
            );
        }
    }
    definitions
}

fn check_value(definition: &Definition<'_>, findings: &mut Findings) {
    let at = (definition.line, definition.column);
    match definition.key {
        "e" if definition.value != EFFECT => {
            findings.error("model-effect", FILE, at, format!("the effect must be exactly `{EFFECT}`"));
        }
        "g" if definition.value != "_, _" => {
            findings.error("model-g", FILE, at, "`g` must be exactly `_, _`");
        }
        "p" if !same(definition.value, POLICY) => {
            findings.error("model-eft", FILE, at, format!("the columns must be `{POLICY}`, the last `eft`"));
        }
        "r" if !same(definition.value, REQUEST) => {
            findings.error("model-section", FILE, at, format!("the fields of `r` must be `{REQUEST}`"));
        }
        "m" => {
            if let Err(wrong) = matcher::check(definition.value) {
                let at = (definition.line, definition.column + wrong.column);
                findings.error(wrong.code, FILE, at, wrong.message);
            }
        }
        _ => {}
    }
}

/// Whether two lists of names are the same but for blanks.
fn same(a: &str, b: &str) -> bool {
    a.split(',').map(str::trim).eq(b.split(',').map(str::trim))
}
