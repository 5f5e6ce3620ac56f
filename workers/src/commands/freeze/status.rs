//! `freeze status`.

use adjutant_bus::{
    mode,
    reply::{Reply, Tone},
    spec::{Action, CommandSpec, Effect},
};
use async_trait::async_trait;
use jiff::Timestamp;

use super::shown;
use crate::commands::{Asked, Command, Failure, path};

pub(in crate::commands) struct Status;

#[async_trait]
impl Command for Status {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            effect: Effect::Read,
            action: Action::View,
            ..CommandSpec::new(path("freeze status"), "Show whether a freeze is on, who put it on and why")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let mode = mode::load(&asked.bus).await?;
        Ok(match mode.frozen(Timestamp::now()) {
            Some(freeze) => shown(Reply::new(Tone::Warning, "A freeze is on"), freeze),
            None => Reply::info("There is no freeze"),
        })
    }
}
