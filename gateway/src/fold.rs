//! Folding the journal of one request into what is to be shown: the state at a sequence. Pure.

use adjutant_bus::{
    event::{Fact, Opening, Outcome, Progress},
    ports::Recorded,
    reply::Reply,
    request::Request,
    spec::CommandPath,
};
use jiff::{SignedDuration, Timestamp};

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// How.
    pub outcome: Outcome,
    /// The final reply.
    pub reply: Reply,
    /// From when it was received until it ended.
    pub took: SignedDuration,
}

/// A run of this length ends with a message of its own, because an edit notifies nobody.
const LONG: SignedDuration = SignedDuration::from_secs(60);

impl Ended {
    /// Whether it took so long that its end is worth a message of its own.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.took >= LONG
    }
}

/// What is known of a request.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    seen: u64,
    /// Who asked, and where.
    pub request: Option<Request>,
    /// What was understood: the canonical line, which has its secrets redacted.
    pub line: String,
    /// The command that was understood.
    pub path: Option<CommandPath>,
    /// How far it is, since it has started.
    pub progress: Option<Progress>,
    /// What it waits for, as the asker is shown it.
    pub held: Option<Reply>,
    /// How it ended, if it has.
    pub ended: Option<Ended>,
    ended_at: Option<Timestamp>,
}

impl Fold {
    /// Adds an event; says whether it was new.
    pub fn add(&mut self, recorded: &Recorded) -> bool {
        if recorded.sequence <= self.seen {
            return false;
        }
        self.seen = recorded.sequence;
        if let Some(opening) = &recorded.event.opening {
            self.open(opening);
        }
        if let Some((outcome, reply)) = recorded.event.fact.end() {
            let received = self.request.as_ref().map_or(recorded.event.at, |request| request.received_at);
            let took = recorded.event.at.duration_since(received);
            self.ended_at = Some(recorded.event.at);
            self.ended = Some(Ended { outcome, reply: reply.clone(), took });
            return true;
        }
        match &recorded.event.fact {
            Fact::Progress { progress } => self.progress = Some(progress.clone()),
            Fact::Held { reply, .. } => self.held = Some(reply.clone()),
            Fact::Started | Fact::Resumed => self.held = None,
            _ => {}
        }
        true
    }

    /// The beginning was learned later than the end.
    pub fn received(&mut self, at: Timestamp) {
        if let (Some(ended), Some(ended_at)) = (&mut self.ended, self.ended_at) {
            ended.took = ended_at.duration_since(at);
        }
    }

    fn open(&mut self, opening: &Opening) {
        self.request = Some(opening.request.clone());
        if let Some(invocation) = &opening.invocation {
            self.line.clone_from(&invocation.canonical);
            self.path = Some(invocation.path.clone());
        }
    }
}
