//! What the commands about earlier runs share: finding a run by its short id, who may see it, and how it stands.

use adjutant_bus::{
    event::{Fact, Opening, Outcome},
    id::RunId,
    ports::{Bus, BusError, Recorded},
    refusal::{Refusal, RefusalCode},
    request::Request,
    spec::{ArgKind, ArgSpec},
    subject::{JournalKey, Journals, Origin},
};

use crate::ledger::WHOLE_JOURNAL;

/// A run as its journal tells it.
pub(super) struct Run {
    /// Its journal.
    pub(super) key: JournalKey,
    /// Its events, the opening one first.
    pub(super) events: Vec<Recorded>,
}

/// The argument that names a run.
pub(super) fn argument() -> ArgSpec {
    ArgSpec::positional("run", ArgKind::String, "the run id, 8 letters and digits, as shown with each answer")
}

/// The run with this short id, if it was asked from the same tenant as this request.
pub(super) async fn find(bus: &Bus, request: &Request, id: RunId) -> Result<Option<Run>, BusError> {
    let origin = Origin::of(&request.actor);
    let events = bus.journal.read(&Journals::Run(id), 0, WHOLE_JOURNAL).await?;
    let Some(key) = events.iter().map(|r| &r.key).find(|key| key.origin == origin).cloned() else {
        return Ok(None);
    };
    let events = events.into_iter().filter(|recorded| recorded.key == key).collect();
    Ok(Some(Run { key, events }))
}

/// The refusal for a run id that is none, or that nobody here knows.
pub(super) fn unknown(text: &str) -> Refusal {
    Refusal {
        code: RefusalCode::BadArguments,
        what: format!("There is no run `{}` here", text.chars().take(32).collect::<String>()),
        next:
            "A run id is the 8 letters and digits shown with each answer; `history` lists your latest runs."
                .to_owned(),
        shown: Vec::new(),
    }
}

impl Run {
    /// What opened it.
    pub(super) fn opening(&self) -> Option<&Opening> {
        self.events.first().and_then(|recorded| recorded.event.opening.as_deref())
    }

    /// How it ended, if it has.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.events.iter().find_map(|recorded| recorded.event.fact.end()).map(|(outcome, _)| outcome)
    }

    /// The command as understood, else as typed.
    pub(super) fn line(&self) -> String {
        self.opening().map_or_else(String::new, |opening| {
            opening.invocation.as_ref().map_or_else(|| opening.request.text.clone(), |i| i.canonical.clone())
        })
    }

    /// One word for how it stands.
    pub(super) fn state(&self) -> &'static str {
        if let Some(outcome) = self.outcome() {
            return outcome.as_str();
        }
        match self.events.last().map(|recorded| &recorded.event.fact) {
            Some(Fact::Held { .. }) => "waiting for a decision",
            Some(Fact::Claimed) => "about to start",
            Some(Fact::CancelRequested { .. }) => "being cancelled",
            _ => "running",
        }
    }
}
