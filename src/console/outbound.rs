//! Folding the journal of one request into what a person is shown: the state at a sequence. Pure.

use adjutant_bus::{
    event::{Fact, Outcome, Progress},
    id::RunId,
    ports::Recorded,
    reply::Reply,
};
use jiff::{SignedDuration, Timestamp};

/// What is shown while a request is on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shown {
    /// The bus has it.
    Accepted(RunId),
    /// The bus has it, and after a while still no worker.
    Waiting(RunId),
    /// A worker has it.
    Running(RunId),
    /// How far it is.
    Progress(RunId, Progress),
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    /// The run.
    pub(crate) run: RunId,
    /// How.
    pub(crate) outcome: Outcome,
    /// The final reply.
    pub(crate) reply: Reply,
    /// From when it was received until it ended.
    pub(crate) took: SignedDuration,
}

/// What an event means for the person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Show this meanwhile.
    Show(Shown),
    /// It is over.
    End(Box<Ended>),
}

/// The fold over one request's journal.
pub(super) struct Fold {
    received_at: Timestamp,
    seen: u64,
}

impl Fold {
    pub(super) const fn new(received_at: Timestamp) -> Self {
        Self { received_at, seen: 0 }
    }

    /// What an event means; nothing if it was seen before.
    pub(super) fn fold(&mut self, recorded: &Recorded) -> Option<Step> {
        if recorded.sequence <= self.seen {
            return None;
        }
        self.seen = recorded.sequence;
        let run = recorded.key.request.run();
        if let Some((outcome, reply)) = recorded.event.fact.end() {
            let took = recorded.event.at.duration_since(self.received_at);
            return Some(Step::End(Box::new(Ended { run, outcome, reply: reply.clone(), took })));
        }
        match &recorded.event.fact {
            Fact::Progress { progress } => Some(Step::Show(Shown::Progress(run, progress.clone()))),
            Fact::Started | Fact::Resumed => Some(Step::Show(Shown::Running(run))),
            _ => None,
        }
    }
}
