//! One message from delivery to acknowledgement: decode, claim in the journal, write ahead, run, end, acknowledge.

mod endings;
mod perform;
mod prepare;
mod settle;
mod submission;

use std::{collections::HashSet, sync::Arc, time::Duration};

use adjutant_bus::{
    canary,
    event::{Fact, Outcome},
    id::RequestId,
    ports::{Bus, Delivery, Recorded},
    request::{Request, Submission},
    spec::Effect,
    subject::JournalKey,
    wire,
};
use adjutant_metrics::worker as told;
use adjutant_policies::Policy;
use adjutant_traces::{Attribute, Name, Span};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use self::{
    perform::{Ending, Run},
    prepare::{Prepared, Ready},
    settle::Lease,
    submission::into_request,
};
use crate::{
    adopt::{Adoption, adopt},
    commands::About,
    ledger::{Ledger, LedgerError, Patience},
    mode::Modes,
    offers::Offers,
};

/// Deliveries after which a message is given up.
const MOST_DELIVERIES: u64 = 5;

/// Executes messages; shared by all tasks of a worker.
pub(crate) struct Executor {
    bus: Bus,
    policy: Arc<Policy>,
    offers: Arc<Offers>,
    about: Arc<About>,
    modes: Arc<Modes>,
    lease: Duration,
    abandon: CancellationToken,
    /// What this very process executes: a redelivery of it, as after an outage of the server, is not to be adopted.
    here: Mutex<HashSet<RequestId>>,
}

/// One request that is executed here; it leaves whatever happens to its task.
struct Here<'a> {
    all: &'a Mutex<HashSet<RequestId>>,
    id: RequestId,
}

impl<'a> Here<'a> {
    fn enter(all: &'a Mutex<HashSet<RequestId>>, id: RequestId) -> Option<Self> {
        let new = all.lock().insert(id);
        new.then(|| Self { all, id })
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
    }
}

/// What became of a message, for its settlement.
enum Done {
    /// It has its ending, or is not ours to end: acknowledge.
    Acknowledge,
    /// Try again after this time.
    Release(Duration),
    /// Another worker owns it, or this one gives it up in the middle: leave it alone.
    Leave,
    /// It cannot be handled: to the dead letters.
    Bury(String),
}

impl Executor {
    pub(crate) fn new(
        bus: Bus,
        policy: Arc<Policy>,
        offers: Arc<Offers>,
        about: Arc<About>,
        modes: Arc<Modes>,
        lease: Duration,
        abandon: CancellationToken,
    ) -> Self {
        Self { bus, policy, offers, about, modes, lease, abandon, here: Mutex::default() }
    }

    /// Executes one message, whatever it holds.
    pub(crate) async fn execute(&self, delivery: &Delivery) {
        let request = match wire::decode::<Submission>("request", &delivery.payload) {
            Ok(submission) => Arc::new(into_request(submission)),
            Err(error) => {
                error!(%error, origin = %delivery.origin, "a message cannot be read; it goes to the dead letters");
                return self.settle(delivery, Done::Bury(error.to_string())).await;
            }
        };
        let span = info_span!("request", id = %request.id, run = %request.id.run(), actor = %request.actor,
            platform = %delivery.origin.platform, command = tracing::field::Empty, outcome = tracing::field::Empty);
        let id = request.id;
        let Some(_here) = Here::enter(&self.here, id) else {
            return self.settle(delivery, Done::Release(self.lease)).await;
        };
        let trace = Span::of(Name::ProcessCommand, delivery.trace.as_ref())
            .with(Attribute::Request(&id.to_string()))
            .with(Attribute::Run(&id.run().to_string()))
            .with(Attribute::Platform(delivery.origin.platform.as_str()))
            .with(Attribute::Attempt(delivery.attempt));
        let lease = Lease::keep(delivery.handle.clone(), self.lease);
        let done = trace.run(self.handle(delivery, request).instrument(span)).await;
        drop(lease);
        trace.run(self.settle(delivery, done)).await;
    }

    /// Hands back a message that was not begun.
    pub(crate) async fn hand_back(&self, delivery: &Delivery) {
        self.settle(delivery, Done::Release(Duration::ZERO)).await;
    }

    async fn handle(&self, delivery: &Delivery, request: Arc<Request>) -> Done {
        let key = JournalKey { origin: delivery.origin.clone(), request: request.id };
        let mut ledger = Ledger::new(self.bus.journal.clone(), key, &self.about.worker);
        if delivery.attempt > MOST_DELIVERIES {
            return self.give_up(delivery, &request, ledger).await;
        }
        let deciding = Span::begin(Name::Decide);
        let prepared = match deciding.run(self.prepare(delivery, &request)).await {
            Ok(prepared) => prepared,
            Err(error) => {
                warn!(%error, "the request cannot be prepared now; handing it back");
                return Done::Release(settle::back_off(delivery.attempt));
            }
        };
        tell(&deciding, &prepared);
        drop(deciding);
        let (opening, fact, ready) = match prepared {
            Prepared::Ready(ready) => {
                tracing::Span::current().record("command", ready.command());
                let fact = if ready.effect() == Effect::Read { Fact::Started } else { Fact::Claimed };
                (ready.opening.clone(), fact, Some(ready))
            }
            Prepared::Paused(ready, refused) => (ready.opening.clone(), *refused, Some(ready)),
            Prepared::Ended(ended) => {
                let (opening, fact) = *ended;
                (opening, fact, None)
            }
        };
        let end = fact.end().map(|(outcome, _)| outcome);
        match (ledger.open(opening, fact.clone()).await, ready) {
            (Ok(_), Some(ready)) if end.is_none() => self.start(ledger, *ready).await,
            (Ok(_), _) => ended(end),
            (Err(LedgerError::Lost(events)), ready) => {
                let paused = end.is_some().then_some(fact);
                self.take_over(delivery, ledger, &events, ready, paused).await
            }
            (Err(LedgerError::Bus(error)), _) => {
                warn!(%error, "the journal cannot be written; nothing runs, handing the request back");
                Done::Release(settle::back_off(delivery.attempt))
            }
        }
    }

    /// The journal had begun already. While paused, what was started goes on, and what was only claimed ends with that fact.
    async fn take_over(
        &self,
        delivery: &Delivery,
        mut ledger: Ledger,
        events: &[Recorded],
        ready: Option<Box<Ready>>,
        paused: Option<Fact>,
    ) -> Done {
        let adoption = adopt(events, delivery.sequence, delivery.attempt);
        info!(?adoption, attempt = delivery.attempt, "the journal of this request has begun already");
        ledger.adopt(events);
        told::adopted(adoption.into());
        match adoption {
            Adoption::Settled => Done::Acknowledge,
            Adoption::Wait => Done::Release(self.lease),
            Adoption::Interrupt => self.end(ledger, endings::interrupted(events)).await,
            Adoption::Cancel => {
                let by = ledger.cancelled_by().cloned();
                self.end(ledger, endings::cancelled(by, Effect::Read)).await
            }
            Adoption::Resume => match ready.filter(|ready| ready.is(events)) {
                Some(ready) => match paused.filter(|_| !started(events)) {
                    Some(refused) => self.end(ledger, refused).await,
                    None => self.resume(ledger, events, *ready).await,
                },
                None => self.end(ledger, endings::changed_meanwhile()).await,
            },
        }
    }

    async fn resume(&self, mut ledger: Ledger, events: &[Recorded], ready: Ready) -> Done {
        if let Err(error) = ledger.append(Fact::Resumed, Patience::Brief).await {
            return left(&error);
        }
        if started(events) { self.perform(ledger, ready).await } else { self.start(ledger, ready).await }
    }

    /// Writes ahead, then runs.
    async fn start(&self, mut ledger: Ledger, ready: Ready) -> Done {
        if ready.effect() != Effect::Read {
            if let Some(by) = ledger.cancelled_by().cloned() {
                return self.end(ledger, endings::cancelled(Some(by), Effect::Read)).await;
            }
            if let Err(error) = ledger.append(Fact::Started, Patience::Brief).await {
                return left(&error);
            }
        }
        self.perform(ledger, ready).await
    }

    async fn perform(&self, mut ledger: Ledger, ready: Ready) -> Done {
        let run = Run { abandon: &self.abandon };
        let (command, begun) = (ready.command(), Instant::now());
        let span = Span::begin(Name::Run).with(Attribute::Command(&command));
        let ending = span.run(run.perform(&mut ledger, ready)).await;
        ending.outcome().into_iter().for_each(|outcome| span.set(Attribute::Outcome(outcome)));
        drop(span);
        if !canary::is_origin(&ledger.key().origin) {
            told::ran(&command, begun.elapsed());
        }
        match ending {
            Ending::With(fact) => self.end(ledger, *fact).await,
            Ending::NotOurs => Done::Leave,
        }
    }

    /// Appends the terminal event, however long the bus takes, unless another worker owns the request.
    async fn end(&self, mut ledger: Ledger, fact: Fact) -> Done {
        let fact = endings::fitting(fact);
        let outcome = fact.end().map(|(outcome, _)| outcome);
        let append = ledger.append(fact, Patience::Endless);
        match self.abandon.run_until_cancelled(append).await {
            Some(Ok(_)) => ended(outcome),
            Some(Err(error)) => left(&error),
            None => Done::Leave,
        }
    }

    /// It was delivered too often: ends it as failed, and keeps the whole message among the dead letters.
    async fn give_up(&self, delivery: &Delivery, request: &Request, mut ledger: Ledger) -> Done {
        let reason = format!("delivered {} times without an ending", delivery.attempt);
        let fact = endings::given_up();
        let written = match ledger.open(prepare::bare_opening(request, delivery.sequence), fact.clone()).await
        {
            Err(LedgerError::Lost(events)) if adopt(&events, delivery.sequence, 2) != Adoption::Settled => {
                ledger.adopt(&events);
                ledger.append(fact, Patience::Brief).await
            }
            Err(LedgerError::Lost(_)) => return Done::Acknowledge,
            written => written,
        };
        match written {
            Ok(_) => Done::Bury(reason),
            Err(LedgerError::Lost(_)) => Done::Leave,
            Err(LedgerError::Bus(_)) => Done::Release(settle::back_off(delivery.attempt)),
        }
    }
}

/// What was understood and decided, for the trace.
fn tell(span: &Span, prepared: &Prepared) {
    let opening = match prepared {
        Prepared::Ready(ready) | Prepared::Paused(ready, _) => &ready.opening,
        Prepared::Ended(ended) => &ended.0,
    };
    if let Some(invocation) = &opening.invocation {
        span.set(Attribute::Command(&invocation.path.dotted()));
    }
    if let Some(decision) = &opening.authorization {
        span.set(Attribute::Allowed(decision.allowed));
        span.set(Attribute::Policy(&decision.policy));
    }
}

fn started(events: &[Recorded]) -> bool {
    events.iter().any(|recorded| matches!(recorded.event.fact, Fact::Started))
}

fn ended(outcome: Option<Outcome>) -> Done {
    if let Some(outcome) = outcome {
        tracing::Span::current().record("outcome", outcome.as_str());
        info!(outcome = outcome.as_str(), "the request has ended");
    }
    Done::Acknowledge
}

fn left(error: &LedgerError) -> Done {
    match error {
        LedgerError::Lost(_) => {
            warn!("another worker owns this request; what was done here is discarded");
            Done::Leave
        }
        LedgerError::Bus(error) => {
            warn!(%error, "the journal cannot be written; the request is left to be delivered again");
            Done::Leave
        }
    }
}
