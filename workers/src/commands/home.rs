//! `home`: one page with what the asker may run, and what they ran lately. Chat platforms with a page for an app show it there.

use adjutant_bus::{
    reply::{Block, Reply},
    spec::{Action, CommandSpec, Effect},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, history, path};
use crate::usage;

/// Runs that are shown.
const RUNS: usize = 5;

pub(super) struct Home;

#[async_trait]
impl Command for Home {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            effect: Effect::Read,
            action: Action::View,
            ..CommandSpec::new(path("home"), "Show what you may run, and your latest runs")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let may = asked.catalogue.iter().filter(|entry| asked.asker.could(&entry.spec));
        let commands: Vec<String> =
            may.map(|entry| format!("`{}` {}", usage::usage(&entry.spec), entry.spec.summary)).collect();
        let runs = history::latest(asked, RUNS).await?;
        let shown = runs.iter().map(|run| {
            format!("`{}` {} (run {})", run.line().replace('`', "'"), run.state(), run.key.request.run())
        });
        let shown: Vec<String> = shown.collect();
        let reply = Reply::info("What you may run").block(Block::List { items: commands });
        if shown.is_empty() {
            return Ok(reply.text("You have no recent runs."));
        }
        Ok(reply.text("**Your latest runs**").block(Block::List { items: shown }))
    }
}
