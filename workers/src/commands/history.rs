//! `history`: the asker's latest runs.

use std::collections::BTreeMap;

use adjutant_bus::{
    id::RequestId,
    ports::Recorded,
    reply::Reply,
    spec::{Action, ArgKind, ArgSpec, CommandSpec, Effect},
    subject::{Journals, Origin},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, path, runs::Run};

/// How many events of all journals are looked through at once, from the newest back. Each run has two to four.
const WINDOW: u64 = 4_000;
/// How often it goes further back, while there are fewer runs than are asked for.
const WINDOWS: u64 = 5;

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
    let newest = journal.newest().await?;
    let of_mine = Journals::Origin(Origin::of(&asked.request().actor));
    let (mut events, mut upto) = (Vec::new(), u64::MAX);
    for window in 1..=WINDOWS {
        let after = newest.saturating_sub(window * WINDOW);
        let read = journal.read(&of_mine, after, usize::try_from(WINDOW).unwrap_or(usize::MAX)).await?;
        let mut older: Vec<Recorded> =
            read.into_iter().filter(|recorded| recorded.sequence <= upto).collect();
        older.append(&mut events);
        (events, upto) = (older, after);
        if after == 0 || runs(asked, &events).len() >= most {
            break;
        }
    }
    let mut mine = runs(asked, &events);
    mine.sort_by_key(|run| std::cmp::Reverse(run.events.first().map(|recorded| recorded.sequence)));
    mine.truncate(most);
    Ok(mine)
}

/// The asker's runs whose beginning is among these events.
fn runs(asked: &Asked, events: &[Recorded]) -> Vec<Run> {
    let actor = &asked.request().actor;
    let mut runs: BTreeMap<RequestId, Run> = BTreeMap::new();
    for recorded in events {
        let key = recorded.key.clone();
        let run = runs.entry(key.request).or_insert_with(|| Run { key, events: Vec::new() });
        run.events.push(recorded.clone());
    }
    runs.into_values()
        .filter(|run| run.opening().is_some_and(|opening| opening.request.actor.is(actor)))
        .filter(|run| run.key.request != asked.request().id && run.line() != "home")
        .collect()
}

fn row(run: &Run) -> Vec<String> {
    let at = run.opening().map(|o| o.request.received_at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    vec![run.key.request.run().to_string(), at.unwrap_or_default(), run.line(), run.state().to_owned()]
}
