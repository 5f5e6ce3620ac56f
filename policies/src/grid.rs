//! Who may do what, as a table: groups by commands, actions and values of the first context key. Made to be checked in, so that
//! a change of rights is a changed cell in review.

use std::collections::BTreeMap;

use adjutant_bus::spec::Action;

use crate::gate::{Ask, Caller, Gate};

/// A command with the action that it needs, and the context values under which it is asked; the others are as usual.
pub type Column = (String, Action, Vec<BTreeMap<String, String>>);

/// The table as Markdown: one row per command and context, one column per set of groups.
#[must_use]
pub fn grid(gate: &Gate, callers: &[&str], place: &str, commands: &[Column]) -> String {
    let mut table = format!("| command | action | context | {} |\n", callers.join(" | "));
    table.push_str(&format!("|---|---|---|{}\n", "---|".repeat(callers.len())));
    for (command, action, contexts) in commands {
        for context in contexts {
            let cells: Vec<&str> =
                callers.iter().map(|groups| cell(gate, groups, place, command, *action, context)).collect();
            let shown: Vec<String> = context.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let shown = shown.join(";");
            table.push_str(&format!(
                "| {command} | {} | {shown} | {} |\n",
                action.as_str(),
                cells.join(" | ")
            ));
        }
    }
    table
}

fn cell(
    gate: &Gate,
    groups: &str,
    place: &str,
    command: &str,
    action: Action,
    context: &BTreeMap<String, String>,
) -> &'static str {
    let groups = groups.split(" + ").filter(|group| *group != "nobody").map(str::to_owned);
    let caller = Caller::new("console:grid/cell".to_owned(), gate.close(groups));
    let mut all = gate.vocabulary().usually();
    all.extend(context.clone());
    let verdict = gate.decide(&Ask { caller: &caller, place, command, action, context: &all });
    if verdict.authorization.allowed { "yes" } else { "-" }
}
