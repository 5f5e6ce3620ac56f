//! Every rule that a finding can name: one line each on what it finds and what to do. SARIF carries them to code review.

use super::Severity::{self, Error, Warning};

/// A rule of the strict loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name, such as `unknown-command`.
    pub code: &'static str,
    /// How bad it usually is.
    pub severity: Severity,
    /// What it finds.
    pub what: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

const fn rule(code: &'static str, severity: Severity, what: &'static str, fix: &'static str) -> Rule {
    Rule { code, severity, what, fix }
}

/// The rule of this name.
pub(super) fn named(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code)
}

/// All rules, in the order in which files are read.
pub const RULES: [Rule; 50] = [
    rule("too-many-findings", Error, "More is wrong than is worth a list.", "Mend what is listed first."),
    rule("not-utf8", Error, "The file is not UTF-8.", "Save the file as UTF-8."),
    rule(
        "hidden-char",
        Error,
        "A character cannot be seen, or line ends are mixed.",
        "Remove the character.",
    ),
    rule(
        "no-final-newline",
        Error,
        "The last line has no end, so the file may be cut off.",
        "End the last line.",
    ),
    rule("quote", Error, "There are quotation marks, which would be taken literally.", "Remove them."),
    rule(
        "inline-comment",
        Error,
        "A comment follows a row on its line.",
        "Give the comment a line of its own.",
    ),
    rule("row-kind", Error, "A row begins with neither `p` nor `g`.", "Begin it with `p,` or `g,`."),
    rule(
        "field-count",
        Error,
        "A row has too few or too many fields.",
        "Give a `p` row 7 fields, a `g` row 3.",
    ),
    rule("empty-field", Error, "A field of a row is empty.", "Fill it; `*` means any."),
    rule("effect", Error, "The effect is neither `allow` nor `deny`.", "Write `allow` or `deny`."),
    rule(
        "unknown-group",
        Error,
        "A row names a group that nothing defines.",
        "Correct it, or lock it in policy.lock.",
    ),
    rule(
        "unknown-command",
        Error,
        "A row names a command that does not exist.",
        "Correct the command's name.",
    ),
    rule(
        "unknown-action",
        Error,
        "The action of a row does not exist.",
        "Write `run`, `view`, `approve` or `*`.",
    ),
    rule("place", Error, "A place is not written as an id.", "Write it like `slack:T0ACME/C0DEPLOY` or `*`."),
    rule(
        "condition",
        Error,
        "A condition is ill-formed or can never hold.",
        "Write `key=value|value` with known words.",
    ),
    rule("duplicate", Warning, "A row stands twice in the file.", "Delete one of the two."),
    rule("shadowed", Warning, "A deny row always beats this allow row.", "Delete one of the two rows."),
    rule("mixed-script", Warning, "A name mixes scripts and may be a look-alike.", "Type the name anew."),
    rule(
        "empty-policy",
        Error,
        "There is no `p` row, so all would be refused.",
        "Write at least one `p` row.",
    ),
    rule("too-many-rows", Error, "There are more rows than are allowed.", "Use wildcards, or fewer rows."),
    rule("role-cycle", Error, "A group would be above itself.", "Delete one of the `g` rows of the circle."),
    rule(
        "role-reserved",
        Error,
        "A `g` row puts a reserved group into another, or another into it.",
        "Name the groups that are meant; reserved ones follow from the platform.",
    ),
    rule("role-depth", Error, "Groups lie too deep in one another.", "Link the groups with fewer steps."),
    rule(
        "lock-field-count",
        Error,
        "A line of policy.lock has not three fields.",
        "Write id, policy name, chat name.",
    ),
    rule(
        "lock-id",
        Error,
        "An id in policy.lock is ill-formed.",
        "Write platform:tenant/group, or svc:name.",
    ),
    rule(
        "lock-untrusted",
        Error,
        "An id belongs to a home that is not trusted.",
        "Trust the home, or delete the line.",
    ),
    rule("lock-reserved", Error, "A chat group stands for a reserved name.", "Choose another policy name."),
    rule(
        "lock-name",
        Error,
        "A policy name holds signs that belong to ids.",
        "Use a name without `:` and `/`.",
    ),
    rule("lock-twice", Error, "An id stands for two names.", "Delete one of the lines."),
    rule("lock-unused", Warning, "No row names the group of this line.", "Delete the line, or write a row."),
    rule(
        "model-pinned",
        Error,
        "model.conf is not the model that ships.",
        "Restore it, or set policy.own_model.",
    ),
    rule("model-section", Error, "A section is missing, unknown or ill-formed.", "Keep the five sections."),
    rule("model-twice", Error, "Something is defined twice.", "Delete one of the definitions."),
    rule(
        "model-effect",
        Error,
        "The effect is not the one that deny rows need.",
        "Restore the shipped effect.",
    ),
    rule("model-eft", Error, "The last column of `p` is not `eft`.", "Name the last column `eft`."),
    rule("model-g", Error, "`g` is not `_, _`.", "Write `g = _, _`."),
    rule("model-or", Error, "`||` stands outside parentheses.", "Put parentheses round it."),
    rule(
        "model-group",
        Error,
        "The matcher does not ask whether the caller is in the row's group.",
        "Begin it with `p.group in r.groups &&`, as the shipped one does.",
    ),
    rule(
        "model-function",
        Error,
        "The matcher uses what it must not.",
        "Use only what the shipped matcher uses.",
    ),
    rule("model-engine", Error, "Casbin does not take the model.", "Restore the shipped model."),
    rule("probe", Error, "A row does not do what it says when it is tried.", "Correct the row or the model."),
    rule("canary", Error, "A caller without rights was let in.", "Restore the shipped model."),
    rule("settings-form", Error, "policy.toml is not well-formed.", "Correct it where the finding points."),
    rule("settings-key", Error, "policy.toml names a key that does not exist.", "Correct the key."),
    rule(
        "settings-timezone",
        Error,
        "The time zone does not exist.",
        "Name an IANA zone such as Europe/Berlin.",
    ),
    rule("settings-window", Error, "A window is ill-formed.", "Write it like `Mon-Fri 09:00-17:00`."),
    rule(
        "settings-group",
        Error,
        "A contact is for a group that nothing defines.",
        "Correct the group's name.",
    ),
    rule("window-overlap", Warning, "Two windows overlap; the first one counts.", "Set them apart."),
    rule(
        "test-form",
        Error,
        "A line of policy.test is ill-formed.",
        "Write six or seven fields as documented.",
    ),
    rule(
        "test-failed",
        Error,
        "The policy does not say what a test expects.",
        "Correct the row or the test.",
    ),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// The code of each finding that the source of a folder makes.
    fn used(folder: &Path, codes: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used(&path, codes);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for call in [".error(", ".warn(", ".known_later(", "Err((", "code:"] {
                let calls = text.split(call).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
                let codes_of = calls.filter_map(|rest| rest.split('"').next());
                codes.extend(codes_of.filter(|code| !code.is_empty()).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_code_that_is_used_has_its_rule_and_no_rule_stands_twice() {
        let mut codes = BTreeSet::new();
        used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
        codes.remove(",");
        let codes: Vec<String> = codes
            .into_iter()
            .filter(|code| code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
            .collect();
        assert!(codes.len() > 35, "{codes:?}");
        let without: Vec<&String> = codes.iter().filter(|code| named(code).is_none()).collect();
        assert!(without.is_empty(), "no rule for {without:?}");
        let once: BTreeSet<&str> = RULES.iter().map(|rule| rule.code).collect();
        assert_eq!(once.len(), RULES.len());
    }
}
