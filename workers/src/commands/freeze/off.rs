//! `freeze off --reason …`.

use adjutant_bus::{
    mode,
    reply::Reply,
    spec::{CommandSpec, Effect, Visibility},
};
use async_trait::async_trait;
use jiff::Timestamp;

use super::{given_reason, reason, shown};
use crate::commands::{Asked, Command, Failure, path};

pub(in crate::commands) struct Off;

#[async_trait]
impl Command for Off {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![reason()],
            effect: Effect::Idempotent,
            visibility: Visibility::Public,
            examples: vec!["freeze off --reason \"all quiet\"".to_owned()],
            ..CommandSpec::new(path("freeze off"), "End the freeze, for everyone at once")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        given_reason(asked)?;
        let mode = mode::load(&asked.bus).await?;
        mode::thaw(&asked.bus).await?;
        Ok(match mode.frozen(Timestamp::now()) {
            Some(freeze) => shown(Reply::success("The freeze is off; this was it:"), freeze),
            None => Reply::info("There is no freeze"),
        })
    }
}
