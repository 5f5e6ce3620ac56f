//! `rerun <run>`: asks for the same command again, as the one who types it, under a new run id.

use adjutant_bus::{
    reply::Reply,
    spec::{CommandSpec, Effect},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, Standstill, path, runs};
use crate::parse::REDACTED;

pub(super) struct Rerun;

#[async_trait]
impl Command for Rerun {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![runs::argument()],
            effect: Effect::Idempotent,
            details: "The command is authorized anew, as you and as of now, and takes all arguments of the earlier run."
                .to_owned(),
            examples: vec!["rerun 7ZK3M0QX".to_owned()],
            ..CommandSpec::new(path("rerun"), "Run the command of an earlier run again")
        }
    }

    async fn stands_for(&self, asked: &Asked) -> Result<Option<String>, Standstill> {
        let typed = asked.text("run").unwrap_or_default();
        let unknown = || runs::unknown(typed);
        let refuse = |what: &str, next: &str| {
            Standstill::Refused(adjutant_bus::refusal::Refusal {
                what: what.to_owned(),
                next: next.to_owned(),
                ..unknown()
            })
        };
        let id = typed.parse().map_err(|_| Standstill::Refused(unknown()))?;
        let run = runs::find(&asked.bus, asked.request(), id)
            .await?
            .ok_or_else(|| Standstill::Refused(unknown()))?;
        let Some(invocation) = run.opening().and_then(|opening| opening.invocation.as_ref()) else {
            return Err(refuse(
                "That run was not understood, so there is nothing to run again",
                "Type the command anew.",
            ));
        };
        if invocation.arguments.values().any(|value| value == REDACTED) {
            return Err(refuse(
                "That run had a secret argument, which is not kept",
                "Type the command anew.",
            ));
        }
        Ok(Some(invocation.canonical.clone()))
    }

    async fn run(&self, _asked: &Asked) -> Result<Reply, Failure> {
        Err(Failure::told("There was nothing to run again", "Type the command anew."))
    }
}
