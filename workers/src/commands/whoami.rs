//! `whoami`: the asker as Adjutant sees them, with the ids that an admin needs.

use adjutant_bus::{
    actor::Membership,
    reply::Reply,
    spec::{Action, CommandSpec, Effect},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, path};

pub(super) struct Whoami;

#[async_trait]
impl Command for Whoami {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            effect: Effect::Read,
            action: Action::View,
            details: "Give these ids to an admin when you ask for a right: names are labels, ids decide."
                .to_owned(),
            ..CommandSpec::new(path("whoami"), "Show who you are to Adjutant: your id and your groups")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let request = asked.request();
        let chat_groups = match &request.groups {
            Membership::Known { groups } => listed(groups.iter().map(ToString::to_string)),
            Membership::Unknown { reason } => format!("could not be looked up: {reason}"),
        };
        Ok(Reply::info(format!("You are {}", request.actor.shown())).fields([
            ("id", request.actor.to_string()),
            ("groups in chat", chat_groups),
            ("groups in policy", listed(asked.asker.groups().into_iter())),
            ("this place", request.place.to_string()),
        ]))
    }
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
