//! The proof before a policy is put in force: every row's own request, and callers who must be refused whatever the rows say.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::spec::Action;

use crate::{
    engine::{Asked, EngineError},
    finding::Findings,
    gate::{Ask, Caller, Gate},
    matching::cmd_match,
    model,
    rows::{self, Row},
};

/// A group that no row can name: it has a sign that names may not have.
const CANARY: &str = "canary:nobody";

/// Asks each row's own request, and the canaries.
pub(crate) fn probe(gate: &Gate, findings: &mut Findings) {
    for row in gate.rows() {
        if let Err(why) = probe_row(gate, row) {
            findings.error("probe", rows::FILE, (row.line, 1), why);
            return;
        }
    }
    if let Err(why) = canaries(gate) {
        findings.error("canary", model::FILE, (0, 0), why);
    }
}

fn probe_row(gate: &Gate, row: &Row) -> Result<(), String> {
    let Some(command) = gate.vocabulary().commands.iter().find(|command| cmd_match(command, &row.command))
    else {
        return Ok(()); // its service is away; it is probed when the service comes
    };
    let caller = Caller::new("console:probe/row".to_owned(), gate.close([row.group.clone()]));
    let place = example(&row.place, "console:probe/place");
    let action = match row.action.as_str() {
        "view" => Action::View,
        "approve" => Action::Approve,
        _ => Action::Run,
    };
    let context = context(gate, row);
    let ask = Ask { caller: &caller, place: &place, command, action, context: &context };
    let verdict = gate.decide(&ask);
    if let Some(denial) =
        verdict.denial.as_ref().filter(|denial| denial.dimension == crate::Dimension::Engine)
    {
        let incident = denial.incident.clone().unwrap_or_default();
        return Err(format!(
            "casbin fails on this row's own request, or sees it otherwise than its twin (incident {incident})"
        ));
    }
    if !row.allow && verdict.authorization.allowed {
        return Err("this deny row does not refuse its own request".to_owned());
    }
    Ok(())
}

/// A place that a pattern matches.
fn example(pattern: &str, any: &str) -> String {
    match pattern.strip_suffix('*') {
        Some("") => any.to_owned(),
        Some(stem) if stem.ends_with(':') => format!("{stem}probe/place"),
        Some(stem) => format!("{stem}place"),
        None => pattern.to_owned(),
    }
}

fn context(gate: &Gate, row: &Row) -> BTreeMap<String, String> {
    let usual = gate.vocabulary().usually();
    let own = row
        .conditions()
        .filter_map(|(key, values)| Some((key.to_owned(), values.split('|').next()?.to_owned())));
    usual.into_iter().chain(own).collect()
}

/// A caller whose only group no row names is refused everywhere; so are commands that nobody registered, asked of casbin
/// directly.
fn canaries(gate: &Gate) -> Result<(), String> {
    let stranger = Caller::new("console:probe/canary".to_owned(), BTreeSet::from([CANARY.to_owned()]));
    let map = crate::engine::groups_map([CANARY].into_iter());
    let contexts = [gate.vocabulary().usually(), BTreeMap::new()];
    for (command, engine) in gate.engines() {
        for asked in [command, "", "canary.unregistered"] {
            for action in [Action::Run, Action::View, Action::Approve] {
                for context in &contexts {
                    let who = stranger.groups().join("");
                    let request = Asked {
                        who: &who,
                        groups: &map,
                        place: "console:probe/canary",
                        command: asked,
                        action,
                        context,
                    };
                    match engine.enforce(&request) {
                        Ok(false) => {}
                        Ok(true) => {
                            return Err(format!("the model lets a caller without groups run `{asked}`"));
                        }
                        Err(EngineError::Panicked) => return Err("casbin panics on this model".to_owned()),
                        Err(error) => return Err(error.to_string()),
                    }
                }
            }
        }
    }
    Ok(())
}
