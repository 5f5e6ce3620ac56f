//! `version`: which program, which worker, which policy.

use adjutant_bus::{
    reply::Reply,
    spec::{Action, CommandSpec, Effect},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, path};

pub(super) struct Version;

#[async_trait]
impl Command for Version {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            effect: Effect::Read,
            action: Action::View,
            ..CommandSpec::new(path("version"), "Show which version answers, and which policy is in force")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let policy = asked.asker.policy().unwrap_or("none loaded");
        Ok(Reply::info(format!("Adjutant {}", asked.about.version))
            .fields([("worker", asked.about.worker.as_str()), ("policy", policy)]))
    }
}
