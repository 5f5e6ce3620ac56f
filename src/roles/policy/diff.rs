//! `policy diff`: who gains and who loses what from one policy to another. Exit status 0 nothing changes, 1 something does.

use std::process::ExitCode;

use adjutant_policies::{Change, Diff, Gate, Kind};
use anyhow::Result;
use serde_json::json;

use super::source::{Looked, Source};
use crate::{
    cli::PolicyDiff,
    config::Config,
    output,
    roles::admin::{could_not_run, status, table},
};

/// Marks a change that gives rights on production.
const MARK: &str = "<- production";

pub(super) async fn diff(config: &Config, asked: PolicyDiff) -> Result<ExitCode> {
    let new = asked.new.as_deref().map_or_else(|| Source::files(config), Source::parse);
    let ((old, before), (new, after)) =
        match (open(config, Source::parse(&asked.old)).await, open(config, new).await) {
            (Ok(old), Ok(new)) => (old, new),
            (Err(why), _) | (_, Err(why)) => return Ok(could_not_run(&format!("{why:#}"))),
        };
    let diff = adjutant_policies::diff(&before, &after);
    if asked.json {
        let side = |looked: &Looked| json!({ "name": looked.name, "sha256": looked.files.sha256() });
        let shown = json!({
            "old": side(&old), "new": side(&new), "changes": diff.changes, "members": diff.members,
            "settings": diff.settings, "unguarded": diff.unguarded, "own_model": diff.own_model,
            "production_gains": diff.production_gains().len(),
            "cells": diff.cells, "differ": diff.differ, "cut": diff.cut,
        });
        output::say(&shown.to_string());
    } else {
        output::say(&text(&diff));
    }
    Ok(status(diff.lines().is_empty()))
}

async fn open(config: &Config, source: Source) -> Result<(Looked, Gate)> {
    let looked = source.read(config).await?;
    let gate = looked.gate(config)?;
    Ok((looked, gate))
}

/// A line a change, and how much changes.
fn text(diff: &Diff) -> String {
    let mut lines = Vec::new();
    if !diff.changes.is_empty() {
        let mut shown = table(&["", "group", "command", "right", "when", "place", "row"]);
        for change in &diff.changes {
            shown.add_row(cells(change));
        }
        lines.extend(shown.lines().map(|line| line.trim_end().to_owned()));
    }
    lines.extend(diff.members.iter().map(ToString::to_string));
    lines.extend(diff.settings.iter().map(|entry| format!("set   {entry}  policy.toml")));
    lines.extend(diff.general());
    let verb = if diff.differ == 1 { "changes" } else { "change" };
    lines.push(format!("{} of {} cells {verb}.", grouped(diff.differ), grouped(diff.cells)));
    let gains = diff.production_gains().len();
    if gains > 0 {
        lines.push(format!(
            "Rights on production are gained, or may be ({gains}): a second person must approve."
        ));
    }
    lines.join("\n")
}

fn cells(change: &Change) -> Vec<String> {
    let values = |(key, values): (&String, &Vec<String>)| format!("{key}={}", values.join("|"));
    let context: Vec<String> = change.context.iter().map(values).collect();
    let context = if context.is_empty() { "*".to_owned() } else { context.join(";") };
    let gained = change.production && change.kind == Kind::Gain;
    vec![
        word(change.kind).to_owned(),
        change.group.clone(),
        change.command.clone(),
        change.action.to_owned(),
        context,
        change.places.join(", "),
        if gained { format!("{} {MARK}", change.row) } else { change.row.clone() },
    ]
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Gain => "gain",
        Kind::Lose => "lose",
    }
}

/// `1,152`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let comma = |(at, digit): (usize, char)| {
        let first = at > 0 && (digits.len() - at).is_multiple_of(3);
        first.then_some(',').into_iter().chain([digit]).collect::<String>()
    };
    digits.chars().enumerate().map(comma).collect()
}

#[cfg(test)]
mod tests {
    use adjutant_policies::Member;

    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1_152, 1_000_000].map(grouped), ["0", "999", "1,152", "1,000,000"]);
    }

    #[test]
    fn what_is_no_right_of_one_group_is_told_too() {
        let left = Member {
            kind: Kind::Lose,
            id: "slack:T0ACME/S0CON".to_owned(),
            group: "Contractors".to_owned(),
            production: true,
        };
        let diff = Diff {
            members: vec![left],
            settings: vec!["production.env".to_owned()],
            unguarded: vec!["env=live".to_owned()],
            own_model: true,
            cut: true,
            ..Diff::default()
        };
        insta::assert_snapshot!(text(&diff));
    }
}
