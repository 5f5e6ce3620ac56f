//! `help [command]`: what the asker may run, or one command in full.

use adjutant_bus::{
    reply::Reply,
    spec::{Action, ArgKind, ArgSpec, CommandSpec, Effect},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, path};
use crate::{catalogue::Entry, usage, words};

pub(super) struct Help;

#[async_trait]
impl Command for Help {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![ArgSpec::positional("command", ArgKind::Rest, "the command to explain").optional()],
            effect: Effect::Read,
            action: Action::View,
            examples: vec!["help".to_owned(), "help deploy promote".to_owned()],
            ..CommandSpec::new(path("help"), "List what you may run, or explain one command")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        match asked.text("command") {
            None => Ok(overview(asked)),
            Some(name) => explain(asked, name),
        }
    }
}

fn overview(asked: &Asked) -> Reply {
    let rows = asked
        .catalogue
        .iter()
        .filter(|entry| asked.asker.could(&entry.spec))
        .map(|entry| vec![usage::usage(&entry.spec), entry.spec.summary.replace('`', "")])
        .collect();
    Reply::info("What you may run").table(&["command", "what it does"], rows).text(
        "`help <command>` explains one, `help search <words>` finds one, `why <command>` tells why you may not.",
    )
}

fn explain(asked: &Asked, name: &str) -> Result<Reply, Failure> {
    let unknown = || {
        let next = "`help` lists what you may run, `help search <words>` looks through the descriptions.";
        Failure::told(format!("There is no command `{name}`"), next)
    };
    let words = words::split(name).map_err(|_| unknown())?.words;
    let group: Vec<_> =
        asked.catalogue.children(&words).into_iter().filter(|e| asked.asker.could(&e.spec)).collect();
    match asked.catalogue.find(&words) {
        Some(found) if found.consumed == words.len() && asked.asker.could(&found.entry.spec) => {
            Ok(with_children(usage::help(&found.entry.spec), &group))
        }
        Some(found) if found.consumed == words.len() => Err(Failure::told(
            format!("You may not run `{}`", found.entry.spec.path),
            format!("`why {}` tells the reason and whom to ask.", found.entry.spec.path),
        )),
        _ if !group.is_empty() => Ok(with_children(Reply::info(format!("Commands of `{name}`")), &group)),
        _ => Err(unknown()),
    }
}

fn with_children(reply: Reply, children: &[std::sync::Arc<Entry>]) -> Reply {
    if children.is_empty() {
        return reply;
    }
    let rows =
        children.iter().map(|e| vec![usage::usage(&e.spec), e.spec.summary.replace('`', "")]).collect();
    reply.table(&["command", "what it does"], rows)
}
