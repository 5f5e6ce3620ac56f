//! `commands`: the catalogue as operators see it: where each command comes from and which right it needs.

use adjutant_bus::{
    reply::Reply,
    spec::{Action, CommandSpec, Effect},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, path};
use crate::catalogue::Source;

pub(super) struct Commands;

#[async_trait]
impl Command for Commands {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            effect: Effect::Read,
            action: Action::View,
            ..CommandSpec::new(
                path("commands"),
                "List the commands with their source, their effect and the right they need",
            )
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let rows = asked
            .catalogue
            .iter()
            .filter(|entry| asked.asker.could(&entry.spec))
            .map(|entry| {
                let source = match &entry.source {
                    Source::BuiltIn => "built in".to_owned(),
                    Source::Service { name } => format!("service {name}"),
                };
                let right = format!("{} {}", entry.spec.path.dotted(), entry.spec.action.as_str());
                vec![entry.spec.path.to_string(), source, effect(entry.spec.effect).to_owned(), right]
            })
            .collect();
        Ok(Reply::info("Commands that you may run").table(&["command", "source", "effect", "right"], rows))
    }
}

const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Idempotent => "idempotent",
        Effect::Mutating => "mutating",
    }
}
