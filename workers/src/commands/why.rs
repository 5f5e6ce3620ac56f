//! `why <command…>`: the decision that a line would meet, and the row behind it.

use adjutant_bus::{
    reply::{Reply, Tone},
    spec::{Action, ArgKind, ArgSpec, CommandSpec, Effect},
};
use adjutant_policies::{Dimension, Explanation};
use async_trait::async_trait;

use super::{Asked, Command, Failure, path};
use crate::{authorize::NoPolicy, parse, refusals, words};

pub(super) struct Why;

#[async_trait]
impl Command for Why {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![ArgSpec::positional("command", ArgKind::Rest, "the line as you would type it")],
            effect: Effect::Read,
            action: Action::View,
            details: "Nothing is run. The answer is for you, in this place, under the policy in force."
                .to_owned(),
            examples: vec!["why deploy promote web staging production".to_owned()],
            ..CommandSpec::new(path("why"), "Tell whether you may run a command, and which rule decides")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let line = asked.text("command").unwrap_or_default();
        let may = |spec: &CommandSpec| asked.asker.could(spec);
        match parse::parse(&asked.catalogue, line, &may) {
            Ok(parsed) => explain(asked, &parsed.entry.spec, &parsed.arguments, &parsed.invocation.canonical),
            Err(refusal) => {
                match words::split(line).ok().and_then(|words| asked.catalogue.find(&words.words)) {
                    // The command without its arguments: which groups, which places.
                    Some(found) => {
                        let spec = &found.entry.spec;
                        explain(asked, spec, &std::collections::BTreeMap::new(), &spec.path.to_string())
                    }
                    None => Err(Failure::Told(Box::new((&refusal).into()))),
                }
            }
        }
    }
}

fn explain(
    asked: &Asked,
    spec: &CommandSpec,
    arguments: &std::collections::BTreeMap<String, serde_json::Value>,
    line: &str,
) -> Result<Reply, Failure> {
    let (explanation, opens) =
        asked.asker.explain(&asked.catalogue, spec, arguments).map_err(|NoPolicy| {
            Failure::told("No policy is loaded, so everything is refused", "Tell an operator.")
        })?;
    let policy = asked.asker.policy().unwrap_or("none").to_owned();
    let (tone, verdict) = match explanation.allowed {
        true => (Tone::Success, "You may"),
        false => (Tone::Warning, "You may not"),
    };
    let mut fields = vec![
        ("command", format!("{} ({})", spec.path.dotted(), spec.action.as_str())),
        ("your groups", or_none(&asked.asker.groups())),
        ("this place", asked.request().place.to_string()),
        ("decided by", explanation.row.clone().unwrap_or_else(|| "no row allows it".to_owned())),
    ];
    fields.extend(hints(&explanation));
    fields.extend(opens.map(|at| ("by the time alone, from", refusals::opening(&at))));
    let now = asked.asker.circumstances().iter().map(|(key, value)| format!("{key}={value}"));
    fields.push(("now", or_none(&now.collect::<Vec<_>>())));
    fields.push(("policy", policy));
    Ok(Reply::new(tone, format!("{verdict} run {line}")).fields(fields))
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What would have to be different, told only as far as it concerns the asker.
fn hints(explanation: &Explanation) -> Vec<(&'static str, String)> {
    let Some(denial) = &explanation.denial else { return Vec::new() };
    let mut hints = Vec::new();
    if !denial.forbidden.is_empty() {
        hints.push(("forbidden with", refusals::conditions(&denial.forbidden)));
    } else if !denial.conditions.is_empty() {
        hints.push(("you may with", refusals::conditions(&denial.conditions)));
    }
    if !denial.places.is_empty() {
        hints.push(("you may in", denial.places.join(", ")));
    }
    if !denial.who_may.is_empty() {
        hints.push(("who may", denial.who_may.join(", ")));
    }
    let near = explanation.nearest.iter().filter(|miss| !miss.missed.contains(&Dimension::Group));
    let near: Vec<String> = near.map(|miss| format!("{} {}", miss.row, miss.told())).collect();
    if !near.is_empty() {
        hints.push(("nearest rows", near.join("; ")));
    }
    hints
}
