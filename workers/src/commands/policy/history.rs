//! `policy history`: what was published, by whom and why.

use adjutant_bus::{
    bundle,
    reply::Reply,
    spec::{Action, CommandSpec, Effect},
};
use adjutant_policies::live::{ENTRY, entry};
use async_trait::async_trait;

use crate::commands::{Asked, Command, Failure, path};

/// Most versions that are shown.
const SHOWN: usize = 20;

pub(in crate::commands) struct History;

#[async_trait]
impl Command for History {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            effect: Effect::Read,
            action: Action::View,
            ..CommandSpec::new(path("policy history"), "Show which policies were published, by whom and why")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let known = bundle::all(&asked.bus).await?;
        if known.is_empty() {
            return Ok(Reply::info("No policy has been published")
                .text("The workers go by files, or wait for the first publication."));
        }
        let rows = known.iter().rev().take(SHOWN).map(entry).collect();
        Ok(Reply::info(format!("{} published", many(known.len()))).table(&ENTRY, rows))
    }
}

fn many(n: usize) -> String {
    if n == 1 { "1 policy".to_owned() } else { format!("{n} policies") }
}
