//! From a stored message to an event. One that cannot be decoded is passed over, loudly.

use tracing::error;

use crate::{event::Event, ports::Recorded, subject::Subject, wire};

/// The event in a message of the journal, by its subject, sequence and payload.
pub(super) fn decode(subject: &str, sequence: u64, payload: &[u8]) -> Option<Recorded> {
    let Ok(Subject::Journal(key)) = subject.parse() else {
        error!(subject, sequence, "an event on a subject that is none of ours is passed over");
        return None;
    };
    match wire::decode::<Event>("event", payload) {
        Ok(event) => Some(Recorded { key, sequence, event }),
        Err(error) => {
            error!(%error, subject, sequence, "an event that cannot be read is passed over");
            None
        }
    }
}
