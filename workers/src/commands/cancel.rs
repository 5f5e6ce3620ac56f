//! `cancel <run>`: asks the worker that runs it to stop. The journal decides whether the end or the request came first.

use adjutant_bus::{
    event::{Event, Fact},
    id::Token,
    ports::AppendError,
    reply::Reply,
    spec::{CommandSpec, Effect},
    wire,
};
use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    Asked, Command, Failure, path,
    runs::{self, Run},
};

/// How often it tries when the run goes on writing meanwhile.
const TRIES: usize = 10;

pub(super) struct Cancel;

#[async_trait]
impl Command for Cancel {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![runs::argument()],
            effect: Effect::Idempotent,
            details: "You may cancel your own runs, and those of others whose command you may run yourself."
                .to_owned(),
            examples: vec!["cancel 7ZK3M0QX".to_owned()],
            ..CommandSpec::new(path("cancel"), "Ask a run to stop")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let typed = asked.text("run").unwrap_or_default();
        let unknown = || {
            let refusal = runs::unknown(typed);
            Failure::told(refusal.what, refusal.next)
        };
        let id = typed.parse().map_err(|_| unknown())?;
        for _ in 0..TRIES {
            let run = runs::find(&asked.bus, asked.request(), id).await?.ok_or_else(unknown)?;
            if let Some(outcome) = run.outcome() {
                return Ok(Reply::info(format!("Run {id} has ended already: {}", outcome.as_str())));
            }
            if !may(asked, &run) {
                let next =
                    "You may cancel your own runs, and those of others whose command you may run yourself.";
                return Err(Failure::told(format!("You may not cancel run {id}"), next));
            }
            let asked_for =
                |r: &adjutant_bus::ports::Recorded| matches!(r.event.fact, Fact::CancelRequested { .. });
            if run.events.iter().any(asked_for) {
                return Ok(Reply::info(format!("Run {id} is being cancelled already")));
            }
            match append(asked, &run).await {
                Ok(_) => {
                    let next = format!("It stops within seconds unless it ends first; `status {id}` tells.");
                    return Ok(Reply::success(format!("Asked run {id} to stop")).text(next));
                }
                Err(AppendError::Conflict { .. }) => {}
                Err(AppendError::Bus(error)) => return Err(error.into()),
            }
        }
        Err(Failure::told(
            format!("Run {id} could not be asked to stop"),
            format!("It is very busy; say `cancel {id}` again."),
        ))
    }
}

async fn append(asked: &Asked, run: &Run) -> Result<u64, AppendError> {
    let (sequence, number) = run.events.last().map_or((0, 0), |last| (last.sequence, last.event.number));
    let event = Event {
        v: wire::Version,
        number: number + 1,
        at: Timestamp::now(),
        token: Token::new(&asked.about.worker),
        opening: None,
        fact: Fact::CancelRequested { by: asked.request().actor.clone() },
    };
    asked.bus.journal.append(&run.key, sequence, &event).await
}

/// One's own run, or one that the asker could have started with these very arguments.
fn may(asked: &Asked, run: &Run) -> bool {
    let Some(opening) = run.opening() else { return false };
    if opening.request.actor.is(&asked.request().actor) {
        return true;
    }
    let Some(invocation) = &opening.invocation else { return false };
    asked.catalogue.get(&invocation.path).is_some_and(|entry| {
        asked.asker.authorize(&asked.catalogue, &entry.spec, &invocation.arguments).is_ok_and(|a| a.allowed)
    })
}
