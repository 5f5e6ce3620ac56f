//! The commands of the demo: one file each, and one line each in [`ALL`].

mod history;
mod list;
mod promote;
mod rollback;

use adjutant_bus::{
    reply::Reply,
    spec::{ArgKind, ArgSpec, CommandPath, CommandSpec},
};
use futures::future::BoxFuture;

use super::{service::Work, state::ENVIRONMENTS};

/// A command: its description and what it does.
pub(super) struct Command {
    pub(super) spec: fn() -> CommandSpec,
    pub(super) run: for<'a> fn(&'a mut Work<'_>) -> BoxFuture<'a, Result<Reply, String>>,
}

/// Every command of the demo.
pub(super) const ALL: [Command; 4] = [
    Command { spec: list::spec, run: |work| Box::pin(list::run(work)) },
    Command { spec: promote::spec, run: |work| Box::pin(promote::run(work)) },
    Command { spec: rollback::spec, run: |work| Box::pin(rollback::run(work)) },
    Command { spec: history::spec, run: |work| Box::pin(history::run(work)) },
];

fn environment(name: &str, summary: &str) -> ArgSpec {
    ArgSpec::positional(name, ArgKind::Choice { choices: ENVIRONMENTS.map(str::to_owned).to_vec() }, summary)
}

fn app() -> ArgSpec {
    ArgSpec::positional("app", ArgKind::String, "the app: web, api or worker")
}

#[expect(clippy::expect_used, reason = "the text is a literal; the test of the offer reads every one")]
fn path(text: &'static str) -> CommandPath {
    text.parse().expect("literal command path")
}
