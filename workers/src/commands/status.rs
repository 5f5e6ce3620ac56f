//! `status <run>`: how one run stands, from its journal.

use adjutant_bus::{
    event::Fact,
    reply::{Block, Reply},
    spec::{Action, CommandSpec, Effect},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, path, runs};

pub(super) struct Status;

#[async_trait]
impl Command for Status {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![runs::argument()],
            effect: Effect::Read,
            action: Action::View,
            examples: vec!["status 7ZK3M0QX".to_owned()],
            ..CommandSpec::new(path("status"), "Show how a run stands and what it answered")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let typed = asked.text("run").unwrap_or_default();
        let unknown = || {
            let refusal = runs::unknown(typed);
            Failure::told(refusal.what, refusal.next)
        };
        let id = typed.parse().map_err(|_| unknown())?;
        let run = runs::find(&asked.bus, asked.request(), id).await?.ok_or_else(unknown)?;
        let opening = run.opening().ok_or_else(unknown)?;
        let mut reply = Reply::info(format!("Run {id}: {}", run.state())).fields([
            ("command", run.line()),
            ("asked by", opening.request.actor.shown().to_owned()),
            ("asked at", opening.request.received_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
            (
                "policy",
                opening.authorization.as_ref().map_or_else(|| "not asked".to_owned(), |a| a.policy.clone()),
            ),
        ]);
        let steps = run.events.iter().map(|recorded| {
            let event = &recorded.event;
            vec![event.at.strftime("%H:%M:%S").to_string(), told(&event.fact), event.token.worker.clone()]
        });
        reply = reply.table(&["at", "what", "worker"], steps.collect());
        if let Some((_, last)) = run.events.iter().find_map(|recorded| recorded.event.fact.end())
            && opening.request.actor.is(&asked.request().actor)
        {
            reply = reply.text(format!("**{}**", last.title));
            for block in &last.body {
                reply = reply.block(Block::clone(block));
            }
        }
        Ok(reply)
    }
}

fn told(fact: &Fact) -> String {
    match fact {
        Fact::Claimed => "claimed".to_owned(),
        Fact::Held { .. } => "held".to_owned(),
        Fact::Started => "started".to_owned(),
        Fact::Resumed => "resumed by another worker".to_owned(),
        Fact::Progress { progress } => progress.text.clone(),
        Fact::CancelRequested { by } => format!("cancel asked by {}", by.shown()),
        ended => ended.end().map_or("ended", |(outcome, _)| outcome.as_str()).to_owned(),
    }
}
