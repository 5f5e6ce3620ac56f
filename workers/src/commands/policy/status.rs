//! `policy status`: which policy each replica decides by.

use adjutant_bus::{
    bundle, presence,
    reply::{Reply, Tone},
    spec::{Action, CommandSpec, Effect},
};
use adjutant_policies::live::{STAND, stand, trouble};
use async_trait::async_trait;

use crate::commands::{Asked, Command, Failure, path};

pub(in crate::commands) struct Status;

#[async_trait]
impl Command for Status {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            effect: Effect::Read,
            action: Action::View,
            ..CommandSpec::new(
                path("policy status"),
                "Show which policy each replica decides by, and what is wrong",
            )
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let newest = bundle::newest(&asked.bus).await?.map(|bundle| bundle.named);
        let mut replicas = presence::all(&asked.bus).await?;
        replicas.retain(|replica| replica.policy.is_some());
        let published = newest.as_ref().map_or_else(
            || "nothing has been published".to_owned(),
            |named| format!("{} ({:.8})", named.version, named.sha256),
        );
        let rows: Vec<Vec<String>> =
            replicas.iter().filter_map(|replica| stand(replica, newest.as_ref())).collect();
        let good = replicas.iter().all(|replica| trouble(replica, newest.as_ref()).is_none());
        let (tone, title) = match (good, replicas.len()) {
            (_, 0) => (Tone::Warning, "No replica tells which policy it decides by".to_owned()),
            (true, 1) => (Tone::Success, "1 replica, and all is well".to_owned()),
            (true, n) => (Tone::Success, format!("{n} replicas, and all is well")),
            (false, _) => {
                (Tone::Warning, "Not every replica decides by the policy that it should".to_owned())
            }
        };
        Ok(Reply::new(tone, title).fields([("published", published)]).table(&STAND, rows))
    }
}
