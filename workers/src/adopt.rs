//! What to do with a message whose journal has already begun. Pure: the table of the architecture, nothing else.

use adjutant_bus::{
    event::{Event, Fact},
    ports::Recorded,
    spec::Effect,
};
use adjutant_metrics::worker::Adopted;

/// What a worker does that finds a journal begun by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adoption {
    /// It has ended, or waits for a decision, or this is a second copy of the request: acknowledge and drop.
    Settled,
    /// The server forgot how often it delivered the message, and its worker may be alive: hand back for one lease.
    Wait,
    /// Carry on.
    Resume,
    /// Nothing may run any more, and somebody asked to cancel: end it as cancelled.
    Cancel,
    /// Outcome unknown: end it as interrupted.
    Interrupt,
}

impl From<Adoption> for Adopted {
    fn from(adoption: Adoption) -> Self {
        match adoption {
            Adoption::Settled => Self::Settled,
            Adoption::Wait => Self::Wait,
            Adoption::Resume => Self::Resumed,
            Adoption::Cancel => Self::Cancelled,
            Adoption::Interrupt => Self::Interrupted,
        }
    }
}

/// Decides by the journal and by the delivery: its stream sequence and its count, 1 at the first delivery.
pub(crate) fn adopt(events: &[Recorded], sequence: u64, attempt: u64) -> Adoption {
    let facts = || events.iter().map(|recorded| &recorded.event.fact);
    let opening = events.first().and_then(|recorded| recorded.event.opening.as_deref());
    let waits = events.iter().rev().map(|r| &r.event).find(|e| !is_cancel(e)).is_some_and(is_held);
    if facts().any(|fact| fact.end().is_some()) || waits {
        return Adoption::Settled;
    }
    if opening.is_none_or(|opening| opening.message_sequence != sequence) {
        return Adoption::Settled;
    }
    if attempt <= 1 {
        return Adoption::Wait;
    }
    let started = facts().any(|fact| matches!(fact, Fact::Started));
    let effect = opening.and_then(|o| o.invocation.as_ref()).map_or(Effect::Mutating, |i| i.effect);
    match (started, effect.may_resume(), events.iter().any(|r| is_cancel(&r.event))) {
        (true, false, _) => Adoption::Interrupt,
        (_, _, true) => Adoption::Cancel,
        _ => Adoption::Resume,
    }
}

const fn is_cancel(event: &Event) -> bool {
    matches!(event.fact, Fact::CancelRequested { .. })
}

const fn is_held(event: &Event) -> bool {
    matches!(event.fact, Fact::Held { .. })
}

#[cfg(test)]
mod tests {
    use adjutant_bus::{
        event::{Invocation, Opening},
        id::Token,
        reply::Reply,
        subject::{JournalKey, Origin},
        wire::Version,
    };
    use jiff::Timestamp;

    use super::*;
    use crate::sample;

    const MESSAGE: u64 = 7;

    fn journal(effect: Effect, facts: &[Fact]) -> Vec<Recorded> {
        let request = sample::request("x");
        let key = JournalKey { origin: Origin::of(&request.actor), request: request.id };
        let invocation = Invocation {
            path: "x".parse().unwrap(),
            arguments: std::collections::BTreeMap::new(),
            canonical: "x".to_owned(),
            effect,
        };
        let opening =
            Opening { request, invocation: Some(invocation), authorization: None, message_sequence: MESSAGE };
        let event = |index: usize, fact: &Fact| Event {
            v: Version,
            number: u32::try_from(index).unwrap() + 1,
            at: Timestamp::UNIX_EPOCH,
            token: Token::new("w"),
            opening: (index == 0).then(|| Box::new(opening.clone())),
            fact: fact.clone(),
        };
        facts
            .iter()
            .enumerate()
            .map(|(i, fact)| Recorded { key: key.clone(), sequence: i as u64 + 20, event: event(i, fact) })
            .collect()
    }

    fn cancel() -> Fact {
        let by = sample::actor("pat");
        Fact::CancelRequested { by }
    }

    #[test]
    fn the_table_of_the_architecture_holds() {
        use Fact::{Claimed, Resumed, Started};
        let done = Fact::Succeeded { reply: Reply::info("done") };
        let hold = adjutant_bus::event::Hold::Confirm;
        let held = Fact::Held { hold, until: Timestamp::UNIX_EPOCH, reply: Reply::info("sure?") };
        let (read, idempotent, mutating) = (Effect::Read, Effect::Idempotent, Effect::Mutating);
        let table: Vec<(Effect, Vec<Fact>, u64, u64, Adoption)> = vec![
            (mutating, vec![Claimed, Started, done.clone()], MESSAGE, 1, Adoption::Settled),
            (mutating, vec![Claimed, Started, done], MESSAGE, 4, Adoption::Settled),
            (mutating, vec![Claimed, held.clone()], MESSAGE, 2, Adoption::Settled),
            (mutating, vec![Claimed, held.clone(), cancel()], MESSAGE, 2, Adoption::Settled),
            (mutating, vec![Claimed, held, Started], MESSAGE, 2, Adoption::Interrupt),
            (mutating, vec![Claimed], MESSAGE + 1, 1, Adoption::Settled),
            (mutating, vec![Claimed], MESSAGE + 1, 3, Adoption::Settled),
            (mutating, vec![Claimed, Started], MESSAGE, 1, Adoption::Wait),
            (read, vec![Started], MESSAGE, 1, Adoption::Wait),
            (mutating, vec![Claimed], MESSAGE, 2, Adoption::Resume),
            (mutating, vec![Claimed, Resumed], MESSAGE, 3, Adoption::Resume),
            (mutating, vec![Claimed, Started], MESSAGE, 2, Adoption::Interrupt),
            (mutating, vec![Claimed, Resumed, Started], MESSAGE, 3, Adoption::Interrupt),
            (mutating, vec![Claimed, Started, cancel()], MESSAGE, 2, Adoption::Interrupt),
            (mutating, vec![Claimed, cancel()], MESSAGE, 2, Adoption::Cancel),
            (idempotent, vec![Claimed, Started], MESSAGE, 2, Adoption::Resume),
            (idempotent, vec![Claimed, Started, cancel()], MESSAGE, 2, Adoption::Cancel),
            (read, vec![Started], MESSAGE, 2, Adoption::Resume),
        ];
        for (effect, facts, sequence, attempt, wanted) in table {
            let events = journal(effect, &facts);
            assert_eq!(
                adopt(&events, sequence, attempt),
                wanted,
                "{effect:?} {facts:?} {sequence} {attempt}"
            );
        }
    }

    #[test]
    fn a_journal_whose_opening_says_nothing_of_the_effect_is_taken_for_mutating() {
        let mut events = journal(Effect::Read, &[Fact::Claimed, Fact::Started]);
        if let Some(opening) = events[0].event.opening.as_mut() {
            opening.invocation = None;
        }
        assert_eq!(adopt(&events, MESSAGE, 2), Adoption::Interrupt);
    }
}
