//! `freeze off --reason …`.

use adjutant_bus::{
    mode,
    reply::Reply,
    spec::{CommandSpec, Effect, Visibility},
};
use async_trait::async_trait;
use jiff::Timestamp;

use super::{given_reason, meanwhile, reason, shown};
use crate::commands::{Asked, Command, Failure, path};

pub(in crate::commands) struct Off;

#[async_trait]
impl Command for Off {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![reason()],
            effect: Effect::Mutating,
            visibility: Visibility::Public,
            examples: vec!["freeze off --reason \"all quiet\"".to_owned()],
            ..CommandSpec::new(path("freeze off"), "End the freeze, for everyone at once")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        given_reason(asked)?;
        // What cannot be read is ended as well.
        let seen = mode::see(&asked.bus).await?;
        mode::thaw(&asked.bus, &seen).await.map_err(meanwhile)?;
        let now = Timestamp::now();
        Ok(match seen.freeze.filter(|freeze| freeze.until.is_none_or(|until| now < until)) {
            Some(freeze) => shown(Reply::success("The freeze is off; this was it:"), &freeze),
            None if seen.unreadable => Reply::success("The freeze is off; it could not be read"),
            None => Reply::info("There is no freeze"),
        })
    }
}
