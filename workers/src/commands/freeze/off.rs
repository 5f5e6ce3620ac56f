//! `freeze off --reason …`.

use adjutant_bus::{
    mode::{self, Mode},
    ports::BusError,
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
        // What cannot be read is ended as well.
        let mode = match mode::load(&asked.bus).await {
            Ok(mode) => mode,
            Err(BusError::Wire(_)) => Mode { freeze_unreadable: true, ..Mode::default() },
            Err(error) => return Err(error.into()),
        };
        mode::thaw(&asked.bus).await?;
        Ok(match mode.frozen(Timestamp::now()) {
            None if mode.freeze_unreadable => Reply::success("The freeze is off; it could not be read"),
            Some(freeze) => shown(Reply::success("The freeze is off; this was it:"), freeze),
            None => Reply::info("There is no freeze"),
        })
    }
}
