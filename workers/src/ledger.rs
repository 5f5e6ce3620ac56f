//! One request's journal as its worker writes it: knows the last sequence, repeats an append whose confirmation was lost,
//! takes in a request to cancel, and finds out when another worker owns the request.

use std::{sync::Arc, time::Duration};

use adjutant_bus::{
    actor::Actor,
    canary,
    event::{Event, Fact, Opening},
    id::Token,
    ports::{AppendError, BusError, Journal, Recorded},
    subject::{JournalKey, Journals},
    wire::Version,
};
use adjutant_metrics::worker as told;
use adjutant_traces::{Attribute, Name, Span};
use jiff::Timestamp;

/// First pause before an append is repeated; doubles with each try.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Most events of one journal that are read at once. Progress is coalesced to one event a second.
pub(crate) const WHOLE_JOURNAL: usize = 10_000;

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    /// Another worker owns the request: stop, discard, do not reply.
    #[error("another worker owns the request")]
    Lost(Vec<Recorded>),
    /// The journal could not be written within the tries allowed.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// How long an append is tried when the bus does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Once: what is lost does no harm.
    Once,
    /// A few times: the message can still be handed back.
    Brief,
    /// Until it is stored: what happened must be recorded. The caller bounds it by being dropped.
    Endless,
}

impl Patience {
    const fn tries(self) -> u32 {
        match self {
            Self::Once => 1,
            Self::Brief => 4,
            Self::Endless => u32::MAX,
        }
    }
}

/// The journal of one request.
pub(crate) struct Ledger {
    journal: Arc<dyn Journal>,
    key: JournalKey,
    token: Token,
    last: u64,
    number: u32,
    cancel: Option<Actor>,
    /// What was understood, for what is counted.
    command: Option<String>,
}

impl Ledger {
    /// A journal that, as far as is known, has no event yet.
    pub(crate) fn new(journal: Arc<dyn Journal>, key: JournalKey, worker: &str) -> Self {
        Self { journal, key, token: Token::new(worker), last: 0, number: 0, cancel: None, command: None }
    }

    /// Goes on after the last of these events, as a new attempt.
    pub(crate) fn adopt(&mut self, events: &[Recorded]) {
        if let Some(last) = events.last() {
            self.last = last.sequence;
            self.number = last.event.number;
        }
        self.cancel = events.iter().rev().find_map(|recorded| cancel(&recorded.event.fact));
        let opening = events.first().and_then(|recorded| recorded.event.opening.as_deref());
        self.command = opening.and_then(command);
    }

    /// Whose journal.
    pub(crate) const fn key(&self) -> &JournalKey {
        &self.key
    }

    /// The sequence of the last event: the fence of what is started under it.
    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    /// Who asked to cancel, if somebody did.
    pub(crate) const fn cancelled_by(&self) -> Option<&Actor> {
        self.cancel.as_ref()
    }

    /// Appends the fact that opens the journal: the claim.
    pub(crate) async fn open(&mut self, opening: Opening, fact: Fact) -> Result<u64, LedgerError> {
        self.command = command(&opening);
        self.write(Some(Box::new(opening)), fact, Patience::Brief).await
    }

    /// Appends a fact.
    pub(crate) async fn append(&mut self, fact: Fact, patience: Patience) -> Result<u64, LedgerError> {
        self.write(None, fact, patience).await
    }

    /// Looks for what others have written: a request to cancel, or a new owner.
    pub(crate) async fn look(&mut self) -> Result<(), LedgerError> {
        let after = self.journal.read(&Journals::Request(self.key.clone()), self.last, WHOLE_JOURNAL).await?;
        self.take_in(after)
    }

    async fn write(
        &mut self,
        opening: Option<Box<Opening>>,
        fact: Fact,
        patience: Patience,
    ) -> Result<u64, LedgerError> {
        let span = Span::begin(Name::Append).with(Attribute::Event(fact.name()));
        span.run(self.write_until(opening, fact, patience)).await
    }

    async fn write_until(
        &mut self,
        opening: Option<Box<Opening>>,
        fact: Fact,
        patience: Patience,
    ) -> Result<u64, LedgerError> {
        let mut event = Event {
            v: Version,
            number: self.number + 1,
            at: Timestamp::now(),
            token: self.token.clone(),
            opening,
            fact,
        };
        let mut pause = FIRST_PAUSE;
        let mut tries = patience.tries();
        loop {
            let failure = match self.journal.append(&self.key, self.last, &event).await {
                Ok(sequence) => return Ok(self.stored(sequence, &event)),
                Err(AppendError::Conflict { .. }) => match self.reconcile(&event).await {
                    Ok(Some(sequence)) => return Ok(self.stored(sequence, &event)),
                    Ok(None) => {
                        event.number = self.number + 1;
                        continue;
                    }
                    Err(LedgerError::Bus(error)) => error,
                    Err(lost) => return Err(lost),
                },
                Err(AppendError::Bus(error)) => error,
            };
            tries -= 1;
            if tries == 0 || !matches!(failure, BusError::Unavailable(_) | BusError::Full(_)) {
                return Err(failure.into());
            }
            tokio::time::sleep(jitter(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// After a conflict: the sequence of the event if it was stored after all; none if it may be tried again.
    async fn reconcile(&mut self, event: &Event) -> Result<Option<u64>, LedgerError> {
        let after = self.journal.read(&Journals::Request(self.key.clone()), self.last, WHOLE_JOURNAL).await?;
        let mine = |r: &&Recorded| r.event.token == self.token && r.event.number == event.number;
        if let Some(stored) = after.iter().find(mine) {
            return Ok(Some(stored.sequence));
        }
        if self.last == 0 && after.is_empty() {
            // The conflict says that there is something: a replica that lags has answered. Not known is not lost.
            let told = "the journal has begun, and what it holds cannot be read yet".to_owned();
            return Err(BusError::Unavailable(told).into());
        }
        if self.last == 0 {
            return Err(LedgerError::Lost(after));
        }
        self.take_in(after)?;
        Ok(None)
    }

    /// Takes in requests to cancel; anything else by another hand means that the request is not ours any more.
    fn take_in(&mut self, after: Vec<Recorded>) -> Result<(), LedgerError> {
        if after.iter().any(|recorded| cancel(&recorded.event.fact).is_none()) {
            return Err(LedgerError::Lost(after));
        }
        for recorded in after {
            self.cancel = cancel(&recorded.event.fact);
            self.advance(recorded.sequence, recorded.event.number);
        }
        Ok(())
    }

    /// Takes in that an event is stored, and counts the end of a request.
    fn stored(&mut self, sequence: u64, event: &Event) -> u64 {
        // Canaries are counted where they are sent.
        if canary::is_origin(&self.key.origin) {
            return self.advance(sequence, event.number);
        }
        if let Some((outcome, _)) = event.fact.end() {
            told::ended(self.command.as_deref(), outcome.as_str());
        }
        if let Fact::Refused { refusal, .. } = &event.fact {
            told::refused(self.key.origin.platform.as_str(), refusal.code.as_str());
        }
        self.advance(sequence, event.number)
    }

    const fn advance(&mut self, sequence: u64, number: u32) -> u64 {
        self.last = sequence;
        self.number = number;
        sequence
    }
}

fn command(opening: &Opening) -> Option<String> {
    opening.invocation.as_ref().map(|invocation| invocation.path.dotted())
}

fn cancel(fact: &Fact) -> Option<Actor> {
    match fact {
        Fact::CancelRequested { by } => Some(by.clone()),
        _ => None,
    }
}

/// Between half of the pause and the whole of it, so that many do not try again at once.
pub(crate) fn jitter(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use adjutant_bus::{
        memory::Memory,
        open::Role,
        ports::{BoxStream, Follow, Followed, Limits},
        subject::Origin,
    };
    use async_trait::async_trait;

    use super::*;
    use crate::sample;

    /// A journal on three servers, in its two bad moments: one that has just answered lags, and a confirmation is lost.
    struct Clustered {
        journal: Arc<dyn Journal>,
        lags: AtomicUsize,
        loses: AtomicUsize,
    }

    fn once_more(left: &AtomicUsize) -> bool {
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    #[async_trait]
    impl Journal for Clustered {
        async fn append(&self, key: &JournalKey, expected: u64, event: &Event) -> Result<u64, AppendError> {
            let stored = self.journal.append(key, expected, event).await;
            match stored {
                Ok(_) if once_more(&self.loses) => Err(BusError::Unavailable("lost".to_owned()).into()),
                stored => stored,
            }
        }
        async fn read(&self, of: &Journals, after: u64, most: usize) -> Result<Vec<Recorded>, BusError> {
            if once_more(&self.lags) { Ok(Vec::new()) } else { self.journal.read(of, after, most).await }
        }
        async fn newest(&self) -> Result<u64, BusError> {
            self.journal.newest().await
        }
        async fn identity(&self) -> Result<String, BusError> {
            self.journal.identity().await
        }
        async fn follow(&self, of: Journals, from: Follow) -> Result<BoxStream<Followed>, BusError> {
            self.journal.follow(of, from).await
        }
    }

    fn opening() -> (JournalKey, Opening) {
        let request = sample::request("ping");
        let key = JournalKey { origin: Origin::of(&request.actor), request: request.id };
        (key, Opening { request, invocation: None, authorization: None, message_sequence: 1 })
    }

    fn clustered(lags: usize, loses: usize) -> Arc<Clustered> {
        let journal = Memory::new(&Limits::default()).role(Role::Worker).journal;
        Arc::new(Clustered { journal, lags: lags.into(), loses: loses.into() })
    }

    #[tokio::test]
    async fn a_claim_that_was_lost_to_another_is_known_only_when_the_other_s_is_read() {
        let (key, opening) = opening();
        let journal = clustered(2, 0);
        Ledger::new(journal.clone(), key.clone(), "first")
            .open(opening.clone(), Fact::Claimed)
            .await
            .unwrap();
        let lost = Ledger::new(journal, key, "second").open(opening, Fact::Claimed).await;
        // An empty journal would be taken for one that is done with, and the message dropped.
        assert!(matches!(lost, Err(LedgerError::Lost(events)) if events.len() == 1));
    }

    #[tokio::test]
    async fn a_claim_whose_confirmation_was_lost_is_found_again_behind_a_replica_that_lags() {
        let (key, opening) = opening();
        let mut ledger = Ledger::new(clustered(2, 1), key, "first");
        let sequence = ledger.open(opening, Fact::Claimed).await.unwrap();
        assert_eq!((ledger.last(), sequence), (sequence, 1));
    }

    #[tokio::test]
    async fn a_journal_that_cannot_be_read_is_nobodys_and_the_message_is_handed_back() {
        let (key, opening) = opening();
        let journal = clustered(usize::MAX, 0);
        Ledger::new(journal.clone(), key.clone(), "first")
            .open(opening.clone(), Fact::Claimed)
            .await
            .unwrap();
        let unknown = Ledger::new(journal, key, "second").open(opening, Fact::Claimed).await;
        assert!(matches!(unknown, Err(LedgerError::Bus(BusError::Unavailable(_)))));
    }
}
