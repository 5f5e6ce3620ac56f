//! Running a command that was written ahead: its handler in a task of its own, with time-out, cancel, progress and the
//! eye on the journal. A panic in a handler is an ending like any other.

use std::time::Duration;

use adjutant_bus::{
    actor::Actor,
    event::{Fact, Progress},
    ports::{Answer, CallError},
    reply::Reply,
    service::Call,
    spec::{CommandSpec, Visibility},
    wire,
};
use adjutant_traces::{Attribute, Name, Span, in_current};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::mpsc, task::JoinError, time::Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{Instrument, debug};

use super::{
    endings,
    prepare::{Handler, Ready},
};
use crate::{
    commands::{Asked, Failure},
    ledger::{Ledger, LedgerError, Patience},
};

/// For how long a service that was there a moment ago may be nowhere: its connection goes from one server to another.
const MOMENT: Duration = Duration::from_secs(2);
/// Pause before it is called again.
const AGAIN: Duration = Duration::from_millis(100);
/// How often the journal is looked at for a request to cancel, and progress is written at most.
const LOOK: Duration = Duration::from_secs(1);
/// Signs of life that may wait to be written; a service that sends more has them dropped, newest kept.
const PROGRESS_WAITING: usize = 16;
/// Most events of progress that one run may write to its journal.
const MOST_PROGRESS: usize = 3_600;

/// How running ended.
pub(super) enum Ending {
    /// With this terminal fact.
    With(Box<Fact>),
    /// Another worker owns the request, or this one is told to give up.
    NotOurs,
}

impl Ending {
    /// How it ended, if it did.
    pub(super) fn outcome(&self) -> Option<&'static str> {
        match self {
            Self::With(fact) => fact.end().map(|(outcome, _)| outcome.as_str()),
            Self::NotOurs => None,
        }
    }
}

/// What running needs.
pub(super) struct Run<'a> {
    pub(super) abandon: &'a CancellationToken,
}

/// How a handler ended.
type Answered = Result<Result<Reply, Fact>, JoinError>;

impl Run<'_> {
    pub(super) async fn perform(&self, ledger: &mut Ledger, ready: Ready) -> Ending {
        let spec = ready.spec().clone();
        let line = ready.opening.invocation.as_ref().map(|i| i.canonical.clone()).unwrap_or_default();
        let limit = Duration::from_secs(spec.timeout_seconds);
        let (progress, mut signs) = mpsc::channel(PROGRESS_WAITING);
        let fence = ledger.last();
        let work = in_current(handle(ready, fence, limit, progress)).in_current_span();
        let mut handler = AbortOnDropHandle::new(tokio::spawn(work));
        let deadline = Instant::now() + limit;
        let mut look = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
        let (mut latest, mut written) = (None, 0);
        loop {
            tokio::select! {
                biased;
                () = self.abandon.cancelled() => return Ending::NotOurs,
                answered = &mut handler => return with(end(answered, &spec)),
                () = tokio::time::sleep_until(deadline) =>
                    return with(endings::timed_out(spec.timeout_seconds, spec.effect, &line)),
                Some(sign) = signs.recv() => {
                    if written == 0 {
                        written += 1;
                        if self.note(ledger, sign).await { return Ending::NotOurs }
                    } else {
                        latest = Some(sign);
                    }
                }
                _ = look.tick() => {
                    if let Some(sign) = latest.take().filter(|_| written < MOST_PROGRESS) {
                        written += 1;
                        if self.note(ledger, sign).await { return Ending::NotOurs }
                    } else if lost(ledger.look().await) {
                        return Ending::NotOurs;
                    }
                    if let Some(by) = ledger.cancelled_by() {
                        return with(cancelled(by, &spec));
                    }
                }
            }
        }
    }

    /// Writes a sign of life; says whether the request turned out to be another worker's.
    async fn note(&self, ledger: &mut Ledger, progress: Progress) -> bool {
        lost(ledger.append(Fact::Progress { progress }, Patience::Once).await.map(|_| ()))
    }
}

fn with(fact: Fact) -> Ending {
    Ending::With(Box::new(fact))
}

fn lost(result: Result<(), LedgerError>) -> bool {
    match result {
        Ok(()) => false,
        Err(LedgerError::Lost(_)) => true,
        Err(LedgerError::Bus(error)) => {
            debug!(%error, "the journal cannot be reached just now");
            false
        }
    }
}

fn cancelled(by: &Actor, spec: &CommandSpec) -> Fact {
    endings::cancelled(Some(by.clone()), spec.effect)
}

fn end(answered: Answered, spec: &CommandSpec) -> Fact {
    match answered {
        Ok(Ok(reply)) => Fact::Succeeded { reply: shown(reply, spec) },
        Ok(Err(Fact::Failed { reply, incident })) => Fact::Failed { reply: shown(reply, spec), incident },
        Ok(Err(fact)) => fact,
        Err(fault) => endings::fault(&fault.to_string()),
    }
}

/// What a public command says is public, its failures too: others in the place rely on its outcome.
fn shown(reply: Reply, spec: &CommandSpec) -> Reply {
    if spec.visibility == Visibility::Public { reply.public() } else { reply }
}

async fn handle(
    ready: Ready,
    fence: u64,
    limit: Duration,
    progress: mpsc::Sender<Progress>,
) -> Result<Reply, Fact> {
    match &ready.handler {
        Handler::BuiltIn(command) => command.run(&ready.asked).await.map_err(endings::failed),
        Handler::Service => call(&ready, fence, limit, progress).await,
    }
}

async fn call(
    ready: &Ready,
    fence: u64,
    limit: Duration,
    progress: mpsc::Sender<Progress>,
) -> Result<Reply, Fact> {
    let spec = ready.spec();
    let path = spec.path.to_string();
    let call = message(&ready.asked, spec, fence, limit);
    let until = Instant::now() + MOMENT;
    loop {
        return match once(ready, &call, &progress).await {
            Ok(Some(Ok(reply))) => Ok(reply),
            Ok(Some(Err(message))) => Err(endings::failed(told(&path, message))),
            Ok(None) => Err(endings::fault("the service's answers ended without a result")),
            // Nobody has heard it, so nothing has run, and it may be said again.
            Err(CallError::NoService) if Instant::now() < until => {
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            Err(error) => Err(unanswered(&error, spec, &path)),
        };
    }
}

/// One call: what the service says in the end, if it says anything.
async fn once(
    ready: &Ready,
    call: &Call,
    progress: &mpsc::Sender<Progress>,
) -> Result<Option<Result<Reply, String>>, CallError> {
    let span = Span::begin(Name::Call).with(Attribute::Command(&call.path.dotted()));
    let answer = span.run(heard(ready, call, progress)).await;
    span.set(Attribute::Outcome(match &answer {
        Ok(Some(Ok(_))) => "succeeded",
        Ok(_) => "failed",
        Err(CallError::NoService) => "no_service",
        Err(CallError::Deadline) => "timed_out",
        Err(CallError::Malformed(_) | CallError::Bus(_)) => "unreadable",
    }));
    answer
}

async fn heard(
    ready: &Ready,
    call: &Call,
    progress: &mpsc::Sender<Progress>,
) -> Result<Option<Result<Reply, String>>, CallError> {
    let mut answers = ready.asked.bus.services.call(call.clone()).await?;
    while let Some(answer) = answers.next().await {
        match answer? {
            Answer::Progress(sign) => drop(progress.try_send(sign)),
            Answer::Result(reply) => return Ok(Some(Ok(reply))),
            Answer::Error(message) => return Ok(Some(Err(message))),
        }
    }
    Ok(None)
}

fn message(asked: &Asked, spec: &CommandSpec, fence: u64, limit: Duration) -> Call {
    let request = asked.request();
    let mut place = request.place.clone();
    place.answer = None;
    let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::from_secs(60));
    Call {
        v: wire::Version,
        request: request.id,
        fence,
        path: spec.path.clone(),
        arguments: asked.arguments.clone(),
        actor: request.actor.clone(),
        place,
        deadline: Timestamp::now().saturating_add(limit).unwrap_or(Timestamp::MAX),
    }
}

fn told(path: &str, message: String) -> Failure {
    Failure::Told(Box::new(Reply::failure(format!("`{path}` did not work").replace('`', "")).text(message)))
}

fn unanswered(error: &CallError, spec: &CommandSpec, path: &str) -> Fact {
    match error {
        CallError::NoService => endings::no_service(path),
        CallError::Deadline => endings::timed_out(spec.timeout_seconds, spec.effect, path),
        CallError::Malformed(_) | CallError::Bus(_) => endings::fault(&error.to_string()),
    }
}
