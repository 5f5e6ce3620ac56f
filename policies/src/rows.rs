//! `policy.csv`: rows of two kinds, read strictly.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use crate::{
    closure::Link,
    finding::{Findings, did_you_mean, is_mistyped},
    load::Purpose,
    lock::Lock,
    matching::cmd_match,
    text::{self, Line},
    vocabulary::{NOBODY, NONE, RESERVED, Vocabulary, is_platform},
};

/// Name of the file.
pub(crate) const FILE: &str = "policy.csv";
/// What a row's action may be.
const ACTIONS: [&str; 4] = ["run", "approve", "view", "*"];

/// A `p` row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) group: String,
    pub(crate) place: String,
    pub(crate) command: String,
    pub(crate) action: String,
    pub(crate) when: String,
    pub(crate) allow: bool,
}

impl Row {
    /// `policy.csv:6`.
    pub(crate) fn name(&self) -> String {
        format!("{FILE}:{}", self.line)
    }

    /// The six values, as the model defines them.
    pub(crate) fn values(&self) -> Vec<String> {
        let effect = if self.allow { "allow" } else { "deny" };
        [&self.group, &self.place, &self.command, &self.action, &self.when, effect]
            .map(str::to_owned)
            .to_vec()
    }

    /// The parts of the condition.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.when.split(';').filter_map(|part| part.split_once('='))
    }
}

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    pub(crate) links: Vec<Link>,
    /// The first line of each row, by what it says.
    lines: HashMap<Vec<String>, usize>,
}

/// What a row is judged by.
pub(crate) struct Judge<'a> {
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) lock: &'a Lock,
    pub(crate) purpose: Purpose,
    pub(crate) findings: &'a mut Findings,
}

impl Rows {
    /// Reads the file, as far as `most` rows of a kind; what is wrong is reported.
    pub(crate) fn read(file_text: &str, most: usize, judge: &mut Judge<'_>) -> Self {
        let mut rows = Self::default();
        for line in text::lines(FILE, file_text, None, judge.findings) {
            rows.add(&line, judge);
            if rows.rows.len().max(rows.links.len()) > most {
                let message = format!("there are too many rows; {most} of a kind is the most");
                judge.findings.error("too-many-rows", FILE, (line.number, 1), message);
                break;
            }
        }
        if rows.rows.is_empty() {
            judge.findings.error(
                "empty-policy",
                FILE,
                (0, 0),
                "there is no `p` row, so everybody would be refused everything",
            );
        }
        rows
    }

    fn add(&mut self, line: &Line, judge: &mut Judge<'_>) {
        let wanted = match line.fields.first().map(|(kind, at)| (kind.as_str(), *at)) {
            Some(("p", _)) => 7,
            Some(("g", _)) => 3,
            Some((kind, at)) => {
                let message = format!("a row begins with `p,` or `g,`, not with `{}`", shown(kind));
                return judge.findings.error("row-kind", FILE, (line.number, at), message);
            }
            None => return,
        };
        if line.fields.len() != wanted {
            let message = format!("{wanted} fields are needed, {} are here", line.fields.len());
            return judge.findings.error("field-count", FILE, (line.number, line.at(wanted)), message);
        }
        if let Some((_, at)) = line.fields.iter().find(|(field, _)| field.is_empty()) {
            return judge.findings.error(
                "empty-field",
                FILE,
                (line.number, *at),
                "this field is empty; `*` means any",
            );
        }
        match line.fields.as_slice() {
            [_, member, above] => self.add_link(line.number, member, above, judge),
            [_, group, place, command, action, when, effect] => {
                self.add_row(line.number, [group, place, command, action, when, effect], judge);
            }
            _ => {}
        }
    }

    fn add_link(
        &mut self,
        line: usize,
        member: &(String, usize),
        above: &(String, usize),
        judge: &mut Judge<'_>,
    ) {
        judge.link(line, member);
        judge.link(line, above);
        self.links.push(Link { line, member: member.0.clone(), above: above.0.clone() });
    }

    fn add_row(&mut self, line: usize, fields: [&(String, usize); 6], judge: &mut Judge<'_>) {
        let [group, place, command, action, when, effect] = fields;
        judge.group(line, group);
        judge.place(line, place);
        judge.command(line, command);
        judge.action(line, action);
        judge.when(line, when, &command.0);
        if !["allow", "deny"].contains(&effect.0.as_str()) {
            let message = format!("the effect is `allow` or `deny`, not `{}`", shown(&effect.0));
            return judge.findings.error("effect", FILE, (line, effect.1), message);
        }
        let row = Row {
            line,
            group: group.0.clone(),
            place: place.0.clone(),
            command: command.0.clone(),
            action: action.0.clone(),
            when: when.0.clone(),
            allow: effect.0 == "allow",
        };
        match self.lines.entry(row.values()) {
            Entry::Occupied(first) => {
                judge.findings.warn(
                    "duplicate",
                    FILE,
                    (line, 1),
                    format!("same row as line {}", first.get()),
                );
            }
            Entry::Vacant(first) => drop(first.insert(line)),
        }
        self.rows.push(row);
    }

    /// Every group that a row names.
    pub(crate) fn groups(&self) -> BTreeSet<&str> {
        let rows = self.rows.iter().map(|row| row.group.as_str());
        rows.chain(self.links.iter().flat_map(|link| [link.member.as_str(), link.above.as_str()])).collect()
    }
}

impl Judge<'_> {
    fn error(&mut self, code: &'static str, line: usize, at: usize, message: String) {
        self.findings.error(code, FILE, (line, at), message);
    }

    /// What only a missing service could make true. Where files are put in force it is a warning, for a policy does not fall
    /// because a service is away; but not if it is a known word with a typing mistake, for then a rule would be silently dead.
    fn known_later<'b>(
        &mut self,
        code: &'static str,
        at: (usize, usize),
        message: String,
        word: &str,
        known: impl Iterator<Item = &'b str> + Clone,
    ) {
        let told = format!("{message}{}", did_you_mean(word, known.clone()));
        if self.purpose == Purpose::Activate && !is_mistyped(word, known) {
            self.findings.warn(code, FILE, at, told);
        } else {
            self.findings.error(code, FILE, at, told);
        }
    }

    fn group(&mut self, line: usize, (group, at): &(String, usize)) {
        let names = self.lock.policy_names();
        if RESERVED.contains(&group.as_str()) || names.contains(group.as_str()) {
            return;
        }
        let hint = if group == NOBODY {
            "; did you mean `everyone`?".to_owned()
        } else {
            did_you_mean(group, names.iter().map(String::as_str).chain(RESERVED))
        };
        self.error("unknown-group", line, *at, format!("no group `{}`{hint}", shown(group)));
    }

    /// A group of a `g` row. What the platform says of a user, and what a key is, goes with no other group.
    fn link(&mut self, line: usize, group: &(String, usize)) {
        self.group(line, group);
        if RESERVED.contains(&group.0.as_str()) || group.0.starts_with("svc:") {
            let message = format!("`{}` stands alone: it is in no group, and no group is in it", group.0);
            self.error("role-reserved", line, group.1, message);
        }
    }

    fn command(&mut self, line: usize, (command, at): &(String, usize)) {
        if command == "*" || self.vocabulary.knows_command(command) {
            return;
        }
        let stem = command.strip_suffix(".*").unwrap_or(command);
        let grammar = !stem.is_empty()
            && stem.split('.').all(|word| {
                word.starts_with(|c: char| c.is_ascii_lowercase())
                    && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            });
        let known = self.vocabulary.commands.iter().map(String::as_str);
        let message = format!("`{}` names no command", shown(command));
        if grammar {
            self.known_later("unknown-command", (line, *at), message, command, known);
        } else {
            self.error("unknown-command", line, *at, format!("{message}{}", did_you_mean(command, known)));
        }
    }

    fn action(&mut self, line: usize, (action, at): &(String, usize)) {
        if !ACTIONS.contains(&action.as_str()) {
            let hint = did_you_mean(action, ACTIONS);
            let message =
                format!("the action is `run`, `approve`, `view` or `*`, not `{}`{hint}", shown(action));
            self.error("unknown-action", line, *at, message);
        }
    }

    fn place(&mut self, line: usize, (place, at): &(String, usize)) {
        if place == "*" {
            return;
        }
        let named = |text: &str| !text.is_empty() && !text.contains(['*', ' ', ':', '/']);
        let good = place.split_once(':').is_some_and(|(platform, rest)| {
            is_platform(platform)
                && (rest == "*"
                    || rest
                        .split_once('/')
                        .is_some_and(|(tenant, channel)| named(tenant) && (channel == "*" || named(channel))))
        });
        if !good {
            let message = format!(
                "`{}` is no place; it is `*`, `slack:*`, `slack:T0ACME/*` or `slack:T0ACME/C0DEPLOY`, by ids",
                shown(place)
            );
            self.error("place", line, *at, message);
        }
    }

    fn when(&mut self, line: usize, (when, at): &(String, usize), command: &str) {
        if when == "*" {
            return;
        }
        let mut keys = BTreeSet::new();
        for part in when.split(';') {
            let Some((key, values)) = part.split_once('=') else {
                let message =
                    format!("`{}` is no condition; it is `key=value` or `key=value|value`", shown(part));
                return self.error("condition", line, *at, message);
            };
            let values: Vec<&str> = values.split('|').collect();
            let odd = |text: &str| text.is_empty() || text.contains(['*', ' ', '=', '\u{fe0e}', '\u{fe0f}']);
            if odd(key) || values.iter().any(|value| odd(value)) {
                let message = format!("`{}` is no condition: no blanks, no `*`, nothing empty", shown(part));
                return self.error("condition", line, *at, message);
            }
            if !keys.insert(key) {
                let message =
                    format!("`{}` is there twice, which never holds; join its values by `|`", shown(key));
                return self.error("condition", line, *at, message);
            }
            self.known((line, *at), command, key, &values);
        }
    }

    fn known(&mut self, (line, at): (usize, usize), command: &str, key: &str, values: &[&str]) {
        let Some(possible) = self.vocabulary.context.get(key) else {
            let known = self.vocabulary.context.keys().map(String::as_str);
            let message = format!("no command declares the key `{}`", shown(key));
            return self.known_later("condition", (line, at), message, key, known);
        };
        for value in
            values.iter().filter(|value| !possible.is_empty() && !possible.iter().any(|p| p == *value))
        {
            let message = format!("`{key}` is never `{}`", shown(value));
            self.known_later("condition", (line, at), message, value, possible.iter().map(String::as_str));
        }
        let about = |name: &&String| cmd_match(name, command);
        let mut covered = self.vocabulary.commands.iter().filter(about).peekable();
        let bound = covered.peek().is_none() || covered.any(|name| self.vocabulary.binds(name, key));
        if !bound && !values.contains(&NONE) {
            let message =
                format!("`{}` never has the key `{}`, so this row never applies", shown(command), shown(key));
            self.known_later("condition", (line, at), message, key, std::iter::empty());
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
