//! The answer of `policy why`, in columns that fit a terminal, and as JSON.

use std::{collections::BTreeMap, fmt::Write};

use adjutant_bus::spec::Action;
use adjutant_policies::{Dimension, Explanation};
use anstyle::{AnsiColor, Color, Effects, Style};
use anyhow::Result;
use serde_json::{Value, json};

const ALLOWED: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Green))).effects(Effects::BOLD);
const REFUSED: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Red))).effects(Effects::BOLD);
/// Columns of a terminal.
const WIDTH: usize = 80;
/// Where the second column begins.
const INDENT: usize = 10;

/// What was asked and what policy says.
pub(super) struct Told {
    pub(super) policy: String,
    pub(super) who: Option<String>,
    pub(super) command: String,
    pub(super) action: Action,
    pub(super) place: String,
    /// After closure, with the chat groups that they come from.
    pub(super) groups: Vec<String>,
    pub(super) context: BTreeMap<String, String>,
    pub(super) explanation: Explanation,
}

impl Told {
    pub(super) fn json(&self) -> Value {
        json!({
            "allowed": self.explanation.allowed, "policy": self.policy, "who": self.who, "command": self.command,
            "action": self.action, "place": self.place, "groups": self.groups, "context": self.context,
            "row": self.explanation.row, "denial": self.explanation.denial, "nearest": self.explanation.nearest,
        })
    }

    pub(super) fn text(&self) -> Result<String> {
        let (style, verdict) =
            if self.explanation.allowed { (ALLOWED, "ALLOWED") } else { (REFUSED, "REFUSED") };
        let mut text = String::new();
        let asked = format!("{}, {}", self.command, self.action.as_str());
        writeln!(text, "{style}{verdict}{style:#}   {asked:<26}  policy {}", self.policy)?;
        if let Some(who) = &self.who {
            line(&mut text, "who", who)?;
        }
        let groups = if self.groups.is_empty() { "none".to_owned() } else { self.groups.join(", ") };
        line(&mut text, "groups", &groups)?;
        let context: Vec<String> = self.context.iter().map(|(key, value)| format!("{key}={value}")).collect();
        line(&mut text, "place", &self.place)?;
        if !context.is_empty() {
            line(&mut text, "context", &context.join(";"))?;
        }
        line(&mut text, "decided", &self.decided())?;
        for (at, miss) in self.explanation.nearest.iter().enumerate() {
            let parts: Vec<&str> = miss.missed.iter().map(|part| word(*part)).collect();
            let missed = format!("{}  {}  {}", miss.row, parts.join(", "), miss.told());
            line(&mut text, if at == 0 { "nearest" } else { "" }, &missed)?;
        }
        Ok(text)
    }

    fn decided(&self) -> String {
        let by = |verb: &str, row: &str| format!("{verb} by {row}");
        match (&self.explanation.row, self.explanation.allowed) {
            (Some(row), true) => by("allowed", row),
            (Some(row), false) => by("refused", row),
            (None, _) => match self.explanation.denial.as_ref().map(|denial| denial.dimension) {
                Some(Dimension::Command) => "no row is about this command".to_owned(),
                _ => "no row allows it".to_owned(),
            },
        }
    }
}

/// A label and its text, wrapped at blanks.
fn line(text: &mut String, label: &str, words: &str) -> Result<()> {
    let mut at = INDENT;
    write!(text, "{label:<INDENT$}")?;
    for (index, word) in words.split(' ').enumerate() {
        let long = word.chars().count();
        if index > 0 && at + 1 + long > WIDTH && !word.is_empty() {
            write!(text, "\n{:INDENT$}", "")?;
            at = INDENT;
        } else if index > 0 {
            text.push(' ');
            at += 1;
        }
        text.push_str(word);
        at += long;
    }
    text.push('\n');
    Ok(())
}

const fn word(part: Dimension) -> &'static str {
    match part {
        Dimension::Command => "command",
        Dimension::Group => "group",
        Dimension::Action => "action",
        Dimension::Place => "place",
        Dimension::When => "when",
        Dimension::DenyRow => "deny-row",
        Dimension::Engine => "engine",
    }
}
