//! `history`: the asker's latest runs.

use std::collections::BTreeMap;

use adjutant_bus::{
    id::RequestId,
    reply::Reply,
    spec::{Action, ArgKind, ArgSpec, CommandSpec, Effect},
    subject::{Journals, Origin},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, path, runs::Run};

/// How far back it looks, in events of all journals. Each run has two to four.
const WINDOW: u64 = 4_000;
/// Most events read of that window.
const MOST_EVENTS: usize = 4_000;

pub(super) struct History;

#[async_trait]
impl Command for History {
    fn spec(&self) -> CommandSpec {
        let limit = ArgSpec::flag("limit", ArgKind::Integer { min: Some(1), max: Some(50) }, "how many runs");
        CommandSpec {
            args: vec![limit.default_value(10)],
            effect: Effect::Read,
            action: Action::View,
            ..CommandSpec::new(path("history"), "List your latest runs")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let limit = asked.arguments.get("limit").and_then(serde_json::Value::as_u64).unwrap_or(10);
        let mine = latest(asked, usize::try_from(limit).unwrap_or(10)).await?;
        if mine.is_empty() {
            return Ok(Reply::info("You have no recent runs").text("`help` lists what you may run."));
        }
        let rows = mine.iter().map(row).collect();
        Ok(Reply::info("Your latest runs").table(&["run", "asked at", "command", "state"], rows))
    }
}

/// The asker's latest runs, newest first. Looking at the home page is none.
pub(super) async fn latest(asked: &Asked, most: usize) -> Result<Vec<Run>, Failure> {
    let journal = &asked.bus.journal;
    let after = journal.newest().await?.saturating_sub(WINDOW);
    let actor = &asked.request().actor;
    let events = journal.read(&Journals::Origin(Origin::of(actor)), after, MOST_EVENTS).await?;
    let mut runs: BTreeMap<RequestId, Run> = BTreeMap::new();
    for recorded in events {
        let key = recorded.key.clone();
        runs.entry(key.request).or_insert_with(|| Run { key, events: Vec::new() }).events.push(recorded);
    }
    let mut mine: Vec<Run> = runs
        .into_values()
        .filter(|run| run.opening().is_some_and(|opening| opening.request.actor.is(actor)))
        .filter(|run| run.key.request != asked.request().id && run.line() != "home")
        .collect();
    mine.sort_by_key(|run| std::cmp::Reverse(run.events.first().map(|recorded| recorded.sequence)));
    mine.truncate(most);
    Ok(mine)
}

fn row(run: &Run) -> Vec<String> {
    let at = run.opening().map(|o| o.request.received_at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    vec![run.key.request.run().to_string(), at.unwrap_or_default(), run.line(), run.state().to_owned()]
}
